"""A block to be executed, and what comes back for each of its transactions."""

import msgspec

from contracts.context import BlockContext
from contracts.evm import Evm
from contracts.transaction import execute_transaction
from node.execution_setting import BlockSetting
from node.execution_transaction import TransactionRun, run_of
from node.executors.cells import Blocked
from node.schedule.hint import ScheduleHint, guess_hint
from node.validation import PooledTransaction
from primitives.block_access_list import BlockAccessList
from primitives.errors import OrreryError
from primitives.ids import Address, Gas
from primitives.transaction import InvalidTransaction, Transaction
from storage.changes import StateChanges
from storage.journal import Journal
from storage.outcome import Outcome, Sight
from storage.reader import StateReader


class Job(msgspec.Struct, frozen=True, gc=False):
    """A transaction to run, as much of it as an attempt needs."""

    index: int
    """Its place in the block."""
    transaction: Transaction
    sender: Address


class BlockWork(msgspec.Struct, frozen=True):
    """A block's transactions, with all that executing them needs."""

    setting: BlockSetting
    transactions: tuple[PooledTransaction, ...]
    base: StateReader
    """The state before the first of them. It must not change meanwhile."""
    volatile: StateChanges
    """What of it the block itself has changed already, over its parent's state."""
    hint: ScheduleHint | None = None
    """What each transaction is said to access and to take; all of it may be wrong."""
    assumed: BlockAccessList = ()
    """What each cell is said to hold after each transaction; likewise."""

    def job(self, index: int) -> Job:
        """Return a transaction as a job."""
        transaction = self.transactions[index]
        return Job(index, transaction.transaction, transaction.sender)

    def guess(self) -> ScheduleHint:
        """Return what the transactions tell of themselves."""
        pairs = [(each.transaction, each.sender) for each in self.transactions]
        return guess_hint(pairs, self.setting.context.fee_recipient)

    @property
    def gas_limits(self) -> list[int]:
        """Gas limit of each transaction: the most that it can cost, in gas."""
        return [transaction.gas_limit for transaction in self.transactions]


class End(msgspec.Struct, frozen=True, gc=False):
    """How one attempt to run a transaction has ended."""

    index: int
    run: TransactionRun | None
    """What it did; None if it could not run."""
    sights: tuple[Sight, ...] = ()
    """What it saw, also if it was refused for that."""
    blocked: int | None = None
    """Index of the transaction that it has to wait for; None if it needs not."""

    @property
    def outcome(self) -> Outcome | None:
        """What it did to the state; None if nothing."""
        return None if self.run is None else self.run.outcome

    @property
    def gas_used(self) -> int:
        """Gas that the attempt took; that of a refused one is not known."""
        return 0 if self.run is None else self.run.result.gas_used


def try_transaction(
    job: Job, reader: StateReader, evm: Evm, context: BlockContext, blob_gas_max: Gas
) -> End:
    """Run a transaction on a state that may not be the one it belongs on.

    Whatever goes wrong there may be the state's fault. So nothing is raised: what has not run is
    run again at its place, and what is wrong with it comes out then.

    Args:
        job: checked as far as can be without state.
        reader: the state.
        evm: the worker's own.
        context: the block.
        blob_gas_max: of the block.
    """
    index = job.index
    journal = Journal(reader)
    try:
        result = execute_transaction(
            evm,
            journal,
            job.transaction,
            job.sender,
            context,
            context.gas_limit,
            blob_gas_max,
        )
    except InvalidTransaction:
        return End(index, None, journal.finish().sights)
    except Blocked as blocked:
        return End(index, None, blocked=blocked.writer)
    except (OrreryError, LookupError, ArithmeticError, ValueError):
        return End(index, None)
    outcome = journal.finish()
    return End(index, run_of(result, outcome), outcome.sights)
