"""A live node's metrics, health and profile: everything about it that somebody may look at."""

import asyncio

from node.observe.driving import DriverSource, QueueFigures, QueueSource
from node.observe.facts import NodeBlocks, NodeFacts
from node.observe.families import SHARD
from node.observe.health import Health, health
from node.observe.links import CompressionSource, TransportSource
from node.observe.metrics import NodeMetrics
from node.observe.process import PoolSource, ProcessSource, UptimeSource
from node.observe.profile_table import ProfileTable, profile_table
from node.observe.profiler import Profiler
from node.observe.rounds import RoundSource, counts_of
from node.observe.stores import CacheSource, CommitSource, StoreSource
from node.observe.ticker import CollectionSource, Ticker
from node.runtime.live import LiveNode
from node.runtime.profiling import lend
from primitives.errors import InvalidInput
from primitives.ids import NodeId
from storage.rocks import Committer, RocksStore

ACTIONS = ("on", "off", "reset", "table", "on_with_memory")


class Observatory:
    """Looks at one live node, from its beginning to its end.

    Args:
        live: not started yet, so that nothing it does is missed.
        shard: the label of all its metrics.
    """

    def __init__(self, live: LiveNode, shard: str = SHARD) -> None:
        self._live = live
        self.profiler = Profiler()
        lend(live, self.profiler)
        own = live.config.index
        self.metrics = NodeMetrics(own, NodeBlocks(lambda: live.node), shard)
        self.facts = NodeFacts(
            own, lambda: live.node, self.metrics.chain, lambda: _connected(live), live.now
        )
        self._collections = CollectionSource()
        self._ticker = Ticker(asyncio.get_running_loop(), self.metrics)
        self._add_sources()
        self._begin()
        self._unsubscribe = live.subscribe(self.metrics)

    def start(self) -> None:
        """Begin to look around once a second. To be called on the loop."""
        self._collections.start()
        self._ticker.start()

    def stop(self) -> None:
        """Look no more. A second call does nothing."""
        self._ticker.stop()
        self._collections.stop()
        self.profiler.stop()
        self._unsubscribe()

    def text(self, accept: str = "") -> tuple[bytes, str]:
        """Return the body of /metrics and its Content-Type, by the request's Accept header."""
        return self.metrics.text(accept)

    def health(self) -> Health:
        """Return the answer of /healthz; its `status` is that of HTTP."""
        return health(self.facts.facts())

    def profile(self, action: str) -> str | ProfileTable:
        """Do what is asked with the profiler; return its table, or "on" or "off" as it is now.

        Args:
            action: one of `ACTIONS`. `on_with_memory` notes peaks of memory too, which makes
                everything some times slower.

        Raises:
            InvalidInput: another action.
        """
        match action:
            case "on" | "on_with_memory":
                self.profiler.start(memory=action != "on")
            case "off":
                self.profiler.stop()
            case "reset":
                self.profiler.reset()
            case "table":
                return profile_table(self.profiler.operations())
            case _:
                raise InvalidInput("profile", "one of " + ", ".join(ACTIONS), action)
        return "on" if self.profiler.on else "off"

    def _begin(self) -> None:
        """Take over where an earlier process of this node has stopped: no event tells of it."""
        node = self._live.node
        self.metrics.chain.height = node.ledger.tip.number
        self.metrics.consensus.epoch = node.ledger.tip.epoch.number
        if node.replica is not None:
            self.metrics.consensus.view = node.replica.view

    def _add_sources(self) -> None:
        live, metrics = self._live, self.metrics
        driver, transport = live.driver, live.transport
        process = ProcessSource()
        links = TransportSource(transport.counters, transport.peers, lambda: transport.rooms.used)
        for sampled in (process, links):
            metrics.add_sampled(sampled)
        queues = QueueSource()
        queues.watch("peers", lambda: QueueFigures(driver.inbox.length))
        arrivals = driver.arrivals
        queues.watch("clients", lambda: QueueFigures(len(arrivals), arrivals.peak, arrivals.drops))
        jobs = driver.scheduler.figures
        queues.watch("jobs", lambda: QueueFigures(jobs.depth, jobs.depth_max))
        queues.watch("durability", lambda: QueueFigures(live.keeper.waiting))
        for source in (
            process,
            links,
            CompressionSource(transport.compression.statistics),
            queues,
            DriverSource(driver.figures, jobs.by_priority),
            PoolSource(self.facts.pool),
            RoundSource(lambda: counts_of(live.node)),
            UptimeSource(live.uptime_ns),
            CacheSource(self.facts.caches),
            self.profiler,
            self._collections,
            self._ticker,
        ):
            metrics.add(source)
        if isinstance(live.writer, Committer):
            metrics.add(CommitSource(live.writer.statistics))
        if isinstance(live.store, RocksStore):
            metrics.add(StoreSource(live.store.statistics))


def _connected(live: LiveNode) -> list[NodeId]:
    return [peer.node for peer in live.transport.peers()]
