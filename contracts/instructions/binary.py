"""Functions of two words that find them anywhere on the stack, or are given them.

What `contracts.fusion` makes of an instruction and the moves in front of it. An operand is a
constant, which is 0 or more, or the place of an item, which is negative: -1 is the top.
"""

from contracts.frame import Frame, Handler
from contracts.instructions.operands import Binary, make_replace

MASK = 2**256 - 1


def make_binary(function: Binary, low: int, a: int, b: int) -> Handler:
    """Return a handler that puts function(a, b) in place of the `low` items on top."""
    if a >= 0 and b >= 0:
        return make_replace(low, (function(a, b) & MASK,))
    if a >= 0:
        return _constant_first(function, low, a, b)
    if b >= 0:
        return _constant_second(function, low, a, b)
    return _places(function, low, a, b)


def _constant_first(function: Binary, low: int, a: int, b: int) -> Handler:
    def push(s: list[int], f: Frame) -> None:
        s.append(function(a, s[b]) & MASK)

    def replace_top(s: list[int], f: Frame) -> None:
        s[-1] = function(a, s[b]) & MASK

    def replace(s: list[int], f: Frame) -> None:
        s[-low:] = (function(a, s[b]) & MASK,)

    return push if low == 0 else replace_top if low == 1 else replace


def _constant_second(function: Binary, low: int, a: int, b: int) -> Handler:
    def push(s: list[int], f: Frame) -> None:
        s.append(function(s[a], b) & MASK)

    def replace_top(s: list[int], f: Frame) -> None:
        s[-1] = function(s[a], b) & MASK

    def replace(s: list[int], f: Frame) -> None:
        s[-low:] = (function(s[a], b) & MASK,)

    return push if low == 0 else replace_top if low == 1 else replace


def _places(function: Binary, low: int, a: int, b: int) -> Handler:
    def push(s: list[int], f: Frame) -> None:
        s.append(function(s[a], s[b]) & MASK)

    def replace_top(s: list[int], f: Frame) -> None:
        s[-1] = function(s[a], s[b]) & MASK

    def replace_two(s: list[int], f: Frame) -> None:
        result = function(s[a], s[b]) & MASK
        del s[-1]
        s[-1] = result

    def replace(s: list[int], f: Frame) -> None:
        s[-low:] = (function(s[a], s[b]) & MASK,)

    return (push, replace_top, replace_two)[low] if low < 3 else replace
