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

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Generic

from storage.cache.policy import Counters, Limits, V
from storage.cache.queue import Entry, Queue

SMALL_PERCENT = 10
USES_MAX = 3
USES_TO_STAY = 2
SMALL, MAIN = 1, 2


class S3Fifo(Generic[V]):
    """A `Policy`: who was asked for only once goes soon.

    Args:
        limits: bounds.
        missing: answers reads that find nothing.
    """

    __slots__ = (
        "_admitted", "_bytes", "_entries", "_evicted", "_ghosts", "_limits", "_main", "_misses",
        "_missing", "_settled", "_small",
    )  # fmt: skip

    def __init__(self, limits: Limits, missing: Callable[[bytes], V]) -> None:
        self._limits = limits
        self._missing = missing
        self._entries: dict[bytes, Entry[V]] = {}
        self._small: Queue[V] = Queue(SMALL, limits.share(SMALL_PERCENT))
        self._main: Queue[V] = Queue(MAIN, limits)
        self._ghosts: OrderedDict[bytes, None] = OrderedDict()
        self._bytes = 0
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
            self._home(entry).bytes += size - entry.size
            self._bytes += size - entry.size
            entry.value, entry.size = value, size
            return self._make_room(0, 0)
        self._admitted += 1
        out = self._make_room(1, size)
        entry = self._entries[key] = Entry(key, value, size, SMALL)
        self._bytes += size
        if key in self._ghosts:
            del self._ghosts[key]
            self._main.append(entry)
        else:
            self._small.append(entry)
        return out

    def discard(self, key: bytes) -> None:
        """Forget a key; its ghost, if it has one, stays."""
        entry = self._entries.get(key)
        if entry is not None:
            self._home(entry).discard(entry)
            self._forget(entry)

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
        while limits.exceeded(len(self._entries) + entries, self._bytes + size):
            full = self._small.is_full()
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
        while (entry := self._small.pop()) is not None:
            if entry.uses < USES_TO_STAY:
                self._ghosts[entry.key] = None
                self._forget(entry)
                self._trim_ghosts()
                return entry
            self._settle(entry, 0)
            self._main.append(entry)
        return None

    def _from_main(self) -> Entry[V] | None:
        """Let go the first of the main queue that was not read; None if the queue is empty."""
        while (entry := self._main.pop()) is not None:
            if not entry.uses:
                self._forget(entry)
                return entry
            self._settle(entry, min(entry.uses, USES_MAX) - 1)
            self._main.append(entry)
        return None

    def _trim_ghosts(self) -> None:
        """Keep as many ghosts as the main queue has room for, measured in what is resident."""
        room = max(1, (len(self._entries) + 1) * (100 - SMALL_PERCENT) // 100)
        while len(self._ghosts) > room:
            self._ghosts.popitem(last=False)

    def _settle(self, entry: Entry[V], uses: int) -> None:
        self._settled += entry.uses - uses
        entry.uses = uses

    def _forget(self, entry: Entry[V]) -> None:
        """Let go of an entry that is in no queue any more."""
        del self._entries[entry.key]
        self._bytes -= entry.size
        self._settled += entry.uses

    def _home(self, entry: Entry[V]) -> Queue[V]:
        return self._small if entry.place == SMALL else self._main
