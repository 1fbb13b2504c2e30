"""The optimistic plan: run everything in block order at once, look at what that has overturned.

Nothing needs to be known beforehand. A transaction that has run is looked at again whenever one
below it changes a cell that it has seen. If it would see something else now, it runs again, and
until then nobody builds on what it left. Each transaction can be overturned only by lower ones, so
the lowest of those that are still in doubt is always settled next.

Differences from the paper: those that saw a cell are found by an index instead of by validating
everything above, and a sender's transactions wait for one another from the start, because their
nonces tell that they depend on each other. Where all see what all change, as the fee recipient's
balance, looking again would take time quadratic in the block. So the plan gives up looking after a
while, and leaves the rest to the acceptance in block order.

Reference: Gelashvili et al., "Block-STM", arXiv 2203.06871.
"""

from collections.abc import Iterator, Mapping, Sequence
from heapq import heappop, heappush
from types import MappingProxyType
from typing import Final

from node.executors.cells import Blocked
from node.executors.versions import MultiVersion
from node.executors.work import BlockWork, End
from primitives.access import EXISTENCE
from primitives.ids import Address
from storage.outcome import Outcome, Sight, cells_changed, cells_seen, fits

SHARES = 8
"""An idle worker takes one part in so many of its share of what is left to do. Less than with a
graph: in one batch transactions know of one another, but not of those in the batches beside."""
RECHECKS_MAX = 16
"""How often it is looked again at a transaction, on average. Blocks of the main chain need 2."""
_NOBODY: Final[Mapping[int, None]] = MappingProxyType({})


class OptimisticPlan:
    """Attempts, and attempts again.

    Args:
        work: the block.
        versions: of its state.
    """

    __slots__ = (
        "_cells", "_changed", "_fresh", "_next", "_ready", "_rechecks_left", "_running", "_seen",
        "_seers", "_versions", "_waiting",
    )  # fmt: skip

    def __init__(self, work: BlockWork, versions: MultiVersion) -> None:
        count = len(work.transactions)
        self._versions = versions
        self._fresh = count
        self._next: dict[int, int] = {}
        """Who of the same sender follows, as long as he has not been ready."""
        self._ready: list[int] = []
        self._running: dict[int, None] = {}
        self._waiting: dict[int, list[int]] = {}
        """Who waits for whom to end."""
        self._seen: list[tuple[Sight, ...] | None] = [None] * count
        """What each has seen in its last attempt; None if it has to make another."""
        self._cells: list[tuple[bytes, ...]] = [()] * count
        """The cells of that."""
        self._seers: dict[bytes, dict[int, None]] = {}
        """Who has seen a cell."""
        self._changed: list[tuple[bytes, ...]] = [()] * count
        """The cells that each has changed in its last attempt."""
        self._rechecks_left = RECHECKS_MAX * count
        last: dict[Address, int] = {}
        for index, transaction in enumerate(work.transactions):
            before = last.get(transaction.sender)
            last[transaction.sender] = index
            if before is None:
                self._ready.append(index)
            else:
                self._next[before] = index

    def take(self, workers: int) -> Sequence[int]:
        """Return what an idle worker is to run next: the lowest that are ready."""
        if not self._ready:
            return ()
        count = min(len(self._ready), max(1, self._fresh // (workers * SHARES)))
        batch: list[int] = []
        while self._ready and len(batch) < count:
            index = heappop(self._ready)
            batch.append(index)
            # The sender's next one comes along, it would wait for this batch anyway.
            while index in self._next and len(batch) < count:
                index = self._next.pop(index)
                batch.append(index)
        for index in batch:
            self._running[index] = None
        self._fresh = max(0, self._fresh - len(batch))
        return sorted(batch)

    def ended(self, end: End) -> None:
        """Learn how an attempt ended, and find out whom it overturns."""
        index = end.index
        del self._running[index]
        if end.blocked is not None:
            self._wait(index, end.blocked)
            return
        self._note(index, end.sights)
        before = self._changed[index]
        outcome = end.outcome
        after = () if outcome is None else tuple(self._cells_changed(outcome))
        self._changed[index] = after
        for waiting in self._waiting.pop(index, ()):
            heappush(self._ready, waiting)
        if index in self._next:
            heappush(self._ready, self._next.pop(index))
        if not self._rechecks_left:
            return
        seers = {index: None}
        for cell in dict.fromkeys(before + after):
            seers.update(self._seers.get(cell, _NOBODY))
        self._recheck([each for each in seers if each >= index])

    def _cells_changed(self, outcome: Outcome) -> Iterator[bytes]:
        """Yield the cells that an outcome changes, whatever its place.

        Who pays an account that was not there before the block may be the one that begins it, by
        what those below him will do in the end.
        """
        account = self._versions.base.account
        for change in outcome.changes:
            yield from cells_changed(change)
            if not change.starts_or_ends and account(change.address) is None:
                yield change.address + EXISTENCE

    def _wait(self, index: int, writer: int) -> None:
        """Let a transaction wait for another one, unless that has ended meanwhile."""
        if self._seen[writer] is not None:
            heappush(self._ready, index)
        else:
            self._waiting.setdefault(writer, []).append(index)

    def _note(self, index: int, sights: tuple[Sight, ...]) -> None:
        self._unnote(index)
        self._seen[index] = sights
        cells = tuple([cell for sight in sights for cell in cells_seen(sight)])
        self._cells[index] = cells
        for cell in cells:
            self._seers.setdefault(cell, {})[index] = None

    def _unnote(self, index: int) -> None:
        for cell in self._cells[index]:
            self._seers[cell].pop(index, None)
        self._cells[index] = ()

    def _recheck(self, indexes: Sequence[int]) -> None:
        """Let those run again who would see something else now."""
        for index in indexes:
            seen = self._seen[index]
            if seen is None or index in self._running:
                continue
            self._rechecks_left = max(0, self._rechecks_left - 1)
            try:
                stands = fits(seen, self._versions.view(index))
            except Blocked:
                stands = False
            if not stands:
                self._forget(index)

    def _forget(self, index: int) -> None:
        self._unnote(index)
        self._seen[index] = None
        self._versions.expect(index)
        heappush(self._ready, index)
