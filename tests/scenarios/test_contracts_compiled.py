"""What ships as compiled code is what the compiler makes of the sources."""

import hashlib
from pathlib import Path

import pytest

from primitives.errors import InvalidInput
from sim.contracts import encode_call, load_artifact, selector
from sim.contracts.artifact import decode_artifact
from tests.scenarios.solidity import SOURCES, compile_source, needs_solc, run_compiler

NAMES = sorted(path.stem for path in SOURCES.glob("*.sol"))


@pytest.mark.parametrize("name", NAMES)
def test_an_artifact_belongs_to_its_source(name: str) -> None:
    artifact = load_artifact(name)
    text = (SOURCES / artifact.source).read_bytes()
    assert artifact.source_sha256 == hashlib.sha256(text).hexdigest(), "run `make contracts`"
    assert artifact.compiler.startswith("solc 0.8.37+")
    assert artifact.settings["evmVersion"] == "osaka"
    assert artifact.runtime_code in artifact.creation_code


def test_there_are_contracts_and_no_others() -> None:
    artifacts = sorted(path.stem for path in (SOURCES.parent / "artifacts").iterdir())
    assert artifacts == NAMES
    assert {"Token", "Pair", "Collectible", "Shelves", "Mill"} <= set(NAMES)


def test_an_unknown_contract_is_named_with_those_there_are() -> None:
    with pytest.raises(InvalidInput, match="Collectible, Mill, Pair, Shelves, Token"):
        load_artifact("Tokens")


def test_a_file_that_is_no_artifact_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"compile\.js"):
        decode_artifact(b'{"name": "Token"}', "here")


@pytest.mark.parametrize(
    ("name", "signature"),
    [
        ("Token", "transfer(address,uint256)"),
        ("Token", "approve(address,uint256)"),
        ("Pair", "swap(bool,uint256,uint256)"),
        ("Collectible", "mint(address)"),
        ("Shelves", "fill(uint256,uint256,uint256)"),
        ("Mill", "grind(uint256,uint256)"),
    ],
)
def test_a_selector_stands_in_the_code_and_in_the_interface(name: str, signature: str) -> None:
    artifact = load_artifact(name)
    assert selector(signature).lstrip(b"\x00") in artifact.runtime_code
    entry = signature.partition("(")[0]
    kinds = [
        ",".join(parameter["type"] for parameter in function["inputs"])
        for function in artifact.abi
        if function.get("name") == entry
    ]
    assert f"{entry}({kinds[0]})" == signature


@needs_solc
def test_the_artifacts_are_what_the_compiler_makes() -> None:
    done = run_compiler("--check")
    assert done.returncode == 0, done.stderr


@needs_solc
def test_a_changed_source_is_noticed(tmp_path: Path) -> None:
    source = tmp_path / "Mill.sol"
    text = (SOURCES / "Mill.sol").read_text(encoding="utf-8")
    source.write_text(text.replace(">> 7", ">> 9"), encoding="utf-8")
    assert compile_source(source, tmp_path).runtime != load_artifact("Mill").runtime
    source.write_text(text.replace(">> 7", ">>"), encoding="utf-8")
    assert run_compiler("--source", str(source), "--out", str(tmp_path)).returncode == 1


def test_a_call_of_the_token_reads_as_in_any_wallet() -> None:
    data = encode_call("transfer(address,uint256)", b"\x11" * 20, 5)
    assert data.hex() == "a9059cbb" + "00" * 12 + "11" * 20 + "00" * 31 + "05"
