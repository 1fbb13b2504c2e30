"""Points of bn254 for tests, made by other means than those under test."""

from contracts.precompiles.bn254.field import P, invert2, multiply2, power2
from contracts.precompiles.bn254.pairing import G1Affine, G2Affine
from tests.unit.contracts.precompiles.calls import word

GENERATOR: G1Affine = (1, 2)
TWIST_GENERATOR: G2Affine = (
    10857046999023057135944570762232829481370756359578518086990519993285655852781,
    11559732032986387107991004021392285783925812861821192530917403151452391805634,
    8495653923123431417604973247489272438418190587263600148770280649306958101930,
    4082367875863433681332203403145435568316851327593401208105741076214120093531,
)


def write_g2(point: G2Affine) -> bytes:
    a, b, c, d = point
    return word(b) + word(a) + word(d) + word(c)


def square_root2(x: tuple[int, int]) -> tuple[int, int] | None:
    """Return a square root in F_p2, or None: Adj & Rodriguez-Henriquez, 2012, algorithm 9."""
    first = power2(x, (P - 3) // 4)
    alpha = multiply2(first, multiply2(first, x))
    root = multiply2(first, x)
    if alpha == (P - 1, 0):
        root = multiply2((0, 1), root)
    else:
        root = multiply2(power2(((1 + alpha[0]) % P, alpha[1]), (P - 1) // 2), root)
    return root if multiply2(root, root) == (x[0] % P, x[1] % P) else None


def twist_point(start: int) -> G2Affine:
    """Return the first point of the twist with an abscissa of start + i, start + 1 + i, ..."""
    twist_b = multiply2((3, 0), invert2((9, 1)))
    for real in range(start, start + 100):
        x = (real, 1)
        cube = multiply2(x, multiply2(x, x))
        y = square_root2(((cube[0] + twist_b[0]) % P, (cube[1] + twist_b[1]) % P))
        if y is not None:
            return (*x, *y)
    raise AssertionError("half of the abscissas have a point")


def outside_the_subgroup(seed: int) -> G2Affine:
    """Return a point of the twist that almost certainly is not of order r."""
    return twist_point(1 + 1_000 * seed)
