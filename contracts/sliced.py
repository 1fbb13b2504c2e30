"""Running a transaction a slice at a time, for callers that have other things to do meanwhile.

`contracts.machine` runs a frame to its end. What is here does the same in the same order, but is a
generator: it hands control back after some basic blocks, so a call that takes a second does not
keep an event loop for a second, and one that takes too long can be given up between two slices.
"""

from collections.abc import Generator
from typing import Protocol

import msgspec

from contracts.context import BlockContext
from contracts.evm import Evm
from contracts.frame import Frame
from contracts.halts import ExceptionalHalt
from contracts.machine import next_frame
from contracts.program import Block
from contracts.result import ExecutionResult
from contracts.state import State
from contracts.transaction import begin_transaction, finish_transaction
from contracts.validity import take_worst_cost
from primitives.ids import Address
from primitives.transaction import Transaction, effective_gas_price

SLICE_BLOCKS = 64
"""Basic blocks in a slice: some tens of microseconds, if none hashes or copies much."""

UNLIMITED = 1 << 63
"""Gas of a block that has room for every call."""


class Runner(Protocol):
    """How the frames of a transaction are run: with a generator that ends when they have."""

    def __call__(self, outermost: Frame) -> Generator[None, None, None]:
        """Run a frame, and all that it starts, to the end."""
        ...


class SlicedResult(msgspec.Struct, frozen=True, gc=False):
    """What a transaction gave, and what it had used before refunds."""

    result: ExecutionResult
    gas_before_refund: int
    """What it needed at its dearest moment, stipends aside; no less than the calldata floor."""


def run_sliced(outermost: Frame) -> Generator[None, None, None]:
    """Run a frame, and all that it starts, to the end; yield between slices."""
    frame: Frame | None = outermost
    left, enter = SLICE_BLOCKS, outermost.evm.enter
    while frame is not None:
        try:
            s = frame.stack
            block: Block | None = frame.resume
            while block is not None:
                if not left:
                    yield
                    left = SLICE_BLOCKS
                left -= 1
                gas = frame.gas - block.gas
                if gas < 0 or not block.needs <= len(s) <= block.room:
                    block = enter(block, frame)
                    continue
                frame.gas = gas
                body, end = block.work
                for handler in body:
                    handler(s, frame)
                block = block.follow if end is None else end(s, frame)
        except ExceptionalHalt as halt:
            frame.fail(type(halt).__name__)
        frame = next_frame(frame)


def execute_sliced(
    evm: Evm,
    state: State,
    tx: Transaction,
    sender: Address,
    block: BlockContext,
    *,
    checks_sender: bool,
    run: Runner = run_sliced,
) -> Generator[None, None, SlicedResult]:
    """Execute a transaction as `contracts.transaction` does, a slice at a time.

    Args:
        evm: of the block's fork.
        state: at the transaction's begin.
        tx: need not be signed.
        sender: who sends it.
        block: the block that it stands in. It has room for any transaction.
        checks_sender: whether nonce and code of the sender matter, as they do in a block.
        run: what runs the frames.

    Raises:
        InvalidTransaction: it may not stand there; the state is unchanged.
    """
    intrinsic = take_worst_cost(
        evm, state, tx, sender, block, UNLIMITED, UNLIMITED, checks_sender=checks_sender
    )
    price = effective_gas_price(tx, block.base_fee)
    frame, refund, is_pending = begin_transaction(evm, state, tx, sender, block, intrinsic, price)
    if frame is not None and is_pending:
        yield from run(frame)
    result = finish_transaction(evm, state, tx, sender, block, intrinsic, price, frame, refund)
    used = intrinsic.required if frame is None else tx.gas_limit - frame.gas
    return SlicedResult(result, max(used, intrinsic.floor))
