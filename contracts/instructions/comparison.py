"""Comparisons give 1 or 0."""

from collections.abc import Mapping
from types import MappingProxyType

from contracts.frame import Frame, Handler
from contracts.opcodes import Op

SIGN = 2**255


def lt(s: list[int], f: Frame) -> None:
    """LT."""
    a = s.pop()
    s[-1] = 1 if a < s[-1] else 0


def gt(s: list[int], f: Frame) -> None:
    """GT."""
    a = s.pop()
    s[-1] = 1 if a > s[-1] else 0


def slt(s: list[int], f: Frame) -> None:
    """SLT: two's complement; with the sign bit turned over, the order is the unsigned one."""
    a = s.pop()
    s[-1] = 1 if a ^ SIGN < s[-1] ^ SIGN else 0


def sgt(s: list[int], f: Frame) -> None:
    """SGT."""
    a = s.pop()
    s[-1] = 1 if a ^ SIGN > s[-1] ^ SIGN else 0


def eq(s: list[int], f: Frame) -> None:
    """EQ."""
    a = s.pop()
    s[-1] = 1 if a == s[-1] else 0


def iszero(s: list[int], f: Frame) -> None:
    """ISZERO."""
    s[-1] = 0 if s[-1] else 1


HANDLERS: Mapping[int, Handler] = MappingProxyType(
    {Op.LT: lt, Op.GT: gt, Op.SLT: slt, Op.SGT: sgt, Op.EQ: eq, Op.ISZERO: iszero}
)
