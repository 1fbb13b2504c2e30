"""A live node: one machine, its store, its transport and its driver, put together.

It has no life beyond that of its machine. Whoever runs a process makes one, starts it, and makes
another one if this one ends because its store is damaged.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from consensus.trace import EpochBegun
from network.conditions import Conditions
from network.handshake_messages import Feature
from network.transport import Address, DropReason, PeerInfo, Transport
from node.config import Environment, NodeConfig
from node.events import PeerConnected, PeerGone
from node.node import Node
from node.observe.sink import Sink
from node.rpc.backend import Peer, SubmitOutcome
from node.runtime.clock import ChainClock
from node.runtime.driver import Driver
from node.runtime.hub import EventHub
from node.runtime.keeper import MemoryWriter, StoreKeeper, Writer
from node.runtime.limits import DriverLimits
from node.runtime.links import Links
from node.runtime.packing import speaks
from node.runtime.validators import KnownValidators
from primitives.ids import Instant, NodeId
from primitives.machine import Message, TraceEvent
from storage.memory import MemoryStore
from storage.rocks import CommitLimits, Committer, RocksStore


def _ignore(_error: Exception) -> None:
    """Do nothing about it."""


def _ignore_sink(_sink: Sink, _error: Exception) -> None:
    """Do nothing about it."""


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """What a live node does beside its configuration."""

    driver: DriverLimits = field(default_factory=DriverLimits)
    commits: CommitLimits = field(default_factory=CommitLimits)
    meets_all: bool = False
    """Whether whoever is connected is a neighbour, beside those that are named."""
    on_failure: Callable[[Exception], None] = _ignore
    """Told once, on the loop, if the node ends by itself: a damaged or full store, an error. It has
    stopped by then; `LiveNode.close` is still due."""
    on_broken_sink: Callable[[Sink, Exception], None] = _ignore_sink
    """Told of a sink that has raised and hears nothing any more."""


class LiveNode:
    """Runs one node on the running event loop; the `Receiver` of its transport.

    Args:
        config: the node's own choices.
        environment: what it shares with its network.
        store: opened; the caller's to close, after the node.
        transport: not started; closed with the node.
        validators: whose keys the transport pins, the mapping of its `HandshakeConfig`.
        neighbours: of this node, for gossip and news of blocks.
        options: all else.

    Raises:
        DamagedStore: the store cannot be used; what may be fetched anew is discarded already.
        WrongForm: it was written in another form.
    """

    def __init__(
        self,
        config: NodeConfig,
        environment: Environment,
        store: RocksStore | MemoryStore,
        transport: Transport,
        validators: KnownValidators,
        neighbours: Sequence[NodeId],
        options: LiveOptions | None = None,
    ) -> None:
        options = LiveOptions() if options is None else options
        self.config = config
        """The node's own choices."""
        self.environment = environment
        """What it shares with its network."""
        self.store = store
        """Its durable rows; they may lag behind the node by some batches."""
        self.transport = transport
        self.node = Node(config, environment, store)
        self.hub = EventHub(options.on_broken_sink)
        self._loop = asyncio.get_running_loop()
        self._clock = ChainClock(environment.genesis.timestamp)
        self._begun = time.monotonic_ns()
        self._meets_all = options.meets_all
        self._named = frozenset(neighbours)
        self._validators = validators
        self._blocked: frozenset[NodeId] = frozenset()
        self._ignored: frozenset[NodeId] = frozenset()
        validators.learn(self.node.ledger.tip.epoch.committee)
        self.keeper = StoreKeeper(self._loop, self.now, self.hub)
        self.links = Links(
            config.index, transport, lambda: self.node.parts.epochs.epoch, neighbours, self._sent
        )
        self.driver = Driver(
            self._loop,
            self.node,
            self.now,
            self.keeper,
            self.links,
            self.hub,
            transport.pause,
            transport.resume,
            transport.rooms.hold,
            options.driver,
            options.on_failure,
        )
        self.writer: Writer = (
            MemoryWriter(self._loop, store, self.keeper)
            if isinstance(store, MemoryStore)
            else Committer(store, self.keeper, options.commits)
        )
        """Makes its batches durable; a `Committer` where the store has files."""
        self.keeper.begin(self.writer, self.driver)
        self.hub.subscribe(_EpochWatch(self._on_epoch_begun))

    # ---------------------------------------------------------------- its life

    async def start(self) -> Address:
        """Listen, dial, and begin the node's life; return where it listens.

        Raises:
            OSError: the configured address is not this machine's, or taken.
        """
        address = await self.transport.start(self)
        self.driver.start()
        return address

    async def close(self) -> None:
        """End it in good order: no more turns, all that was persisted durable, good-bye to peers.

        It is also due after `LiveOptions.on_failure`. A second call does nothing.
        """
        self.driver.stop()
        await self._loop.run_in_executor(None, self.driver.scheduler.join)
        await self._loop.run_in_executor(None, self.writer.close)
        await self.transport.close()

    # ---------------------------------------------------------------- what RPC asks

    def now(self) -> Instant:
        """Return the node's time: ns since the genesis timestamp, never going back."""
        return self._clock.now()

    def uptime_ns(self) -> int:
        """Return for how long the node has been running, in ns."""
        return time.monotonic_ns() - self._begun

    def submit(self, raw: bytes) -> Awaitable[SubmitOutcome]:
        """Hand an encoded transaction to the node; the answer comes once it is in the pool or not.

        It never raises for what the bytes are: the outcome has the refusal.
        """
        return self.driver.submit(raw)

    def subscribe(self, sink: Sink) -> Callable[[], None]:
        """Let a sink learn of all that the hub publishes; return what ends that."""
        return self.hub.subscribe(sink)

    def peers(self) -> Sequence[Peer]:
        """Return the nodes that are connected now."""
        return [
            Peer(each.node, each.role.name.lower(), each.address, each.dialled, each.round_trip)
            for each in self.transport.peers()
        ]

    def block_peers(self, nodes: Sequence[NodeId]) -> None:
        """Cut every connection to these nodes and refuse new ones; the rest stays as it is."""
        self._blocked = self._blocked.union(nodes)
        self.transport.block(self._blocked)

    def ignore_peers(self, nodes: Sequence[NodeId]) -> None:
        """Drop whatever these nodes send, to play a cut that is open in the other direction."""
        self._ignored = self._ignored.union(nodes)

    def unblock_peers(self) -> None:
        """Let all nodes connect again, and be heard.

        Those that were connected all the time are asked for what was not heard, as new ones are.
        """
        deaf_to = self._ignored
        self._blocked = self._ignored = frozenset()
        self.transport.block(())
        for node in sorted(deaf_to):
            for effect in self.node.parts.sync.meet(node):
                self.links.send(effect)

    def set_links(self, links: Mapping[NodeId, Conditions]) -> None:
        """Hold up what exactly these nodes are sent as it says, until the next call."""
        self.transport.set_links(links)

    # ---------------------------------------------------------------- what the transport tells

    def on_message(self, peer: NodeId, message: Message, size: int) -> None:
        """Take a message, unless its sender is not to be heard."""
        if peer not in self._ignored:
            self.driver.receive(peer, message, size)

    def on_peer_opened(self, peer: PeerInfo) -> None:
        """Say who is here, and understands what."""
        if self._meets_all:
            self.links.meet(peer.node)
        compact = speaks(peer.session, Feature.COMPACT_BLOCKS)
        reconciles = speaks(peer.session, Feature.RECONCILIATION)
        near = self._meets_all or peer.node in self._named
        self.driver.tell(PeerConnected(peer.node, compact, near, reconciles))

    def on_peer_closed(self, peer: NodeId, reason: DropReason) -> None:
        """Say who is gone, likewise."""
        if self._meets_all and peer not in self._named:
            self.links.part(peer)
        self.driver.tell(PeerGone(peer))

    # ---------------------------------------------------------------- within

    def _sent(self, kind: str, count: int, size: int) -> None:
        self.hub.sent(self.now(), kind, count, size)

    def _on_epoch_begun(self) -> None:
        self._validators.learn(self.node.ledger.tip.epoch.committee)


class _EpochWatch:
    """Tells when the committee has changed."""

    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell = tell

    def event(self, at: Instant, event: TraceEvent) -> None:
        if event.__class__ is EpochBegun:
            self._tell()

    def sent(self, at: Instant, kind: str, count: int, size: int) -> None:
        pass

    def stored(self, at: Instant, size: int, wait_ns: int) -> None:
        pass
