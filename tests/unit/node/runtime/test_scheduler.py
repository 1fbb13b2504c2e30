"""Jobs by priority, on the loop and on threads."""

import asyncio
import time
from collections.abc import Callable, Sequence
from threading import Event, get_ident
from typing import Any

import pytest

from node.runtime import scheduler
from node.runtime.scheduler import Finished, JobScheduler, Priority
from primitives.ids import RequestId
from primitives.machine import Job
from tests.unit.node.runtime.live_world import PATIENCE_SECONDS, on_loop


class Transactions:
    """A job that nobody waits for."""

    def __init__(self, run: Callable[[], object]) -> None:
        self.run = run


class Block(Transactions):
    """A job that a quorum waits for."""


class Other(Transactions):
    """A job of the chain."""


@pytest.fixture(autouse=True)
def _priorities(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {Block: Priority.BLOCK, Transactions: Priority.TRANSACTIONS}
    monkeypatch.setattr(scheduler, "PRIORITIES", known)


def finished_of(
    workers: int, jobs: Callable[[], Sequence[Job]], hold: Event | None = None
) -> list[Finished]:
    """What comes back of jobs that are asked for in one go, the first of which is held."""

    async def scene() -> list[Finished]:
        finished: list[Finished] = []
        thread = get_ident()
        whole = asyncio.Event()
        asked = jobs()

        def finish(each: Finished) -> None:
            assert get_ident() == thread, "told on the loop"
            finished.append(each)
            if len(finished) == len(asked):
                whole.set()

        made = JobScheduler(asyncio.get_running_loop(), finish, workers)
        for number, job in enumerate(asked):
            made.submit(RequestId(number), job)
        if hold is not None:
            hold.set()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await whole.wait()
        assert made.figures.depth == made.figures.running == 0
        assert sum(each.done for each in made.figures.by_priority.values()) == len(asked)
        made.close()
        return finished

    return on_loop(scene())


@pytest.mark.parametrize("workers", [0, 1])
def test_blocks_come_before_transactions_and_the_older_first(workers: int) -> None:
    hold = Event()

    def jobs() -> Sequence[Job]:
        first = Block(lambda: hold.wait(PATIENCE_SECONDS) or "late")
        kinds = (Transactions, Other, Block, Transactions, Block, Other)
        return [first, *[kind(lambda kind=kind: kind.__name__) for kind in kinds]]  # type: ignore[misc]

    finished = finished_of(workers, jobs, hold)
    assert [int(each.request) for each in finished] == [0, 3, 5, 2, 6, 1, 4]
    assert [each.result for each in finished[1:3]] == ["Block", "Block"]


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_comes_back_as_such_and_ends_nothing(workers: int) -> None:
    def bad() -> object:
        raise ValueError("no such block")

    finished = finished_of(workers, lambda: [Block(bad), Block(lambda: 7)])
    by_request = {int(each.request): each for each in finished}
    assert str(by_request[0].error) == "no such block"
    assert (by_request[1].result, by_request[1].error) == (7, None)


def test_workers_are_threads_and_work_at_once() -> None:
    both = Event(), Event()

    def meet(own: int) -> Callable[[], object]:
        def run() -> object:
            both[own].set()
            assert both[1 - own].wait(PATIENCE_SECONDS)
            return get_ident()

        return run

    threads = {
        each.result for each in finished_of(2, lambda: [Block(meet(0)), Transactions(meet(1))])
    }
    assert len(threads) == 2
    assert get_ident() not in threads


def test_of_what_executes_one_job_runs_at_a_time() -> None:
    running, most, hold = list[int](), list[int](), Event()

    def run() -> None:
        assert hold.wait(PATIENCE_SECONDS), "the others are asked for meanwhile"
        running.append(1)
        time.sleep(0.002)
        most.append(len(running))
        running.pop()

    kinds = (Block, Other, Block, Block, Other, Block)
    finished = finished_of(3, lambda: [kind(run) for kind in kinds], hold)
    assert max(most) == 1
    order = [int(each.request) for each in finished]
    assert order == [order[0], *sorted(order[1:], key=lambda n: (kinds[n] is Other, n))]


def test_there_is_room_until_so_many_wait() -> None:
    async def scene() -> None:
        made = JobScheduler(asyncio.get_running_loop(), lambda each: None, 0, waiting_max=2)
        made.submit(RequestId(1), Block(lambda: 1))
        assert made.has_room
        made.submit(RequestId(2), Block(lambda: 2))
        assert not made.has_room
        await asyncio.sleep(0)
        assert made.has_room
        made.close()

    on_loop(scene())


@pytest.mark.parametrize("workers", [0, 1])
def test_closing_waits_for_what_runs_and_forgets_the_rest(workers: int) -> None:
    hold, begun, done = Event(), Event(), list[int]()

    def run() -> None:
        begun.set()
        assert hold.wait(PATIENCE_SECONDS)
        done.append(1)

    async def scene() -> list[Any]:
        finished: list[Finished] = []
        loop = asyncio.get_running_loop()
        made = JobScheduler(loop, finished.append, workers)
        if workers:
            made.submit(RequestId(1), Block(run))
            assert begun.wait(PATIENCE_SECONDS)
        made.submit(RequestId(2), Block(lambda: done.append(2)))
        made.close()
        loop.call_later(0.05, hold.set)
        await loop.run_in_executor(None, made.join)
        await asyncio.sleep(0.01)
        return finished

    assert on_loop(scene()) == []
    assert done == [1] * workers
