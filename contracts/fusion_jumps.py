"""Jumps to a place that is known, and comparisons that decide a jump, in one."""

from collections.abc import Callable, Mapping, Sequence
from operator import eq, gt, lt
from types import MappingProxyType

from contracts.decode import Step
from contracts.frame import End, Frame
from contracts.fusion import DUPS, PUSHES, constant, depth_of
from contracts.halts import InvalidJump
from contracts.instructions.control import make_jump, make_jumpi
from contracts.opcodes import Op
from contracts.program import Block, Program

COMPARISONS: Mapping[int, Callable[[int, int], bool]] = MappingProxyType(
    {Op.EQ: eq, Op.GT: gt, Op.LT: lt}
)


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
    """Draw the comparison in front of a jump into it."""
    compare = COMPARISONS.get(steps[-1].opcode) if steps else None
    if compare is None:
        return make_branch(then, otherwise), 0
    if len(steps) > 1 and steps[-2].opcode in PUSHES:
        a = constant(steps[-2])
        if len(steps) > 2 and steps[-3].opcode in DUPS:
            return make_compare_dup(compare, a, depth_of(steps[-3]), then, otherwise), 3
        return make_compare_constant(compare, a, then, otherwise), 2
    if (
        len(steps) > 2
        and steps[-2].opcode in DUPS
        and steps[-3].opcode in PUSHES
        and depth_of(steps[-2]) > 1
    ):
        flipped = COMPARISONS[FLIPPED[steps[-1].opcode]]
        b, depth = constant(steps[-3]), depth_of(steps[-2]) - 1
        return make_compare_dup(flipped, b, depth, then, otherwise), 3
    return make_compare(compare, then, otherwise), 1


FLIPPED: Mapping[int, int] = MappingProxyType({Op.EQ: Op.EQ, Op.GT: Op.LT, Op.LT: Op.GT})
"""The comparison that says the same with its operands changed over."""


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


def make_compare_constant(
    compare: Callable[[int, int], bool], a: int, then: Block, otherwise: Block
) -> End:
    """Compare a constant with the top."""

    def branch(s: list[int], f: Frame) -> Block | None:
        return then if compare(a, s.pop()) else otherwise

    return branch


def make_compare_dup(
    compare: Callable[[int, int], bool], a: int, depth: int, then: Block, otherwise: Block
) -> End:
    """Compare a constant with an item that stays."""
    place = -depth

    def branch(s: list[int], f: Frame) -> Block | None:
        return then if compare(a, s[place]) else otherwise

    return branch
