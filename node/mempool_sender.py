"""The pooled transactions of one sender, by nonce.

Nonces from the account's own up to the first gap are *pending*: they can be executed in this
order. What stands behind a gap is *queued* and waits for the missing nonce.
"""

from dataclasses import dataclass, field

from node.validation import PooledTransaction
from primitives.ids import Instant


@dataclass(slots=True)
class PoolEntry:
    """One pooled transaction."""

    transaction: PooledTransaction
    order: int
    """Number of its admission, unique and ascending in one pool."""
    pending_since: Instant
    """When it last became pending; when it was admitted, while it is queued."""
    gapped_from: int
    """`order` of the first transaction in its place: one that replaces another behind a nonce
    gap has stood there as long as that one."""


@dataclass(slots=True)
class SenderQueue:
    """State of one sender in the pool. The pool drops it when it is empty."""

    next_nonce: int
    """The account's nonce at the head of the chain."""
    balance: int
    """The account's balance there, in wei."""
    pending_end: int
    """One past the last pending nonce; `next_nonce` when nothing is pending."""
    cost_max: int = 0
    """What all entries together may cost at most, in wei; never above `balance`."""
    pending_bytes: int = 0
    """Bytes of the pending encodings."""
    pending_gas: int = 0
    """Gas limits of the pending transactions together."""
    entries: dict[int, PoolEntry] = field(default_factory=dict)
    """By nonce, none below `next_nonce`."""
    delegates: bool = False
    """Whether the account has named code that may spend what it owns (EIP-7702). Then only the
    next transaction is kept: one call of a stranger may make all of them void."""

    @property
    def pending(self) -> int:
        """How many transactions are pending."""
        return self.pending_end - self.next_nonce

    def put(self, entry: PoolEntry) -> None:
        """Insert an entry, or exchange the one with its nonce."""
        transaction = entry.transaction
        nonce = transaction.nonce
        old = self.entries.get(nonce)
        self.cost_max += transaction.cost_max
        if old is not None:
            self.cost_max -= old.transaction.cost_max
        self.entries[nonce] = entry
        if self.next_nonce <= nonce < self.pending_end:
            assert old is not None, "a pending nonce without an entry"
            self._weigh(old, -1)
            self._weigh(entry, 1)

    def take(self, nonce: int) -> PoolEntry:
        """Remove and return the entry of a nonce; those behind a new gap become queued."""
        entry = self.entries.pop(nonce)
        self.cost_max -= entry.transaction.cost_max
        if self.next_nonce <= nonce < self.pending_end:
            self._weigh(entry, -1)
            for behind in range(nonce + 1, self.pending_end):
                self._weigh(self.entries[behind], -1)
            self.pending_end = nonce
        return entry

    def behind_gaps(self) -> list[PoolEntry]:
        """Return the entries that wait for a missing nonce."""
        return [entry for nonce, entry in self.entries.items() if nonce > self.pending_end]

    def promote(self, now: Instant) -> None:
        """Extend the pending part over entries that no gap separates from it any more."""
        entries, end = self.entries, self.pending_end
        while (entry := entries.get(end)) is not None:
            entry.pending_since = now
            self.pending_bytes += len(entry.transaction.raw)
            self.pending_gas += entry.transaction.gas_limit
            end += 1
        self.pending_end = end

    def advance(self, now: Instant, nonce: int, balance: int) -> list[PoolEntry]:
        """Move to the account's new nonce and balance; return the entries that fell out.

        These are the ones whose nonce has been used, and from the highest nonce down as many as
        the balance can no longer pay at most, or all but the next one if the account delegates.
        """
        removed: list[PoolEntry] = []
        for used in range(self.next_nonce, nonce):
            entry = self.entries.pop(used, None)
            if entry is None:
                continue
            removed.append(entry)
            transaction = entry.transaction
            self.cost_max -= transaction.cost_max
            if used < self.pending_end:
                self.pending_bytes -= len(transaction.raw)
                self.pending_gas -= transaction.gas_limit
        self.pending_end = max(self.pending_end, nonce)
        self.next_nonce, self.balance = nonce, balance
        for highest in sorted(self.entries, reverse=True) if self._is_beyond() else ():
            removed.append(self.take(highest))
            if not self._is_beyond():
                break
        self.promote(now)
        return removed

    def _is_beyond(self) -> bool:
        """Whether there is more than the account can pay, or may have."""
        has_others = len(self.entries) > (self.next_nonce in self.entries)
        return self.cost_max > self.balance or (self.delegates and has_others)

    def _weigh(self, entry: PoolEntry, sign: int) -> None:
        """Count an entry as pending (1), or no longer (-1)."""
        self.pending_bytes += sign * len(entry.transaction.raw)
        self.pending_gas += sign * entry.transaction.gas_limit
