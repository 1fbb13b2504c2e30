"""Which transactions final blocks pass over, though a fair primary would have included them.

A block passes over a sender's next transaction if

* this node's pool has held it, executable at the block's parent, for at least half a request
  timeout (so that the primary has had time to hear of it), and
* the block includes nothing of that sender, and
* the transactions of the block that pay at least the same tip per gas leave room for it: in gas,
  in bytes, and in the number of transactions that a block of this network holds. The limits are
  the chain's and those that the committee has agreed on for a batch.

So an honest primary, who takes the best tips first, passes nothing over that it has. A low tip
that starves under full blocks is *excused* by each of them, and a primary that has room, or
takes cheaper ones instead, is not. A sender of whom something is included is served, and counts
anew. What stays possible is a primary that fills its blocks with dear transactions of its own,
whose tips it pays to itself; the base fee is what that costs it.

Consensus is told since when something has been passed over without a break, and decides how long
that may last (`consensus.fairness`). Blocks are looked at once in half a request timeout, and
only if something has waited so long, so that a pool of thousands does not cost time with each
block.
"""

from bisect import bisect_right
from itertools import accumulate

from consensus.batching.policy import BatchLimits
from node.builder import HEADER_BYTES_MAX, ITEM_BYTES_MAX
from node.execution import ExecutedBlock
from node.mempool import Mempool
from node.validation import PooledTransaction
from primitives.ids import Address, Duration, Instant
from primitives.params import ChainParams


class Fairness:
    """One node's judgement of the blocks that become final at it.

    Args:
        pool: the node's transactions; at the parent of each block when it is judged.
        params: the chain's rules.
        limits: what a primary puts into a block at most, beside the chain's own limits.
        pause: half a request timeout, in ns.
    """

    __slots__ = ("_limits", "_look_at", "_params", "_pause", "_pool", "_since")

    def __init__(
        self, pool: Mempool, params: ChainParams, limits: BatchLimits, pause: Duration
    ) -> None:
        self._pool = pool
        self._params = params
        self._limits = limits
        self._pause = pause
        self._look_at = Instant(0)
        self._since: dict[Address, Instant] = {}
        """Senders that are passed over, and since which block."""

    @property
    def passed_over(self) -> Instant | None:
        """Since when some sender has been passed over without a break; None if nobody is."""
        return min(self._since.values(), default=None)

    def served(self, block: ExecutedBlock) -> None:
        """Forget the senders that a final block includes something of."""
        if self._since:
            for transaction in block.transactions:
                self._since.pop(transaction.sender, None)

    def judge(self, now: Instant, block: ExecutedBlock) -> int:
        """Judge a final block that the pool has not moved past yet, if it is time to.

        Returns:
            How many waiting transactions were looked at.
        """
        if now < self._look_at:
            return 0
        self._look_at = Instant(now + self._pause)
        before = Instant(now - self._pause)
        oldest = self._pool.oldest_local_since
        if oldest is None or oldest > before:
            self._since = {}
            return 0
        served = dict.fromkeys(block.senders)
        shelf = Shelf(block, self._params, self._limits)
        waiting = self._pool.waiting_heads(before)
        self._since = {
            head.sender: self._since.get(head.sender, now)
            for head in waiting
            if head.sender not in served and shelf.had_room(head)
        }
        return len(waiting)


class Shelf:
    """What the transactions of a block take, dearest first.

    Args:
        block: final.
        params: the chain's rules.
        limits: what a primary puts into a block at most, beside the chain's own limits.
    """

    __slots__ = ("_base_fee", "_bytes", "_gas", "_limits", "_params", "_prices")

    def __init__(self, block: ExecutedBlock, params: ChainParams, limits: BatchLimits) -> None:
        self._params = params
        self._limits = limits
        self._base_fee = block.block.header.base_fee_per_gas
        items = []
        before = 0
        for transaction, receipt in zip(block.transactions, block.receipts, strict=True):
            used = receipt.cumulative_gas_used - before
            before = receipt.cumulative_gas_used
            tip = transaction.effective_tip(self._base_fee)
            items.append((-tip, used, len(transaction.raw)))
        items.sort()
        self._prices = [price for price, _, _ in items]
        """Negative tips, ascending."""
        self._gas = list(accumulate((gas for _, gas, _ in items), initial=0))
        self._bytes = list(accumulate((size for _, _, size in items), initial=0))

    def had_room(self, head: PooledTransaction) -> bool:
        """Tell whether the transactions that pay at least as much as `head` leave room for it."""
        return self._fits(head, bisect_right(self._prices, -head.effective_tip(self._base_fee)))

    def has_room(self, following: PooledTransaction) -> bool:
        """Tell whether all transactions of the block leave room for another one."""
        return self._fits(following, len(self._prices))

    def _fits(self, head: PooledTransaction, dearer: int) -> bool:
        gas = self._gas[dearer] + head.gas_limit
        byte_count = self._bytes[dearer] + len(head.raw)
        encoded = HEADER_BYTES_MAX + byte_count + (dearer + 1) * ITEM_BYTES_MAX
        if gas > self._params.gas_limit or encoded > self._params.max_block_bytes:
            return False
        limits = self._limits
        fits = dearer < limits.count and gas <= limits.gas and byte_count <= limits.byte_count
        return fits or not dearer  # a builder takes the dearest one though it exceeds the batch
