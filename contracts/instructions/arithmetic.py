"""Arithmetic modulo 2**256."""

from collections.abc import Mapping
from types import MappingProxyType

from contracts.frame import Frame, Handler
from contracts.halts import OutOfGas
from contracts.opcodes import Op
from contracts.rules import Rules

MASK = 2**256 - 1
MODULUS = 2**256
SIGN = 2**255


def add(s: list[int], f: Frame) -> None:
    """ADD."""
    a = s.pop()
    s[-1] = (a + s[-1]) & MASK


def mul(s: list[int], f: Frame) -> None:
    """MUL."""
    a = s.pop()
    s[-1] = (a * s[-1]) & MASK


def sub(s: list[int], f: Frame) -> None:
    """SUB."""
    a = s.pop()
    s[-1] = (a - s[-1]) & MASK


def div(s: list[int], f: Frame) -> None:
    """DIV; by zero it gives zero."""
    a = s.pop()
    b = s[-1]
    s[-1] = a // b if b else 0


def sdiv(s: list[int], f: Frame) -> None:
    """SDIV rounds towards zero."""
    a = s.pop()
    b = s[-1]
    if not b:
        return
    is_negative = (a ^ b) & SIGN
    quotient = _magnitude(a) // _magnitude(b)
    s[-1] = -quotient & MASK if is_negative else quotient & MASK


def mod(s: list[int], f: Frame) -> None:
    """MOD; by zero it gives zero."""
    a = s.pop()
    b = s[-1]
    s[-1] = a % b if b else 0


def smod(s: list[int], f: Frame) -> None:
    """SMOD has the sign of the dividend."""
    a = s.pop()
    b = s[-1]
    if not b:
        return
    rest = _magnitude(a) % _magnitude(b)
    s[-1] = -rest & MASK if a & SIGN else rest


def addmod(s: list[int], f: Frame) -> None:
    """ADDMOD; the sum is not cut before the division."""
    a = s.pop()
    b = s.pop()
    n = s[-1]
    s[-1] = (a + b) % n if n else 0


def mulmod(s: list[int], f: Frame) -> None:
    """MULMOD; the product is not cut before the division."""
    a = s.pop()
    b = s.pop()
    n = s[-1]
    s[-1] = a * b % n if n else 0


def signextend(s: list[int], f: Frame) -> None:
    """SIGNEXTEND from byte `size` on, counted from the lowest."""
    size = s.pop()
    if size >= 31:
        return
    value = s[-1]
    bit = 8 * size + 7
    if value >> bit & 1:
        s[-1] = value | (MASK ^ ((1 << bit) - 1))
    else:
        s[-1] = value & ((1 << bit) - 1)


def make_exp(rules: Rules) -> Handler:
    """Return EXP at the fork's price of a byte of the exponent (EIP-160)."""
    byte_gas = rules.exp_byte

    def exp(s: list[int], f: Frame) -> None:
        base = s.pop()
        exponent = s[-1]
        left = f.gas - byte_gas * ((exponent.bit_length() + 7) >> 3)
        if left < 0:
            raise OutOfGas
        f.gas = left
        s[-1] = pow(base, exponent, MODULUS)

    return exp


def _magnitude(value: int) -> int:
    return MODULUS - value if value & SIGN else value


HANDLERS: Mapping[int, Handler] = MappingProxyType(
    {
        Op.ADD: add,
        Op.MUL: mul,
        Op.SUB: sub,
        Op.DIV: div,
        Op.SDIV: sdiv,
        Op.MOD: mod,
        Op.SMOD: smod,
        Op.ADDMOD: addmod,
        Op.MULMOD: mulmod,
        Op.SIGNEXTEND: signextend,
    }
)
