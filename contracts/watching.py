"""Running a transaction instruction by instruction while somebody watches each one.

Nothing is fused and nothing is charged in advance, so that a watcher sees gas, stack and memory as
they are before and after every instruction. It is the plain form of `contracts.stepping` with a
word to the watcher around each step, and gives what the fast form gives.
"""

from collections.abc import Generator
from typing import Protocol

from contracts.frame import CallWatcher, Frame
from contracts.halts import ExceptionalHalt, InvalidOpcode, OutOfGas, StackOverflow, StackUnderflow
from contracts.machine import next_frame
from contracts.opcodes import Op
from contracts.program import Block
from contracts.stepping import Stepper

PC = int(Op.PC)


class Watcher(CallWatcher, Protocol):
    """Who watches. Calls inside calls are told by `on_call`, after `before` and before `after`."""

    def before(self, f: Frame, pc: int, op: int) -> None:
        """An instruction is about to run; nothing of it has been charged."""
        ...

    def after(self, f: Frame, pc: int, op: int) -> None:
        """An instruction has run. If it has started a call, `f.pending` holds that."""
        ...

    def failed(self, f: Frame, pc: int, op: int, halt: ExceptionalHalt) -> None:
        """An instruction has ended its call with a halt."""
        ...

    def ended(self, f: Frame) -> None:
        """A call has ended, and its changes have been taken back if it has failed."""
        ...


def run_watched(outermost: Frame, watcher: Watcher) -> Generator[None, None, None]:
    """Run a frame, and all that it starts, to the end; yield after each basic block.

    Args:
        outermost: of a machine that tells the same watcher of calls.
        watcher: told of everything.
    """
    frame: Frame | None = outermost
    stepper = outermost.evm.stepper
    while frame is not None:
        try:
            block: Block | None = frame.resume
            while block is not None:
                yield
                block = _step_through(block, frame, stepper, watcher)
        except ExceptionalHalt as halt:
            frame.fail(type(halt).__name__)
        frame = next_frame(frame, watcher.ended)


def _step_through(block: Block, f: Frame, stepper: Stepper, watcher: Watcher) -> Block | None:
    """Run from the start of a block up to a jump, a call or the end of the code."""
    code, pc = block.program.padded, block.start
    while True:
        op = code[pc]
        watcher.before(f, pc, op)
        try:
            following, is_leaving = _step(block, f, stepper, op, pc)
        except ExceptionalHalt as halt:
            watcher.failed(f, pc, op, halt)
            raise
        watcher.after(f, pc, op)
        if is_leaving:
            return following
        row = stepper.rows[op]
        pc += 1 if row is None else 1 + row.width


def _step(block: Block, f: Frame, stepper: Stepper, op: int, pc: int) -> tuple[Block | None, bool]:
    """Run one instruction; return where it leads, and whether it leads away."""
    s, row = f.stack, stepper.rows[op]
    if row is None:
        raise InvalidOpcode
    if len(s) < row.pops:
        raise StackUnderflow
    if len(s) > row.room:
        raise StackOverflow
    if f.gas < row.gas:
        raise OutOfGas
    f.gas -= row.gas
    if row.handler is not None:
        row.handler(s, f)
    elif row.width:
        s.append(int.from_bytes(block.program.padded[pc + 1 : pc + 1 + row.width], "big"))
    elif op == PC:
        s.append(pc)
    else:
        return stepper.leave(block, f, op, pc + 1), True
    return None, False
