"""The light client beside the packages: it needs none of them, and is fooled by nobody."""

import ast
import hashlib
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from node.finality import decode_proof
from node.finality_reasons import NotFinal
from node.finality_rules import Trust, check_proof
from primitives.committee import Committee
from primitives.errors import InvalidInput
from primitives.ids import Hash32
from primitives.keccak import keccak256
from tests.unit.sim.forgeries import (
    FORGERIES,
    certificate,
    certificate_text,
    genesis_hash,
    modelled,
    text_of,
)

ALLOWED = sys.stdlib_module_names | {"msgspec", "nacl", "py_arkworks_bls12381"}


@pytest.fixture(scope="module")
def script() -> Path:
    return Path(__file__).resolve().parents[3] / "examples" / "light_client.py"


@pytest.fixture(scope="module")
def client(script: Path) -> dict[str, Any]:
    return runpy.run_path(str(script))


def run(script: Path, file: Path, genesis: str) -> subprocess.CompletedProcess[str]:
    # Isolated: neither the working directory nor the environment lends it the packages.
    command = [sys.executable, "-I", str(script), str(file), "--genesis", genesis]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=file.parent)


def test_it_imports_no_package_of_ours(script: Path) -> None:
    tree = ast.parse(script.read_text())
    names = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or "."]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert names <= ALLOWED


def test_its_hash_is_that_of_the_node(client: dict[str, Any]) -> None:
    for length in (0, 1, 55, 134, 135, 136, 137, 271, 272, 600):
        data = hashlib.shake_128(b"%d" % length).digest(length)
        assert client["keccak256"](data) == keccak256(data)


def test_it_is_convinced_by_the_certificate_of_a_run(client: dict[str, Any]) -> None:
    shown = client["verify"](client["read"](certificate_text()), genesis_hash())
    document = certificate()
    assert shown["block_hash"] == document["certificate"]["digest"]
    assert shown["height"] == document["certificate"]["sequence"]
    assert len(shown["signers"]) >= 3


@pytest.mark.parametrize("name", FORGERIES)
def test_it_refuses_every_forgery_with_the_reason_of_the_command(
    client: dict[str, Any], name: str
) -> None:
    make, reason = FORGERIES[name]
    with pytest.raises(client["Forged"], match=f"^{reason.value}: "):
        client["verify"](client["read"](text_of(make())), genesis_hash())


def test_it_refuses_modelled_signatures(client: dict[str, Any]) -> None:
    document = modelled()
    with pytest.raises(client["Forged"], match=r"^modelled_signatures: "):
        client["verify"](client["read"](text_of(document)), document["chain"]["genesis_hash"])


@pytest.mark.parametrize(
    "header",
    ["0x", "0xc0", "0xc20102", "0xc180", "0xf90100", "0xb80100", "0xc28105", "0xf800", "0xff"],
)
def test_it_refuses_a_header_that_is_none(client: dict[str, Any], header: str) -> None:
    document = certificate()
    document["header"] = header
    with pytest.raises(client["Malformed"], match="header"):
        client["verify"](client["read"](text_of(document)), genesis_hash())


@pytest.mark.parametrize("size", [1, 2, 4, 5, 6, 7, 8, 16, 100])
def test_its_quorum_is_that_of_the_committee(client: dict[str, Any], size: int) -> None:
    keys = tuple(index.to_bytes(32, "big") for index in range(size))
    quorum = Committee.of_keys(keys).quorum
    votes = [client["Vote"](replica, "") for replica in range(quorum)]
    client["check_signers"](client["Certificate"](0, 1, "", votes), size)
    with pytest.raises(client["Forged"], match=r"^too_few_signatures: "):
        client["check_signers"](client["Certificate"](0, 1, "", votes[1:]), size)


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of every number and text of a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in inner:
        if isinstance(part, dict | list):
            yield from leaves(part, (*path, key))
        else:
            yield (*path, key)


def altered(value: int | str) -> list[int | str]:
    """Return near misses of a value: neighbours of a number, one digit or byte of a text."""
    if isinstance(value, int):
        return [value + 1, value - 1, 2**63, -1]
    if not value.startswith("0x"):
        return [f"{value}x", value[:-1], "modelled"]
    middle = len(value) // 2
    flips = [place for place in (2, middle, len(value) - 1) if place < len(value)]
    swapped = [f"{value[:at]}{'1' if value[at] != '1' else '2'}{value[at + 1 :]}" for at in flips]
    return [*swapped, value[:-2], f"{value}00"]


@pytest.mark.parametrize("path", list(leaves(certificate())), ids=str)
def test_no_field_can_be_altered_and_both_readers_agree_on_why(
    client: dict[str, Any], path: tuple[str | int, ...]
) -> None:
    def theirs(text: bytes) -> str:
        try:
            client["verify"](client["read"](text), genesis_hash())
        except client["Forged"] as error:
            return str(error).split(":")[0]
        except client["Malformed"]:
            return "malformed"
        return "final"

    def ours(text: bytes) -> str:
        trust = Trust(genesis_hash=Hash32(bytes.fromhex(genesis_hash()[2:])))
        try:
            check_proof(decode_proof(text, "x"), trust)
        except NotFinal as error:
            return error.reason.value
        except InvalidInput:
            return "malformed"
        return "final"

    document = certificate()
    place: Any = document
    for key in path[:-1]:
        place = place[key]
    for value in altered(place[path[-1]]):
        place[path[-1]] = value
        verdicts = (ours(text_of(document)), theirs(text_of(document)))
        assert "final" not in verdicts, (path, value)
        # The example does not decode what it only hashes: parameters, most of a header.
        assert verdicts[0] == verdicts[1] or verdicts[0] == "malformed", (path, value)


def test_from_the_shell_it_says_final_forged_or_malformed(script: Path, tmp_path: Path) -> None:
    file = tmp_path / "certificate.json"
    file.write_bytes(certificate_text())
    good = run(script, file, genesis_hash())
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout.startswith("FINAL\n  height: ")
    forged = run(script, file, "0x" + "12" * 32)
    assert forged.returncode == 1
    assert forged.stdout.startswith("NOT FINAL  other_chain: expected 0x1212")
    file.write_bytes(b"{}")
    broken = run(script, file, genesis_hash())
    assert (broken.returncode, broken.stdout) == (2, "")
    assert "missing required field `format`" in broken.stderr
    assert run(script, file, "12").returncode == 2
    assert run(script, tmp_path / "none.json", genesis_hash()).returncode == 2
