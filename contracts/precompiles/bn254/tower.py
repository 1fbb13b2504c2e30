"""F_p12 as a tower over F_p2, written out for CPython.

F_p6 = F_p2[v] / (v^3 - xi) and F_p12 = F_p6[w] / (w^2 - v), with xi = 9 + i. An element of F_p6 is
six integers: the parts of its coefficients at 1, v, v^2. One of F_p12 is twelve: the six without
w, then the six with it. Values that functions of F_p12 return are reduced; `multiply6` leaves the
reduction to its callers, which add up several of its results first.

Reference: Devegili et al., "Multiplication and squaring on pairing-friendly fields", 2006;
Granger & Scott, "Faster squaring in the cyclotomic subgroup of sixth degree extensions", 2010.
"""

from contracts.precompiles.bn254.field import XI, Fp2, P, invert2, multiply2, power2

Fp6 = tuple[int, int, int, int, int, int]
Fp12 = tuple[int, int, int, int, int, int, int, int, int, int, int, int]

ONE: Fp12 = (1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
WINDOW = 4
"""Width of the signed digits that `power` goes by."""


def multiply6(x: Fp6, y: Fp6) -> Fp6:
    """Return x y, not reduced: six products of F_p2 instead of nine (Karatsuba)."""
    a, b, c, d, e, f = x
    g, h, k, m, n, q = y
    r0, i0 = a * g - b * h, a * h + b * g
    r1, i1 = c * k - d * m, c * m + d * k
    r2, i2 = e * n - f * q, e * q + f * n
    s, t, u, w = c + e, d + f, k + n, m + q
    r12, i12 = s * u - t * w - r1 - r2, s * w + t * u - i1 - i2
    s, t, u, w = a + c, b + d, g + k, h + m
    r01, i01 = s * u - t * w - r0 - r1, s * w + t * u - i0 - i1
    s, t, u, w = a + e, b + f, g + n, h + q
    return (
        r0 + 9 * r12 - i12,
        i0 + r12 + 9 * i12,
        r01 + 9 * r2 - i2,
        i01 + r2 + 9 * i2,
        s * u - t * w - r0 + r1 - r2,
        s * w + t * u - i0 + i1 - i2,
    )


def multiply6_sparse(x: Fp6, g: int, h: int, k: int, m: int) -> Fp6:
    """Return x times (g + h i) + (k + m i) v, not reduced."""
    a, b, c, d, e, f = x
    r0, i0 = a * g - b * h, a * h + b * g
    r1, i1 = c * k - d * m, c * m + d * k
    r2, i2 = e * k - f * m, e * m + f * k
    s, t, u, w = a + c, b + d, g + k, h + m
    return (
        r0 + 9 * r2 - i2,
        i0 + r2 + 9 * i2,
        s * u - t * w - r0 - r1,
        s * w + t * u - i0 - i1,
        e * g - f * h + r1,
        e * h + f * g + i1,
    )


def multiply12(x: Fp12, y: Fp12) -> Fp12:
    """Return x y."""
    a, b, c, d, e, f, a1, b1, c1, d1, e1, f1 = x
    g, h, k, m, n, q, g1, h1, k1, m1, n1, q1 = y
    low = multiply6((a, b, c, d, e, f), (g, h, k, m, n, q))
    high = multiply6((a1, b1, c1, d1, e1, f1), (g1, h1, k1, m1, n1, q1))
    both = multiply6(
        (a + a1, b + b1, c + c1, d + d1, e + e1, f + f1),
        (g + g1, h + h1, k + k1, m + m1, n + n1, q + q1),
    )
    return _join(low, high, both)


def multiply_line(x: Fp12, line: Fp6) -> Fp12:
    """Return x times l0 + l1 w + l3 w^3, which is what a line evaluates to.

    Args:
        line: the parts of l0, l1, l3.
    """
    a, b, c, d, e, f, a1, b1, c1, d1, e1, f1 = x
    g, h, k, m, n, q = line
    low = (a * g - b * h, a * h + b * g, c * g - d * h, c * h + d * g, e * g - f * h, e * h + f * g)
    high = multiply6_sparse((a1, b1, c1, d1, e1, f1), k, m, n, q)
    both = multiply6_sparse((a + a1, b + b1, c + c1, d + d1, e + e1, f + f1), g + k, h + m, n, q)
    return _join(low, high, both)


def _join(low: Fp6, high: Fp6, both: Fp6) -> Fp12:
    """Return (low + v high) + (both - low - high) w, reduced."""
    a, b, c, d, e, f = low
    g, h, k, m, n, q = high
    r, s, t, u, y, z = both
    return (
        (a + 9 * n - q) % P,
        (b + n + 9 * q) % P,
        (c + g) % P,
        (d + h) % P,
        (e + k) % P,
        (f + m) % P,
        (r - a - g) % P,
        (s - b - h) % P,
        (t - c - k) % P,
        (u - d - m) % P,
        (y - e - n) % P,
        (z - f - q) % P,
    )


def square12(x: Fp12) -> Fp12:
    """Return x^2: with x = A + B w, (A + B)(A + v B) - (1 + v) A B and 2 A B."""
    a, b, c, d, e, f, g, h, k, m, n, q = x
    r, s, t, u, y, z = multiply6((a, b, c, d, e, f), (g, h, k, m, n, q))
    a, b, c, d, e, f = multiply6(
        (a + g, b + h, c + k, d + m, e + n, f + q),
        (a + 9 * n - q, b + n + 9 * q, c + g, d + h, e + k, f + m),
    )
    return (
        (a - r - 9 * y + z) % P,
        (b - s - y - 9 * z) % P,
        (c - t - r) % P,
        (d - u - s) % P,
        (e - y - t) % P,
        (f - z - u) % P,
        2 * r % P,
        2 * s % P,
        2 * t % P,
        2 * u % P,
        2 * y % P,
        2 * z % P,
    )


def square_unitary(x: Fp12) -> Fp12:
    """Return x^2 for an x of the cyclotomic subgroup, where squaring is three times cheaper."""
    a, b, c, d, e, f, g, h, k, m, n, q = x
    # Squares of three elements of F_p4: (1, vw), (w, v^2), (v, v^2 w).
    r, s = (k + m) * (k - m), 2 * k * m
    r0, i0 = (a + b) * (a - b) + 9 * r - s, 2 * a * b + r + 9 * s
    r, s = (e + f) * (e - f), 2 * e * f
    r1, i1 = (g + h) * (g - h) + 9 * r - s, 2 * g * h + r + 9 * s
    r, s = (n + q) * (n - q), 2 * n * q
    r2, i2 = (c + d) * (c - d) + 9 * r - s, 2 * c * d + r + 9 * s
    r, s = c * n - d * q, c * q + d * n
    return (
        (3 * r0 - 2 * a) % P,
        (3 * i0 - 2 * b) % P,
        (3 * r1 - 2 * c) % P,
        (3 * i1 - 2 * d) % P,
        (3 * r2 - 2 * e) % P,
        (3 * i2 - 2 * f) % P,
        (6 * (9 * r - s) + 2 * g) % P,
        (6 * (r + 9 * s) + 2 * h) % P,
        (6 * (a * k - b * m) + 2 * k) % P,
        (6 * (a * m + b * k) + 2 * m) % P,
        (6 * (g * e - h * f) + 2 * n) % P,
        (6 * (g * f + h * e) + 2 * q) % P,
    )


def conjugate(x: Fp12) -> Fp12:
    """Return x^(p^6), which is 1 / x in the cyclotomic subgroup."""
    a, b, c, d, e, f, g, h, k, m, n, q = x
    return a, b, c, d, e, f, -g, -h, -k, -m, -n, -q


def power_unitary(x: Fp12, digits: tuple[int, ...]) -> Fp12:
    """Return a power of an x of the cyclotomic subgroup.

    Args:
        digits: the exponent as `signed_digits(exponent, WINDOW)` gives it; not empty.
    """
    square = square_unitary(x)
    odd = [x]
    for _ in range((1 << (WINDOW - 2)) - 1):
        odd.append(multiply12(odd[-1], square))
    result = odd[digits[-1] >> 1]
    for digit in reversed(digits[:-1]):
        result = square_unitary(result)
        if digit > 0:
            result = multiply12(result, odd[digit >> 1])
        elif digit < 0:
            result = multiply12(result, conjugate(odd[-digit >> 1]))
    return result


def invert12(x: Fp12) -> Fp12:
    """Return 1 / x.

    Raises:
        ValueError: x is 0.
    """
    low: Fp6 = x[:6]
    high: Fp6 = x[6:]
    a, b, c, d, e, f = multiply6(low, low)
    g, h, k, m, n, q = multiply6(high, high)
    norm = (a - 9 * n + q, b - n - 9 * q, c - g, d - h, e - k, f - m)
    inverse = _invert6(tuple(part % P for part in norm))  # type: ignore[arg-type]
    a, b, c, d, e, f = multiply6(low, inverse)
    g, h, k, m, n, q = multiply6(high, inverse)
    return a % P, b % P, c % P, d % P, e % P, f % P, -g % P, -h % P, -k % P, -m % P, -n % P, -q % P


def _invert6(x: Fp6) -> Fp6:
    a, b, c, d, e, f = x
    # The cofactors x0^2 - xi x1 x2, xi x2^2 - x0 x1, x1^2 - x0 x2.
    r, s = c * e - d * f, c * f + d * e
    r0, i0 = (a * a - b * b - 9 * r + s) % P, (2 * a * b - r - 9 * s) % P
    r, s = e * e - f * f, 2 * e * f
    r1, i1 = (9 * r - s - a * c + b * d) % P, (r + 9 * s - a * d - b * c) % P
    r2, i2 = (c * c - d * d - a * e + b * f) % P, (2 * c * d - a * f - b * e) % P
    r, s = e * r1 - f * i1 + c * r2 - d * i2, e * i1 + f * r1 + c * i2 + d * r2
    g, h = invert2((a * r0 - b * i0 + 9 * r - s, a * i0 + b * r0 + r + 9 * s))
    return (
        (r0 * g - i0 * h) % P,
        (r0 * h + i0 * g) % P,
        (r1 * g - i1 * h) % P,
        (r1 * h + i1 * g) % P,
        (r2 * g - i2 * h) % P,
        (r2 * h + i2 * g) % P,
    )


def frobenius_factors(power: int) -> tuple[Fp2, ...]:
    """Return xi^(j (p^power - 1) / 6), by which x -> x^(p^power) multiplies w^j, for j to 5."""
    root = power2(XI, (P**power - 1) // 6)
    factors: list[Fp2] = [(1, 0)]
    for _ in range(5):
        factors.append(multiply2(factors[-1], root))
    return tuple(factors)


FROBENIUS = tuple(frobenius_factors(power) for power in range(4))
"""The factors of each power of the Frobenius map, at its index."""


def frobenius(x: Fp12, power: int) -> Fp12:
    """Return x^(p^power), for a power of 1, 2 or 3."""
    factors = FROBENIUS[power]
    sign = -1 if power & 1 else 1
    result: list[int] = []
    for at, j in ((0, 0), (2, 2), (4, 4), (6, 1), (8, 3), (10, 5)):
        a, b = x[at], sign * x[at + 1]
        c, d = factors[j]
        result += ((a * c - b * d) % P, (a * d + b * c) % P)
    return tuple(result)  # type: ignore[return-value]
