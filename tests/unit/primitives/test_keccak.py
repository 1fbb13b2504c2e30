import hashlib

import pytest

from primitives.keccak import EMPTY_KECCAK, keccak256


@pytest.mark.parametrize(
    ("data", "digest"),
    [
        (b"", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
        (b"abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
        (b"testing", "5f16f4c7f149ac4f9510d9cf8cf384038ad348b3bcdc01915f95de12df9d1b02"),
    ],
)
def test_known_digests(data: bytes, digest: str) -> None:
    assert keccak256(data).hex() == digest


def test_it_is_not_the_standardised_sha3() -> None:
    assert keccak256(b"") != hashlib.sha3_256(b"").digest()


def test_the_empty_digest_is_that_of_nothing() -> None:
    assert keccak256(b"") == EMPTY_KECCAK
