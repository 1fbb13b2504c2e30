"""Several instructions in one handler, where compilers write them one after the other.

A handler costs a function call, which is most of what a simple instruction takes. So instructions
that only move items (PUSH, DUP, SWAP, POP) are drawn together: a run of them becomes one shuffle of
the stack, and an operation takes its operands from where its last moves would have fetched them.
Whether a block is fused shows in nothing but time: fused instructions cannot fail, see no gas and
stand in one block, whose stack was checked.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from contracts.decode import Step
from contracts.frame import Handler
from contracts.instructions import operands
from contracts.instructions.binary import make_binary
from contracts.opcodes import Op

Single = Callable[[Step], Handler]
"""Gives the handler of one instruction."""


POP = int(Op.POP)
JUMPDEST = int(Op.JUMPDEST)
DUPS = range(Op.DUP1, Op.DUP16 + 1)
SWAPS = range(Op.SWAP1, Op.SWAP16 + 1)
PUSHES = frozenset([*range(Op.PUSH0, Op.PUSH32 + 1), int(Op.PC)])
"""PC pushes something known in advance as well."""
MOVES = PUSHES.union(DUPS, SWAPS, [POP])
"""Instructions that only move items."""


def constant(step: Step) -> int:
    """Return what a push pushes."""
    return step.pc if step.opcode == Op.PC else step.immediate


def depth_of(step: Step) -> int:
    """Return n of DUPn or SWAPn."""
    return (step.opcode & 15) + 1


def fuse(steps: Sequence[Step], single: Single) -> list[Handler]:
    """Return handlers that do what the steps do; none of them ends a block.

    Args:
        steps: in order.
        single: gives the handler of a step that stands alone.
    """
    handlers: list[Handler] = []
    moves: list[Step] = []
    for step in steps:
        if step.opcode == JUMPDEST:
            continue
        if step.opcode in MOVES:
            moves.append(step)
            continue
        handler, taken = _with_operands(moves, step)
        handlers += fuse_moves(moves[: len(moves) - taken], single)
        handlers.append(handler or single(step))
        moves = []
    return handlers + fuse_moves(moves, single)


def _with_operands(moves: Sequence[Step], step: Step) -> tuple[Handler | None, int]:
    """Return a handler of a step and of the last moves before it, and how many those are."""
    if not moves:
        return None, 0
    function = operands.OPERATIONS.get(step.opcode)
    if function is None:
        return _with_place(moves[-1], step)
    found = two_operands(moves)
    return (make_binary(function, found.low, found.a, found.b), found.taken) if found else (None, 0)


class Operands(NamedTuple):
    """Where a function of two words finds them. Both as `shuffle` has items."""

    taken: int
    """Moves that this replaces."""
    low: int
    """Items from the top that the result replaces."""
    a: int
    """What the moves would have left on top."""
    b: int
    """What they would have left below it."""


def two_operands(moves: Sequence[Step]) -> Operands | None:
    """Return what the last moves fetch for a function of two words, as many moves as can be.

    None: after the last move alone, more than two items are in other places than before.
    """
    for taken in range(len(moves), 0, -1):
        low, items = shuffle(moves[len(moves) - taken :])
        while len(items) < 2:
            low += 1
            items.insert(0, -low)
        if len(items) == 2:
            return Operands(taken, low, items[1], items[0])
    return None


def _with_place(last: Step, step: Step) -> tuple[Handler | None, int]:
    """Draw a constant place in memory or calldata into the instruction that reads or writes it."""
    make = operands.AT_PLACE.get(step.opcode)
    if make is None or last.opcode not in PUSHES:
        return None, 0
    return make(constant(last)), 1


def fuse_moves(moves: Sequence[Step], single: Single) -> list[Handler]:
    """Return handlers, at most two, that move items as the steps do."""
    if len(moves) < 2:
        return [single(move) for move in moves]
    if len(moves) == 2 and moves[1].opcode == POP and moves[0].opcode in SWAPS:
        return [operands.make_swap_pop(depth_of(moves[0]))]
    low, items = shuffle(moves)
    if not items:
        return [operands.make_drop(low)] if low else []
    constants = [item for item in items if item >= 0]
    if len(constants) == len(items):
        return [operands.make_replace(low, tuple(constants))]
    if constants:
        return [operands.make_shuffle_with(low, tuple(items))]
    if len(items) == 1:
        return [operands.make_replace_by_one(low, items[0])]
    return [operands.make_shuffle(low, tuple(items))]


def shuffle(moves: Sequence[Step]) -> tuple[int, list[int]]:
    """Work out what a run of moves does.

    Returns:
        How many items from the top are replaced, and by what, lowest first: a constant, which is
        0 or more, or the place of an item in the stack before, which is negative.
    """
    reach = height = 0
    for move in moves:
        op = move.opcode
        if op in DUPS:
            reach, height = max(reach, depth_of(move) - height), height + 1
        elif op in SWAPS:
            reach = max(reach, depth_of(move) + 1 - height)
        elif op == POP:
            reach, height = max(reach, 1 - height), height - 1
        else:
            height += 1
    items = list(range(-reach, 0))
    for move in moves:
        _move(items, move)
    same = 0
    while same < min(reach, len(items)) and items[same] == same - reach:
        same += 1
    return reach - same, items[same:]


def _move(items: list[int], move: Step) -> None:
    op = move.opcode
    if op in DUPS:
        items.append(items[-depth_of(move)])
    elif op in SWAPS:
        place = -1 - depth_of(move)
        items[-1], items[place] = items[place], items[-1]
    elif op == POP:
        del items[-1]
    else:
        items.append(constant(move))
