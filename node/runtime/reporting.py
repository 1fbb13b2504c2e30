"""What of a node's trace and of its transport stands in its log, and how loud.

Each transaction and each vote is chatter: a log of them is no log. Blocks are debug; every ten
seconds in which the chain has grown one line sums them up.
"""

from collections.abc import Mapping
from types import MappingProxyType

from consensus.trace import EpochBegun, EvidenceFound, ViewChangeStarted, ViewEntered
from network.trace import (
    ChunkRefused,
    SnapshotAdopted,
    SnapshotStarted,
    SyncFinished,
    SyncStarted,
)
from network.transport import (
    DialFailed,
    Listening,
    PeerClosed,
    PeerOpened,
    PeerThrottled,
    QueueOverflowed,
    StrangerDropped,
)
from node.runtime.logs import Level, Log
from node.trace import (
    BlockBuiltTraced,
    BlockCommitted,
    BlockRefused,
    PeerScored,
    RowsGivenUp,
    StoreDiscarded,
)
from primitives.ids import Instant
from primitives.machine import TraceEvent

SUMMARY_NS = 10_000_000_000
"""Time between two lines that sum up blocks."""

LEVELS: Mapping[type[TraceEvent], Level] = MappingProxyType(
    {
        BlockBuiltTraced: Level.DEBUG,
        BlockCommitted: Level.DEBUG,
        BlockRefused: Level.WARNING,
        PeerScored: Level.WARNING,
        RowsGivenUp: Level.WARNING,
        StoreDiscarded: Level.WARNING,
        EvidenceFound: Level.WARNING,
        ViewChangeStarted: Level.WARNING,
        ViewEntered: Level.INFO,
        EpochBegun: Level.INFO,
        SyncStarted: Level.INFO,
        SyncFinished: Level.INFO,
        SnapshotStarted: Level.INFO,
        SnapshotAdopted: Level.INFO,
        ChunkRefused: Level.WARNING,
        Listening: Level.INFO,
        PeerOpened: Level.INFO,
        PeerClosed: Level.INFO,
        DialFailed: Level.DEBUG,
        StrangerDropped: Level.INFO,
        PeerThrottled: Level.WARNING,
        QueueOverflowed: Level.WARNING,
    }
)
"""Events that have a line. All others are counted (`node.observe`) and not written."""


class Reporter:
    """Writes a node's events into its log; a `Sink` of its hub, and the observer of its transport.

    Args:
        log: of the process.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._told_at = Instant(0)
        self._blocks = 0
        self._transactions = 0

    def on_event(self, event: TraceEvent) -> None:
        """Write what the transport tells."""
        self._write(event)

    def event(self, at: Instant, event: TraceEvent) -> None:
        """Write what the node tells."""
        if event.__class__ is BlockCommitted:
            assert isinstance(event, BlockCommitted)
            self._sum_up(at, event)
        self._write(event)

    def sent(self, at: Instant, kind: str, count: int, size: int) -> None:
        """Nothing: messages are counted elsewhere."""

    def stored(self, at: Instant, size: int, wait_ns: int) -> None:
        """Nothing, likewise."""

    def _write(self, event: TraceEvent) -> None:
        level = LEVELS.get(event.__class__)
        if level is not None:
            self._log.event(level, event)

    def _sum_up(self, at: Instant, event: BlockCommitted) -> None:
        self._blocks += 1
        self._transactions += event.transactions
        if at - self._told_at >= SUMMARY_NS:
            self._log.write(
                Level.INFO,
                "chain.grown",
                height=event.height,
                digest=event.digest,
                view=event.view,
                blocks=self._blocks,
                transactions=self._transactions,
            )
            self._told_at = at
            self._blocks = self._transactions = 0
