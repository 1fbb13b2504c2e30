"""The group of bn254 over F_p: adding, and multiplying by a scalar.

The curve has an endomorphism that costs one multiplication, (x, y) -> (beta x, y), and equals
multiplying by a number lambda. So a scalar k is taken apart into k0 + k1 lambda with halves of 127
bits, and the two multiplications share their doublings.

Reference: Gallant, Lambert & Vanstone, "Faster point multiplication on elliptic curves with
efficient endomorphisms", 2001; the formulas are those for a = 0 of the Explicit-Formulas Database.
"""

from contracts.precompiles.bn254.field import P, R, U, signed_digits

Point = tuple[int, int]
"""x and y; None in place of a point is infinity."""
Jacobian = tuple[int, int, int]
"""X, Y, Z with x = X / Z^2 and y = Y / Z^3; Z = 0 is infinity."""

BETA = 18 * U**3 + 18 * U**2 + 9 * U + 1
LAMBDA = 36 * U**3 + 18 * U**2 + 6 * U + 1
SHORT, LONG = 2 * U + 1, 6 * U**2 + 2 * U
"""(SHORT, -LONG) and (LONG + SHORT, SHORT) span the pairs (a, b) with a + b LAMBDA = 0 mod R."""
WINDOW = 4
INFINITY: Jacobian = (0, 1, 0)


def is_on_curve(x: int, y: int) -> bool:
    """Tell whether coordinates below `P` are those of a point."""
    return (y * y - x * x * x - 3) % P == 0


def add(a: Point | None, b: Point | None) -> Point | None:
    """Return the sum of two points."""
    if a is None or b is None:
        return b if a is None else a
    (x, y), (x2, y2) = a, b
    if x != x2:
        slope = (y2 - y) * pow(x2 - x, -1, P) % P
    elif y == y2:
        slope = 3 * x * x * pow(2 * y, -1, P) % P  # r is odd, so no point has y = 0
    else:
        return None
    x3 = (slope * slope - x - x2) % P
    return x3, (slope * (x - x3) - y) % P


def multiply(point: Point | None, scalar: int) -> Point | None:
    """Return a point times a scalar that is not negative."""
    scalar %= R
    if point is None or not scalar:
        return None
    first, second = decompose(scalar)
    table = odd_multiples(point)
    image = [(x * BETA % P, y) for x, y in table]
    digits = signed_digits(abs(first), WINDOW), signed_digits(abs(second), WINDOW)
    result = INFINITY
    for at in range(max(map(len, digits)) - 1, -1, -1):
        result = double(result)
        for number, own, multiples in zip((first, second), digits, (table, image), strict=True):
            digit = own[at] if at < len(own) else 0
            if digit:
                x, y = multiples[abs(digit) >> 1]
                result = add_mixed(result, x, y if (digit > 0) == (number > 0) else P - y)
    return to_affine(result)


def decompose(scalar: int) -> tuple[int, int]:
    """Return (k0, k1) of at most 128 bits, with signs, such that k0 + k1 LAMBDA = scalar mod R."""
    first = (2 * scalar * SHORT + R) // (2 * R)
    second = (2 * scalar * LONG + R) // (2 * R)
    return (
        scalar - first * SHORT - second * (LONG + SHORT),
        first * LONG - second * SHORT,
    )


def odd_multiples(point: Point) -> list[Point]:
    """Return the point times 1, 3, 5, 7, ... as `WINDOW` needs them."""
    twice = add(point, point)
    multiples = [point]
    for _ in range((1 << (WINDOW - 2)) - 1):
        following = add(multiples[-1], twice)
        if following is None:  # the order is a large prime
            raise AssertionError("a small odd multiple of a point is infinity")
        multiples.append(following)
    return multiples


def double(a: Jacobian) -> Jacobian:
    """Return 2 a."""
    x, y, z = a
    square = y * y % P
    s = 4 * x * square % P
    m = 3 * x * x % P
    x3 = (m * m - 2 * s) % P
    return x3, (m * (s - x3) - 8 * square * square) % P, 2 * y * z % P


def add_mixed(a: Jacobian, x2: int, y2: int) -> Jacobian:
    """Return a plus an affine point."""
    x, y, z = a
    if not z:
        return x2, y2, 1
    square = z * z % P
    h = (x2 * square - x) % P
    r = (y2 * square * z - y) % P
    if not h:
        return double(a) if not r else INFINITY
    hh = h * h % P
    v = x * hh % P
    cube = h * hh % P
    x3 = (r * r - cube - 2 * v) % P
    return x3, (r * (v - x3) - y * cube) % P, z * h % P


def to_affine(a: Jacobian) -> Point | None:
    """Return the point in affine coordinates."""
    x, y, z = a
    if not z:
        return None
    inverse = pow(z, -1, P)
    square = inverse * inverse % P
    return x * square % P, y * square * inverse % P
