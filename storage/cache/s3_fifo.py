"""S3-FIFO: three queues, of which a small one lets go early what is asked for only once.

Newcomers enter the small queue, a tenth of the room. At its end those that were read at least
twice since they came move on to the main queue; the others go, and their keys are remembered in
a ghost queue. Who comes back while its ghost is there enters the main queue directly. At the end
of the main queue whoever was read goes round again, one use poorer. A hit only counts.

Uses are counted without end and cut to three where they are looked at, which is the same as
cutting them at every hit. What is cut off is added to `_settled`: settled uses plus those in
entries are all hits that there ever were, so that a hit has to write one number and not two.

Sizes are bytes as well as entries here: a queue is full when either of its bounds is reached.

Reference: Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023, algorithm 1.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import Generic

import msgspec

from storage.cache.policy import Counters, Limits, V

SMALL_PERCENT = 10
USES_MAX = 3
USES_TO_STAY = 2
GONE, SMALL, MAIN = 0, 1, 2
SLACK = 8
"""Entries in queues that may be gone before it is worth a look, beside those that live."""


class Entry(msgspec.Struct, Generic[V], gc=False):
    """One resident, or, until its queue has noticed, one that was."""

    key: bytes
    value: V
    size: int
    """Bytes."""
    queue: int
    """`SMALL`, `MAIN` or `GONE`."""
    uses: int = 0
    """Hits that are not settled."""


class S3Fifo(Generic[V]):
    """A `Policy`: who was asked for only once goes soon.

    Args:
        limits: bounds.
        missing: answers reads that find nothing.
    """

    __slots__ = (
        "_admitted", "_bytes", "_entries", "_evicted", "_ghosts", "_limits", "_main", "_misses",
        "_missing", "_settled", "_small", "_small_bytes", "_small_entries", "_small_limits",
    )  # fmt: skip

    def __init__(self, limits: Limits, missing: Callable[[bytes], V]) -> None:
        self._limits = limits
        self._small_limits = limits.share(SMALL_PERCENT)
        self._missing = missing
        self._entries: dict[bytes, Entry[V]] = {}
        self._small: deque[Entry[V]] = deque()
        self._main: deque[Entry[V]] = deque()
        self._ghosts: OrderedDict[bytes, None] = OrderedDict()
        self._bytes = 0
        self._small_bytes = 0
        self._small_entries = 0
        self._settled = 0
        self._misses = 0
        self._admitted = 0
        self._evicted = 0

    def get(self, key: bytes) -> V:
        """Return the value, or what `missing(key)` returns if there is none."""
        try:
            entry = self._entries[key]
        except KeyError:
            pass
        else:
            entry.uses += 1
            return entry.value
        self._misses += 1
        return self._missing(key)

    def put(self, key: bytes, value: V, size: int) -> Sequence[tuple[bytes, V]]:
        """Set a value and return what had to go; a new value under an old key is not a use."""
        entry = self._entries.get(key)
        if size > self._limits.bytes:
            self._admitted += entry is None
            self._evicted += 1
            self.discard(key)
            return ((key, value),)
        if entry is not None:
            self._replace(entry, value, size)
            return self._make_room(0, 0)
        self._admitted += 1
        out = self._make_room(1, size)
        queue = MAIN if key in self._ghosts else SMALL
        entry = self._entries[key] = Entry(key, value, size, queue)
        self._bytes += size
        if queue == MAIN:
            del self._ghosts[key]
            self._main.append(entry)
        else:
            self._small_bytes += size
            self._small_entries += 1
            self._small.append(entry)
        return out

    def discard(self, key: bytes) -> None:
        """Forget a key; its ghost, if it has one, stays."""
        entry = self._entries.get(key)
        if entry is None:
            return
        self._remove(entry)
        if len(self._small) + len(self._main) > 2 * len(self._entries) + SLACK:
            self._small = deque(each for each in self._small if each.queue == SMALL)
            self._main = deque(each for each in self._main if each.queue == MAIN)

    def __contains__(self, key: bytes) -> bool:
        return key in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def counters(self) -> Counters:
        """Return the counts so far; looks at every entry."""
        return Counters(
            self._settled + sum(entry.uses for entry in self._entries.values()),
            self._misses,
            self._admitted,
            self._evicted,
            len(self._entries),
            self._bytes,
        )

    def _make_room(self, entries: int, size: int) -> Sequence[tuple[bytes, V]]:
        """Let go until so much more fits."""
        limits = self._limits
        if len(self._entries) + entries <= limits.entries and self._bytes + size <= limits.bytes:
            return ()
        out: list[tuple[bytes, V]] = []
        small = self._small_limits
        while limits.exceeded(len(self._entries) + entries, self._bytes + size):
            full = self._small_entries >= small.entries or self._small_bytes >= small.bytes
            # A queue of which all moves on lets nothing go, and the other one is asked next.
            lost = self._from_small() if full else self._from_main()
            if lost is None:
                lost = self._from_main() if full else self._from_small()
            if lost is not None:
                self._evicted += 1
                out.append((lost.key, lost.value))
        return out

    def _from_small(self) -> Entry[V] | None:
        """Let go the oldest of the small queue that nobody read twice; None if there is none."""
        queue = self._small
        while queue:
            entry = queue.popleft()
            if entry.queue != SMALL:
                continue
            if entry.uses < USES_TO_STAY:
                self._ghosts[entry.key] = None
                self._remove(entry)
                self._trim_ghosts()
                return entry
            self._small_entries -= 1
            self._small_bytes -= entry.size
            entry.queue = MAIN
            self._settle(entry, 0)
            self._main.append(entry)
        return None

    def _from_main(self) -> Entry[V] | None:
        """Let go the first of the main queue that was not read; None if the queue is empty."""
        queue = self._main
        while queue:
            entry = queue.popleft()
            if entry.queue != MAIN:
                continue
            if not entry.uses:
                self._remove(entry)
                return entry
            self._settle(entry, min(entry.uses, USES_MAX) - 1)
            queue.append(entry)
        return None

    def _trim_ghosts(self) -> None:
        """Keep as many ghosts as the main queue has room for, measured in what is resident."""
        room = max(1, (len(self._entries) + 1) * (100 - SMALL_PERCENT) // 100)
        while len(self._ghosts) > room:
            self._ghosts.popitem(last=False)

    def _settle(self, entry: Entry[V], uses: int) -> None:
        self._settled += entry.uses - uses
        entry.uses = uses

    def _remove(self, entry: Entry[V]) -> None:
        del self._entries[entry.key]
        self._bytes -= entry.size
        if entry.queue == SMALL:
            self._small_entries -= 1
            self._small_bytes -= entry.size
        self._settled += entry.uses
        entry.queue = GONE

    def _replace(self, entry: Entry[V], value: V, size: int) -> None:
        self._bytes += size - entry.size
        if entry.queue == SMALL:
            self._small_bytes += size - entry.size
        entry.value, entry.size = value, size
