"""The point evaluation precompile: what it checks itself, what it asks, what it returns."""

from hashlib import sha256

import msgspec
import pytest

from contracts.precompiles.point_evaluation import SCALAR_FIELD
from tests.unit.contracts.precompiles.calls import run, word

COMMITMENT, POINT, VALUE, PROOF = b"\x01" * 48, b"\x02" * 32, b"\x03" * 32, b"\x04" * 48
VERSIONED = b"\x01" + sha256(COMMITMENT).digest()[1:]
DATA = VERSIONED + POINT + VALUE + COMMITMENT + PROOF


class Verifier(msgspec.Struct):
    """Answers as it is told, and notes what it was asked."""

    answer: bool
    asked: list[tuple[bytes, ...]] = []

    def verify_proof(self, commitment: bytes, point: bytes, value: bytes, proof: bytes) -> bool:
        self.asked.append((commitment, point, value, proof))
        return self.answer


def test_a_proof_that_holds() -> None:
    verifier = Verifier(answer=True)
    assert run(0x0A, DATA, kzg=verifier) == word(4_096) + word(SCALAR_FIELD)
    assert verifier.asked == [(COMMITMENT, POINT, VALUE, PROOF)]


def test_a_proof_that_does_not() -> None:
    assert run(0x0A, DATA, kzg=Verifier(answer=False)) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        DATA[:-1],
        DATA + b"\0",
        b"\x00" + DATA[1:],
        b"\x02" + DATA[1:],
        DATA[:31] + bytes([DATA[31] ^ 1]) + DATA[32:],
    ],
)
def test_nobody_is_asked_about_another_length_or_hash(data: bytes) -> None:
    verifier = Verifier(answer=True)
    assert run(0x0A, data, kzg=verifier) is None
    assert not verifier.asked


def test_without_a_verifier_it_fails() -> None:
    assert run(0x0A, DATA) is None
