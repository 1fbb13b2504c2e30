"""ECADD, ECMUL and ECPAIRING: encodings and refusals; and the facts that their speed rests on."""

from itertools import pairwise
from math import gcd

import pytest

from contracts.precompiles.bn254 import g1, pairing
from contracts.precompiles.bn254.calls import write_g1
from contracts.precompiles.bn254.field import XI, P, R, U, power2, signed_digits
from tests.unit.contracts.precompiles.bn254_points import (
    GENERATOR,
    TWIST_GENERATOR,
    outside_the_subgroup,
    write_g2,
)
from tests.unit.contracts.precompiles.calls import run, word

ADD, MUL, PAIRING = 0x06, 0x07, 0x08
ONE, NEGATIVE = write_g1(GENERATOR), write_g1((1, P - 2))
TWISTED = write_g2(TWIST_GENERATOR)
INFINITY = bytes(64)
TRUE, FALSE = word(1), word(0)


def multiple(scalar: int) -> bytes:
    return write_g1(g1.multiply(GENERATOR, scalar))


def test_sums() -> None:
    assert run(ADD, ONE + ONE) == multiple(2)
    assert run(ADD, ONE + multiple(2)) == multiple(3)
    assert run(ADD, ONE + NEGATIVE) == INFINITY
    assert run(ADD, ONE + INFINITY) == ONE
    assert run(ADD, INFINITY + ONE) == ONE


def test_missing_bytes_read_as_zeros_and_more_are_ignored() -> None:
    assert run(ADD, b"") == run(MUL, b"") == INFINITY
    assert run(ADD, ONE) == ONE
    assert run(ADD, ONE + ONE + b"more") == multiple(2)
    assert run(MUL, ONE) == INFINITY
    assert run(MUL, ONE + b"\x80") == multiple(1 << 255)
    assert run(MUL, ONE + word(2) + b"more") == multiple(2)
    assert run(ADD, ONE[:63]) is None


@pytest.mark.parametrize("scalar", [0, 1, 2, R - 1, R, R + 1, 2**256 - 1])
def test_multiples_count_modulo_the_order(scalar: int) -> None:
    assert run(MUL, ONE + word(scalar)) == multiple(scalar % R)


@pytest.mark.parametrize(
    "point",
    [
        word(1) + word(1),
        word(0) + word(1),
        word(1 + P) + word(2),
        word(1) + word(2 + P),
        word(P) + word(0),
        word(0) + word(P),
        b"\xff" * 64,
    ],
)
def test_what_is_no_point_fails(point: bytes) -> None:
    assert run(ADD, point + ONE) is None
    assert run(ADD, ONE + point) is None
    assert run(MUL, point + word(0)) is None
    assert run(PAIRING, point + TWISTED) is None
    assert run(PAIRING, point + bytes(128)) is None


def test_pairings() -> None:
    assert run(PAIRING, b"") == TRUE
    assert run(PAIRING, ONE + TWISTED) == FALSE
    assert run(PAIRING, ONE + TWISTED + NEGATIVE + TWISTED) == TRUE
    assert run(PAIRING, ONE + TWISTED + multiple(R - 2) + TWISTED + ONE + TWISTED) == TRUE
    assert run(PAIRING, INFINITY + TWISTED) == TRUE
    assert run(PAIRING, ONE + bytes(128)) == TRUE
    assert run(PAIRING, ONE + TWISTED + INFINITY + TWISTED) == FALSE


@pytest.mark.parametrize("size", [1, 191, 193])
def test_pairs_are_whole(size: int) -> None:
    assert run(PAIRING, bytes(size)) is None


@pytest.mark.parametrize("at", range(4))
def test_what_is_no_point_of_the_twist_fails(at: int) -> None:
    for change in (1, P):
        number = int.from_bytes(TWISTED[32 * at : 32 * at + 32], "big") + change
        data = TWISTED[: 32 * at] + word(number) + TWISTED[32 * at + 32 :]
        assert run(PAIRING, ONE + data) is None
        assert run(PAIRING, INFINITY + data) is None


