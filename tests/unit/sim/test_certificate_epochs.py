"""Certificates across committee changes: the chain of handovers from genesis, and its forgeries."""

import runpy
from pathlib import Path
from typing import Any

import msgspec
import pytest

from node.finality import decode_committee, decode_proof
from node.finality_reasons import NotFinal, Reason
from node.finality_rules import Trust, check_proof
from primitives.committee import Committee
from primitives.errors import InvalidInput
from tests.unit.sim.forgeries import text_of
from tests.unit.sim.forgeries_epochs import (
    FORGERIES,
    changing_world,
    committee_text,
    decoded,
    document,
    genesis_hash,
    of_shard,
    proof,
    text,
)


@pytest.fixture(scope="module")
def client() -> dict[str, Any]:
    return runpy.run_path(str(Path(__file__).resolve().parents[3] / "examples" / "light_client.py"))


def judge(name: str, trust: Trust) -> Reason | None:
    make, _ = FORGERIES[name]
    try:
        check_proof(decoded(make()), trust)
    except NotFinal as error:
        return error.reason
    return None


def refusal(client: dict[str, Any], data: bytes) -> str:
    with pytest.raises(client["Forged"]) as caught:
        client["verify"](client["read"](data), f"0x{genesis_hash().hex()}")
    return str(caught.value).split(":")[0]


def test_a_run_exports_the_way_from_genesis_to_the_committee_of_its_head() -> None:
    found = proof()
    assert (found.source.epoch, found.certificate.epoch) == (2, 2)
    assert [handover.header.number for handover in found.handovers] == [4, 8]
    nodes = [handover.committee.nodes for handover in found.handovers]
    assert nodes == [(0, 1, 2, 3, 4), (0, 2, 3, 4, 5)]
    before, after = found.handovers[1].committee, found.source.committee
    assert after.nodes == before.nodes
    changed = [a != b for a, b in zip(before.public_keys, after.public_keys, strict=True)]
    assert changed == [True, False, False, False, False]
    assert decoded(found) == found


def test_the_genesis_hash_alone_proves_it() -> None:
    check_proof(decoded(proof()), Trust(genesis_hash=genesis_hash()))
    check_proof(decoded(proof()), Trust())


def test_the_committee_of_any_epoch_may_be_trusted() -> None:
    committee = decode_committee(committee_text(), "committee.json")
    assert committee.epoch == 2
    check_proof(decoded(proof()), Trust(committee=committee))
    for epoch, handover in enumerate(proof().handovers):
        earlier = msgspec.structs.replace(committee, epoch=epoch, committee=handover.committee)
        check_proof(decoded(proof()), Trust(committee=earlier))
        later = msgspec.structs.replace(earlier, epoch=epoch + 1)
        with pytest.raises(NotFinal) as caught:
            check_proof(decoded(proof()), Trust(committee=later))
        assert caught.value.reason is Reason.COMMITTEE
    with pytest.raises(NotFinal) as caught:
        check_proof(decoded(proof()), Trust(committee=msgspec.structs.replace(committee, epoch=3)))
    assert caught.value.reason is Reason.EPOCH


def test_a_committee_hands_over_in_any_shard_only_as_its_closing_block_says() -> None:
    """Block 0 binds the first committee of shard 0; of another shard the reader trusts it."""
    first, second = (handover.committee for handover in proof().handovers)
    committee = decode_committee(committee_text(), "committee.json")
    trust = Trust(committee=msgspec.structs.replace(committee, shard=1, epoch=0, committee=first))
    check_proof(decoded(of_shard(1, second)), trust)
    with pytest.raises(NotFinal) as caught:
        check_proof(decoded(of_shard(1, Committee(first.members[::-1]))), trust)
    assert caught.value.reason is Reason.HANDOVER


def test_who_trusts_the_last_committee_needs_no_handovers() -> None:
    committee = decode_committee(committee_text(), "committee.json")
    bare = msgspec.structs.replace(proof(), handovers=())
    check_proof(decoded(bare), Trust(committee=committee))


def test_the_light_client_follows_the_handovers(client: dict[str, Any]) -> None:
    shown = client["verify"](client["read"](text(proof())), f"0x{genesis_hash().hex()}")
    assert shown["height"] == proof().header.number


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_is_refused_with_its_reason(name: str) -> None:
    assert judge(name, Trust(genesis_hash=genesis_hash())) is FORGERIES[name][1]


@pytest.mark.parametrize("name", FORGERIES)
def test_the_light_client_gives_the_same_reason(client: dict[str, Any], name: str) -> None:
    make, reason = FORGERIES[name]
    assert refusal(client, text(make())) == reason.value


@pytest.mark.parametrize(
    ("field", "value", "where"),
    [
        ("nodes", [0, 2, 3, 4], "nodes"),
        ("nodes", [0, 0, 2, 3, 4], "committee"),
        ("nodes", [0, 2, 3, 4, -1], "nodes"),
        ("committee", [], "nodes"),
        ("header", "0x", "handovers"),
        ("votes", 1, "handovers"),
    ],
)
def test_a_handover_of_another_form_is_no_file(
    client: dict[str, Any], field: str, value: object, where: str
) -> None:
    shown = document(proof())
    shown["handovers"][1][field] = value
    with pytest.raises(InvalidInput, match=where):
        decode_proof(text_of(shown), "certificate.json")
    with pytest.raises(client["Malformed"]):
        client["verify"](client["read"](text_of(shown)), f"0x{genesis_hash().hex()}")


def test_the_world_of_the_test_has_changed_its_committee_twice() -> None:
    world = changing_world()
    assert world.committee.nodes == (0, 2, 3, 4, 5)
    assert world.primary() == 0
