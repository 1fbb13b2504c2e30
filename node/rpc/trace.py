"""debug_traceTransaction and debug_traceCall.

A transaction is executed again on the state that it stood on: that of the block below, and what
the transactions before it have changed.

Reference: execution-apis src/debug; go-ethereum eth/tracers/api.go.
"""

from collections.abc import Generator
from functools import partial
from typing import Any, Protocol

import msgspec

from contracts.evm import Evm
from contracts.sliced import SlicedResult, execute_sliced
from contracts.watching import Watcher, run_watched
from node.execution_setting import BlockSetting, block_setting
from node.execution_system import begin_block
from node.rpc.arguments import hash32, optional, required
from node.rpc.backend import Backend
from node.rpc.call_runner import CallRunner
from node.rpc.call_tracer import CallTracer
from node.rpc.chain import ChainReader, FinalBlock
from node.rpc.errors import server_error
from node.rpc.methods import Method, Parameters
from node.rpc.simulation import RecentHashes, Scene, Simulator, simulate
from node.rpc.struct_tracer import StructTracer
from node.rpc.trace_config import TraceConfig, trace_config
from primitives.fork import Fork
from primitives.ids import Address, Hash32
from primitives.transaction import Transaction
from storage.journal import Journal
from storage.reader import StateReader
from storage.state import StateOverlay

STEPPED_ALWAYS = 1 << 62
"""Runs of a block before it would be fused: a tracer wants every instruction by itself."""


class Tracer(Watcher, Protocol):
    """A watcher that ends as JSON."""

    def shown(self, found: SlicedResult) -> dict[str, Any]:
        """Return the trace."""
        ...


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
            Method("debug_traceCall", self.call, 3, cost=200),
        )

    async def transaction(self, backend: Backend, parameters: Parameters) -> dict[str, Any]:
        """debug_traceTransaction."""
        digest = Hash32(required(parameters, 0, hash32))
        config = optional(parameters, 1, trace_config, TraceConfig())
        found = self._chain.find(backend, digest)
        if found is None:
            raise server_error("transaction not found")
        block, index = found
        below = await self._simulator.states.after(backend, block.number - 1)
        return await self._runner.run(self._replayed(backend, block, index, below, config))

    async def call(self, backend: Backend, parameters: Parameters) -> dict[str, Any]:
        """debug_traceCall."""
        config = optional(parameters, 2, trace_config, TraceConfig())
        place = parameters[1] if len(parameters) > 1 else None
        request = parameters[0] if parameters else None
        scene = await self._simulator.scene(
            backend, request, config.overrides, config.block_overrides, place=place
        )
        gas = min(scene.request.gas or self._runner.limits.gas, self._runner.limits.gas)
        return await self._runner.run(_traced_call(scene, scene.transaction(gas), config))

    def _replayed(
        self,
        backend: Backend,
        block: FinalBlock,
        index: int,
        below: StateReader,
        config: TraceConfig,
    ) -> Generator[None, None, dict[str, Any]]:
        setting = self._setting(backend, block, below)
        state = StateOverlay(below)
        begin_block(setting, state, state.apply)
        for place in range(index):
            yield
            journal = Journal(state)
            transaction, sender = block.transactions[place], block.sender(place)
            yield from execute_sliced(
                setting.evm, journal, transaction, sender, setting.context, checks_sender=True
            )
            state.apply(journal.finish())
        transaction, sender = block.transactions[index], block.sender(index)
        tracer = _tracer(config, transaction, sender, block.first_logs[index])
        evm = _watched_evm(setting.context.fork, tracer)
        found = yield from execute_sliced(
            evm,
            Journal(state),
            transaction,
            sender,
            setting.context,
            checks_sender=True,
            run=partial(run_watched, watcher=tracer),
        )
        return tracer.shown(found)

    def _setting(self, backend: Backend, block: FinalBlock, below: StateReader) -> BlockSetting:
        params = backend.environment.genesis.params
        setting = block_setting(block.header, (), params, self._simulator.engine)
        hashes = RecentHashes(below, block.number - 1, block.header.parent_hash)
        context = msgspec.structs.replace(setting.context, block_hash=hashes)
        return msgspec.structs.replace(setting, context=context)


def _traced_call(
    scene: Scene, transaction: Transaction, config: TraceConfig
) -> Generator[None, None, dict[str, Any]]:
    tracer = _tracer(config, transaction, scene.request.sender)
    evm, run = _watched_evm(scene.context.fork, tracer), partial(run_watched, watcher=tracer)
    found = yield from simulate(evm, Journal(scene.state), scene, transaction, run)
    return tracer.shown(found)


def _tracer(
    config: TraceConfig, transaction: Transaction, sender: Address, first_log: int = 0
) -> Tracer:
    if config.tracer:
        return CallTracer(config, transaction, sender, first_log)
    return StructTracer(config)


def _watched_evm(fork: Fork, tracer: Tracer) -> Evm:
    return Evm(fork, stepped_runs=STEPPED_ALWAYS, watcher=tracer)
