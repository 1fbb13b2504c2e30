"""What consensus is told about the pool: since when something waits, how much, and how it fares.

Transactions in a block that this node has built wait no longer, though they leave the pool only
when the block is final. A new view may drop such a block; then they wait again.
"""

from collections.abc import Container

from consensus.effects import WorkDone, WorkPending
from node.execution import ExecutedBlock
from node.fairness import Fairness
from node.mempool import Mempool
from primitives.ids import Hash32, View


class Backlog:
    """The waiting work of one node.

    Args:
        pool: the node's transactions.
        fairness: tells since when blocks pass some of them over.
    """

    __slots__ = ("_built", "_fairness", "_pool", "_told", "_view")

    def __init__(self, pool: Mempool, fairness: Fairness) -> None:
        self._fairness = fairness
        self._pool = pool
        self._built: dict[Hash32, tuple[int, int, int, int]] = {}
        """Blocks that this node has built and that are in flight: height, and of the
        transactions in it number, bytes and gas limits."""
        self._told: WorkPending | WorkDone = WorkDone()
        self._view = View(0)
        """The last one that has begun in this epoch and life."""

    def built(self, block: ExecutedBlock, view: View) -> None:
        """Note that this node has built a block, unless its view is over: nobody proposes it."""
        if view < self._view:
            return
        transactions = block.transactions
        byte_count = sum([len(transaction.raw) for transaction in transactions])
        gas = sum([transaction.gas_limit for transaction in transactions])
        self._built[block.digest] = (block.number, len(transactions), byte_count, gas)

    def committed(self, height: int) -> None:
        """Note that the block of this height is final, whoever built it."""
        self._built = {digest: entry for digest, entry in self._built.items() if entry[0] > height}

    def epoch_begun(self) -> None:
        """Note that the epoch of all blocks in flight is over."""
        self._built = {}
        self._view = View(0)

    def view_begun(self, view: View, kept: Container[Hash32]) -> None:
        """Note that a new view has dropped all blocks in flight but those `kept`."""
        self._view = view
        self._built = {digest: entry for digest, entry in self._built.items() if digest in kept}

    def report(self, *, news: bool) -> WorkPending | WorkDone | None:
        """Return what to tell consensus; None if it knows and there is no news."""
        pool = self._pool
        count, byte_count, gas = pool.waiting_count, pool.waiting_bytes, pool.waiting_gas
        for _, built, built_bytes, built_gas in self._built.values():
            count, byte_count, gas = count - built, byte_count - built_bytes, gas - built_gas
        since = pool.oldest_local_since
        told: WorkPending | WorkDone = WorkDone()
        if count > 0 and since is not None:
            passed_over = self._fairness.passed_over
            told = WorkPending(since, count, passed_over, max(byte_count, 0), max(gas, 0))
        if told == self._told and not news:
            return None
        self._told = told
        return told
