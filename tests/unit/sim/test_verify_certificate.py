"""`orrery verify-certificate`: what it answers, what it exits with, and what it refuses."""

import json
from pathlib import Path
from typing import Any

import pytest

from node.finality_reasons import Reason
from sim.cli import main
from sim.run import run_scenario
from sim.scenario import decode_table
from tests.unit.sim.forgeries import (
    FORGERIES,
    OTHER_SEED,
    certificate,
    certificate_text,
    committee_text,
    genesis_hash,
    modelled,
    text_of,
    votes,
)

OTHER_HASH = "0x" + "12" * 32


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("certificate.json").write_bytes(certificate_text())
    Path("committee.json").write_bytes(committee_text())
    return Path("certificate.json")


def verify(*words: str) -> int:
    return main(["verify-certificate", *words])


def answer_of(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def test_a_proof_under_a_trusted_genesis_hash(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(str(file), "--genesis", genesis_hash()) == 0
    output = capsys.readouterr()
    shown = certificate()["certificate"]
    assert output.out.startswith(f"FINAL  block {shown['sequence']} {shown['digest']}\n")
    assert f"  chain       {genesis_hash()}, shard 0, epoch 0\n" in output.out
    assert "of 4 validators, and it takes 3; view 0\n" in output.out
    assert "  trusted     genesis\n" in output.out
    assert output.err == ""


def test_a_proof_under_a_trusted_committee(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    upper = "0x" + genesis_hash()[2:].upper()
    assert verify(str(file), "--committee", "committee.json", "--genesis", upper) == 0
    assert "  trusted     genesis and committee\n" in capsys.readouterr().out


def test_a_file_that_vouches_for_itself_is_said_to(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(str(file)) == 0
    assert "trusted     nothing: the file vouches for its own chain" in capsys.readouterr().out


def test_json_has_the_answer(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(str(file), "--genesis", genesis_hash(), "--json") == 0
    answer, document = answer_of(capsys), certificate()
    assert answer["valid"] is True
    assert answer["reason"] is answer["detail"] is None
    assert answer["trusted"] == ["genesis"]
    assert answer["block_hash"] == document["certificate"]["digest"]
    assert answer["height"] == document["certificate"]["sequence"]
    assert answer["signers"] == [vote["replica"] for vote in document["certificate"]["signatures"]]
    assert (answer["quorum"], answer["validators"]) == (3, 4)


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_exits_with_1_and_its_reason(
    name: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make, reason = FORGERIES[name]
    file.write_bytes(text_of(make()))
    assert verify(str(file), "--genesis", genesis_hash(), "--json") == 1
    answer = answer_of(capsys)
    assert (answer["valid"], answer["reason"]) == (False, reason.value)
    assert "expected" in answer["detail"]
    assert verify(str(file), "--genesis", genesis_hash()) == 1
    assert capsys.readouterr().out.startswith(f"NOT FINAL  {reason.value}  block ")


def test_another_chain_is_refused_by_either_anchor(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(str(file), "--genesis", OTHER_HASH) == 1
    Path("committee.json").write_bytes(committee_text(OTHER_SEED))
    assert verify(str(file), "--committee", "committee.json") == 1
    assert capsys.readouterr().out.count("NOT FINAL  other_chain") == 2


def test_modelled_signatures_are_said_to_prove_nothing(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_bytes(text_of(modelled()))
    assert verify(str(file)) == 1
    output = capsys.readouterr().out
    assert output.startswith("NOT FINAL  modelled_signatures")
    assert "which anybody can make; this proves nothing" in output
    assert "--set consensus.signatures=real" in output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["none.json"], "none.json: expected a file that can be read, got No such file"),
        (["."], "expected a file that can be read"),
        (["committee.json"], "committee.json: format: expected a value that this version knows"),
        (
            ["certificate.json", "--committee", "certificate.json"],
            "certificate.json: format: expected a value that this version knows",
        ),
        (
            ["certificate.json", "--committee", "committee.json", "--genesis", OTHER_HASH],
            "trusted committee: expected one of the trusted chain 0x1212",
        ),
    ],
)
def test_what_cannot_be_judged_exits_with_2(
    words: list[str], message: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(*words) == 2
    output = capsys.readouterr()
    assert message in output.err
    assert output.out == ""


def test_a_genesis_hash_that_is_none_exits_with_2(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        verify(str(file), "--genesis", "0x12")
    assert ended.value.code == 2
    assert "expected 0x and 64 hexadecimal digits, got '0x12'" in capsys.readouterr().err


@pytest.mark.parametrize(("signatures", "code"), [("real", 0), ("modelled", 1)])
def test_a_run_leaves_a_certificate_and_its_committee(
    tmp_path: Path, signatures: str, code: int
) -> None:
    table: dict[str, object] = {
        "name": "small",
        "duration": "3s",
        "network": {"validators": 4},
        "consensus": {"signatures": signatures},
        "workload": {"rate": 20, "accounts": 20},
    }
    result = run_scenario(decode_table(table, "small"), seed=3, run_directory=tmp_path)
    certificate_file, committee_file = tmp_path / "certificate.json", tmp_path / "committee.json"
    assert verify(str(certificate_file), "--committee", str(committee_file)) == code
    height = json.loads(certificate_file.read_bytes())["certificate"]["sequence"]
    assert height == result.height > 0


def test_a_run_without_a_block_leaves_no_certificate_of_an_earlier_one(tmp_path: Path) -> None:
    (tmp_path / "certificate.json").write_bytes(certificate_text())
    table: dict[str, object] = {
        "name": "small",
        "duration": "1ms",
        "network": {"validators": 4},
    }
    run_scenario(decode_table(table, "small"), seed=3, run_directory=tmp_path)
    assert (tmp_path / "committee.json").exists()
    assert not (tmp_path / "certificate.json").exists()


def test_the_guide_names_every_reason_and_field(repository: Path) -> None:
    text = (repository / "docs" / "guides" / "certificates.md").read_text(encoding="utf-8")
    assert [reason.value for reason in Reason if f"`{reason.value}`" not in text] == []
    block = text.split("```json\n")[1].split("```")[0]
    shown, document = json.loads(block), certificate()
    assert list(shown) == list(document)
    for part in ("chain", "certificate"):
        assert list(shown[part]) == list(document[part])
    assert list(votes(shown)[0]) == list(votes(document)[0])
