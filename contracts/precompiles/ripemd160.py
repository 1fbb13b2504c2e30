"""RIPEMD-160 in plain Python, for builds of OpenSSL that lack it.

Reference: Dobbertin, Bosselaers & Preneel, "RIPEMD-160: a strengthened version of RIPEMD", 1996.
"""

import struct
from collections.abc import Callable

_MASK = 0xFFFFFFFF
_START = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0)

_RHO = (7, 4, 13, 1, 10, 6, 15, 3, 12, 0, 9, 5, 2, 14, 11, 8)
"""The permutation that leads from one round's order of words to the next one's."""
_SHIFTS = (
    (11, 14, 15, 12, 5, 8, 7, 9, 11, 13, 14, 15, 6, 7, 9, 8),
    (12, 13, 11, 15, 6, 9, 9, 7, 12, 15, 11, 13, 7, 8, 7, 7),
    (13, 15, 14, 11, 7, 7, 6, 8, 13, 14, 13, 12, 5, 5, 6, 9),
    (14, 11, 12, 14, 8, 6, 5, 5, 15, 12, 15, 14, 9, 9, 8, 6),
    (15, 12, 13, 13, 9, 5, 8, 6, 14, 11, 12, 11, 8, 6, 5, 5),
)
"""Left rotation of each word, by round."""
_LEFT = (0x00000000, 0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xA953FD4E)
_RIGHT = (0x50A28BE6, 0x5C4DD124, 0x6D703EF3, 0x7A6D76E9, 0x00000000)
"""Constants of the two lines, by round."""

_MIX: tuple[Callable[[int, int, int], int], ...] = (
    lambda x, y, z: x ^ y ^ z,
    lambda x, y, z: x & y | ~x & z,
    lambda x, y, z: (x | ~y) ^ z,
    lambda x, y, z: x & z | y & ~z,
    lambda x, y, z: x ^ (y | ~z),
)


def ripemd160(data: bytes) -> bytes:
    """Return the 20 bytes of RIPEMD-160."""
    padding = b"\x80" + bytes((55 - len(data)) % 64)
    message = data + padding + struct.pack("<Q", 8 * len(data) & 0xFFFFFFFFFFFFFFFF)
    state = _START
    left = tuple(range(16))
    right = tuple((9 * at + 5) % 16 for at in range(16))
    for block in struct.iter_unpack("<16I", message):
        a, b, c, d, e = _line(block, state, left, _LEFT, (0, 1, 2, 3, 4))
        f, g, h, k, m = _line(block, state, right, _RIGHT, (4, 3, 2, 1, 0))
        p, q, r, s, t = state
        state = (
            (q + c + k) & _MASK,
            (r + d + m) & _MASK,
            (s + e + f) & _MASK,
            (t + a + g) & _MASK,
            (p + b + h) & _MASK,
        )
    return struct.pack("<5I", *state)


def _line(
    block: tuple[int, ...],
    state: tuple[int, int, int, int, int],
    order: tuple[int, ...],
    constants: tuple[int, ...],
    mixers: tuple[int, ...],
) -> tuple[int, int, int, int, int]:
    """Return one of the two lines of the compression: five rounds of sixteen steps."""
    a, b, c, d, e = state
    for constant, mixer, shifts in zip(constants, mixers, _SHIFTS, strict=True):
        mix = _MIX[mixer]
        for word in order:
            total = (a + mix(b, c, d) + block[word] + constant) & _MASK
            shift = shifts[word]
            total = (total << shift | total >> (32 - shift)) + e & _MASK
            a, b, c, d, e = e, total, b, (c << 10 | c >> 22) & _MASK, d
        order = tuple(_RHO[word] for word in order)
    return a, b, c, d, e
