"""What a live node's chain, pool and fetching of blocks come to."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from network.trace import SnapshotAdopted, SnapshotStarted, SyncFinished, SyncStarted
from node.gateway_trace import Accepted, Finalised, Refused
from node.observe.confirmation import Confirmations
from node.observe.families import chain
from node.observe.reading import Histogram, Reading, by_label
from node.observe.sink import BlockTransactions
from node.trace import BlockCommitted, TransactionRejected, TransactionSubmitted
from primitives.machine import TraceEvent


class ChainSource:
    """Counts commits, submissions and runs of fetching.

    Args:
        blocks: looks up the transactions of committed blocks, for confirmation times.
    """

    def __init__(self, blocks: BlockTransactions | None = None) -> None:
        self.height = 0
        self.blocks = 0
        self.transactions = 0
        self.gas = 0
        self.tps = 0.0
        self.submitted = 0
        self.rejected: dict[str, int] = {}
        self.syncs = 0
        self.snapshots = 0
        self.syncing = False
        self.committed_ns = -1
        """Instant of the latest commit, -1 before the first."""
        self.block_time = Histogram(chain.BLOCK_TIME.bounds)
        self.block_size = Histogram(chain.BLOCK_SIZE.bounds)
        self.confirmation = Histogram(chain.CONFIRMATION_TIME.bounds)
        self._confirmations = Confirmations(blocks)
        self._sampled = (0, 0)
        """Instant of the latest sample, and transactions committed by then."""

    def handlers(self) -> Mapping[type[TraceEvent], Callable[[int, Any], None]]:
        """Return what to call for each kind of event."""
        return {
            BlockCommitted: self.on_block_committed,
            TransactionSubmitted: self.on_submitted,
            TransactionRejected: self.on_rejected,
            Accepted: self.on_accepted,
            Finalised: self.on_final,
            Refused: self.on_refused,
            SyncStarted: self.on_sync_started,
            SyncFinished: self.on_sync_finished,
            SnapshotStarted: self.on_snapshot_started,
            SnapshotAdopted: self.on_snapshot_adopted,
        }

    def sample(self, at_ns: int) -> None:
        """Find the throughput since the sample before."""
        before_ns, before = self._sampled
        if before_ns and at_ns > before_ns:
            self.tps = (self.transactions - before) * 1e9 / (at_ns - before_ns)
        self._sampled = (at_ns, self.transactions)

    def readings(self) -> Iterator[Reading]:
        """Yield the present numbers."""
        yield Reading(chain.NODE_UP, 1)
        yield Reading(chain.TRANSACTIONS, self.transactions)
        yield Reading(chain.BLOCKS, self.blocks)
        yield Reading(chain.GAS_USED, self.gas)
        yield Reading(chain.TPS, self.tps)
        yield Reading(chain.HEIGHT, self.height)
        yield Reading(chain.BLOCK_TIME, self.block_time)
        yield Reading(chain.BLOCK_SIZE, self.block_size)
        yield Reading(chain.CONFIRMATION_TIME, self.confirmation)
        yield Reading(chain.SUBMITTED, self.submitted)
        yield from by_label(chain.REJECTED, sorted(self.rejected.items()))
        yield Reading(chain.SYNC_RUNS, self.syncs)
        yield Reading(chain.SYNC_RUNNING, int(self.syncing))
        yield Reading(chain.SYNC_SNAPSHOTS, self.snapshots)

    def on_block_committed(self, at_ns: int, event: BlockCommitted) -> None:
        """Count a block."""
        self.blocks += 1
        self.transactions += event.transactions
        self.gas += event.gas_used
        self.height = max(self.height, event.height)
        self.block_size.add(event.bytes)
        if self.committed_ns >= 0:
            self.block_time.add(at_ns - self.committed_ns)
        self.committed_ns = at_ns
        for latency_ns in self._confirmations.committed(at_ns, event.digest):
            self.confirmation.add(latency_ns)

    def on_submitted(self, at_ns: int, event: TransactionSubmitted) -> None:
        """Count a transaction, and wait for its commit."""
        self.submitted += 1
        self._confirmations.submitted(at_ns, event.hash)

    def on_rejected(self, at_ns: int, event: TransactionRejected) -> None:
        """Count a refusal."""
        self.rejected[event.code] = self.rejected.get(event.code, 0) + 1
        self._confirmations.rejected(event.hash)

    def on_accepted(self, at_ns: int, event: Accepted) -> None:
        """Count what a client gave this gateway."""
        self.submitted += 1

    def on_final(self, at_ns: int, event: Finalised) -> None:
        """Count how long a client of this gateway has waited."""
        self.confirmation.add(event.latency_ns)

    def on_refused(self, at_ns: int, event: Refused) -> None:
        """Count a refusal that this gateway has passed on."""
        self.rejected[event.code] = self.rejected.get(event.code, 0) + 1

    def on_sync_started(self, at_ns: int, event: SyncStarted) -> None:
        """Count a run of fetching."""
        self.syncs += 1
        self.syncing = True

    def on_sync_finished(self, at_ns: int, event: SyncFinished) -> None:
        """Note that the node has what its peers have."""
        self.syncing = False

    def on_snapshot_started(self, at_ns: int, event: SnapshotStarted) -> None:
        """Note that the node fetches a state."""
        self.syncing = True

    def on_snapshot_adopted(self, at_ns: int, event: SnapshotAdopted) -> None:
        """Count a fetched state. What is above it is fetched next."""
        self.snapshots += 1
        self.height = max(self.height, event.height)
