"""Certificate files: what proves a block final, what does not, and what is no such file."""

import json
from collections.abc import Callable

import pytest

from node.finality import (
    decode_committee,
    decode_proof,
    encode_committee,
    encode_proof,
)
from node.finality_form import FILE_BYTES_MAX
from node.finality_reasons import NotFinal, Reason
from node.finality_rules import Trust, check_proof
from primitives.errors import InvalidInput
from primitives.header import header_hash
from primitives.ids import Hash32
from sim.certificates import certificate_files, head_proof
from tests.unit.sim.forgeries import (
    FORGERIES,
    OTHER_SEED,
    SEED,
    Document,
    certificate,
    certificate_text,
    committee_text,
    genesis_hash,
    modelled,
    small_world,
    text_of,
)

GENESIS = Hash32(bytes.fromhex(genesis_hash()[2:]))
COMMITTEE = decode_committee(committee_text(), "committee.json")


def judge(document: Document, trust: Trust) -> Reason | None:
    try:
        check_proof(decode_proof(text_of(document), "certificate.json"), trust)
    except NotFinal as error:
        return error.reason
    return None


@pytest.mark.parametrize(
    "trust",
    [
        Trust(),
        Trust(genesis_hash=GENESIS),
        Trust(committee=COMMITTEE),
        Trust(genesis_hash=GENESIS, committee=COMMITTEE),
    ],
)
def test_the_certificate_of_a_run_proves_its_head(trust: Trust) -> None:
    proof = decode_proof(certificate_text(), "certificate.json")
    check_proof(proof, trust)
    assert proof.certificate.sequence == proof.header.number >= 3
    assert proof.certificate.digest == header_hash(proof.header)


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_is_refused_with_its_reason(name: str) -> None:
    make, reason = FORGERIES[name]
    assert judge(make(), Trust(genesis_hash=GENESIS)) is reason


@pytest.mark.parametrize("name", FORGERIES)
def test_a_trusted_committee_refuses_every_forgery_too(name: str) -> None:
    make, reason = FORGERIES[name]
    assert judge(make(), Trust(committee=COMMITTEE)) is reason


def test_only_what_is_trusted_tells_a_chain_from_another() -> None:
    other = certificate(OTHER_SEED)
    assert judge(other, Trust()) is None
    assert judge(other, Trust(genesis_hash=GENESIS)) is Reason.CHAIN


def test_a_committee_is_pinned_by_genesis_alone() -> None:
    swapped = FORGERIES["committee swapped"][0]()
    assert judge(swapped, Trust()) is Reason.COMMITTEE


def test_other_parameters_are_another_chain() -> None:
    document = certificate()
    text = document["chain"]["params"]
    document["chain"]["params"] = text.replace("cd0539", "cd053a")
    assert document["chain"]["params"] != text
    assert judge(document, Trust()) is Reason.COMMITTEE


def test_modelled_signatures_prove_nothing_and_calling_them_real_does_not_help() -> None:
    document = modelled()
    assert judge(document, Trust()) is Reason.MODELLED
    document["signatures"] = "ed25519"
    assert judge(document, Trust()) is Reason.SIGNATURE


def test_a_reason_names_the_place_and_what_was_expected() -> None:
    make, _ = FORGERIES["PREPARE shown as COMMIT"]
    with pytest.raises(NotFinal) as caught:
        check_proof(decode_proof(text_of(make()), "x"), Trust(genesis_hash=GENESIS))
    assert "validator 0: expected a COMMIT for block" in str(caught.value)
    assert "got a PREPARE, which does not make a block final" in str(caught.value)
    make, _ = FORGERIES["one signature too few"]
    with pytest.raises(NotFinal, match="expected 3 signatures of 4 validators, got 2"):
        check_proof(decode_proof(text_of(make()), "x"), Trust(genesis_hash=GENESIS))


def test_anchors_that_contradict_one_another_are_refused() -> None:
    other = decode_committee(committee_text(OTHER_SEED), "c")
    with pytest.raises(InvalidInput, match="one of the trusted chain"):
        Trust(genesis_hash=GENESIS, committee=other)


def test_files_are_written_as_they_are_read() -> None:
    text = certificate_text()
    assert encode_proof(decode_proof(text, "x")) == text
    assert encode_committee(COMMITTEE) == committee_text()
    assert text.endswith(b"}\n")


def test_a_world_without_blocks_has_a_committee_and_no_certificate() -> None:
    world = small_world(SEED, run_s=0)
    assert head_proof(world, "real") is None
    assert list(certificate_files(world, "real")) == ["committee.json"]
    for node in range(4):
        world.crash(node)
    assert head_proof(world, "real") is None


