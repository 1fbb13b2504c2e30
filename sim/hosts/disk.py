"""A simulated disk in its first form: what it costs to make a batch durable.

One queue for each machine. A batch is in memory until its sync has ended; a crash before that
loses it whole, unless the fault says that it had reached the disk unacknowledged. What is durable
stands in the node's `Store`.
"""

import msgspec

from primitives.machine import Record

NANOSECONDS_PER_SECOND = 1_000_000_000


class DiskSpec(msgspec.Struct, frozen=True):
    """How fast a disk is. The defaults stand for a data-centre NVMe drive."""

    latency_ns: int = 80_000
    """From handing over a write to its first byte."""
    fsync_ns: int = 500_000
    """Flush of the device's cache."""
    bytes_per_second: int = 1_000_000_000


class Disk:
    """One device, shared by the nodes of a machine."""

    __slots__ = ("_free", "_spec", "bytes_written", "syncs")

    def __init__(self, spec: DiskSpec) -> None:
        self._spec = spec
        self._free = 0
        self.bytes_written = 0
        self.syncs = 0

    @property
    def latency_ns(self) -> int:
        """From handing over a write to its first byte."""
        return self._spec.latency_ns

    @property
    def free_at(self) -> int:
        """When the last batch handed over so far will be durable, ns."""
        return self._free

    def write(self, at: int, records: tuple[Record, ...]) -> int:
        """Queue a synced batch that is handed over at `at`; return when it is durable."""
        size = 0
        for record in records:
            size += len(record.key)
            if record.value is not None:
                size += len(record.value)
        self.bytes_written += size
        self.syncs += 1
        spec = self._spec
        start = max(at, self._free)
        transfer = size * NANOSECONDS_PER_SECOND // spec.bytes_per_second
        self._free = end = start + spec.latency_ns + transfer + spec.fsync_ns
        return end
