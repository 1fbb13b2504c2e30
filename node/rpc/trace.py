"""debug_traceTransaction, debug_traceBlockBy... and debug_traceCall.

A transaction is executed again on the state that it stood on: that of the block below, and what
the transactions before it have changed.

Reference: execution-apis src/debug; go-ethereum eth/tracers/api.go.
"""

from collections.abc import Generator
from functools import partial

import msgspec

from contracts.evm import Evm
from contracts.sliced import execute_sliced
from contracts.watching import run_watched
from node.execution_setting import BlockSetting, block_setting
from node.execution_system import begin_block
from node.rpc.arguments import hash32, optional, required
from node.rpc.backend import Backend
from node.rpc.block_id import BlockId, ByHash, Tag, block_id, block_number
from node.rpc.call_runner import CallRunner, Deadline
from node.rpc.call_tracer import CallTracer
from node.rpc.chain import ChainReader, FinalBlock
from node.rpc.errors import RpcError, server_error
from node.rpc.hexes import data_hex
from node.rpc.methods import Method, Parameters
from node.rpc.prestate_tracer import PrestateTracer
from node.rpc.simulation import RecentHashes, Scene, Simulator, simulate
from node.rpc.struct_tracer import StructTracer
from node.rpc.trace_config import CALL_TRACER, PRESTATE_TRACER, TraceConfig, trace_config
from node.rpc.traced import Traced, Tracer, TraceRoom
from primitives.fork import Fork
from primitives.ids import Hash32
from primitives.transaction import Transaction
from storage.journal import Journal
from storage.reader import StateReader
from storage.state import StateOverlay

STEPPED_ALWAYS = 1 << 62
"""Runs of a block before it would be fused: a tracer wants every instruction by itself."""
TIMED_OUT = "execution timeout"
Trace = object
"""As an encoder takes it."""
Steps = Generator[None, None, Trace]


class TraceMethods:
    """Methods that trace.

    Args:
        chain: reads blocks.
        simulator: knows states and blocks.
        runner: gives traces their time.
    """

    def __init__(self, chain: ChainReader, simulator: Simulator, runner: CallRunner) -> None:
        self._chain = chain
        self._simulator = simulator
        self._runner = runner

    def methods(self) -> tuple[Method, ...]:
        """Return them."""
        return (
            Method("debug_traceTransaction", self.transaction, 2, cost=500),
            Method("debug_traceBlockByNumber", self.block_by_number, 2, cost=1_000),
            Method("debug_traceBlockByHash", self.block_by_hash, 2, cost=1_000),
            Method("debug_traceCall", self.call, 3, cost=200),
        )

    async def transaction(self, backend: Backend, parameters: Parameters) -> Trace:
        """debug_traceTransaction."""
        digest = Hash32(required(parameters, 0, hash32))
        config = _config(parameters, 1)
        found = self._chain.find(backend, digest)
        if found is None:
            raise server_error("transaction not found")
        block, index = found
        (trace,) = await self._run(backend, block, range(index, index + 1), config)
        return trace

    async def block_by_number(self, backend: Backend, parameters: Parameters) -> list[Trace]:
        """debug_traceBlockByNumber."""
        return await self._block(backend, parameters, required(parameters, 0, block_number))

    async def block_by_hash(self, backend: Backend, parameters: Parameters) -> list[Trace]:
        """debug_traceBlockByHash."""
        digest = Hash32(required(parameters, 0, hash32))
        return await self._block(backend, parameters, ByHash(digest))

    async def call(self, backend: Backend, parameters: Parameters) -> Trace:
        """debug_traceCall."""
        named: BlockId = optional(parameters, 1, block_id, Tag.LATEST)
        config = _config(parameters, 2)
        place = parameters[1] if len(parameters) > 1 else None
        request = parameters[0] if parameters else None
        if self._chain.height(backend, named) is None:
            raise _not_found(named)
        scene = await self._simulator.scene(
            backend, request, config.overrides, config.block_overrides, place=place
        )
        gas = min(scene.request.gas or self._runner.limits.gas, self._runner.limits.gas)
        steps = _traced_call(scene, scene.transaction(gas), config)
        return await self._runner.run(steps, Deadline(config.timeout_ns, TIMED_OUT))

    async def _block(self, backend: Backend, parameters: Parameters, named: BlockId) -> list[Trace]:
        config = _config(parameters, 1)
        if named is Tag.PENDING:
            raise server_error("tracing on top of pending is not supported")
        block = self._chain.named(backend, named)
        if block is None:
            raise _not_found(named)
        if block.number == 0:
            raise server_error("genesis is not traceable")
        hashes = [data_hex(each) for each in block.hashes]
        traces = await self._run(backend, block, range(len(hashes)), config)
        return [
            {"txHash": digest, "result": trace}
            for digest, trace in zip(hashes, traces, strict=True)
        ]

    async def _run(
        self, backend: Backend, block: FinalBlock, places: range, config: TraceConfig
    ) -> list[Trace]:
        """Trace the transactions at some places of a block, one after the other."""
        below = await self._simulator.states.after(backend, block.number - 1)
        steps = self._replayed(backend, block, below, places, config)
        return await self._runner.run(steps, Deadline(config.timeout_ns, TIMED_OUT))

    def _replayed(
        self,
        backend: Backend,
        block: FinalBlock,
        below: StateReader,
        places: range,
        config: TraceConfig,
    ) -> Generator[None, None, list[Trace]]:
        setting = self._setting(backend, block, below)
        state = StateOverlay(below)
        begin_block(setting, state, state.apply)
        room = TraceRoom()
        traces: list[Trace] = []
        for place in range(places.stop):
            yield
            if place in places:
                traces.append((yield from _traced(setting, state, block, place, config, room)))
                continue
            journal = Journal(state)
            transaction, sender = block.transactions[place], block.sender(place)
            yield from execute_sliced(
                setting.evm, journal, transaction, sender, setting.context, checks_sender=True
            )
            state.apply(journal.finish())
        return traces

    def _setting(self, backend: Backend, block: FinalBlock, below: StateReader) -> BlockSetting:
        params = backend.environment.genesis.params
        setting = block_setting(block.header, (), params, self._simulator.engine)
        hashes = RecentHashes(below, block.number - 1, block.header.parent_hash)
        context = msgspec.structs.replace(setting.context, block_hash=hashes)
        return msgspec.structs.replace(setting, context=context)


