"""Jumps to a place that is known, and comparisons that decide a jump, in one."""

from collections.abc import Callable, Mapping, Sequence
from operator import eq, gt, lt
from types import MappingProxyType

from contracts.decode import Step
from contracts.frame import End, Frame
from contracts.fusion import MOVES, PUSHES, Operands, constant, two_operands
from contracts.halts import InvalidJump
from contracts.instructions.control import make_jump, make_jumpi
from contracts.opcodes import Op
from contracts.program import Block, Program

COMPARISONS: Mapping[int, Callable[[int, int], bool]] = MappingProxyType(
    {Op.EQ: eq, Op.GT: gt, Op.LT: lt}
)
FLIPPED: Mapping[Callable[[int, int], bool], Callable[[int, int], bool]] = MappingProxyType(
    {eq: eq, gt: lt, lt: gt}
)
"""The comparison that says the same with its operands changed over."""


def fuse_jump(steps: Sequence[Step], program: Program, follow: Block) -> tuple[End, int]:
    """Return the end of a block that ends in a jump, and of how many last steps it is made.

    Args:
        steps: of the block; the last is JUMP or JUMPI.
        program: the code, where targets are looked up.
        follow: the block behind it.
    """
    is_conditional = steps[-1].opcode == Op.JUMPI
    if len(steps) < 2 or steps[-2].opcode not in PUSHES:
        return (make_jumpi(program, follow) if is_conditional else make_jump(program)), 1
    target = constant(steps[-2])
    if not program.is_target(target):
        return (make_bad_jumpi(follow) if is_conditional else bad_jump), 2
    block = program.jump_block(target)
    if not is_conditional:
        return make_jump_to(block), 2
    zeros, otherwise, then = 0, follow, block
    while len(steps) > 2 + zeros and steps[-3 - zeros].opcode == Op.ISZERO:
        zeros += 1
        otherwise, then = then, otherwise
    end, taken = _decided_by(steps[: len(steps) - 2 - zeros], then, otherwise)
    return end, taken + 2 + zeros


def _decided_by(steps: Sequence[Step], then: Block, otherwise: Block) -> tuple[End, int]:
    """Draw the comparison in front of a jump, and the moves in front of that, into the jump."""
    compare = COMPARISONS.get(steps[-1].opcode) if steps else None
    if compare is None:
        return make_branch(then, otherwise), 0
    count = 0
    while count < len(steps) - 1 and steps[-2 - count].opcode in MOVES:
        count += 1
    found = two_operands(steps[len(steps) - 1 - count : -1])
    if found is None:
        return make_compare(compare, then, otherwise), 1
    return make_compare_operands(compare, found, then, otherwise), 1 + found.taken


def make_jump_to(block: Block) -> End:
    """PUSH and JUMP in one."""

    def jump_to(s: list[int], f: Frame) -> Block | None:
        return block

    return jump_to


def bad_jump(s: list[int], f: Frame) -> Block | None:
    """Fail: the target is no JUMPDEST."""
    raise InvalidJump


def make_bad_jumpi(follow: Block) -> End:
    """JUMPI to a place that is no JUMPDEST."""

    def bad_jumpi(s: list[int], f: Frame) -> Block | None:
        if s.pop():
            raise InvalidJump
        return follow

    return bad_jumpi


def make_branch(then: Block, otherwise: Block) -> End:
    """Go on at `then` unless the top is zero."""

    def branch(s: list[int], f: Frame) -> Block | None:
        return then if s.pop() else otherwise

    return branch


def make_compare(compare: Callable[[int, int], bool], then: Block, otherwise: Block) -> End:
    """Compare two items, and go on at `then` if it holds."""

    def branch(s: list[int], f: Frame) -> Block | None:
        return then if compare(s.pop(), s.pop()) else otherwise

    return branch


def make_compare_operands(
    compare: Callable[[int, int], bool], found: Operands, then: Block, otherwise: Block
) -> End:
    """Compare what is found where `found` says, drop the `low` items on top, and decide."""
    _, low, a, b = found
    if a >= 0 and b >= 0:
        return make_drop_and_go(low, then if compare(a, b) else otherwise)
    if a >= 0 or b >= 0:
        constant, place = max(a, b), min(a, b)
        fits = compare if a >= 0 else FLIPPED[compare]
        return make_compare_constant(fits, low, constant, place, then, otherwise)

    def branch(s: list[int], f: Frame) -> Block | None:
        return then if compare(s[a], s[b]) else otherwise

    def branch_and_drop(s: list[int], f: Frame) -> Block | None:
        holds = compare(s[a], s[b])
        del s[-low:]
        return then if holds else otherwise

    return branch_and_drop if low else branch


def make_compare_constant(
    compare: Callable[[int, int], bool],
    low: int,
    constant: int,
    place: int,
    then: Block,
    otherwise: Block,
) -> End:
    """Compare a constant with the item at a place, drop the `low` items on top, and decide."""

    def branch(s: list[int], f: Frame) -> Block | None:
        return then if compare(constant, s[place]) else otherwise

    def branch_and_pop(s: list[int], f: Frame) -> Block | None:
        return then if compare(constant, s.pop()) else otherwise

    def branch_and_drop(s: list[int], f: Frame) -> Block | None:
        holds = compare(constant, s[place])
        del s[-low:]
        return then if holds else otherwise

    if not low:
        return branch
    return branch_and_pop if low == 1 and place == -1 else branch_and_drop


def make_drop_and_go(low: int, block: Block) -> End:
    """Drop the `low` items on top and go on: what is compared is known."""

    def drop_and_go(s: list[int], f: Frame) -> Block | None:
        del s[len(s) - low :]
        return block

    return drop_and_go
