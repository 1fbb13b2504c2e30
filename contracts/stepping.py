"""Running code instruction by instruction, checked and charged one at a time.

What most code of most contracts deserves: it runs once or twice, and whatever was prepared for it
would cost more than it saves. It is also the plain form of the rules, so a block whose check has
failed is run this way to find out which instruction fails, and what those before it still do.
"""

from typing import NamedTuple

from contracts.decode import STACK_MAX
from contracts.frame import End, Frame, Handler
from contracts.halts import InvalidOpcode, OutOfGas, StackOverflow, StackUnderflow
from contracts.handlers import ends_for, handlers_for
from contracts.opcodes import CALLING, Op
from contracts.program import Block
from contracts.rules import Rules

JUMP, JUMPI, PC = int(Op.JUMP), int(Op.JUMPI), int(Op.PC)


class Row(NamedTuple):
    """What there is to know of an instruction before it runs."""

    gas: int
    pops: int
    room: int
    """Most items on the stack with which it does not overflow."""
    handler: Handler | None
    """None: an immediate follows, or it may not go on at the next instruction."""
    width: int
    """Bytes of the immediate."""


class Stepper:
    """Runs instructions by the rules of one fork."""

    __slots__ = ("_ends", "_handlers", "rows")

    def __init__(self, rules: Rules) -> None:
        self._handlers = handlers_for(rules)
        self._ends = ends_for(rules)
        self.rows = tuple(_row(rules, op, self._handlers[op]) for op in range(256))
        """By opcode; None for what is no instruction of the fork."""

    def run(self, block: Block, f: Frame) -> Block | None:
        """Run from the start of a block up to a jump, a call or the end of the code.

        Returns:
            The block to go on with; None if the call has ended or another one is pending.

        Raises:
            ExceptionalHalt: an instruction has failed.
        """
        s, rows, code, pc = f.stack, self.rows, block.program.padded, block.start
        while True:
            op = code[pc]
            row = rows[op]
            if row is None:
                raise InvalidOpcode
            price, pops, room, handler, width = row
            height = len(s)
            if height < pops:
                raise StackUnderflow
            if height > room:
                raise StackOverflow
            gas = f.gas - price
            if gas < 0:
                raise OutOfGas
            f.gas = gas
            pc += 1
            if handler is not None:
                handler(s, f)
            elif width == 1:
                s.append(code[pc])
                pc += 1
            elif width:
                end = pc + width
                s.append(int.from_bytes(code[pc:end], "big"))
                pc = end
            elif op == PC:
                s.append(pc - 1)
            else:
                return self.leave(block, f, op, pc)

    def leave(self, block: Block, f: Frame, op: int, pc: int) -> Block | None:
        """Run an instruction that decides where it goes on; `pc` is behind it."""
        s, program = f.stack, block.program
        if op == JUMPI:
            target = s.pop()
            return program.jump_block(target) if s.pop() else program.block_at(pc)
        if op == JUMP:
            return program.jump_block(s.pop())
        end: End | None = self._ends.get(op)
        if end is not None:
            return end(s, f)
        handler = self._handlers[op]
        assert handler is not None, f"opcode {op:#04x} neither ends nor has a handler"
        handler(s, f)
        follow = program.block_at(pc)
        if f.pending is None:
            return follow
        f.resume = follow
        return None


def _row(rules: Rules, op: int, handler: Handler | None) -> Row | None:
    instruction = rules.instructions[op]
    if instruction is None:
        return None
    room = STACK_MAX - instruction.pushes + instruction.pops
    plain = None if op in CALLING else handler
    return Row(instruction.gas, instruction.pops, room, plain, instruction.immediate_bytes)
