"""Bits, bytes and shifts."""

from collections.abc import Mapping
from types import MappingProxyType

from contracts.frame import Frame, Handler
from contracts.opcodes import Op

MASK = 2**256 - 1
SIGN = 2**255


def and_(s: list[int], f: Frame) -> None:
    """AND."""
    a = s.pop()
    s[-1] &= a


def or_(s: list[int], f: Frame) -> None:
    """OR."""
    a = s.pop()
    s[-1] |= a


def xor(s: list[int], f: Frame) -> None:
    """XOR."""
    a = s.pop()
    s[-1] ^= a


def not_(s: list[int], f: Frame) -> None:
    """NOT."""
    s[-1] ^= MASK


def byte(s: list[int], f: Frame) -> None:
    """BYTE, counted from the highest."""
    index = s.pop()
    s[-1] = s[-1] >> (8 * (31 - index)) & 0xFF if index < 32 else 0


def shl(s: list[int], f: Frame) -> None:
    """SHL (EIP-145)."""
    shift = s.pop()
    s[-1] = (s[-1] << shift) & MASK if shift < 256 else 0


def shr(s: list[int], f: Frame) -> None:
    """SHR (EIP-145)."""
    shift = s.pop()
    s[-1] = s[-1] >> shift if shift < 256 else 0


def sar(s: list[int], f: Frame) -> None:
    """SAR keeps the sign (EIP-145)."""
    shift = s.pop()
    value = s[-1]
    if value & SIGN:
        s[-1] = ((value - MASK - 1) >> min(shift, 256)) & MASK
    else:
        s[-1] = value >> shift if shift < 256 else 0


def clz(s: list[int], f: Frame) -> None:
    """CLZ: leading zero bits, 256 for zero (EIP-7939)."""
    s[-1] = 256 - s[-1].bit_length()


HANDLERS: Mapping[int, Handler] = MappingProxyType(
    {
        Op.AND: and_,
        Op.OR: or_,
        Op.XOR: xor,
        Op.NOT: not_,
        Op.BYTE: byte,
        Op.SHL: shl,
        Op.SHR: shr,
        Op.SAR: sar,
        Op.CLZ: clz,
    }
)
