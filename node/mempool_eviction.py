"""Who leaves a full pool."""

from collections.abc import Mapping

from node.mempool_errors import PoolFull
from node.mempool_heap import LazyHeap
from node.mempool_sender import PoolEntry, SenderQueue
from node.validation import PooledTransaction
from primitives.ids import Address, Hash32

_Priced = tuple[int, int, Hash32]
"""Effective tip in wei, minus the order of admission (the latest goes first), hash."""


class PriceIndex:
    """All pooled transactions by what they would tip at the current base fee, lowest first.

    A change of the base fee may reorder everything. From then on the index is stale, takes in
    nothing, and is built anew only when the pool is full and the order is really asked for. So
    it begins: a pool that is never full needs no order.

    Args:
        entries: the pool's entries by hash; read, never written.
        base_fee: wei per gas.
    """

    __slots__ = ("_base_fee", "_entries", "_heap", "_stale")

    def __init__(self, entries: Mapping[Hash32, PoolEntry], base_fee: int) -> None:
        self._entries = entries
        self._base_fee = base_fee
        self._heap: LazyHeap[_Priced] = LazyHeap(self._is_current)
        self._stale = True

    def set_base_fee(self, base_fee: int) -> None:
        """Price by another base fee from now on."""
        if base_fee != self._base_fee:
            self._base_fee = base_fee
            if not self._stale:
                self._stale = True
                self._heap.refill(())

    def price(self, transaction: PooledTransaction) -> int:
        """Return the effective tip in wei per gas; negative below the base fee."""
        return transaction.effective_tip(self._base_fee)

    def add(self, entry: PoolEntry) -> None:
        """Index an entry that the pool has just listed."""
        if not self._stale:
            self._heap.push(self._priced(entry), len(self._entries))

    def victims(
        self,
        incoming: PooledTransaction,
        queues: Mapping[Address, SenderQueue],
        count: int,
        byte_count: int,
    ) -> list[PoolEntry]:
        """Choose which transactions give way to a better paying one.

        A victim is the last transaction of the sender that has the cheapest one: what stands
        behind the cheapest cannot be executed before it, so it is worth no more. The incoming
        transaction's own sender loses nothing, lest it be left with a gap.

        Args:
            incoming: the transaction that needs room.
            queues: the pool's queues by sender.
            count: how many transactions have to go at least.
            byte_count: how many bytes have to go at least.

        Raises:
            PoolFull: not enough of the pool pays less than `incoming`.
        """
        if self._stale:
            self._stale = False
            self._heap.refill([self._priced(entry) for entry in self._entries.values()])
        chosen: list[PoolEntry] = []
        passed: list[_Priced] = []
        remaining: dict[Address, list[int]] = {incoming.sender: []}
        price = self.price(incoming)
        while count > 0 or byte_count > 0:
            cheapest = self._heap.first()
            if cheapest is None or cheapest[0] >= price:
                break
            sender = self._entries[cheapest[2]].transaction.sender
            if sender not in remaining:
                remaining[sender] = sorted(queues[sender].entries)
            if not remaining[sender]:
                passed.append(self._heap.pop())
                continue
            victim = queues[sender].entries[remaining[sender].pop()]
            chosen.append(victim)
            count -= 1
            byte_count -= len(victim.transaction.raw)
        for entry in passed:
            self._heap.push(entry, len(self._entries))
        if count > 0 or byte_count > 0:
            expected = "a tip above that of enough pooled transactions"
            raise PoolFull("mempool", expected, f"{price} wei per gas")
        return chosen

    def _priced(self, entry: PoolEntry) -> _Priced:
        return self.price(entry.transaction), -entry.order, entry.transaction.hash

    def _is_current(self, priced: _Priced) -> bool:
        entry = self._entries.get(priced[2])
        return entry is not None and entry.order == -priced[1]
