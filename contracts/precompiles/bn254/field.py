"""The prime field of bn254 and its quadratic extension; the constants of the curve.

bn254 (alt_bn128) is the Barreto-Naehrig curve y^2 = x^3 + 3 over F_p, with p, the group order r
and everything else a polynomial in one number u:

    p = 36 u^4 + 36 u^3 + 24 u^2 + 6 u + 1        r = p - 6 u^2

F_p2 is F_p[i] / (i^2 + 1), and its elements are pairs (real, imaginary). The hot code of this
folder writes both parts out instead of calling these functions: in CPython a call costs as much
as a multiplication of two 254-bit integers, and a reduction costs two. For the same reason
sums of products are reduced once, at the end.

Reference: EIP-197; Barreto & Naehrig, "Pairing-friendly elliptic curves of prime order", 2005.
"""

U = 4965661367192848881
P = 36 * U**4 + 36 * U**3 + 24 * U**2 + 6 * U + 1
R = P - 6 * U**2

Fp2 = tuple[int, int]

XI: Fp2 = (9, 1)
"""The number whose sixth root extends F_p2 to F_p12; it is neither a square nor a cube."""


def multiply2(x: Fp2, y: Fp2) -> Fp2:
    """Return x y."""
    return (x[0] * y[0] - x[1] * y[1]) % P, (x[0] * y[1] + x[1] * y[0]) % P


def invert2(x: Fp2) -> Fp2:
    """Return 1 / x.

    Raises:
        ValueError: x is 0.
    """
    norm = pow(x[0] * x[0] + x[1] * x[1], -1, P)
    return x[0] * norm % P, -x[1] * norm % P


def power2(x: Fp2, exponent: int) -> Fp2:
    """Return x to the power of an exponent that is not negative."""
    result: Fp2 = (1, 0)
    for bit in f"{exponent:b}":
        result = multiply2(result, result)
        if bit == "1":
            result = multiply2(result, x)
    return result


def signed_digits(number: int, width: int) -> tuple[int, ...]:
    """Return a number's non-adjacent form, lowest digit first.

    Every digit is 0 or odd and below 2**(width - 1) in size, and after a digit that is not 0
    come at least width - 1 zeros: few additions, where subtracting costs no more than adding.

    Args:
        number: not negative.
        width: at least 2; 2 gives the digits -1, 0 and 1.
    """
    digits: list[int] = []
    size = 1 << width
    while number:
        digit = 0
        if number & 1:
            digit = number & (size - 1)
            if digit >= size >> 1:
                digit -= size
            number -= digit
        digits.append(digit)
        number >>= 1
    return tuple(digits)
