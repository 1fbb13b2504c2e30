"""One node as a process: from its configuration to its exit code.

What can be wrong with what it was given is found before anything is opened for writing, and
refused. After that it runs until it is asked to stop, or cannot go on. A store whose rows are
damaged does not end it: the node is made anew in the same process, as after a restart, and fetches
from its peers what it has lost. One that does so again and again ends with the process.

To stop means, in this order: no more clients and no more turns; all that was persisted is durable;
good-bye to the peers; the store closed.
"""

import asyncio
import contextlib
import gc
import time
import traceback
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import replace
from enum import Enum
from pathlib import Path

import msgspec

from network.conditions import Conditions
from node.config import Environment
from node.executors.executor import ParallelExecutor, Strategy
from node.executors.processes import ProcessPool
from node.observe.sink import Sink
from node.restore import DamagedLog
from node.runtime.bonds import bind, voting_keys
from node.runtime.build import (
    Secrets,
    make_environment,
    make_transport,
    neighbours,
    node_config,
    read_chain,
    read_secrets,
)
from node.runtime.datadir import DataDirectory
from node.runtime.errors import AddressInUse, ExitCode, Refused, reason
from node.runtime.face import Face
from node.runtime.hub import EventHub
from node.runtime.limits import DriverLimits
from node.runtime.live import LiveNode, LiveOptions
from node.runtime.logs import Level, Log
from node.runtime.memory import Trimmer, allocator
from node.runtime.packing import read_dictionaries
from node.runtime.reporting import Reporter
from node.settings import NodeSettings
from primitives.errors import InvalidInput
from primitives.genesis import Genesis
from primitives.ids import NodeId
from storage.rocks import (
    Durability,
    ForeignStore,
    NewerStore,
    RocksStore,
    StoreError,
    StoreInUse,
    profile,
)
from storage.store import DamagedStore

DAMAGES_MAX = 3
"""Times within `DAMAGES_SECONDS` that a node is made anew because of damage."""
DAMAGES_SECONDS = 600.0
COLLECTED_AT = (10_000, 20, 20)
"""New objects after which the collector looks at them, and how often it looks at older ones."""
READERS_SECONDS = 30.0
"""How long a node that is made anew waits for who still reads the store that was closed."""
RETRY_SECONDS = 0.05


class End(Enum):
    """Why a node's life has ended."""

    ASKED = "asked"
    DAMAGED = "damaged"
    FAILED = "failed"


