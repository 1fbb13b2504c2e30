"""MODEXP: odd inputs, and the prices of three forks."""

import pytest
from hypothesis import given, strategies as st

from primitives.fork import Fork
from tests.unit.contracts.precompiles.calls import gas, run, word

BYZANTIUM, BERLIN, OSAKA = Fork.BYZANTIUM, Fork.BERLIN, Fork.OSAKA
HUGE = 2**256 - 1


def given_as(base: bytes, exponent: bytes, modulus: bytes) -> bytes:
    lengths = word(len(base)) + word(len(exponent)) + word(len(modulus))
    return lengths + base + exponent + modulus


def naive(base: int, exponent: int, modulus: int) -> int:
    result = 1 % modulus
    for _ in range(exponent):
        result = result * base % modulus
    return result


@given(
    base=st.binary(max_size=5),
    exponent=st.integers(0, 300),
    pad=st.integers(0, 3),
    modulus=st.binary(max_size=5),
)
def test_powers(base: bytes, exponent: int, pad: int, modulus: bytes) -> None:
    data = given_as(base, exponent.to_bytes(2 + pad, "big"), modulus)
    number = int.from_bytes(modulus, "big")
    value = naive(int.from_bytes(base, "big"), exponent, number) if number else 0
    for fork in (BYZANTIUM, BERLIN, OSAKA):
        assert run(0x05, data, fork) == value.to_bytes(len(modulus), "big")


@pytest.mark.parametrize(
    ("data", "output"),
    [
        (b"", b""),
        (given_as(b"\x03", b"", b"\x05"), b"\x01"),  # to the power of nothing
        (given_as(b"", b"", b"\x05"), b"\x01"),  # 0 ** 0
        (given_as(b"", b"\x01", b"\x05"), b"\x00"),
        (given_as(b"\x03", b"\x02", b"\x01"), b"\x00"),
        (given_as(b"\x03", b"\x00", b"\x01"), b"\x00"),
        (given_as(b"\x03", b"\x02", b"\x00\x00"), b"\x00\x00"),
        (given_as(b"\x03", b"\x02", b""), b""),
        (given_as(b"\x03", b"\x02", b"\x00\x08"), b"\x00\x01"),  # an even modulus
        (given_as(b"\x02", b"\x09", b"\x00\xc8") + b"more", b"\x00\x70"),
        (given_as(b"\x02", b"\x01", b"\x0a\x00")[:-1], b"\x00\x02"),  # zeros beyond the end
        (word(1) + word(1), b""),
        (word(1) + word(1) + word(3) + b"\x02\x02", b"\x00\x00\x00"),
    ],
)
def test_odd_inputs(data: bytes, output: bytes) -> None:
    assert run(0x05, data) == output


@pytest.mark.parametrize("fork", [BYZANTIUM, BERLIN])
def test_a_huge_exponent_of_an_empty_modulus_is_not_read(fork: Fork) -> None:
    assert run(0x05, word(0) + word(HUGE) + word(0), fork) == b""


def test_huge_lengths_have_huge_prices() -> None:
    for lengths in ((HUGE, 0, 1), (0, 0, HUGE), (1, HUGE, 1), (HUGE, HUGE, HUGE)):
        data = b"".join(map(word, lengths))
        for fork in (BYZANTIUM, BERLIN, OSAKA):
            assert gas(0x05, data, fork) > 2**200


@pytest.mark.parametrize("at", range(3))
def test_osaka_bounds_every_length(at: int) -> None:
    lengths = [1, 1, 1]
    lengths[at] = 1_024
    data = b"".join(map(word, lengths)) + bytes(2_000)
    assert run(0x05, data, OSAKA) is not None
    lengths[at] = 1_025
    data = b"".join(map(word, lengths)) + bytes(2_000)
    assert run(0x05, data, OSAKA) is None
    assert run(0x05, data, Fork.PRAGUE) is not None


@pytest.mark.parametrize(
    ("lengths", "exponent", "byzantium", "berlin", "osaka"),
    [
        ((0, 0, 0), b"", 0, 200, 500),
        ((1, 1, 1), b"\xff", 0, 200, 500),
        ((32, 32, 32), b"\xff" * 32, 32**2 * 255 // 20, 16 * 255 // 3, 16 * 255),
        ((33, 32, 1), b"\xff" * 32, 33**2 * 255 // 20, 25 * 255 // 3, 2 * 25 * 255),
        ((64, 33, 64), b"\x01" + bytes(32), 64**2 * 256 // 20, 64 * 256 // 3, 128 * 264),
        ((64, 33, 64), bytes(33), 64**2 * 8 // 20, 200, 128 * 16),
        ((65, 1, 1), b"\x80", (65**2 // 4 + 96 * 65 - 3_072) * 7 // 20, 200, 2 * 81 * 7),
        (
            (1_024, 40, 1),
            b"\x80" + bytes(39),
            (1_024**2 // 4 + 96 * 1_024 - 3_072) * (255 + 64) // 20,
            128**2 * (255 + 64) // 3,
            2 * 128**2 * (255 + 128),
        ),
        (
            (1_025, 1, 1),
            b"\x01",
            (1_025**2 // 16 + 480 * 1_025 - 199_680) // 20,
            129**2 // 3,
            2 * 129**2,
        ),
    ],
)
def test_prices(
    lengths: tuple[int, int, int], exponent: bytes, byzantium: int, berlin: int, osaka: int
) -> None:
    data = b"".join(map(word, lengths)) + bytes(lengths[0]) + exponent
    assert gas(0x05, data, BYZANTIUM) == byzantium
    assert gas(0x05, data, BERLIN) == berlin
    assert gas(0x05, data, OSAKA) == osaka
