"""Aggregated certificates as files: no forgery fools the command or the light client."""

import json
import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from node.finality import decode_committee, decode_proof, encode_committee, encode_proof
from node.finality_reasons import NotFinal, Reason
from node.finality_rules import Trust, check_proof
from primitives.errors import InvalidInput
from primitives.ids import Hash32
from sim.cli import main
from sim.founding import chain_params
from sim.scenario import decode_scenario
from tests.unit.sim.forgeries import Document, text_of
from tests.unit.sim.forgeries_bls import (
    FORGERIES,
    certificate,
    certificate_text,
    committee_text,
    genesis_hash,
    modelled,
    other_form,
    rogue_chain,
)

GENESIS = Hash32(bytes.fromhex(genesis_hash()[2:]))
COMMITTEE = decode_committee(committee_text(), "committee.json")


@pytest.fixture(scope="module")
def client() -> dict[str, Any]:
    return runpy.run_path(str(Path(__file__).resolve().parents[3] / "examples" / "light_client.py"))


def judge(document: Document, trust: Trust) -> Reason | None:
    try:
        check_proof(decode_proof(text_of(document), "certificate.json"), trust)
    except NotFinal as error:
        return error.reason
    return None


@pytest.mark.parametrize("trust", [Trust(), Trust(genesis_hash=GENESIS), Trust(GENESIS, COMMITTEE)])
def test_the_certificate_of_a_run_proves_its_head(trust: Trust) -> None:
    proof = decode_proof(certificate_text(), "certificate.json")
    check_proof(proof, trust)
    assert proof.signatures == "bls"
    assert len(proof.certificate.signatures) == 1
    assert len(proof.certificate.signers) >= 3


def test_the_light_client_is_convinced_too(client: dict[str, Any]) -> None:
    shown = client["verify"](client["read"](certificate_text()), genesis_hash())
    assert shown["block_hash"] == certificate()["certificate"]["digest"]
    assert shown["signers"] == certificate()["certificate"]["signers"]


@pytest.mark.parametrize("name", FORGERIES)
def test_both_readers_refuse_every_forgery_for_the_same_reason(
    client: dict[str, Any], name: str
) -> None:
    make, reason = FORGERIES[name]
    document = make()
    assert judge(document, Trust(genesis_hash=GENESIS)) is reason
    assert judge(document, Trust(committee=COMMITTEE)) is reason
    with pytest.raises(client["Forged"], match=f"^{reason.value}: "):
        client["verify"](client["read"](text_of(document)), genesis_hash())


@pytest.mark.parametrize("name", FORGERIES)
def test_the_command_refuses_every_forgery(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make, reason = FORGERIES[name]
    file = tmp_path / "certificate.json"
    file.write_bytes(text_of(make()))
    command = ["verify-certificate", str(file), "--genesis", genesis_hash(), "--json"]
    assert main(command) == 1
    answer = json.loads(capsys.readouterr().out)
    assert (answer["valid"], answer["reason"]) == (False, reason.value)


def test_the_command_accepts_the_true_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "certificate.json"
    file.write_bytes(certificate_text())
    assert main(["verify-certificate", str(file), "--genesis", genesis_hash()]) == 0
    assert capsys.readouterr().out.startswith("FINAL")


def test_a_chain_with_a_rogue_key_is_believed_by_neither(client: dict[str, Any]) -> None:
    """Without proofs of possession this file would be final: its sum fits its keys."""
    document = rogue_chain()
    genesis = document["chain"]["genesis_hash"]
    trust = Trust(genesis_hash=Hash32(bytes.fromhex(genesis[2:])))
    assert judge(document, trust) is Reason.POSSESSION
    with pytest.raises(client["Forged"], match=r"^unproven_key: of validator 2"):
        client["verify"](client["read"](text_of(document)), genesis)
    shown = client["read"](text_of(document))
    client["check_aggregate"](shown, parent=bytes(32))


def test_a_chain_of_one_form_has_no_certificates_of_the_other(client: dict[str, Any]) -> None:
    document = other_form()
    genesis = document["chain"]["genesis_hash"]
    assert judge(document, Trust(Hash32(bytes.fromhex(genesis[2:])))) is Reason.FORM
    with pytest.raises(client["Forged"], match=r"^other_form: "):
        client["verify"](client["read"](text_of(document)), genesis)


def test_modelled_sums_prove_nothing(client: dict[str, Any]) -> None:
    document = modelled()
    assert document["signatures"] == "modelled-bls"
    assert judge(document, Trust()) is Reason.MODELLED
    with pytest.raises(client["Forged"], match=r"^modelled_signatures: "):
        client["verify"](client["read"](text_of(document)), document["chain"]["genesis_hash"])


def test_a_modelled_sum_called_real_is_no_signature(client: dict[str, Any]) -> None:
    document = {**modelled(), "signatures": "bls"}
    assert judge(document, Trust()) is Reason.SIGNATURE
    with pytest.raises(client["Forged"], match=r"^bad_signature: "):
        client["verify"](client["read"](text_of(document)), document["chain"]["genesis_hash"])


@pytest.mark.parametrize(
    ("alter", "field"),
    [
        (lambda d: d["certificate"].pop("signers"), "certificate.signers"),
        (lambda d: d["certificate"].pop("aggregate"), "certificate.aggregate"),
        (lambda d: d.pop("aggregate_keys"), "aggregate_keys"),
        (lambda d: d["certificate"].update(signatures=[]), "certificate.signatures"),
        (lambda d: d["aggregate_keys"].pop(), "aggregate_keys"),
        (lambda d: d["aggregate_keys"].append(d["aggregate_keys"][0]), "aggregate_keys"),
        (lambda d: d["aggregate_keys"].__setitem__(1, d["aggregate_keys"][0]), "committee[1]"),
        (lambda d: d["certificate"].update(aggregate="0x00"), "certificate.aggregate"),
        (lambda d: d["aggregate_keys"][0].update(key="0x00"), "aggregate_keys[0].key"),
        (lambda d: d.update(signatures="ed25519"), "certificate.signatures"),
    ],
)
def test_a_file_has_exactly_the_fields_of_its_kind(
    client: dict[str, Any], alter: Any, field: str
) -> None:
    document = certificate()
    alter(document)
    with pytest.raises(InvalidInput, match=re.escape(f"x: {field}")):
        decode_proof(text_of(document), "x")
    with pytest.raises(client["Malformed"]):
        client["read"](text_of(document))


def test_a_scenario_names_one_of_the_forms_that_exist() -> None:
    plan = 'name = "x"\nduration = "1s"\n[network]\nvalidators = 4\nlatency = "aws-13"\n'
    for form in ("ed25519", "bls"):
        scenario = decode_scenario(f'{plan}[consensus]\ncertificates = "{form}"\n')
        assert chain_params(scenario).certificates == form
    with pytest.raises(InvalidInput, match=r"consensus\.certificates"):
        decode_scenario(f'{plan}[consensus]\ncertificates = "rsa"\n')


def test_files_are_written_as_they_are_read() -> None:
    text = certificate_text()
    assert encode_proof(decode_proof(text, "x")) == text
    assert encode_committee(COMMITTEE) == committee_text()
