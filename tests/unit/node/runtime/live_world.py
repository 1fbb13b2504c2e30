"""Several live nodes in one process, over the real transport, for the tests of this folder."""

import asyncio
import dataclasses
import random
import secrets
from collections.abc import Awaitable, Callable, Collection, Coroutine
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from consensus.params import ConsensusParams
from network.draws import seeded_draws
from network.handshake import HandshakeConfig
from network.handshake_messages import Feature, FeatureVersion, PeerRole
from network.reconcile import RECONCILE_VERSION
from network.transport import (
    Address,
    PeerClosed,
    PeerOpened,
    Rates,
    Redial,
    Transport,
    TransportConfig,
    new_event_loop,
)
from node.config import Environment, NodeConfig, Role
from node.flat_library import FlatLibrary
from node.relay_config import RelayConfig
from node.runtime.limits import DriverLimits
from node.runtime.live import LiveNode, LiveOptions
from node.runtime.validators import KnownValidators
from node.shared import ComputeCache
from node.snapshot import SnapshotLibrary
from node.spread_config import SpreadConfig
from node.storage_config import SERVED_MAX, StateForm, StorageConfig
from node.trace import BlockCommitted
from node.wire import node_codec
from primitives.ids import Address as Account, Duration, Instant, NodeId
from primitives.keccak import keccak256
from primitives.machine import TraceEvent
from primitives.params import ChainParams
from storage.memory import MemoryStore
from storage.rocks import RocksStore, StoreFull, profile
from tests.unit.node.harness import make_config, make_environment, validator_key
from tests.unit.node.transfers import FIXED

PATIENCE_SECONDS = 60.0
SOON = Redial(last=Duration(200_000_000))
MILLISECOND = 1_000_000
PARAMS = ConsensusParams(
    request_timeout=Duration(2_000 * MILLISECOND),
    view_change_timeout=Duration(2_000 * MILLISECOND),
    repair_interval=Duration(500 * MILLISECOND),
    batch_size=50,
    batch_delay=Duration(10 * MILLISECOND),
)
Result = TypeVar("Result")


def seed_of(node: int) -> bytes:
    """The seed behind `validator_key`."""
    return keccak256(b"validator %d" % node)


def live_environment(shared: Environment, node: int) -> Environment:
    """What one node of a network has for itself."""
    params = shared.genesis.params
    return dataclasses.replace(
        shared,
        cache=ComputeCache(params, 32_768, 0),
        snapshots=SnapshotLibrary(SERVED_MAX),
        flat=FlatLibrary.isolated(),
        reads_store=True,
        state_lock=Lock(),
        signer=validator_key(node),
    )


class Log:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.events: list[TraceEvent] = []
        self.kinds: dict[str, int] = {}
        self.sent_bytes = 0
        self.batches = 0
        self.stored_bytes = 0

    def event(self, at: Instant, event: TraceEvent) -> None:
        self.events.append(event)

    def sent(self, at: Instant, kind: str, count: int, size: int) -> None:
        self.kinds[kind] = self.kinds.get(kind, 0) + count
        self.sent_bytes += size

    def stored(self, at: Instant, size: int, wait_ns: int) -> None:
        self.batches += 1
        self.stored_bytes += size

    def blocks(self) -> list[BlockCommitted]:
        return [event for event in self.events if isinstance(event, BlockCommitted)]


class Transported:
    """An observer that remembers who came and went."""

    def __init__(self) -> None:
        self.events: list[TraceEvent] = []

    def on_event(self, event: TraceEvent) -> None:
        self.events.append(event)

    def opened(self) -> set[NodeId]:
        return {event.node for event in self.events if isinstance(event, PeerOpened)}

    def closed(self) -> list[PeerClosed]:
        return [event for event in self.events if isinstance(event, PeerClosed)]


