"""The loop that runs frames.

A call inside a call is a frame on a list, not a Python function inside another: a depth of 1,024
costs no interpreter stack, whatever thread runs it.
"""

from contracts.creation import finish_creation
from contracts.frame import Frame
from contracts.halts import ExceptionalHalt
from contracts.program import Block


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
            frame.fail(type(halt).__name__)
        if frame.has_failed:
            frame.state.revert(frame.mark)
        parent = frame.parent
        if parent is None:
            return
        return_to(parent, frame)
        frame = parent


def execute(f: Frame) -> None:
    """Run a frame until it ends or waits for another one.

    A block that cannot be run as a whole, because it is a shell or because its check fails, is run
    instruction by instruction.

    Raises:
        ExceptionalHalt: it has failed.
    """
    s, enter = f.stack, f.evm.enter
    block: Block | None = f.resume
    while block is not None:
        gas = f.gas - block.gas
        if gas < 0 or not block.needs <= len(s) <= block.room:
            block = enter(block, f)
            continue
        f.gas = gas
        body, end = block.work
        for handler in body:
            handler(s, f)
        block = block.follow if end is None else end(s, f)


def return_to(parent: Frame, child: Frame) -> None:
    """Give what is left of a call, and its outcome, to the frame that made it."""
    parent.gas += child.gas
    created = child.created
    if child.has_failed:
        parent.stack.append(0)
        parent.return_data = child.output
    else:
        parent.refund += child.refund
        parent.destroyed += child.destroyed
        parent.stack.append(1 if created is None else int.from_bytes(created, "big"))
        parent.return_data = b"" if created is not None else child.output
    if created is None and child.output:
        parent.write(child.output_place, child.output)
