"""The loop that runs frames.

A call inside a call is a frame on a list, not a Python function inside another: a depth of 1,024
costs no interpreter stack, whatever thread runs it.
"""

from collections.abc import Callable

from contracts.creation import finish_creation
from contracts.frame import Frame
from contracts.halts import ExceptionalHalt
from contracts.program import Block


def run(outermost: Frame) -> None:
    """Run a frame, and all that it starts, to the end.

    What it did is in the frame afterwards and in its state; if it failed, the state is back at the
    frame's mark.
    """
    frame: Frame | None = outermost
    while frame is not None:
        try:
            execute(frame)
        except ExceptionalHalt as halt:
            frame.fail(type(halt).__name__)
        frame = next_frame(frame)


def next_frame(frame: Frame, ended: Callable[[Frame], None] | None = None) -> Frame | None:
    """Return what runs after a frame has stopped: its call, or who called it; None after the last.

    Args:
        frame: that waits for its call, has ended, or has failed.
        ended: told of a frame that has ended, before its caller gets what is left.
    """
    child = frame.pending
    if child is not None and not frame.has_failed:
        frame.pending = None
        return child
    if frame.created is not None and not frame.reverted and not frame.has_failed:
        try:
            finish_creation(frame)
        except ExceptionalHalt as halt:
            frame.fail(type(halt).__name__)
    if frame.has_failed:
        frame.state.revert(frame.mark)
    if ended is not None:
        ended(frame)
    parent = frame.parent
    if parent is not None:
        return_to(parent, frame)
    return parent


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
