"""What a live node's store says about itself."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from node.observe.families import storage
from node.observe.reading import Reading, by_label
from storage.cache.metrics import cache_families
from storage.cache.table import TableCounters
from storage.rocks.committer import CommitStatistics

_PLACES = (
    ("tables", "table_bytes"),
    ("buffers", "buffer_bytes"),
    ("readers", "reader_bytes"),
    ("to_merge", "pending_bytes"),
)
_BACKGROUND = ("background_errors", "merges_running", "flushes_running", "writes_stopped")


class StoreSource:
    """Reads RocksDB's own figures.

    Args:
        statistics: `RocksStore.statistics`.
    """

    def __init__(self, statistics: Callable[[], Mapping[str, int]]) -> None:
        self._statistics = statistics

    def readings(self) -> Iterator[Reading]:
        """Yield the present numbers."""
        found = self._statistics()
        for family in sorted({key.split(".")[1] for key in found if key.startswith("family.")}):
            head = f"family.{family}."
            yield Reading(storage.FAMILY_ROWS, found[head + "rows"], (family,))
            for place, figure in _PLACES:
                yield Reading(storage.FAMILY_BYTES, found[head + figure], (family, place))
            files = found[head + "level_0_files"]
            yield Reading(storage.FAMILY_LEVEL_0_FILES, files, (family,))
        yield Reading(storage.BLOCK_CACHE, found["store.cache_bytes"])
        background = [(name, found["store." + name]) for name in _BACKGROUND]
        yield from by_label(storage.BACKGROUND, background)
        engine = [(k.removeprefix("engine."), v) for k, v in found.items() if k[:7] == "engine."]
        yield from by_label(storage.ENGINE, sorted(engine))


class CommitSource:
    """Reads what making batches durable took.

    Args:
        statistics: `Committer.statistics`.
    """

    def __init__(self, statistics: Callable[[], CommitStatistics]) -> None:
        self._statistics = statistics

    def readings(self) -> Iterator[Reading]:
        """Yield the present numbers."""
        found = self._statistics()
        yield Reading(storage.GROUPS, found.groups)
        yield Reading(storage.COMMITTED_ROWS, found.rows)
        yield Reading(storage.QUEUED_BATCHES, found.queued_batches)
        yield Reading(storage.QUEUED_BYTES, found.queued_bytes)
        steps = (
            ("wait_for_room", found.wait_ns),
            ("gather", found.gather_ns),
            ("write", found.write_ns),
            ("sync", found.sync_ns),
        )
        yield from by_label(storage.COMMIT_TIME, steps)


class CacheSource:
    """Reads the caches in front of the store.

    Args:
        counters: of each table's cache.
    """

    def __init__(self, counters: Callable[[], Sequence[TableCounters]]) -> None:
        self._counters = counters
        self._families = {each.name: each for each in storage.CACHE_LEVEL + storage.CACHE_TABLE}

    def readings(self) -> Iterator[Reading]:
        """Yield the present numbers."""
        for found in cache_families(self._counters()):
            family = self._families[found.name]
            for labels, value in found.samples:
                yield Reading(family, value, tuple([text for _, text in labels]))
