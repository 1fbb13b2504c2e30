"""Functions of two words, and handlers of moves and what follows them: for `contracts.fusion`."""

import operator
from collections.abc import Callable, Mapping
from operator import itemgetter
from types import MappingProxyType
from typing import cast

from contracts.frame import Frame, Handler
from contracts.opcodes import Op

SHIFT_MAX = 256

Binary = Callable[[int, int], int]
MakePlaced = Callable[[int], Handler]
Fetch = Callable[[list[int]], tuple[int, ...]]


def divide(a: int, b: int) -> int:
    """Return a / b, zero if b is zero."""
    return a // b if b else 0


def modulo(a: int, b: int) -> int:
    """Return the rest of a / b, zero if b is zero."""
    return a % b if b else 0


def shift_left(a: int, b: int) -> int:
    """Shift b by a bits."""
    return b << a if a < SHIFT_MAX else 0


def shift_right(a: int, b: int) -> int:
    """Shift b by a bits."""
    return b >> a if a < SHIFT_MAX else 0


OPERATIONS: Mapping[int, Binary] = MappingProxyType(
    {
        Op.ADD: operator.add,
        Op.SUB: operator.sub,
        Op.MUL: operator.mul,
        Op.DIV: divide,
        Op.MOD: modulo,
        Op.AND: operator.and_,
        Op.OR: operator.or_,
        Op.XOR: operator.xor,
        Op.LT: operator.lt,
        Op.GT: operator.gt,
        Op.EQ: operator.eq,
        Op.SHL: shift_left,
        Op.SHR: shift_right,
    }
)
"""Functions of two words that cannot fail; what they give is still to be cut to 256 bits, which
makes a comparison's truth value 1 or 0."""


def make_mload_at(place: int) -> Handler:
    """PUSH and MLOAD in one."""
    end = place + 32

    def mload(s: list[int], f: Frame) -> None:
        if end > len(f.memory):
            f.expand(end)
        s.append(int.from_bytes(f.memory[place:end], "big"))

    return mload


def make_mstore_at(place: int) -> Handler:
    """PUSH and MSTORE in one."""
    end = place + 32

    def mstore(s: list[int], f: Frame) -> None:
        if end > len(f.memory):
            f.expand(end)
        f.memory[place:end] = s.pop().to_bytes(32, "big")

    return mstore


def make_calldataload_at(place: int) -> Handler:
    """PUSH and CALLDATALOAD in one."""
    end = place + 32

    def calldataload(s: list[int], f: Frame) -> None:
        word = f.data[place:end]
        s.append(int.from_bytes(word if len(word) == 32 else word.ljust(32, b"\0"), "big"))

    return calldataload


def iszero(a: int) -> Handler:
    """PUSH and ISZERO in one."""
    result = 0 if a else 1

    def push(s: list[int], f: Frame) -> None:
        s.append(result)

    return push


AT_PLACE: Mapping[int, MakePlaced] = MappingProxyType(
    {
        Op.MLOAD: make_mload_at,
        Op.MSTORE: make_mstore_at,
        Op.CALLDATALOAD: make_calldataload_at,
        Op.ISZERO: iszero,
    }
)
"""Instructions whose first operand may be a constant."""


def make_swap_pop(depth: int) -> Handler:
    """SWAPn and POP in one: the top takes the place of the item n below."""
    place = -depth

    def swap_pop(s: list[int], f: Frame) -> None:
        top = s.pop()
        s[place] = top

    return swap_pop


def make_drop(count: int) -> Handler:
    """Several POPs in one."""
    place = -count

    def drop(s: list[int], f: Frame) -> None:
        del s[place:]

    return drop


def make_replace(low: int, constants: tuple[int, ...]) -> Handler:
    """Put constants in place of the `low` items on top."""
    if not low:

        def push(s: list[int], f: Frame) -> None:
            s.extend(constants)

        return push
    place = -low

    def replace(s: list[int], f: Frame) -> None:
        s[place:] = constants

    return replace


def make_replace_by_one(low: int, source: int) -> Handler:
    """Put one of the items in place of the `low` items on top."""
    place = -low

    def replace(s: list[int], f: Frame) -> None:
        s[place:] = (s[source],)

    def push(s: list[int], f: Frame) -> None:
        s.append(s[source])

    return replace if low else push


def make_shuffle(low: int, sources: tuple[int, ...]) -> Handler:
    """Put items, two at least, in place of the `low` items on top."""
    get = cast("Fetch", itemgetter(*sources))
    if not low:

        def push(s: list[int], f: Frame) -> None:
            s.extend(get(s))

        return push
    place = -low

    def shuffle(s: list[int], f: Frame) -> None:
        s[place:] = get(s)

    return shuffle


def make_shuffle_with(low: int, items: tuple[int, ...]) -> Handler:
    """Put items and constants in place of the `low` items on top.

    The constants are laid on the stack first, so that one call can fetch everything.
    """
    constants = tuple([item for item in items if item >= 0])
    shift = len(constants)
    places = iter(range(-shift, 0))
    sources = [next(places) if item >= 0 else item - shift for item in items]
    get = cast("Fetch", itemgetter(*sources))
    place = -low - shift

    def shuffle(s: list[int], f: Frame) -> None:
        s.extend(constants)
        s[place:] = get(s)

    return shuffle
