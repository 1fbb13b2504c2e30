"""The loop that runs frames.

A call inside a call is a frame on a list, not a Python function inside another: a depth of 1,024
costs no interpreter stack, whatever thread runs it.
"""

from contracts.creation import finish_creation
from contracts.frame import Frame
from contracts.halts import ExceptionalHalt, OutOfGas, StackOverflow, StackUnderflow
from contracts.program import UNMADE, Block


def run(outermost: Frame) -> None:
    """Run a frame, and all that it starts, to the end.

    What it did is in the frame afterwards and in its state; if it failed, the state is back at the
    frame's mark.
    """
    frame = outermost
    while True:
        try:
            execute(frame)
            child = frame.pending
            if child is not None:
                frame.pending = None
                frame = child
                continue
            if frame.created is not None and not frame.reverted:
                finish_creation(frame)
        except ExceptionalHalt as halt:
            frame.failure = type(halt).__name__
            frame.gas = 0
            frame.output = b""
        if frame.has_failed:
            frame.state.revert(frame.mark)
        parent = frame.parent
        if parent is None:
            return
        _return_to(parent, frame)
        frame = parent


def execute(f: Frame) -> None:
    """Run a frame until it ends or waits for another one.

    Raises:
        ExceptionalHalt: it has failed.
    """
    s = f.stack
    block: Block | None = f.resume
    while block is not None:
        gas = f.gas - block.gas
        if gas < 0 or not block.needs <= len(s) <= block.room:
            if block.needs != UNMADE:
                raise _step(block, f)
            block.program.make(block)
            continue
        f.gas = gas
        for handler in block.body:
            handler(s, f)
        end = block.end
        block = block.follow if end is None else end(s, f)


def _step(block: Block, f: Frame) -> ExceptionalHalt:
    """Run a block that cannot be run to its end, up to the instruction that fails.

    Returns:
        Why it fails, unless an instruction itself raises.
    """
    s = f.stack
    table = f.evm.rules.instructions
    plan = block.plan
    assert plan is not None, "a block that was checked has been made"
    for step in plan.steps:
        row = table[step.opcode]
        if row is not None:
            if len(s) < row.pops:
                return StackUnderflow()
            if len(s) - row.pops + row.pushes > 1_024:
                return StackOverflow()
            if f.gas < row.gas:
                return OutOfGas()
            f.gas -= row.gas
            f.evm.single(step)(s, f)
    raise AssertionError(f"block at {block.start} ran to its end after its check had failed")


def _return_to(parent: Frame, child: Frame) -> None:
    """Give what is left of a call, and its outcome, to the frame that made it."""
    parent.gas += child.gas
    if child.has_failed:
        parent.stack.append(0)
        parent.return_data = child.output
    else:
        parent.refund += child.refund
        if child.destroyed:
            parent.destroyed += child.destroyed
        if child.created is not None:
            parent.stack.append(int.from_bytes(child.created, "big"))
            parent.return_data = b""
            return
        parent.stack.append(1)
        parent.return_data = child.output
    if child.created is None:
        parent.write(child.output_place, child.output)
