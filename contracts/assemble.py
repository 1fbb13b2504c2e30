"""From decoded blocks to handlers."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from contracts.decode import STACK_MAX, Step, decode_block
from contracts.frame import End, Frame, Handler
from contracts.fusion import fuse
from contracts.fusion_jumps import fuse_jump
from contracts.instructions import (
    arithmetic,
    bitwise,
    block as block_info,
    call,
    comparison,
    control,
    create,
    environment,
    keccak,
    log,
    memory,
    selfdestruct,
    stack,
    storage,
)
from contracts.opcodes import CALLING, Op
from contracts.program import Block
from contracts.rules import Rules

_PLAIN: Mapping[int, Handler] = MappingProxyType(
    {
        **arithmetic.HANDLERS,
        **comparison.HANDLERS,
        **bitwise.HANDLERS,
        **keccak.HANDLERS,
        **environment.HANDLERS,
        **block_info.HANDLERS,
        **stack.HANDLERS,
        **memory.HANDLERS,
        **storage.HANDLERS,
    }
)
"""Instructions that are the same in all forks."""

_BY_RULES: Mapping[int, Callable[[Rules], Handler]] = MappingProxyType(
    {
        Op.EXP: arithmetic.make_exp,
        Op.BALANCE: environment.make_balance,
        Op.EXTCODESIZE: environment.make_extcodesize,
        Op.EXTCODECOPY: environment.make_extcodecopy,
        Op.EXTCODEHASH: environment.make_extcodehash,
        Op.SLOAD: storage.make_sload,
        Op.SSTORE: storage.make_sstore,
        Op.CREATE: create.make_create,
        Op.CREATE2: create.make_create2,
        Op.CALL: call.make_call,
        Op.CALLCODE: call.make_callcode,
        Op.DELEGATECALL: call.make_delegatecall,
        Op.STATICCALL: call.make_staticcall,
    }
)
"""Instructions whose price or effect has changed."""

_ENDS: Mapping[int, End] = MappingProxyType(
    {
        Op.STOP: control.stop,
        Op.RETURN: control.return_,
        Op.REVERT: control.revert,
        Op.INVALID: control.invalid,
    }
)
"""What ends a call."""


class Assembler:
    """Makes blocks by the rules of one fork."""

    __slots__ = ("_ends", "_handlers", "rules")

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._handlers = _handlers(rules)
        self._ends = {**_ENDS, Op.SELFDESTRUCT: selfdestruct.make_selfdestruct(rules)}

    def make(self, block: Block) -> None:
        """Decode a block and give it handlers."""
        program = block.program
        plan = decode_block(program.code, block.start, self.rules.instructions)
        steps = plan.steps
        last = steps[-1]
        follow = block
        if last.opcode not in self._ends:
            follow = program.block_at(plan.stop)
        end, taken = self._end(steps, block, follow)
        block.plan = plan
        block.follow = follow
        block.end = end
        block.body = tuple(fuse(steps[: len(steps) - taken], self.handler))
        block.gas = plan.gas
        block.needs = plan.needs
        block.room = STACK_MAX - plan.growth

    def handler(self, step: Step) -> Handler:
        """Return the handler of one instruction that does not end a block."""
        known = self._handlers[step.opcode]
        if known is not None:
            return known
        if step.opcode == Op.PC:
            return stack.make_push(step.pc)
        return stack.make_push(step.immediate)

    def _end(self, steps: tuple[Step, ...], block: Block, follow: Block) -> tuple[End | None, int]:
        """Return what decides where a block goes on, and of how many of its last steps it is made.

        None: it always goes on at the same place.
        """
        op = steps[-1].opcode
        if self.rules.instructions[op] is None:
            return control.invalid, 1
        if op in (Op.JUMP, Op.JUMPI):
            return fuse_jump(steps, block.program, follow)
        if op in CALLING:
            return _suspending(self.handler(steps[-1]), follow), 1
        end = self._ends.get(op)
        return end, 0 if end is None else 1


def _handlers(rules: Rules) -> tuple[Handler | None, ...]:
    """Return the handlers of a fork by opcode; None for those with an immediate."""
    table: list[Handler | None] = [None] * 256
    for op, handler in _PLAIN.items():
        table[op] = handler
    for op, make in _BY_RULES.items():
        table[op] = make(rules)
    for n in range(1, 17):
        table[Op.DUP1 + n - 1] = stack.make_dup(n)
        table[Op.SWAP1 + n - 1] = stack.make_swap(n)
    table[Op.JUMPDEST] = control.jumpdest
    for n in range(5):
        table[Op.LOG0 + n] = log.make_log(n)
    return tuple(table)


def _suspending(handler: Handler, follow: Block) -> End:
    """Return an instruction after which the frame may have to wait for another one."""

    def suspending(s: list[int], f: Frame) -> Block | None:
        handler(s, f)
        if f.pending is None:
            return follow
        f.resume = follow
        return None

    return suspending