@pytest.mark.parametrize("seed", range(3))
def test_a_point_outside_of_the_subgroup_fails(seed: int) -> None:
    twisted = write_g2(outside_the_subgroup(seed))
    assert run(PAIRING, ONE + twisted) is None
    assert run(PAIRING, INFINITY + twisted) is None
    assert run(PAIRING, ONE + TWISTED + ONE + twisted) is None


def test_the_end_of_the_walk_tells_the_subgroup() -> None:
    """Only points of order r are taken to 0 by 6u + 2 + pi - pi^2 + pi^3.

    On the twist pi^2 = t pi - p, so that is some a + b pi, and what it takes to 0 has an order
    that divides its norm a^2 + a b t + b^2 p. The order also divides that of the twist,
    r (2p - r). The greatest common divisor of both is r.
    """
    trace = 6 * U**2 + 1
    powers = [(1, 0)]
    for _ in range(3):
        a, b = powers[-1]
        powers.append((-b * P, a + b * trace))
    factors = (6 * U + 2, 1, -1, 1)
    a = sum(factor * power[0] for factor, power in zip(factors, powers, strict=True))
    b = sum(factor * power[1] for factor, power in zip(factors, powers, strict=True))
    norm = a * a + a * b * trace + b * b * P
    assert gcd(norm, R * (2 * P - R)) == R


def test_a_walk_that_lost_its_way_ends_nowhere() -> None:
    """After adding a point to itself all coordinates are 0, and any equation would hold."""
    a, b, c, d = TWIST_GENERATOR
    lost, _ = pairing.add_step((a, b, c, d, 1, 0), TWIST_GENERATOR, 0, 0)
    assert lost == (0,) * 6
    assert pairing.double_step(lost, 0, 0)[0] == lost
    assert pairing.add_step(lost, TWIST_GENERATOR, 0, 0)[0] == lost
    assert not pairing._ends_as_in_subgroup(lost, TWIST_GENERATOR)


def test_a_point_is_added_to_itself_and_to_its_opposite() -> None:
    twice = g1.double((*GENERATOR, 1))
    x, y = g1.to_affine(twice) or (0, 0)
    assert g1.to_affine(g1.add_mixed(twice, x, y)) == g1.multiply(GENERATOR, 4)
    assert g1.to_affine(g1.add_mixed(twice, x, P - y)) is None
    assert g1.to_affine(g1.add_mixed(g1.INFINITY, x, y)) == (x, y)


def test_the_exponent_is_a_multiple_of_the_final_one() -> None:
    polynomial = (
        (1 + 6 * U + 12 * U**2 + 12 * U**3)
        + (4 * U + 6 * U**2 + 12 * U**3) * P
        + (6 * U + 6 * U**2 + 12 * U**3) * P**2
        + (-1 + 4 * U + 6 * U**2 + 12 * U**3) * P**3
    )
    hard_part = (P**4 - P**2 + 1) // R
    assert polynomial % hard_part == 0
    assert gcd(polynomial // hard_part, R) == 1


def test_the_extension_is_a_field() -> None:
    """xi is neither a square nor a cube, so w^6 - xi has no factor."""
    assert power2(XI, (P**2 - 1) // 2) != (1, 0)
    assert power2(XI, (P**2 - 1) // 3) != (1, 0)


def test_the_endomorphism_multiplies_by_lambda() -> None:
    image = (GENERATOR[0] * g1.BETA % P, GENERATOR[1])
    twice = g1.double((*GENERATOR, 1))
    assert g1.to_affine(twice) == g1.add(GENERATOR, GENERATOR)
    plain = g1.INFINITY
    for bit in f"{g1.LAMBDA % R:b}":
        plain = g1.double(plain)
        if bit == "1":
            plain = g1.add_mixed(plain, *GENERATOR)
    assert g1.to_affine(plain) == image


@pytest.mark.parametrize("width", [2, 3, 4, 5])
def test_signed_digits(width: int) -> None:
    for number in (0, 1, 2, 3, 0xFF, 0xAAAA, 6 * U + 2, R):
        digits = signed_digits(number, width)
        assert sum(digit << at for at, digit in enumerate(digits)) == number
        places = [at for at, digit in enumerate(digits) if digit]
        assert all(b - a >= width for a, b in pairwise(places))
        assert all(abs(digit) < 1 << (width - 1) for digit in digits)
        assert all(digits[at] & 1 for at in places)
