"""Who gives way behind nonce gaps.

A transaction behind a gap may never be executed, so to make one costs nothing: a few funded
accounts can fill what the pool allows. Were they to stay, all traffic that comes out of order
would be refused from then on, and for good.

go-ethereum lets such transactions expire after hours, and beyond its limit it drops those of the
accounts that have been silent longest, highest nonces first. Here the limit alone decides: while
there is room nobody is in the way, and when there is none the sender that has stood behind a gap
longest gives way. A flood then moves through, and what waits only for a transaction that is still
on its way has the time that the flood takes to come once through the whole limit.
"""

from collections.abc import Mapping

from node.mempool_heap import LazyHeap
from node.mempool_sender import PoolEntry, SenderQueue
from node.validation import PooledTransaction
from primitives.ids import Address

_Gapped = tuple[int, Address, int]
"""Since which admission the nonce has stood behind a gap, sender, nonce."""


class GapIndex:
    """All transactions behind nonce gaps, the one that has stood there longest first.

    Work is logarithmic in the queued transactions, and linear in one sender's for a victim.

    Args:
        queues: the pool's queues by sender; read, never written.
    """

    __slots__ = ("_heap", "_queues")

    def __init__(self, queues: Mapping[Address, SenderQueue]) -> None:
        self._queues = queues
        self._heap: LazyHeap[_Gapped] = LazyHeap(self._is_current)

    def add(self, entry: PoolEntry, queued: int) -> None:
        """Index an entry that the pool has just put behind a gap; it holds `queued` such."""
        transaction = entry.transaction
        self._heap.push((entry.gapped_from, transaction.sender, transaction.nonce), queued)

    def victim(self, incoming: PooledTransaction) -> PoolEntry | None:
        """Return what gives way to another transaction behind a gap; None if nothing does.

        It is the highest nonce of the sender that has stood behind a gap longest: what stands
        there needs all the others. That sender's own next nonce would be the next to go, and
        so takes nobody's place.
        """
        oldest = self._heap.first()
        if oldest is None:
            return None
        sender = oldest[1]
        entries = self._queues[sender].entries
        last = max(entries)
        if sender == incoming.sender and last < incoming.nonce:
            return None
        return entries[last]

    def _is_current(self, gapped: _Gapped) -> bool:
        gapped_from, sender, nonce = gapped
        queue = self._queues.get(sender)
        if queue is None or nonce <= queue.pending_end:
            return False
        entry = queue.entries.get(nonce)
        return entry is not None and entry.gapped_from == gapped_from
