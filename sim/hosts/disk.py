"""A simulated disk: what it costs to make a batch durable.

One queue for each machine. A batch is in memory until its sync has ended; a crash before that
loses it whole, unless the fault says that it had reached the disk unacknowledged. What is durable
stands in the node's `Store` (`sim.hosts.medium`), and how much of it there may be says `Space`.
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


def batch_bytes(records: tuple[Record, ...]) -> int:
    """Return the bytes of keys and values that a batch brings to the disk."""
    size = 0
    for record in records:
        size += len(record.key)
        if record.value is not None:
            size += len(record.value)
    return size


class Disk:
    """One device, shared by the nodes of a machine."""

    __slots__ = (
        "_byte_ns",
        "_divisor",
        "_fixed_ns",
        "_free",
        "_spec",
        "bytes_written",
        "latency_ns",
        "syncs",
    )

    def __init__(self, spec: DiskSpec) -> None:
        self._spec = spec
        self._free = 0
        self.bytes_written = 0
        self.syncs = 0
        self.latency_ns = 0
        """From handing over a write to its first byte, as slow as the disk is now."""
        self.slow(1, 1)

    @property
    def free_at(self) -> int:
        """When the last batch handed over so far will be durable, ns."""
        return self._free

    def slow(self, numerator: int, denominator: int) -> None:
        """Let batches handed over from now on take numerator/denominator times as long."""
        spec = self._spec
        self.latency_ns = spec.latency_ns * numerator // denominator
        self._fixed_ns = (spec.latency_ns + spec.fsync_ns) * numerator // denominator
        self._byte_ns = NANOSECONDS_PER_SECOND * numerator
        self._divisor = spec.bytes_per_second * denominator

    def write(self, at: int, records: tuple[Record, ...]) -> int:
        """Queue a synced batch that is handed over at `at`; return when it is durable."""
        size = batch_bytes(records)
        self.bytes_written += size
        self.syncs += 1
        start = max(at, self._free)
        self._free = end = start + self._fixed_ns + size * self._byte_ns // self._divisor
        return end
