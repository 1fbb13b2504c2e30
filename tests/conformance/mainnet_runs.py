"""Executes mainnet blocks: by the virtual machine alone, and by every executor of a node.

A way to execute is a function from a block and true hints to a `BlockRun`; another one is added
to `WAYS`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TypeAlias

import msgspec

from contracts.evm import Evm
from contracts.result import ExecutionResult
from contracts.system import store_parent_root
from contracts.transaction import execute_transaction
from node.execution import BlockExecution, execute_serially
from node.execution_setting import BlockSetting
from node.executors.executor import NO_HINTS, BlockHints, ParallelExecutor, Strategy
from node.executors.inline import InlineBackend
from node.executors.plan import Backend
from node.executors.processes import ProcessPool
from node.executors.threads import ThreadPool
from node.schedule.hint import ScheduleHint
from node.validation import PooledTransaction, check_transaction
from primitives.committee import Committee
from primitives.epoch import first_epoch
from primitives.fork import Fork
from primitives.ids import Gas, Hash32
from primitives.params import ChainParams
from primitives.transaction import encode_transaction, recover_sender
from storage.journal import Journal
from storage.outcome import Outcome
from storage.state import StateLayer, StateOverlay
from tests.conformance.mainnet import MainnetBlock
from tests.conformance.material import from_hex
from tests.conformance.state_benches import genesis_layer
from tests.conformance.state_runs import GAS_PER_BLOB


class BlockRun(msgspec.Struct, frozen=True):
    """What came of a block."""

    results: tuple[ExecutionResult, ...]
    outcomes: tuple[Outcome, ...]
    """Both in the order of the block's transactions."""
    state: StateLayer
    """After the transactions."""


Way: TypeAlias = Callable[[MainnetBlock, BlockHints], BlockRun]
NodeExecutor: TypeAlias = Callable[[BlockExecution, Sequence[PooledTransaction], BlockHints], None]


def run_alone(block: MainnetBlock, hints: BlockHints = NO_HINTS) -> BlockRun:
    """Execute each transaction in a journal, without any of a node's short ways."""
    del hints
    evm, context = Evm(block.fork), block.context()
    overlay = StateOverlay(genesis_layer(block.accounts))
    if block.parent_beacon_root is not None:
        journal = Journal(overlay)
        store_parent_root(evm, journal, context, block.parent_beacon_root)
        overlay.apply(journal.finish())
    gas_left, blob_gas_left = context.gas_limit, Gas(block.blobs.blobs_max * GAS_PER_BLOB)
    results, outcomes = [], []
    for transaction in block.transactions:
        sender = recover_sender(transaction, encode_transaction(transaction), block.fork)
        journal = Journal(overlay)
        result = execute_transaction(
            evm, journal, transaction, sender, context, gas_left, blob_gas_left
        )
        outcome = journal.finish()
        assert overlay.accepts(outcome), "what was just seen is not there"
        overlay.apply(outcome)
        gas_left = Gas(gas_left - result.gas_used)
        blob_gas_left = Gas(blob_gas_left - result.blob_gas_used)
        results.append(result)
        outcomes.append(outcome)
    return BlockRun(tuple(results), tuple(outcomes), overlay.commit())


def run_in_node(block: MainnetBlock, execute: NodeExecutor, hints: BlockHints) -> BlockRun:
    """Execute a block as a node does, without what stands before and behind its transactions."""
    execution = begin(block)
    execute(execution, checked_transactions(block), hints)
    results = tuple([run.result for run in execution.runs])
    outcomes = tuple([run.outcome for run in execution.runs])
    if block.fork >= Fork.BYZANTIUM:
        assert execution.receipts_root() == from_hex(block.fields["receiptsRoot"])
    assert execution.logs_bloom() == from_hex(block.fields["logsBloom"])
    return BlockRun(results, outcomes, execution.commit())


def begin(block: MainnetBlock) -> BlockExecution:
    """Return the execution of a block that has come to its first transaction."""
    setting = BlockSetting(
        params_of(block),
        block.context(),
        Evm(block.fork),
        Hash32(from_hex(block.fields["parentHash"])),
        block.parent_beacon_root,
    )
    epoch = first_epoch(Committee.of_keys([bytes(32)]))
    execution = BlockExecution(genesis_layer(block.accounts), epoch, setting)
    execution.begin()
    return execution


def params_of(block: MainnetBlock) -> ChainParams:
    """Return the rules of a block, with access lists, which change nothing else."""
    return ChainParams(
        chain_id=1,
        fork=block.fork,
        gas_limit=block.context().gas_limit,
        block_access_list=True,
    )


def checked_transactions(block: MainnetBlock) -> tuple[PooledTransaction, ...]:
    """Return the block's transactions with their senders."""
    params = params_of(block)
    return tuple(
        [check_transaction(encode_transaction(each), params) for each in block.transactions]
    )


def _serially(
    execution: BlockExecution, transactions: Sequence[PooledTransaction], hints: BlockHints
) -> None:
    del hints
    execute_serially(execution, transactions)


def true_hints(block: MainnetBlock) -> BlockHints:
    """Return what a block's builder would send along with it."""
    execution = begin(block)
    execute_serially(execution, checked_transactions(block))
    schedule = ScheduleHint(
        tuple([run.outcome.accesses for run in execution.runs]),
        tuple([run.result.gas_used for run in execution.runs]),
    )
    return BlockHints(schedule, execution.access_list())


def wrong_hints(hints: BlockHints) -> BlockHints:
    """Return hints in which every transaction has what belongs to the next one."""
    schedule, listed = hints.schedule, hints.access_list
    assert schedule is not None
    assert listed
    turned = [
        msgspec.structs.replace(changes, address=account.address)
        for account, changes in zip(listed, (*listed[1:], listed[0]), strict=True)
    ]
    accesses = (*schedule.accesses[1:], schedule.accesses[0])
    return BlockHints(ScheduleHint(accesses, schedule.gas[::-1]), tuple(turned))


def serial_in_node(block: MainnetBlock, hints: BlockHints) -> BlockRun:
    """Execute a block as a node does, one transaction after the other."""
    return run_in_node(block, _serially, hints)


class Parallel:
    """Executes a block by a strategy, on workers that it makes."""

    def __init__(
        self, strategy: Strategy, workers: Callable[[], AbstractContextManager[Backend]]
    ) -> None:
        self._strategy = strategy
        self._workers = workers

    def __call__(self, block: MainnetBlock, hints: BlockHints) -> BlockRun:
        """Execute it."""
        with self._workers() as backend:
            return run_in_node(block, ParallelExecutor(self._strategy, backend), hints)


@contextmanager
def _lockstep() -> Iterator[Backend]:
    yield InlineBackend(4)


WORKERS: Mapping[str, Callable[[], AbstractContextManager[Backend]]] = {
    "lockstep": _lockstep,
    "threads": lambda: ThreadPool(2),
    "processes": lambda: ProcessPool(2),
}
PARALLEL = tuple([each for each in Strategy if each is not Strategy.SERIAL])

SERIAL_WAYS: Mapping[str, Way] = {"alone": run_alone, "serial": serial_in_node}
PARALLEL_WAYS: Mapping[str, Mapping[str, Way]] = {
    name: {f"{strategy}, {name}": Parallel(strategy, make) for strategy in PARALLEL}
    for name, make in WORKERS.items()
}
"""By kind of workers."""
WAYS: Mapping[str, Way] = {
    **SERIAL_WAYS,
    **{way: run for ways in PARALLEL_WAYS.values() for way, run in ways.items()},
}
"""Every way to execute a block, by its name."""
