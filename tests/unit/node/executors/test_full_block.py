"""A block with everything in it comes out the same, to the last bit, however it is executed."""

import pytest

from node.executors.executor import NO_HINTS, BlockHints, ParallelExecutor, Strategy
from node.executors.inline import InlineBackend
from node.validation_block import execute_block
from primitives.block_access_list import decode_access_list
from tests.unit.node.full_block import PARAMS, PARENT, good


@pytest.mark.parametrize("strategy", Strategy)
@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("listed", [False, True])
def test_blobs_delegations_and_requests_run_in_parallel(
    strategy: Strategy, workers: int, listed: bool
) -> None:
    block = good()
    accesses = decode_access_list(block.access_list)
    executor = ParallelExecutor(strategy, InlineBackend(workers))
    hints = BlockHints(None, accesses) if listed else NO_HINTS
    found = execute_block(
        PARENT,
        block.payload,
        PARAMS,
        executor=lambda execution, transactions: executor(execution, transactions, hints),
    )
    assert found.runs == block.runs
    assert found.receipts == block.receipts
    assert (found.access_list, found.requests) == (block.access_list, block.requests)
    assert (found.digest, found.accesses) == (block.digest, block.accesses)