class NodeProcess:
    """Runs one node on the running event loop.

    Args:
        settings: its configuration.
        directory: where file names in it start.
        log: of the process.

    Raises:
        InvalidInput: what cannot be used of what the configuration names.
    """

    def __init__(self, settings: NodeSettings, directory: Path, log: Log) -> None:
        self.settings = settings
        self.log = log
        self.genesis: Genesis = read_chain(settings, directory)
        self._secrets: Secrets = read_secrets(settings, self.genesis, directory)
        self._dictionaries = read_dictionaries(settings.network.dictionaries, directory)
        self._home = directory
        self.directory = directory / settings.node.data
        self.reporter = Reporter(log)
        self.hub = EventHub(self._on_broken_sink)
        """Hears all lives of the node; whoever follows the node follows this."""
        self.hub.subscribe(self.reporter)
        self.blocked: frozenset[NodeId] = frozenset()
        """Nodes that shall be out of reach, for all lives of this one."""
        self.ignored: frozenset[NodeId] = frozenset()
        """Likewise nodes that shall not be heard."""
        self.links: Mapping[NodeId, Conditions] = {}
        """Likewise what holds up what is sent to whom."""
        self.live: LiveNode | None = None
        """The node as it runs now, or has last run."""
        self._begun_ns = time.monotonic_ns()
        self.stopping = False
        """It was asked to stop."""
        self._over = asyncio.Event()
        """Set when a life shall end: it was asked to, or has failed."""
        self._failure: Exception | None = None
        self._damages: deque[float] = deque(maxlen=DAMAGES_MAX)
        workers = settings.execution.processes
        self._pool = ProcessPool(workers) if workers else None
        self._environment: Environment = self._fresh_environment()

    async def run(self) -> ExitCode:
        """Run until the end, and say what it was.

        Raises:
            InvalidInput: it cannot start: the data directory, the store or an address.
        """
        with contextlib.ExitStack() as stack:
            if self._pool is not None:
                stack.callback(self._pool.close)
            data = DataDirectory(self.directory)
            stack.callback(data.close)
            digest = self._environment.genesis_block.digest
            data.claim(NodeId(self.settings.node.index), self.genesis, digest)
            self._bind_keys(data)
            code = await self._served_lives(data)
        self.log.write(Level.INFO, "process.ended", code=code)
        return code

    def ask_to_stop(self, why: str) -> None:
        """Begin to end in good order; returns at once."""
        if not self.stopping:
            self.stopping = True
            self.log.write(Level.INFO, "process.stopping", why=why)
            self._over.set()

    def uptime_ns(self) -> int:
        """Return for how long the process has been running, in ns."""
        return time.monotonic_ns() - self._begun_ns

    def _bind_keys(self, data: DataDirectory) -> None:
        """See to it that the node's keys vote with this directory and no other one."""
        if voting_keys(self.settings.node):
            data.require_votes()
        for where, name in voting_keys(self.settings.node):
            try:
                bind(where, self._home / name, data.path, data.identity)
            except OSError as error:
                text = reason(error)
                self.log.write(Level.WARNING, "process.key_unbound", key=name, reason=text)

    # ---------------------------------------------------------------- lives

    async def _served_lives(self, data: DataDirectory) -> ExitCode:
        """Let the node live with a face; whatever ends it stands in the log."""
        face = Face(self, data)
        memory = allocator()
        trimmer = None if memory is None else Trimmer(asyncio.get_running_loop(), memory)
        try:
            if trimmer is not None:
                trimmer.start()
            face.forget()
            return await self._lives(data, face)
        except (StoreError, DamagedStore) as error:
            return self._give_up(error)
        except InvalidInput:
            raise
        except Exception as error:  # noqa: BLE001 - a node that met an error says so in its log
            return self._give_up(error)
        finally:
            if trimmer is not None:
                await trimmer.stop()
            await face.stop()

    async def _lives(self, data: DataDirectory, face: Face) -> ExitCode:
        """Let the node live, again if its store was damaged."""
        while True:
            end = await self._life(data, face)
            if end is End.ASKED:
                return ExitCode.STOPPED
            failure = self._failure
            assert failure is not None, "a life that has failed says why"
            if end is End.FAILED or self.stopping or self._is_hopeless(failure):
                return self._give_up(failure)
            self._damages.append(time.monotonic())
            self.log.write(Level.WARNING, "process.restarts", damage=str(failure))
            self._failure = None
            if not self.stopping:
                self._over.clear()
            # What was read of a damaged store may stand in the old one.
            self._environment = self._fresh_environment()

    async def _life(self, data: DataDirectory, face: Face) -> End:
        """Let the node live once, and say why it has ended."""
        try:
            opened = await self._opened_store(data)
        except StoreError as error:
            # Of a store that does not open nothing can be used, the log of votes included.
            self._failure = error
            return End.FAILED
        with self._closing(opened) as store:
            try:
                live = self._make(store)
            except DamagedStore as error:
                self._failure = error
                return End.DAMAGED
            self.live = live
            face.watch(live)
            _settle_memory()
            try:
                await self._start(live, face)
                await self._over.wait()
            finally:
                if self.stopping:
                    await face.stop()
                face.rest()
                await live.close()
        if self._failure is None:
            return End.ASKED
        return End.DAMAGED if isinstance(self._failure, DamagedStore) else End.FAILED

    async def _opened_store(self, data: DataDirectory) -> RocksStore:
        options = replace(
            profile(self.settings.store.profile), durability=Durability.FSYNC, statistics=False
        )
        patience = READERS_SECONDS if self._damages else 0.0
        until = time.monotonic() + patience
        store = None
        while store is None:
            try:
                store = RocksStore(data.store, options)
            except (ForeignStore, NewerStore, StoreInUse) as error:
                # A thread may still be reading an earlier state for a client of the life before.
                if not isinstance(error, StoreInUse) or time.monotonic() >= until or self.stopping:
                    raise Refused(error.where, error.expected, error.actual) from error
                await asyncio.sleep(RETRY_SECONDS)
        data.begin()
        if store.torn is not None:
            self.log.write(Level.INFO, "store.torn_write_dropped", where=str(store.torn))
        return store

    @contextlib.contextmanager
    def _closing(self, store: RocksStore) -> Iterator[RocksStore]:
        """Close a store at the end; that it says there what is damaged is no news but a line."""
        try:
            yield store
        finally:
            try:
                store.close()
            except StoreError as error:
                self.log.write(Level.WARNING, "store.closed_with_error", reason=str(error))
                self._failure = self._failure or error

    def _make(self, store: RocksStore) -> LiveNode:
        transport, validators = make_transport(
            self.settings, self._environment, self._secrets, self.reporter, self._dictionaries
        )
        live = LiveNode(
            node_config(self.settings, checks_state=bool(self._damages)),
            self._environment,
            store,
            transport,
            validators,
            neighbours(self.settings),
            LiveOptions(
                driver=DriverLimits(workers=self.settings.execution.workers),
                meets_all=self.settings.network.neighbours == "all",
                on_failure=self._on_failure,
                on_broken_sink=self._on_broken_sink,
            ),
        )
        live.subscribe(self.hub)
        if self.blocked:
            live.block_peers(tuple(self.blocked))
        live.ignore_peers(tuple(self.ignored))
        live.set_links(self.links)
        return live

    async def _start(self, live: LiveNode, face: Face) -> None:
        network = self.settings.network
        try:
            address = await live.start()
        except OSError as error:
            expected = "an address of this machine that nobody else listens on"
            found = f"{reason(error)}: {network.host}:{network.port}"
            raise AddressInUse("network.port", expected, found) from error
        # A later life has to be found where this one was.
        network = msgspec.structs.replace(network, port=address.port)
        self.settings = msgspec.structs.replace(self.settings, network=network)
        await face.start(f"{address.host}:{address.port}")
        tip = live.node.ledger.tip
        self.log.write(
            Level.INFO,
            "process.ready",
            node=live.config.index,
            role=live.config.role.value,
            chain=self.genesis.params.chain_id,
            genesis=self._environment.genesis_block.digest,
            height=tip.number,
            network=f"{address.host}:{address.port}",
            rpc=face.url,
        )

    # ---------------------------------------------------------------- failures

    def _on_failure(self, error: Exception) -> None:
        writer = None if self.live is None else self.live.writer
        # The batch that failed says more than the refusal of the ones after it.
        told = getattr(writer, "error", None)
        if self._failure is None:
            self._failure = told if isinstance(told, Exception) else error
            self._over.set()

    def _on_broken_sink(self, sink: Sink, error: Exception) -> None:
        name = type(sink).__name__
        self.log.write(Level.ERROR, "process.reader_dropped", reader=name, reason=repr(error))

    def _is_hopeless(self, failure: Exception) -> bool:
        """Whether another life would end as this one."""
        if isinstance(failure, DamagedLog):
            return True
        full = len(self._damages) == DAMAGES_MAX
        return full and time.monotonic() - self._damages[0] < DAMAGES_SECONDS

    def _give_up(self, failure: Exception) -> ExitCode:
        if isinstance(failure, StoreError | DamagedStore | OSError):
            self.log.write(Level.ERROR, "process.store_failed", reason=str(failure))
            return ExitCode.STORE
        trace = "".join(traceback.format_exception(failure))
        self.log.write(Level.ERROR, "process.failed", reason=repr(failure))
        for line in trace.splitlines():
            self.log.insist(Level.ERROR, "process.trace", line=line)
        return ExitCode.FAILED

    def _fresh_environment(self) -> Environment:
        strategy, pool = Strategy(self.settings.execution.scheduler), self._pool
        executor = None if pool is None else ParallelExecutor(strategy, pool)
        return make_environment(self.settings, self.genesis, self._secrets, executor)


def _settle_memory() -> None:
    """Let the collector look no more at what lives as long as the node: modules, genesis, tables.

    One full look at it takes 0.1 s and more (2-core Xeon), and would come at any time. Of what
    flows little is looked at either (`gc=False`), and hardly any of it is garbage that only the
    collector finds. So it looks seldom: at Python's own thresholds that took 14 us of the 700 that
    four nodes spend on a payment, and takes 0.6.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTED_AT)
