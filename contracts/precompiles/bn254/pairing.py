"""The optimal ate pairing of bn254, and the question of a precompile: is a product of them 1?

A pairing is a Miller loop, which walks a point T from Q to [6u + 2] Q by doubling and adding, and
multiplies up the lines that it meets, each evaluated at P; then a final exponentiation, which
makes the result one of the r-th roots of unity. Three things make the question cheaper than so
many pairings: all loops share their squarings, there is one exponentiation for the product, and
factors from a subfield need not be right, since the exponentiation makes them 1.

The walk ends with T = [6u + 2] Q + pi(Q) - pi^2(Q), for the Frobenius map pi. For a Q of the group
of order r that is -pi^3(Q), and for no other point of the curve. So the check that the precompile
must make of each Q, a multiplication by itself, costs next to nothing.

The formulas for adding fail where T = Q, and T = 0 is not its usual triple after it. Both leave
Z = 0, which no later step undoes, and the check refuses it. A Q of order r never comes there.

Reference: Vercauteren, "Optimal pairings", 2008; Costello, Lange & Naehrig, "Faster pairing
computations on curves with high-degree twists", 2010; Fuentes-Castaneda, Knapp &
Rodriguez-Henriquez, "Faster hashing to G2", 2011, for the exponent; Dai, Lin, Zhao & Zhou, "Fast
subgroup membership testings for G1, G2 and GT", 2022.
"""

from collections.abc import Sequence

from contracts.precompiles.bn254.field import P, U, signed_digits
from contracts.precompiles.bn254.tower import (
    FROBENIUS,
    ONE,
    WINDOW,
    Fp6,
    Fp12,
    conjugate,
    frobenius,
    invert12,
    multiply12,
    multiply_line,
    power_unitary,
    square12,
    square_unitary,
)

G1Affine = tuple[int, int]
G2Affine = tuple[int, int, int, int]
"""x and y, each with its real and its imaginary part."""

LOOP = signed_digits(6 * U + 2, 2)[-2::-1]
"""The digits of 6u + 2 below the highest, in the order of the walk."""
POWER_U = signed_digits(U, WINDOW)
TWIST_3B = (81 * pow(82, -1, P) % P, -9 * pow(82, -1, P) % P)
"""3 b' of the twist y^2 = x^3 + b', where b' = 3 / xi."""


def product_is_one(pairs: Sequence[tuple[G1Affine | None, G2Affine | None]]) -> bool | None:
    """Return whether the product of the pairings of all pairs is 1.

    Args:
        pairs: points of the two curves; None is the point at infinity.

    Returns:
        None if a point of the twist is not in the group of order r.
    """
    finite = [(p, q) for p, q in pairs if p is not None and q is not None]
    alone = [q for p, q in pairs if p is None and q is not None]
    if not all(in_subgroup(q) for q in alone):
        return None
    product = miller_loop(finite)
    return None if product is None else is_one_after_exponentiation(product)


def miller_loop(pairs: Sequence[tuple[G1Affine, G2Affine]]) -> Fp12 | None:
    """Return the product of the Miller functions, up to factors from F_p2.

    Returns:
        None if a point of the twist is not in the group of order r.
    """
    values = [(y, P - x) for (x, y), _ in pairs]
    points = [q for _, q in pairs]
    walks: list[Fp6] = [(a, b, c, d, 1, 0) for a, b, c, d in points]
    opposites = [(a, b, -c, -d) for a, b, c, d in points]
    indices = range(len(pairs))
    product = ONE
    for digit in LOOP:
        product = square12(product)
        for at in indices:
            walks[at], line = double_step(walks[at], *values[at])
            product = multiply_line(product, line)
        if digit:
            addends = points if digit > 0 else opposites
            for at in indices:
                walks[at], line = add_step(walks[at], addends[at], *values[at])
                product = multiply_line(product, line)
    for at in indices:
        for addend in last_addends(points[at]):
            walks[at], line = add_step(walks[at], addend, *values[at])
            product = multiply_line(product, line)
        if not _ends_as_in_subgroup(walks[at], points[at]):
            return None
    return product


def in_subgroup(q: G2Affine) -> bool:
    """Tell whether a point of the twist is in the group of order r: the walk without the lines."""
    a, b, c, d = q
    opposite = (a, b, -c, -d)
    walk: Fp6 = (a, b, c, d, 1, 0)
    for digit in LOOP:
        walk, _ = double_step(walk, 0, 0)
        if digit:
            walk, _ = add_step(walk, q if digit > 0 else opposite, 0, 0)
    for addend in last_addends(q):
        walk, _ = add_step(walk, addend, 0, 0)
    return _ends_as_in_subgroup(walk, q)


