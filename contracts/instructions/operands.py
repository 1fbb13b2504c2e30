"""Instructions that find their operands elsewhere than on top of the stack.

What `contracts.fusion` puts together from an instruction and the moves in front of it: the first
operand `a` is what would be on top, the second `b` what would be below it.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from types import MappingProxyType
from typing import cast

from contracts.frame import Frame, Handler
from contracts.opcodes import Op

MASK = 2**256 - 1
SHIFT_MAX = 256

Binary = Callable[[int, int], int]
MakePlaced = Callable[[int], Handler]
Fetch = Callable[[list[int]], tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Operation:
    """A function of two words that cannot fail. Its result is cut to 256 bits."""

    function: Binary

    def constant_top(self, a: int) -> Handler:
        """PUSH a, then it: b is on top."""
        function = self.function

        def handler(s: list[int], f: Frame) -> None:
            s[-1] = function(a, s[-1]) & MASK

        return handler

    def top_constant(self, b: int) -> Handler:
        """PUSH b, SWAP1, then it: a is on top."""
        function = self.function

        def handler(s: list[int], f: Frame) -> None:
            s[-1] = function(s[-1], b) & MASK

        return handler

    def dup_top(self, depth: int) -> Handler:
        """DUPn, then it."""
        function, place = self.function, -depth

        def handler(s: list[int], f: Frame) -> None:
            s[-1] = function(s[place], s[-1]) & MASK

        return handler

    def dup_constant(self, depth: int, b: int) -> Handler:
        """PUSH b, DUP, then it; `depth` counts without b."""
        function, place = self.function, -depth

        def handler(s: list[int], f: Frame) -> None:
            s.append(function(s[place], b) & MASK)

        return handler

    def constant_dup(self, a: int, depth: int) -> Handler:
        """DUPn, PUSH a, then it."""
        function, place = self.function, -depth

        def handler(s: list[int], f: Frame) -> None:
            s.append(function(a, s[place]) & MASK)

        return handler

    @property
    def swapped(self) -> Handler:
        """SWAP1, then it."""
        function = self.function

        def handler(s: list[int], f: Frame) -> None:
            b = s.pop()
            s[-1] = function(s[-1], b) & MASK

        return handler


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


OPERATIONS: Mapping[int, Operation] = MappingProxyType(
    {
        Op.ADD: Operation(operator.add),
        Op.SUB: Operation(operator.sub),
        Op.MUL: Operation(operator.mul),
        Op.DIV: Operation(divide),
        Op.MOD: Operation(modulo),
        Op.AND: Operation(operator.and_),
        Op.OR: Operation(operator.or_),
        Op.XOR: Operation(operator.xor),
        Op.LT: Operation(operator.lt),
        Op.GT: Operation(operator.gt),
        Op.EQ: Operation(operator.eq),
        Op.SHL: Operation(shift_left),
        Op.SHR: Operation(shift_right),
    }
)
"""What can take its operands from anywhere. A comparison's truth value, cut, is 1 or 0."""


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
