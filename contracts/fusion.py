"""Several instructions in one handler, where compilers write them one after the other.

A handler costs a function call, which is most of what a simple instruction takes. So instructions
that only move items (PUSH, DUP, SWAP, POP) are drawn together: a run of them becomes one shuffle of
the stack, and an operation takes its operands from where its last moves would have fetched them.
Whether a block is fused shows in nothing but time: fused instructions cannot fail, see no gas and
stand in one block, whose stack was checked.
"""

from collections.abc import Callable, Sequence

from contracts.decode import Step
from contracts.frame import Handler
from contracts.instructions import operands
from contracts.opcodes import Op

Single = Callable[[Step], Handler]
"""Gives the handler of one instruction."""


def is_push(step: Step) -> bool:
    """Whether it pushes something known in advance."""
    return Op.PUSH0 <= step.opcode <= Op.PUSH32 or step.opcode == Op.PC


def is_dup(step: Step) -> bool:
    """Whether it is one of DUP1 to DUP16."""
    return Op.DUP1 <= step.opcode <= Op.DUP16


def is_swap(step: Step) -> bool:
    """Whether it is one of SWAP1 to SWAP16."""
    return Op.SWAP1 <= step.opcode <= Op.SWAP16


def is_move(step: Step) -> bool:
    """Whether it only moves items."""
    return is_push(step) or is_dup(step) or is_swap(step) or step.opcode == Op.POP


def constant(step: Step) -> int:
    """Return what it pushes."""
    return step.pc if step.opcode == Op.PC else step.immediate


def depth_of(step: Step) -> int:
    """Return n of DUPn or SWAPn."""
    return step.opcode - (Op.DUP1 if is_dup(step) else Op.SWAP1) + 1


def fuse(steps: Sequence[Step], single: Single) -> list[Handler]:
    """Return handlers that do what the steps do; none of them ends a block.

    Args:
        steps: in order.
        single: gives the handler of a step that stands alone.
    """
    handlers: list[Handler] = []
    moves: list[Step] = []
    for step in steps:
        if step.opcode == Op.JUMPDEST:
            continue
        if is_move(step):
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
    operation = operands.OPERATIONS.get(step.opcode)
    last = moves[-1]
    if operation is None:
        return _with_place(last, step)
    before = moves[-2] if len(moves) > 1 else None
    if is_push(last):
        if before is not None and is_dup(before):
            return operation.constant_dup(constant(last), depth_of(before)), 2
        return operation.constant_top(constant(last)), 1
    if is_dup(last):
        if before is not None and is_push(before) and depth_of(last) > 1:
            return operation.dup_constant(depth_of(last) - 1, constant(before)), 2
        return operation.dup_top(depth_of(last)), 1
    if last.opcode == Op.SWAP1:
        if before is not None and is_push(before):
            return operation.top_constant(constant(before)), 2
        return operation.swapped, 1
    return None, 0


def _with_place(last: Step, step: Step) -> tuple[Handler | None, int]:
    """Draw a constant place in memory or calldata into the instruction that reads or writes it."""
    make = operands.AT_PLACE.get(step.opcode)
    if make is None or not is_push(last):
        return None, 0
    return make(constant(last)), 1


def fuse_moves(moves: Sequence[Step], single: Single) -> list[Handler]:
    """Return handlers, at most two, that move items as the steps do."""
    if len(moves) < 2:
        return [single(move) for move in moves]
    if len(moves) == 2 and moves[1].opcode == Op.POP and is_swap(moves[0]):
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
        if is_swap(move) or is_dup(move):
            reach = max(reach, depth_of(move) + is_swap(move) - height)
        elif move.opcode == Op.POP:
            reach = max(reach, 1 - height)
        height += -1 if move.opcode == Op.POP else 1 - is_swap(move)
    items = [place - reach for place in range(reach)]
    for move in moves:
        _move(items, move)
    same = 0
    while same < min(reach, len(items)) and items[same] == same - reach:
        same += 1
    return reach - same, items[same:]


def _move(items: list[int], move: Step) -> None:
    if is_push(move):
        items.append(constant(move))
    elif is_dup(move):
        items.append(items[-depth_of(move)])
    elif is_swap(move):
        place = -1 - depth_of(move)
        items[-1], items[place] = items[place], items[-1]
    else:
        del items[-1]
