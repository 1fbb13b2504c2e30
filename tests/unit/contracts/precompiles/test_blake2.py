"""BLAKE2F: that it is BLAKE2b's compression, and what it refuses."""

import hashlib
import struct

import pytest
from hypothesis import given, strategies as st

from tests.unit.contracts.precompiles.calls import gas, run

START = (
    0x6A09E667F3BCC908, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1,
    0x510E527FADE682D1, 0x9B05688C2B3E6C1F, 0x1F83D9ABFB41BD6B, 0x5BE0CD19137E2179,
)  # fmt: skip
"""The initial state of BLAKE2b, before its parameters are mixed in."""


def given_as(rounds: int, state: bytes, block: bytes, count: int, final: int) -> bytes:
    head = rounds.to_bytes(4, "big") + state + block.ljust(128, b"\0")
    return head + struct.pack("<QQ", count, 0) + bytes([final])


def initial(digest_bytes: int) -> bytes:
    first = START[0] ^ 0x01010000 ^ digest_bytes
    return struct.pack("<8Q", first, *START[1:])


@given(data=st.binary(max_size=256))
def test_twelve_rounds_are_blake2b(data: bytes) -> None:
    state = initial(64)
    head = data[:128] if len(data) > 128 else b""
    if head:
        output = run(0x09, given_as(12, state, head, 128, final=0))
        assert output is not None
        state = output
    rest = data[len(head) :]
    output = run(0x09, given_as(12, state, rest, len(data), final=1))
    assert output == hashlib.blake2b(data).digest()


@pytest.mark.parametrize("final", [2, 3, 255])
def test_the_flag_is_0_or_1(final: int) -> None:
    assert run(0x09, given_as(1, bytes(64), b"", 0, final)) is None


@pytest.mark.parametrize("size", [0, 212, 214])
def test_the_length_is_exact(size: int) -> None:
    assert run(0x09, bytes(size)) is None
    assert gas(0x09, b"\xff" * size) == 0


def test_a_round_costs_1() -> None:
    assert gas(0x09, given_as(0xFFFFFFFF, bytes(64), b"", 0, 0)) == 0xFFFFFFFF
    assert gas(0x09, given_as(0, bytes(64), b"", 0, 0)) == 0
    assert run(0x09, given_as(0, bytes(64), b"", 0, 0)) is not None


def test_rounds_are_as_many_as_are_asked_for() -> None:
    outputs = {run(0x09, given_as(rounds, initial(64), b"a", 1, 1)) for rounds in range(14)}
    assert len(outputs) == 14
