"""go-ethereum's precompile vectors, and the KZG vectors of the point evaluation.

`vectors/ethereum/precompiles-geth` has files of {Input, Expected, Gas, Name}, and files whose name
begins with "fail-", of inputs that fail. A file's name says which precompile it is for, and at
which fork's price; an unknown name fails.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from contracts.precompiles import Precompile, precompiles_for
from primitives.fork import Fork
from primitives.ids import Address
from primitives.kzg import CkzgVerifier
from tests.conformance.material import NOT_DATA, from_hex, read_files
from tests.conformance.tally import Tally

Record = Callable[[str, object], None]
GETH = ("ethereum", "precompiles-geth")
KZG = ("kzg", "verify_kzg_proof")

FILES: Mapping[str, tuple[int, Fork]] = MappingProxyType(
    {
        "ecRecover": (0x01, Fork.OSAKA),
        "modexp": (0x05, Fork.BYZANTIUM),
        "modexp_eip2565": (0x05, Fork.BERLIN),
        "modexp_eip7883": (0x05, Fork.OSAKA),
        "bn256Add": (0x06, Fork.OSAKA),
        "bn256ScalarMul": (0x07, Fork.OSAKA),
        "bn256Pairing": (0x08, Fork.OSAKA),
        "blake2F": (0x09, Fork.OSAKA),
        "blake2f": (0x09, Fork.OSAKA),
        "pointEvaluation": (0x0A, Fork.OSAKA),
        "blsG1Add": (0x0B, Fork.OSAKA),
        "blsG1Mul": (0x0C, Fork.OSAKA),
        "blsG1MultiExp": (0x0C, Fork.OSAKA),
        "blsG2Add": (0x0D, Fork.OSAKA),
        "blsG2Mul": (0x0E, Fork.OSAKA),
        "blsG2MultiExp": (0x0E, Fork.OSAKA),
        "blsPairing": (0x0F, Fork.OSAKA),
        "blsMapG1": (0x10, Fork.OSAKA),
        "blsMapG2": (0x11, Fork.OSAKA),
        "p256Verify": (0x100, Fork.OSAKA),
    }
)
"""File names without "fail-": the precompile's number, and the fork whose price is expected."""
SUCCESS_KEYS = frozenset({"Input", "Expected", "Gas", "Name"})
FAILURE_KEYS = frozenset({"Input", "ExpectedError", "Name"})
COMPANION = "NoBenchmark"
"""A key that some cases have and that says nothing about the outcome."""


def precompile(number: int, fork: Fork) -> Precompile:
    return precompiles_for(fork)[Address(number.to_bytes(20, "big"))]


@pytest.fixture(scope="module")
def verifier() -> CkzgVerifier:
    return CkzgVerifier()


def test_precompile_vectors(vectors: Path, verifier: CkzgVerifier, record_property: Record) -> None:
    tally = Tally("precompiles of go-ethereum")
    for path, content in read_files(vectors.joinpath(*GETH)):
        fails = path.stem.startswith("fail-")
        number, fork = FILES[path.stem.removeprefix("fail-")]
        contract = precompile(number, fork)
        assert content, f"{path} has no case"
        for case in content:
            keys = set(case) - {COMPANION}
            assert keys == (FAILURE_KEYS if fails else SUCCESS_KEYS), f"{path}: {keys}"
            problems = (_accepted if fails else _different)(contract, case, verifier)
            tally.add(f"{path.name} {case['Name']}: {problem}" for problem in problems)
    tally.report(record_property)


def _different(contract: Precompile, case: dict[str, object], kzg: CkzgVerifier) -> Iterator[str]:
    data, expected = from_hex(str(case["Input"])), from_hex(str(case["Expected"]))
    gas, output = contract.gas(data), contract.run(data, kzg)
    if gas != case["Gas"]:
        yield f"costs {gas}, not {case['Gas']}"
    if output != expected:
        yield f"gives {output!r}"


def _accepted(contract: Precompile, case: dict[str, object], kzg: CkzgVerifier) -> Iterator[str]:
    output = contract.run(from_hex(str(case["Input"])), kzg)
    if output is not None:
        yield f"gives {output!r}, must fail: {case['ExpectedError']}"


def test_proofs_of_points(vectors: Path, verifier: CkzgVerifier, record_property: Record) -> None:
    """`output: null` stands for bytes that a verifier must refuse to read; ours says no."""
    tally = Tally("KZG proofs of points")
    folder = vectors.joinpath(*KZG)
    if not folder.is_dir():
        pytest.skip(f"this set of vectors has no {folder}")
    for path in sorted(folder.rglob("*")):
        if path.is_dir() or path.name in NOT_DATA:
            continue
        assert path.name == "data.yaml", f"{path} is neither a case nor a known companion of it"
        given, output = read_case(path.read_text(encoding="utf-8"))
        found = verifier.verify_proof(*(given[key] for key in ("commitment", "z", "y", "proof")))
        right = found == {"true": True, "false": False, "null": False}[output]
        tally.add(() if right else (f"{path.parent.name}: {found}, not {output}",))
    tally.report(record_property)


def read_case(text: str) -> tuple[dict[str, bytes], str]:
    """Read the one form of YAML that these cases have; fail on any other."""
    head, *fields, last = text.strip().splitlines()
    assert head == "input:", head
    assert last.startswith("output: "), last
    given = {}
    for field in fields:
        key, _, value = field.strip().partition(": ")
        given[key] = from_hex(value.strip("'"))
    assert list(given) == ["commitment", "z", "y", "proof"], list(given)
    return given, last.removeprefix("output: ")
