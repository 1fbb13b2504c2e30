"""Stack effects and arithmetic of instructions, for the naive virtual machine."""

from collections.abc import Callable

TWO_256 = 2**256

COUNTS: dict[int, tuple[int, int]] = {
    **dict.fromkeys([0x00, 0x5B], (0, 0)),
    **dict.fromkeys([*range(0x01, 0x08), 0x0A, 0x0B, *range(0x10, 0x15), 0x20], (2, 1)),
    **dict.fromkeys([0x16, 0x17, 0x18, *range(0x1A, 0x1E)], (2, 1)),
    **dict.fromkeys([0x08, 0x09], (3, 1)),
    **dict.fromkeys([0x15, 0x19, 0x1E, 0x31, 0x35, 0x3B, 0x3F, 0x40, 0x49, 0x51], (1, 1)),
    **dict.fromkeys([0x54, 0x5C], (1, 1)),
    **dict.fromkeys([0x30, 0x32, 0x33, 0x34, 0x36, 0x38, 0x3A, 0x3D, *range(0x41, 0x49)], (0, 1)),
    **dict.fromkeys([0x4A, 0x58, 0x59, 0x5A, *range(0x5F, 0x80)], (0, 1)),
    **dict.fromkeys([0x37, 0x39, 0x3E, 0x5E], (3, 0)),
    **dict.fromkeys([0x50, 0x56, 0xFF], (1, 0)),
    **dict.fromkeys([0x52, 0x53, 0x55, 0x57, 0x5D, 0xF3, 0xFD], (2, 0)),
    **{0x80 + n: (n + 1, n + 2) for n in range(16)},
    **{0x90 + n: (n + 2, n + 2) for n in range(16)},
    **{0xA0 + n: (n + 2, 0) for n in range(5)},
    0x3C: (4, 0),
    0xF0: (3, 1),
    0xF5: (4, 1),
    0xF1: (7, 1),
    0xF2: (7, 1),
    0xF4: (6, 1),
    0xFA: (6, 1),
}


def operand_count(op: int) -> tuple[int, int]:
    """Return how many items an instruction takes and leaves."""
    return COUNTS[op]


def signed(value: int) -> int:
    return value - TWO_256 if value >= 2**255 else value


def truncated(a: int, b: int) -> int:
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def extend(size: int, value: int) -> int:
    if size > 30:
        return value
    bits = 8 * (size + 1)
    low = value % (1 << bits)
    return low - (1 << bits) if low >> (bits - 1) else low


def smod(a: int, b: int) -> int:
    return a - b * truncated(a, b) if b else 0


TABLE: dict[int, Callable[..., int]] = {
    0x01: lambda a, b: a + b,
    0x02: lambda a, b: a * b,
    0x03: lambda a, b: a - b,
    0x04: lambda a, b: a // b if b else 0,
    0x05: lambda a, b: truncated(signed(a), signed(b)) if b else 0,
    0x06: lambda a, b: a % b if b else 0,
    0x07: lambda a, b: smod(signed(a), signed(b)),
    0x08: lambda a, b, n: (a + b) % n if n else 0,
    0x09: lambda a, b, n: a * b % n if n else 0,
    0x0A: lambda a, b: int(pow(a, b, TWO_256)),
    0x0B: extend,
    0x10: lambda a, b: int(a < b),
    0x11: lambda a, b: int(a > b),
    0x12: lambda a, b: int(signed(a) < signed(b)),
    0x13: lambda a, b: int(signed(a) > signed(b)),
    0x14: lambda a, b: int(a == b),
    0x15: lambda a: int(a == 0),
    0x16: lambda a, b: a & b,
    0x17: lambda a, b: a | b,
    0x18: lambda a, b: a ^ b,
    0x19: lambda a: TWO_256 - 1 - a,
    0x1A: lambda i, a: a.to_bytes(32, "big")[i] if i < 32 else 0,
    0x1B: lambda n, a: a * 2**n if n < 256 else 0,
    0x1C: lambda n, a: a // 2**n if n < 256 else 0,
    0x1D: lambda n, a: signed(a) // 2 ** min(n, 256),
    0x1E: lambda a: len(f"{a:0256b}".partition("1")[0]),
}


def compute(op: int, args: list[int]) -> int:
    """Return what an instruction computes, not cut to 256 bits."""
    return int(TABLE[op](*args))
