"""A disk that lies: it says that a batch is durable while it still stands in its cache.

Drives with a volatile write cache that ignore the flush command do so, and so do hypervisors that
are told to. Nobody can tell until the power goes: then what was written last is gone, although
it was acknowledged, and the node that trusted it has a hole in its memory. In terms of the
protocol such a node is faulty.

Reference: TigerBeetle's storage fault model; Pillai et al. (2014), All File Systems Are Not
Created Equal.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator

from primitives.machine import Record
from sim.hosts.disk import Disk
from sim.hosts.medium import Medium
from storage.store import Snapshot, SnapshotStore


class LyingDisk:
    """A device that acknowledges what it has only heard of.

    Args:
        disk: the real one, which is as busy as ever.
        free_at: instant until which earlier batches keep it busy: nothing is acknowledged before
            them.
    """

    __slots__ = ("_free_at", "disk")

    def __init__(self, disk: Disk, free_at: int) -> None:
        self.disk = disk
        """The real one."""
        self._free_at = free_at

    def write(self, at: int, records: tuple[Record, ...]) -> int:
        """Hand a batch to the device; return when it claims that the batch is durable."""
        self.disk.write(at, records)
        return max(at + self.disk.latency_ns, self._free_at)


class VolatileStore:
    """A store whose last writes a crash takes back.

    Args:
        store: what holds the rows.
        cache_ns: how long a batch stays in the device's cache only.
        now: tells the present instant.
    """

    __slots__ = ("_cache_ns", "_journal", "_now", "store")

    def __init__(self, store: SnapshotStore, cache_ns: int, now: Callable[[], int]) -> None:
        self.store = store
        """The rows."""
        self._cache_ns = cache_ns
        self._now = now
        self._journal: deque[tuple[int, list[Record]]] = deque()

    def get(self, table: str, key: bytes) -> bytes | None:
        """Return the value under (table, key), or None when there is none."""
        return self.store.get(table, key)

    def scan(
        self, table: str, start: bytes = b"", end: bytes | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        """Yield (key, value) in ascending key order for start <= key < end."""
        return self.store.scan(table, start, end)

    def snapshot(self) -> Snapshot:
        """Return the store as it is now; what a crash takes back is in it."""
        return self.store.snapshot()

    def discard(self, tables: Collection[str]) -> None:
        """Delete all rows of some tables, which no crash takes back."""
        self.store.discard(tables)

    def write(self, records: Iterable[Record]) -> None:
        """Apply a batch, and remember what was there before as long as it may have to go."""
        batch, now = tuple(records), self._now()
        read = self.store.peek if isinstance(self.store, Medium) else self.store.get
        before = [Record(r.table, r.key, read(r.table, r.key)) for r in batch]
        self._journal.append((now, before))
        while self._journal[0][0] <= now - self._cache_ns:
            self._journal.popleft()
        self.store.write(batch)

    def lose(self) -> int:
        """Take back what a crash now loses; return how many batches."""
        since = self._now() - self._cache_ns
        lost = 0
        while self._journal:
            at, before = self._journal.pop()
            if at > since:
                self.store.write(reversed(before))
                lost += 1
        return lost