def test_the_highest_head_is_shown_whoever_holds_it() -> None:
    world = small_world(SEED, run_s=1.5)
    world.crash(0)
    world.run_for(8_000_000_000)
    proof = head_proof(world, "real")
    assert proof is not None
    assert proof.header.number == world.head.number > 1


def test_what_a_liar_holds_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    world = small_world(SEED, run_s=2.5)
    for node in range(3):
        world.crash(node)
    assert head_proof(world, "real") is not None
    monkeypatch.setattr(world, "is_honest", lambda node: node != 3)
    assert head_proof(world, "real") is None


# ---------------------------------------------------------------- what is no such file


def change(*path: str | int, to: object) -> Callable[[], bytes]:
    def text() -> bytes:
        document = certificate()
        place: object = document
        for key in path[:-1]:
            place = place[key]  # type: ignore[index]
        if to is None:
            del place[path[-1]]  # type: ignore[attr-defined]
        else:
            place[path[-1]] = to  # type: ignore[index]
        return text_of(document)

    return text


MALFORMED: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "file.json: expected JSON"),
    "cut": (lambda: certificate_text()[:-9], "file.json: expected JSON"),
    "not text": (lambda: b'"\xff\xfe"', "file.json: expected `object`, got `str`"),
    "a list": (lambda: b"[]", "file.json: expected `object`, got `array`"),
    "too long": (lambda: b" " * (FILE_BYTES_MAX + 1), "expected at most 16777216 bytes, got more"),
    "nested": (lambda: b'{"x":' * 100_000, "file.json: expected"),
    "another format": (
        change("format", to="orrery.other"),
        "file.json: format: expected a value that this version knows",
    ),
    "a later version": (
        change("version", to=2),
        "file.json: version: expected a value that this version knows, see docs/guides/cert",
    ),
    "a field missing": (
        change("certificate", "view", to=None),
        "file.json: certificate: expected all fields of .*, got no field `view`",
    ),
    "a field too many": (
        change("certificate", "round", to=1),
        "file.json: certificate: expected only the fields of .*, got `round`",
    ),
    "text for a number": (
        change("certificate", "view", to="0"),
        "file.json: certificate.view: expected `int`, got `str`",
    ),
    "a negative number": (
        change("certificate", "sequence", to=-1),
        "file.json: certificate.sequence: expected `int` >= 0, got a value out of range",
    ),
    "a short hash": (
        change("certificate", "digest", to="0x12"),
        "file.json: certificate.digest: expected 0x and 64 lower-case hexadecimal digits",
    ),
    "a capital digit": (
        change("chain", "genesis_hash", to="0x" + "AB" * 32),
        "file.json: chain.genesis_hash: expected 0x and 64 lower-case hexadecimal digits",
    ),
    "a short signature": (
        change("certificate", "signatures", 1, "signature", to="0x" + "12" * 63),
        r"certificate.signatures\[1\].signature: expected 0x and 128 lower-case",
    ),
    "half a byte": (
        change("header", to="0x123"),
        "file.json: header: expected 0x and pairs of lower-case hexadecimal digits",
    ),
    "no header": (change("header", to="0x"), r"file.json: header \(rlp\): expected"),
    "a short header": (change("header", to="0xc20102"), "file.json: header: expected .*21"),
    "no genesis header": (
        change("chain", "genesis_header", to="0xc20102"),
        "file.json: chain.genesis_header: expected .*21",
    ),
    "no parameters": (change("chain", "params", to="0x80"), "file.json: chain.params: expected"),
    "no committee": (
        change("committee", to=[]),
        "file.json: committee: expected at least one validator, got none",
    ),
    "a key twice": (
        change("committee", to=["0x" + "11" * 32] * 2),
        r"file.json: committee\[1\]: expected a key of its own, got that of 0",
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_certificate_file_is_refused_with_place_and_rule(name: str) -> None:
    make, message = MALFORMED[name]
    with pytest.raises(InvalidInput, match=message):
        decode_proof(make(), "file.json")


def test_what_is_no_committee_file_is_refused_with_place_and_rule() -> None:
    with pytest.raises(InvalidInput, match=r"c.json: format: expected a value that this version"):
        decode_committee(certificate_text(), "c.json")
    document = json.loads(committee_text())
    document["committee"] = []
    with pytest.raises(InvalidInput, match=r"c.json: committee: expected at least one validator"):
        decode_committee(text_of(document), "c.json")
