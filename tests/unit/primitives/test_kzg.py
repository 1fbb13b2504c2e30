"""KZG openings: the shipped setup, and what a verifier says no to."""

from fnmatch import fnmatch

import pytest

from contracts.kzg import KzgVerifier
from primitives import kzg
from primitives.errors import CryptoError
from primitives.kzg import CkzgVerifier, read_setup, setup_text
from tests.architecture.source import pyproject

INFINITY = b"\xc0" + bytes(47)
"""Commits to the polynomial 0, and proves each of its values."""
ZERO = bytes(32)


@pytest.fixture(scope="module")
def verifier() -> KzgVerifier:
    return CkzgVerifier()


def test_the_setup_is_the_published_one() -> None:
    text = setup_text(read_setup())
    assert len(text.splitlines()) == 2 + 4_096 + 65 + 4_096


@pytest.mark.parametrize(
    "points", [b"", read_setup()[:-1], read_setup() + b"\0", b"\0" + read_setup()[1:]]
)
def test_another_setup_is_refused(points: bytes) -> None:
    with pytest.raises(CryptoError, match="trusted setup"):
        setup_text(points)


def test_the_setup_is_shipped() -> None:
    shipped = pyproject()["tool"]["setuptools"]["package-data"]["primitives"]
    assert any(fnmatch(kzg.SETUP_FILE, pattern) for pattern in shipped)


def test_the_setup_is_loaded_once_at_the_first_question(monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[bytes] = []

    def load(text: bytes) -> object:
        loads.append(text)
        return loads  # no setup of the library's: it proves nothing

    monkeypatch.setattr(kzg, "load_setup", load)
    fresh = CkzgVerifier()
    assert not loads
    for _ in range(2):
        assert not fresh.verify_proof(INFINITY, ZERO, ZERO, INFINITY)
    assert loads == [setup_text(read_setup())]


def test_a_value_is_proved(verifier: KzgVerifier) -> None:
    assert verifier.verify_proof(INFINITY, ZERO, ZERO, INFINITY)
    assert not verifier.verify_proof(INFINITY, ZERO, ZERO[1:] + b"\1", INFINITY)


@pytest.mark.parametrize("at", range(4))
@pytest.mark.parametrize("data", [b"", b"\0", b"\xff" * 32, b"\xff" * 48, bytes(49)])
def test_bytes_that_mean_nothing_prove_nothing(verifier: KzgVerifier, at: int, data: bytes) -> None:
    given = [INFINITY, ZERO, ZERO, INFINITY]
    given[at] = data
    assert not verifier.verify_proof(*given)
