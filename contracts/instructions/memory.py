"""Memory: bytes, read and written in words."""

from collections.abc import Mapping
from types import MappingProxyType

from contracts.frame import Frame, Handler
from contracts.gas import COPY_WORD
from contracts.opcodes import Op


def mload(s: list[int], f: Frame) -> None:
    """MLOAD."""
    offset = s[-1]
    end = offset + 32
    if end > len(f.memory):
        f.expand(end)
    s[-1] = int.from_bytes(f.memory[offset:end], "big")


def mstore(s: list[int], f: Frame) -> None:
    """MSTORE."""
    offset = s.pop()
    end = offset + 32
    if end > len(f.memory):
        f.expand(end)
    f.memory[offset:end] = s.pop().to_bytes(32, "big")


def mstore8(s: list[int], f: Frame) -> None:
    """MSTORE8: the lowest byte."""
    offset = s.pop()
    if offset >= len(f.memory):
        f.expand(offset + 1)
    f.memory[offset] = s.pop() & 0xFF


def msize(s: list[int], f: Frame) -> None:
    """MSIZE: bytes paid for."""
    s.append(len(f.memory))


def mcopy(s: list[int], f: Frame) -> None:
    """MCOPY: as if through a copy, so that source and target may overlap (EIP-5656)."""
    target = s.pop()
    source = s.pop()
    size = s.pop()
    f.charge(COPY_WORD * ((size + 31) >> 5))
    f.touch_memory(max(target, source), size)
    if size:
        f.memory[target : target + size] = f.memory[source : source + size]


def copy_in(f: Frame, target: int, source: int, size: int, data: bytes) -> None:
    """Write `size` bytes of `data` from `source` on into memory, zeros behind its end.

    Charges the words and the memory.

    Raises:
        OutOfGas: they cannot be paid.
    """
    f.charge(COPY_WORD * ((size + 31) >> 5))
    f.touch_memory(target, size)
    if size:
        f.memory[target : target + size] = data[source : source + size].ljust(size, b"\0")


HANDLERS: Mapping[int, Handler] = MappingProxyType(
    {
        Op.MLOAD: mload,
        Op.MSTORE: mstore,
        Op.MSTORE8: mstore8,
        Op.MSIZE: msize,
        Op.MCOPY: mcopy,
    }
)
