"""bn254 against py_ecc, and the tower of fields against polynomials multiplied term by term."""

from itertools import product
from typing import Any

import py_ecc.optimized_bn128 as reference
from hypothesis import given, settings, strategies as st

from contracts.precompiles.bn254 import g1, pairing, tower
from contracts.precompiles.bn254.field import XI, Fp2, P, R, U, multiply2
from contracts.precompiles.bn254.pairing import G1Affine, G2Affine
from contracts.precompiles.bn254.tower import Fp6, Fp12
from tests.unit.contracts.precompiles.bn254_points import outside_the_subgroup, twist_point

Reference: Any = reference
PLACES = (0, 2, 4, 1, 3, 5)
"""The power of w that each pair of an `Fp12` stands at."""

numbers = st.one_of(st.integers(0, P - 1), st.sampled_from([0, 1, 2, P - 2, P - 1]))
towers = st.tuples(*[numbers] * 12)
lines = st.tuples(*[numbers] * 6)
scalars = st.one_of(
    st.integers(0, 2**256 - 1), st.sampled_from([0, 1, 2, 3, R - 1, R, R + 1, g1.LAMBDA])
)
small = st.integers(0, 6)


def g1_point(scalar: int) -> G1Affine | None:
    point = Reference.multiply(Reference.G1, scalar % R)
    if Reference.is_inf(point):
        return None
    x, y = Reference.normalize(point)
    return int(x), int(y)


def g2_point(scalar: int) -> G2Affine | None:
    point = Reference.multiply(Reference.G2, scalar % R)
    if Reference.is_inf(point):
        return None
    x, y = Reference.normalize(point)
    a, b = map(int, x.coeffs)
    c, d = map(int, y.coeffs)
    return a, b, c, d


def term_by_term(x: Fp12, y: Fp12) -> Fp12:
    """Multiply polynomials in w, then replace w^6 by xi."""
    terms: list[Fp2] = [(0, 0)] * 11
    for i, j in product(range(6), range(6)):
        real, imaginary = multiply2((x[2 * i], x[2 * i + 1]), (y[2 * j], y[2 * j + 1]))
        at = PLACES[i] + PLACES[j]
        terms[at] = terms[at][0] + real, terms[at][1] + imaginary
    for at in range(10, 5, -1):
        real, imaginary = multiply2(terms[at], XI)
        terms[at - 6] = terms[at - 6][0] + real, terms[at - 6][1] + imaginary
    flat = [part % P for at in PLACES for part in terms[at]]
    return tuple(flat)  # type: ignore[return-value]


def power(x: Fp12, exponent: int) -> Fp12:
    result = tower.ONE
    for bit in f"{exponent:b}":
        result = tower.square12(result)
        if bit == "1":
            result = tower.multiply12(result, x)
    return result


@given(x=towers, y=towers, line=lines)
def test_the_tower_multiplies_as_polynomials_do(x: Fp12, y: Fp12, line: Fp6) -> None:
    assert tower.multiply12(x, y) == term_by_term(x, y)
    assert tower.square12(x) == term_by_term(x, x)
    a, b, c, d, e, f = line
    assert tower.multiply_line(x, line) == term_by_term(x, (a, b, 0, 0, 0, 0, c, d, e, f, 0, 0))
    if any(x):
        assert tower.multiply12(x, tower.invert12(x)) == tower.ONE


@given(x=towers.filter(any))
@settings(max_examples=8)
def test_powers_in_the_cyclotomic_subgroup(x: Fp12) -> None:
    for exponent in (1, 2, 3):
        assert tower.frobenius(x, exponent) == power(x, P**exponent)
    x = tower.multiply12(tower.conjugate(x), tower.invert12(x))
    x = tower.multiply12(tower.frobenius(x, 2), x)
    assert tower.square_unitary(x) == tower.square12(x)
    assert tower.power_unitary(x, pairing.POWER_U) == power(x, U)
    assert tower.multiply12(x, tower.conjugate(x)) == tower.ONE


@given(a=st.one_of(small, scalars), b=st.one_of(small, scalars))
def test_sums_and_multiples(a: int, b: int) -> None:
    assert g1.add(g1_point(a), g1_point(b)) == g1_point(a + b)
    assert g1.multiply(g1_point(a), b) == g1_point(a * b)


@given(scalar=st.integers(0, R - 1))
def test_a_scalar_comes_apart_into_halves(scalar: int) -> None:
    first, second = g1.decompose(scalar)
    assert (first + second * g1.LAMBDA - scalar) % R == 0
    assert max(abs(first), abs(second)).bit_length() <= 128


@given(a=scalars, b=scalars, c=scalars, error=st.sampled_from([0, 0, 1]))
@settings(max_examples=20)
def test_pairings_are_bilinear(a: int, b: int, c: int, error: int) -> None:
    """e(a P, b Q) e(-(a b + c) P, Q) e(P, c Q) is 1, and is not with a number one off."""
    pairs = [
        (g1_point(a), g2_point(b)),
        (g1_point(-(a * b + c)), g2_point(1)),
        (g1_point(1), g2_point(c + error)),
    ]
    assert pairing.product_is_one(pairs) is (error == 0)


@given(a=st.integers(1, R - 1), b=st.integers(1, R - 1), same=st.booleans())
@settings(max_examples=3)
def test_the_answer_is_that_of_the_reference(a: int, b: int, same: bool) -> None:
    terms = [(a, b), (-a if same else a, b)]
    expected = Reference.FQ12.one()
    for left, right in terms:
        p, q = Reference.multiply(Reference.G1, left % R), Reference.multiply(Reference.G2, right)
        expected *= Reference.pairing(q, p, final_exponentiate=False)
    found = pairing.product_is_one([(g1_point(left), g2_point(right)) for left, right in terms])
    assert found is (Reference.final_exponentiate(expected) == Reference.FQ12.one())


@given(seed=st.integers(0, 1_000), scalar=st.integers(1, R - 1))
@settings(max_examples=10)
def test_the_subgroup_is_where_the_order_leads_to_infinity(seed: int, scalar: int) -> None:
    inside = g2_point(scalar)
    assert inside is not None
    assert pairing.in_subgroup(inside)
    for point in (outside_the_subgroup(seed), twist_point(seed)):
        a, b, c, d = point
        x, y = Reference.FQ2([a, b]), Reference.FQ2([c, d])
        multiple = Reference.multiply((x, y, Reference.FQ2.one()), R)
        assert pairing.in_subgroup(point) is Reference.is_inf(multiple)
        assert (pairing.miller_loop([((1, 2), point)]) is not None) is Reference.is_inf(multiple)


def test_small_orders_are_told_apart_too() -> None:
    """Points of small order take the walk through T = Q and T = 0."""
    cofactor = 2 * P - R
    primes = [prime for prime in range(2, 20_000) if cofactor % prime == 0]
    a, b, c, d = twist_point(1)
    point = (Reference.FQ2([a, b]), Reference.FQ2([c, d]), Reference.FQ2.one())
    found = 0
    for prime in primes:
        if any(prime % other == 0 for other in range(2, prime)):
            continue
        small = Reference.multiply(point, R * cofactor // prime)
        if Reference.is_inf(small):
            continue
        x, y = Reference.normalize(small)
        affine = (*map(int, x.coeffs), *map(int, y.coeffs))
        assert not pairing.in_subgroup(affine)  # type: ignore[arg-type]
        found += 1
    assert found
