"""Hashing a part of memory."""

from collections.abc import Mapping
from types import MappingProxyType

from contracts.frame import Frame, Handler
from contracts.gas import KECCAK_WORD
from contracts.halts import OutOfGas
from contracts.opcodes import Op
from primitives.keccak import keccak256


def keccak(s: list[int], f: Frame) -> None:
    """KECCAK256."""
    offset = s.pop()
    size = s[-1]
    left = f.gas - KECCAK_WORD * ((size + 31) >> 5)
    if left < 0:
        raise OutOfGas
    f.gas = left
    end = offset + size
    if size and end > len(f.memory):
        f.expand(end)
    s[-1] = int.from_bytes(keccak256(bytes(f.memory[offset:end])), "big")


HANDLERS: Mapping[int, Handler] = MappingProxyType({Op.KECCAK256: keccak})
