"""Running one transaction on a state, without changing that state.

What a transaction gives is a value: a result and an outcome. It may be computed anywhere and early,
on a state that is not the one at the transaction's place. Whether it counts is decided in block
order (`node.execution`), so whoever runs transactions at the same time needs no other rules.
"""

import msgspec

from contracts.result import ExecutionResult
from contracts.transaction import execute_transaction
from node.execution_setting import BlockSetting
from node.execution_transfer import run_transfer
from node.validation import PooledTransaction
from primitives.bloom import EMPTY_BLOOM, logs_bloom
from storage.journal import Journal
from storage.outcome import Outcome
from storage.reader import StateReader


class TransactionRun(msgspec.Struct, frozen=True, gc=False):
    """What a transaction did on some state."""

    result: ExecutionResult
    outcome: Outcome
    bloom: bytes
    """The 256-byte filter over the outcome's logs. Hashing them takes longer than taking over all
    the rest, so whoever ran the transaction has done it."""


def run_of(result: ExecutionResult, outcome: Outcome) -> TransactionRun:
    """Return a run with its bloom."""
    logs = outcome.logs
    return TransactionRun(result, outcome, logs_bloom(logs) if logs else EMPTY_BLOOM)


def run_transaction(
    transaction: PooledTransaction, reader: StateReader, setting: BlockSetting
) -> TransactionRun:
    """Run a transaction as if it were the only one of its block.

    Whether the block has room for it is not checked here: that is known in block order only.

    Args:
        transaction: checked as far as can be without state.
        reader: the state before it, which must not change meanwhile.
        setting: the block.

    Raises:
        InvalidTransaction: it may not stand on this state in this block.
    """
    short = run_transfer(transaction, reader, setting)
    if short is not None:
        return run_of(*short)
    return run_in_machine(transaction, reader, setting)


def run_in_machine(
    transaction: PooledTransaction, reader: StateReader, setting: BlockSetting
) -> TransactionRun:
    """Run a transaction the long way, whatever it is. See `run_transaction`."""
    journal = Journal(reader)
    result = execute_transaction(
        setting.evm,
        journal,
        transaction.transaction,
        transaction.sender,
        setting.context,
        setting.context.gas_limit,
        setting.blob_gas_max,
    )
    return run_of(result, journal.finish())
