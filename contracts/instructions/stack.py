"""PUSH, DUP, SWAP and POP."""

from collections.abc import Mapping
from types import MappingProxyType

from contracts.frame import Frame, Handler
from contracts.opcodes import Op


def make_push(value: int) -> Handler:
    """Return a handler that pushes `value`: PUSH0 to PUSH32, and PC."""

    def push(s: list[int], f: Frame) -> None:
        s.append(value)

    return push


def make_dup(position: int) -> Handler:
    """Return DUPn; `position` 1 is the top."""
    place = -position

    def dup(s: list[int], f: Frame) -> None:
        s.append(s[place])

    return dup


def make_swap(position: int) -> Handler:
    """Return SWAPn; it changes the top with the item `position` below it."""
    place = -position - 1

    def swap(s: list[int], f: Frame) -> None:
        s[-1], s[place] = s[place], s[-1]

    return swap


def pop(s: list[int], f: Frame) -> None:
    """POP."""
    del s[-1]


HANDLERS: Mapping[int, Handler] = MappingProxyType({Op.POP: pop})