class LiveWorld:
    """A network of validators, then followers, each with a store of its own.

    Args:
        directory: of the stores; None to keep them in memory.
        validators: how many.
        followers: how many; they are neighbours of all.
        consensus: parameters of the committee.
        accounts: that have money.
        limits: of all drivers.
        params: of the chain.
        compact: nodes that understand compact blocks.
        spread: how all of them spread blocks and transactions, if not directly.
        announcing: nodes that do neither, but announce to all as nodes do that know nothing else.
    """

    def __init__(
        self,
        directory: Path | None,
        validators: int,
        followers: int = 0,
        consensus: ConsensusParams = PARAMS,
        accounts: int = 5,
        limits: DriverLimits | None = None,
        params: ChainParams = FIXED,
        compact: Collection[int] = (),
        spread: SpreadConfig | None = None,
        announcing: Collection[int] = (),
    ) -> None:
        self.compact = compact
        self.spread = spread
        self.announcing = announcing
        self.shared = make_environment(validators, params, consensus, accounts)
        self.count = validators + followers
        self.validators = validators
        self.limits = DriverLimits() if limits is None else limits
        self.directory = directory
        self.memories = [MemoryStore() for _ in range(self.count)]
        self.files: dict[int, RocksStore] = {}
        self.nodes: dict[int, LiveNode] = {}
        self.logs = [Log() for _ in range(self.count)]
        self.observers = [Transported() for _ in range(self.count)]
        self.failures: dict[int, Exception] = {}
        self.addresses: dict[NodeId, Address] = {}

    def config(self, node: int) -> NodeConfig:
        form = StateForm.RUNS if self.directory is None else StateForm.FLAT
        return make_config(
            node,
            self.validators,
            storage=StorageConfig(form=form),
            announce_blocks=self.count > self.validators,
            answers_clients=True,
            relay=RelayConfig() if node in self.compact else None,
            spread=None if node in self.announcing else self.spread,
        )

    def store(self, node: int) -> RocksStore | MemoryStore:
        if self.directory is None:
            return self.memories[node]
        self.files[node] = RocksStore(self.directory / f"node-{node}", profile("small"))
        return self.files[node]

    async def start(self, node: int) -> LiveNode:
        """Bring a node to life, which dials all those that were started before."""
        config = self.config(node)
        known = KnownValidators(self.shared.genesis.committee)
        spoken = [FeatureVersion(Feature.COMPACT_BLOCKS, 1)] if node in self.compact else []
        if config.spread is not None and config.spread.gossip == "reconcile":
            spoken.append(FeatureVersion(Feature.RECONCILIATION, RECONCILE_VERSION))
        role = PeerRole.VALIDATOR if config.role is Role.VALIDATOR else PeerRole.FOLLOWER
        environment = dataclasses.replace(
            live_environment(self.shared, node),
            draw_nonce=secrets.token_bytes,
            draws=seeded_draws(bytes([node])),
        )
        if self.directory is None:
            environment = dataclasses.replace(environment, reads_store=False)
        transport = Transport(
            TransportConfig(rates=Rates(connections_per_second=1_000), redial=SOON),
            HandshakeConfig(
                self.shared.genesis_block.digest,
                NodeId(node),
                role,
                known,
                features=tuple(spoken),
            ),
            seed_of(node),
            node_codec(self.shared.engine),
            self.observers[node],
            random.Random(node),
            {peer: at for peer, at in self.addresses.items() if peer != node},
        )
        options = LiveOptions(
            driver=self.limits,
            on_failure=lambda error: self.failures.__setitem__(node, error),
        )
        others = [NodeId(peer) for peer in range(self.count) if peer != node]
        live = LiveNode(config, environment, self.store(node), transport, known, others, options)
        live.subscribe(self.logs[node])
        self.addresses[NodeId(node)] = await live.start()
        self.nodes[node] = live
        return live

    async def start_all(self) -> None:
        for node in range(self.count):
            await self.start(node)

    async def stop(self, node: int) -> None:
        await self.nodes.pop(node).close()
        if self.directory is not None:
            # One that has failed says so once more, and is closed.
            with suppress(StoreFull):
                self.files.pop(node).close()

    async def close(self) -> None:
        for node in list(self.nodes):
            await self.stop(node)

    def heights(self) -> list[int]:
        return [live.node.ledger.height for live in self.nodes.values()]

    def balances(self, address: Account) -> list[int]:
        return [live.node.ledger.tip.state.balance(address) for live in self.nodes.values()]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so; or until nobody would wait any longer."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not condition():
                assert not self.failures, self.failures
                await asyncio.sleep(0.01)


def play(world: Callable[[], LiveWorld], scene: Callable[[LiveWorld], Awaitable[Result]]) -> Result:
    """Let a scene happen in a world of its own, on a loop of its own."""

    async def run() -> Result:
        made = world()
        try:
            return await scene(made)
        finally:
            await made.close()

    return on_loop(run())


def on_loop(scene: Coroutine[Any, Any, Result]) -> Result:
    """Run a scene on the loop that live nodes have."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(scene)
