"""Worker processes: they follow the chain, their death costs only time, and they end with us."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import msgspec
import pytest

from node.execution import BlockExecution, execute_serially
from node.executors.executor import ParallelExecutor, Strategy
from node.executors.knowledge import Layers
from node.executors.pool import RECOVER, InlinePool
from node.executors.processes import RESTARTS_MAX, ProcessPool
from node.executors.recovery import pack
from node.validation_errors import InvalidBlockTransaction
from primitives.fork import Fork
from primitives.ids import Hash32
from tests.properties.parallel_blocks import RandomBlock, executed, random_block
from tests.unit.node.transfers import raw_transfer, transfer

ORPHANS = """
import sys, time
from node.executors.processes import ProcessPool
pool = ProcessPool(2)
pool.map("recover", [b""])
print(*pool.pids, flush=True)
time.sleep(60)
"""


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPool]:
    with ProcessPool(2) as made:
        yield made


def alive(pid: int) -> bool:
    """Whether a process is there and not just waiting to be noticed as ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(pids: list[int]) -> bool:
    """Whether all of these processes end within some seconds."""
    for _ in range(100):
        if not any(map(alive, pids)):
            return True
        time.sleep(0.1)
    return False


def big_block() -> RandomBlock:
    """A block of which much can be done at once."""
    return max((random_block(seed, 40) for seed in range(12)), key=lambda b: len(b.transactions))


def test_tasks_come_back_in_order(pool: ProcessPool) -> None:
    tasks = [pack(transfer(i).transaction, raw_transfer(i)) * (i + 1) for i in range(5)]
    assert list(pool.map(RECOVER, tasks)) == list(InlinePool().map(RECOVER, tasks))
    assert len(pool.pids) == pool.workers == 2


@pytest.mark.parametrize("strategy", [each for each in Strategy if each is not Strategy.SERIAL])
def test_blocks_come_out_as_in_turn(pool: ProcessPool, strategy: Strategy) -> None:
    block = big_block()
    expected, _ = executed(block, execute_serially)
    executor = ParallelExecutor(strategy, pool)
    assert executed(block, executor)[0] == expected


def test_workers_follow_the_chain_and_forget_what_another_branch_did(pool: ProcessPool) -> None:
    """Each block is executed on the one before, or on one further down."""
    random = Random(4)
    executor = ParallelExecutor(Strategy.OPTIMISTIC, pool)
    for seed in range(4):
        first = random_block(seed, fork=Fork.OSAKA)
        states, names = [first.parent.state], [first.parent.digest]
        for step in range(1, 6):
            place = len(states) - 1 if random.random() < 0.7 else random.randrange(len(states))
            setting = msgspec.structs.replace(first.setting, parent_hash=names[place])
            block = random_block(seed + 50 * step, fork=Fork.OSAKA)
            found = []
            for way in (execute_serially, executor):
                execution = BlockExecution(states[place], block.parent.epoch, setting)
                execution.begin()
                # Where a block would be refused, what stands before that counts as well.
                with suppress(InvalidBlockTransaction):
                    way(execution, block.transactions)
                found.append((execution.receipts, execution.commit()))
            assert found[0][0] == found[1][0]
            assert found[0][1].all_changes == found[1][1].all_changes
            names.append(Hash32(bytes([seed, step]) * 16))
            states.append(found[1][1])
            pool.follow(names[-1], names[place], states[-1].all_changes)
    # A worker that believed something old would have run in vain.
    assert executor.rerun == 0


def test_dead_workers_are_noticed_replaced_and_not_missed(pool: ProcessPool) -> None:
    block = big_block()
    expected, _ = executed(block, execute_serially)
    executor = ParallelExecutor(Strategy.CRITICAL_PATH, pool)
    executed(block, executor)
    before = list(pool.pids)
    os.kill(before[0], signal.SIGKILL)
    assert executed(block, executor)[0] == expected
    assert executed(block, executor)[0] == expected
    assert len(pool.pids) == 2
    assert before[0] not in pool.pids
    assert before[1] in pool.pids


def test_without_any_worker_all_is_done_here() -> None:
    block = big_block()
    expected, _ = executed(block, execute_serially)
    with ProcessPool(1) as pool:
        executor = ParallelExecutor(Strategy.OPTIMISTIC, pool)
        pool._started = RESTARTS_MAX
        executed(block, executor)
        os.kill(pool.pids[0], signal.SIGKILL)
        for _ in range(2):
            assert executed(block, executor)[0] == expected
        assert not pool.pids
        task = pack(transfer().transaction, raw_transfer())
        assert list(pool.map(RECOVER, [task])) == list(InlinePool().map(RECOVER, [task]))


def test_closing_ends_the_workers() -> None:
    with ProcessPool(2) as pool:
        pool.map(RECOVER, [b""])
        pids = list(pool.pids)
        assert all(map(alive, pids))
    assert gone(pids)


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_the_process_that_started_them(ending: signal.Signals) -> None:
    command = [sys.executable, "-c", ORPHANS]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdout is not None
        pids = [int(each) for each in parent.stdout.readline().split()]
        assert len(pids) == 2
        assert all(map(alive, pids))
        parent.send_signal(ending)
        parent.wait()
    assert gone(pids)


def test_layers_tell_what_lies_between_two_blocks() -> None:
    layers = Layers()
    a, b, c, d = (random_block(seed).parent.state.all_changes for seed in range(4))
    names = [Hash32(bytes([number]) * 32) for number in range(5)]
    for number, changes in enumerate((a, b, c), 1):
        layers.add(names[number], names[number - 1], changes)
    layers.add(names[4], names[1], d)
    assert layers.between(names[0], names[3]) == [c, b, a]
    assert layers.between(names[1], names[4]) == [d]
    assert layers.between(names[2], names[2]) == []
    assert layers.between(names[2], names[4]) is None