def _traced(
    setting: BlockSetting,
    state: StateOverlay,
    block: FinalBlock,
    place: int,
    config: TraceConfig,
    room: TraceRoom,
) -> Steps:
    """Trace the next transaction of a block, and apply what it changes to the state."""
    transaction, sender = block.transactions[place], block.sender(place)
    first_log, recipient = block.first_logs[place], block.header.fee_recipient
    traced = Traced(transaction, sender, state, recipient, first_log)
    tracer = _tracer(config, traced, room)
    evm, run = _watched_evm(setting.context.fork, tracer), partial(run_watched, watcher=tracer)
    journal = Journal(state)
    found = yield from execute_sliced(
        evm, journal, transaction, sender, setting.context, checks_sender=True, run=run
    )
    outcome = journal.finish()
    after = StateOverlay(state)
    after.apply(outcome)
    trace = tracer.shown(found, after)
    state.apply(outcome)
    return trace


def _traced_call(scene: Scene, transaction: Transaction, config: TraceConfig) -> Steps:
    recipient = scene.context.fee_recipient
    traced = Traced(transaction, scene.request.sender, scene.state, recipient)
    tracer = _tracer(config, traced, TraceRoom())
    evm, run = _watched_evm(scene.context.fork, tracer), partial(run_watched, watcher=tracer)
    journal = Journal(scene.state)
    found = yield from simulate(evm, journal, scene, transaction, run)
    after = StateOverlay(scene.state)
    after.apply(journal.finish())
    return tracer.shown(found, after)


def _tracer(config: TraceConfig, traced: Traced, room: TraceRoom) -> Tracer:
    if config.tracer == CALL_TRACER:
        return CallTracer(config, traced, room)
    if config.tracer == PRESTATE_TRACER:
        return PrestateTracer(config, traced, room)
    return StructTracer(config, room)


def _watched_evm(fork: Fork, tracer: Tracer) -> Evm:
    return Evm(fork, stepped_runs=STEPPED_ALWAYS, watcher=tracer)


def _config(parameters: Parameters, place: int) -> TraceConfig:
    return optional(parameters, place, trace_config, TraceConfig())


def _not_found(named: BlockId) -> RpcError:
    shown = data_hex(named.digest) if isinstance(named, ByHash) else f"#{named}"
    return server_error(f"block {shown} not found")
