"""Executes mainnet blocks, one transaction after the other or otherwise.

An executor is a function from a block to a `BlockRun`; another one is added to `EXECUTORS`.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import msgspec

from contracts.evm import Evm
from contracts.result import ExecutionResult
from contracts.transaction import execute_transaction
from primitives.ids import Gas
from primitives.transaction import encode_transaction, recover_sender
from storage.journal import Journal
from storage.outcome import Outcome
from storage.state import StateLayer, StateOverlay
from tests.conformance.mainnet import MainnetBlock
from tests.conformance.state_benches import genesis_layer
from tests.conformance.state_runs import GAS_PER_BLOB

BLOBS_MAX = 6
"""Of a block in Cancun (EIP-4844)."""


class BlockRun(msgspec.Struct, frozen=True):
    """What came of a block."""

    results: tuple[ExecutionResult, ...]
    outcomes: tuple[Outcome, ...]
    """Both in the order of the block's transactions."""
    state: StateLayer
    """After the transactions."""


Executor: TypeAlias = Callable[[MainnetBlock], BlockRun]


def run_serially(block: MainnetBlock) -> BlockRun:
    """Execute each transaction on the state that the one before has left."""
    evm, context = Evm(block.fork), block.context()
    overlay = StateOverlay(genesis_layer(block.accounts))
    gas_left, blob_gas_left = context.gas_limit, Gas(BLOBS_MAX * GAS_PER_BLOB)
    results, outcomes = [], []
    for transaction in block.transactions:
        sender = recover_sender(transaction, encode_transaction(transaction), block.fork)
        journal = Journal(overlay)
        result = execute_transaction(
            evm, journal, transaction, sender, context, gas_left, blob_gas_left
        )
        outcome = journal.finish()
        assert overlay.accepts(outcome), "what was just seen is not there"
        overlay.apply(outcome)
        gas_left = Gas(gas_left - result.gas_used)
        blob_gas_left = Gas(blob_gas_left - result.blob_gas_used)
        results.append(result)
        outcomes.append(outcome)
    return BlockRun(tuple(results), tuple(outcomes), overlay.commit())


EXECUTORS: Mapping[str, Executor] = MappingProxyType({"serial": run_serially})
