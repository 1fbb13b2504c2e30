"""What the nodes' disks did, and what came to lie on them.

Batches, bytes and waits are those of virtual time. Files, their bytes and the process's memory
are of this machine and this run: no two runs have the same.
"""

import msgspec

from node.observe.families import storage
from sim.report.series import SECOND_NS, NodeCounters, NodeHistograms
from sim.trace import Stored


class StoreMark(msgspec.Struct, frozen=True, kw_only=True):
    """How much there was at one instant, all nodes together."""

    at_seconds: float
    """Virtual time."""
    height: int
    file_bytes: int
    """Of all files; 0 where nodes have none."""
    process_bytes: int
    """Resident memory of the simulating process; 0 where the system does not tell."""


class StoreFiles(msgspec.Struct, frozen=True, kw_only=True):
    """What RocksDB says of itself, all nodes together. Not reproducible."""

    file_bytes: int
    """When the run ended."""
    asked_bytes: int
    """Bytes of batches that it was given."""
    written_bytes: int
    """Bytes that it wrote for them: log, tables, and tables merged into others."""

    @property
    def write_amplification(self) -> float:
        """Bytes written for each byte of a batch."""
        return self.written_bytes / self.asked_bytes if self.asked_bytes else 0.0


class StorageFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What nodes made durable in the whole run, all together."""

    batches: int
    """Each was synced."""
    written_bytes: int
    """Keys and values in them."""
    sync_seconds_mean: float
    """From handing a batch over until it is durable."""
    sync_seconds_max: float
    engine: str = ""
    """As `[store]` says."""
    state: str = ""
    rows: int = 0
    """On all disks when the run ended."""
    row_bytes: int = 0
    """Their keys and values."""
    files: StoreFiles | None = None
    """None where nodes keep their rows in memory."""
    marks: tuple[StoreMark, ...] = ()
    """In order of time. Not reproducible."""


class StorageLedger:
    """Counts what each node makes durable."""

    __slots__ = ("_longest_ns", "syncs", "waits", "written")

    def __init__(self, nodes: int) -> None:
        self.syncs = NodeCounters(nodes)
        self.written = NodeCounters(nodes)
        self.waits = NodeHistograms(nodes, storage.SYNC_WAIT.bounds)
        self._longest_ns = 0

    def on_stored(self, stored: Stored) -> None:
        """Take in one batch."""
        node = stored.node
        self.syncs.live[node] += 1
        self.written.live[node] += stored.bytes
        self.waits.add(node, stored.wait_ns)
        self._longest_ns = max(self._longest_ns, stored.wait_ns)

    def take(self, times: int) -> None:
        """Sample everything."""
        self.syncs.take(times)
        self.written.take(times)
        self.waits.take(times)

    def figures(self) -> StorageFigures | None:
        """Return what it comes to; None where nothing was made durable."""
        batches = sum(self.syncs.live)
        if not batches:
            return None
        return StorageFigures(
            batches=batches,
            written_bytes=sum(self.written.live),
            sync_seconds_mean=sum(self.waits.sums) / batches / SECOND_NS,
            sync_seconds_max=self._longest_ns / SECOND_NS,
        )
