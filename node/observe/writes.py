"""What a live node makes durable."""

from collections.abc import Iterator

from node.observe.families import storage
from node.observe.reading import Histogram, Reading


class WriteSource:
    """Counts durable batches."""

    def __init__(self) -> None:
        self.batches = 0
        self.written_bytes = 0
        self.waits = Histogram(storage.SYNC_WAIT.bounds)

    def stored(self, size: int, wait_ns: int) -> None:
        """Take in one batch: bytes of its keys and values, and the time until it was durable."""
        self.batches += 1
        self.written_bytes += size
        self.waits.add(wait_ns)

    def readings(self) -> Iterator[Reading]:
        """Yield the present numbers."""
        yield Reading(storage.SYNCS, self.batches)
        yield Reading(storage.WRITTEN, self.written_bytes)
        yield Reading(storage.SYNC_WAIT, self.waits)