def double_step(t: Fp6, y: int, minus_x: int) -> tuple[Fp6, Fp6]:
    """Return [2] T and the tangent at T, evaluated at a point of G1.

    Args:
        t: X, Y, Z of a point of the twist, in homogeneous coordinates: x = X / Z, y = Y / Z.
        y: ordinate of the point of G1.
        minus_x: its abscissa, negated.
    """
    a, b, c, d, e, f = t
    k, m = TWIST_3B
    g, h = (c + d) * (c - d) % P, 2 * c * d % P  # Y^2
    r, s = (e + f) * (e - f), 2 * e * f
    k, m = (r * k - s * m) % P, (r * m + s * k) % P  # 3 b' Z^2
    n, q = 2 * (c * e - d * f) % P, 2 * (c * f + d * e) % P  # 2 Y Z
    r, s = 2 * (a * c - b * d), 2 * (a * d + b * c)
    u, v = g - 3 * k, h - 3 * m
    w, z = g + 3 * k, h + 3 * m
    double = (
        (r * u - s * v) % P,
        (r * v + s * u) % P,
        ((w + z) * (w - z) - 12 * (k + m) * (k - m)) % P,
        (2 * w * z - 24 * k * m) % P,
        4 * (g * n - h * q) % P,
        4 * (g * q + h * n) % P,
    )
    triple = 3 * minus_x
    line = (
        n * y % P,
        q * y % P,
        (a + b) * (a - b) * triple % P,
        2 * a * b * triple % P,
        g - k,
        h - m,
    )
    return double, line


def add_step(t: Fp6, other: G2Affine, y: int, minus_x: int) -> tuple[Fp6, Fp6]:
    """Return T plus an affine point, and the line through both, as `double_step` does."""
    a, b, c, d, e, f = t
    k, m, n, q = other
    g, h = (c - n * e + q * f) % P, (d - n * f - q * e) % P  # theta = Y - y Z
    r, s = (a - k * e + m * f) % P, (b - k * f - m * e) % P  # lambda = X - x Z
    line = (
        r * y % P,
        s * y % P,
        g * minus_x % P,
        h * minus_x % P,
        (g * k - h * m - r * n + s * q) % P,
        (g * m + h * k - r * q - s * n) % P,
    )
    u, v = (r + s) * (r - s) % P, 2 * r * s % P  # lambda^2
    w, z = (g + h) * (g - h) % P, 2 * g * h % P  # theta^2
    a, b = (a * u - b * v) % P, (a * v + b * u) % P  # X lambda^2
    u, v = (u * r - v * s) % P, (u * s + v * r) % P  # lambda^3
    w, z = (u + e * w - f * z - 2 * a) % P, (v + e * z + f * w - 2 * b) % P
    a, b = a - w, b - z
    total = (
        (r * w - s * z) % P,
        (r * z + s * w) % P,
        (g * a - h * b - u * c + v * d) % P,
        (g * b + h * a - u * d - v * c) % P,
        (e * u - f * v) % P,
        (e * v + f * u) % P,
    )
    return total, line


def frobenius_twist(q: G2Affine, power: int) -> G2Affine:
    """Return pi^power(Q) in the twist's coordinates, for a power of 1, 2 or 3."""
    a, b, c, d = q
    if power & 1:
        b, d = -b, -d
    (g, h), (k, m) = FROBENIUS[power][2:4]
    return (a * g - b * h) % P, (a * h + b * g) % P, (c * k - d * m) % P, (c * m + d * k) % P


def last_addends(q: G2Affine) -> tuple[G2Affine, G2Affine]:
    """Return pi(Q) and -pi^2(Q), with which the walk ends."""
    a, b, c, d = frobenius_twist(q, 2)
    return frobenius_twist(q, 1), (a, b, -c, -d)


def _ends_as_in_subgroup(walk: Fp6, q: G2Affine) -> bool:
    """Tell whether the walk has come to -pi^3(Q)."""
    a, b, c, d, e, f = walk
    g, h, k, m = frobenius_twist(q, 3)
    return (
        bool(e or f)
        and (a - g * e + h * f) % P == 0
        and (b - g * f - h * e) % P == 0
        and (c + k * e - m * f) % P == 0
        and (d + k * f + m * e) % P == 0
    )


def is_one_after_exponentiation(f: Fp12) -> bool:
    """Tell whether f^((p^12 - 1) / r) is 1.

    The hard part's exponent is that of the reference: a multiple of (p^4 - p^2 + 1) / r by a
    number that r does not divide.
    """
    f = multiply12(conjugate(f), invert12(f))
    f = multiply12(frobenius(f, 2), f)
    f2u = square_unitary(power_unitary(f, POWER_U))
    f6u = multiply12(square_unitary(f2u), f2u)
    f6u2 = power_unitary(f6u, POWER_U)
    f12u3 = power_unitary(square_unitary(f6u2), POWER_U)
    at_p2 = multiply12(multiply12(f12u3, f6u2), f6u)
    at_p = multiply12(at_p2, conjugate(f2u))
    result = multiply12(multiply12(at_p2, f6u2), f)
    result = multiply12(result, frobenius(at_p, 1))
    result = multiply12(result, frobenius(at_p2, 2))
    result = multiply12(result, frobenius(multiply12(at_p, conjugate(f)), 3))
    return result == ONE
