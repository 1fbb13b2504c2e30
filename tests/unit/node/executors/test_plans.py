"""What plans hand out: nothing twice, nobody before whom he waits for, chains in one batch."""

import pytest
from hypothesis import given, strategies as st

from node.executors.graph_plan import CriticalPathPlan, LevelPlan
from node.executors.plan import Plan
from node.executors.work import End
from node.schedule.scheduler import TaskNet

EDGES = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=20)
COSTS = st.lists(st.integers(1, 50), min_size=1, max_size=9)


def net(costs: list[int], edges: list[tuple[int, int]]) -> TaskNet:
    kept = {(s, t): None for s, t in edges if s < t < len(costs)}
    ordered = sorted(kept, key=lambda edge: (edge[1], edge[0]))
    return TaskNet(costs, [s for s, _ in ordered], [t for _, t in ordered])


def play(plan: Plan, tasks: TaskNet, workers: int) -> None:
    """Let workers of equal pace follow a plan, and check what they are told."""
    waits = {
        t: [s for s, to in zip(tasks.sources, tasks.targets, strict=True) if to == t]
        for t in range(tasks.count)
    }
    ended: set[int] = set()
    started: list[int] = []
    queues: list[list[int]] = [[] for _ in range(workers)]
    while True:
        for queue in queues:
            if not queue:
                queue.extend(plan.take(workers))
                started += queue
                for place, index in enumerate(queue):
                    assert all(s in ended or s in queue[:place] for s in waits[index])
        if not any(queues):
            break
        for queue in queues:
            if queue:
                ended.add(queue[0])
                plan.ended(End(queue.pop(0), None))
    assert sorted(started) == list(range(tasks.count))


@given(COSTS, EDGES, st.integers(1, 4))
def test_by_level_everybody_runs_once_after_all_he_waits_for(
    costs: list[int], edges: list[tuple[int, int]], workers: int
) -> None:
    tasks = net(costs, edges)
    play(LevelPlan(tasks), tasks, workers)


@given(COSTS, EDGES, st.integers(1, 4))
def test_by_path_everybody_runs_once_after_all_he_waits_for(
    costs: list[int], edges: list[tuple[int, int]], workers: int
) -> None:
    tasks = net(costs, edges)
    play(CriticalPathPlan(tasks), tasks, workers)


def test_the_dearest_chain_goes_first() -> None:
    tasks = net([10, 10, 10, 90], [(1, 3)])
    assert CriticalPathPlan(tasks).take(4)[0] == 1


def test_a_chain_stays_on_one_worker() -> None:
    """A thousand transactions of one sender must not be a thousand messages."""
    count = 1_000
    tasks = TaskNet([1] * count, range(count - 1), range(1, count))
    plan = CriticalPathPlan(tasks)
    batches = 0
    while batch := plan.take(2):
        batches += 1
        for index in batch:
            plan.ended(End(index, None))
    assert batches < 60


def test_joins_cost_no_turn() -> None:
    """Node 3 is no transaction: 0 and 1 end before 2 may run."""
    plan = CriticalPathPlan(TaskNet([1, 1, 1], [0, 1, 3], [3, 3, 2]))
    assert sorted([*plan.take(2), *plan.take(2)]) == [0, 1]
    plan.ended(End(0, None))
    assert not plan.take(2)
    plan.ended(End(1, None))
    assert list(plan.take(2)) == [2]


@pytest.mark.parametrize("kind", [LevelPlan, CriticalPathPlan])
def test_an_empty_block_is_done(kind: type[LevelPlan] | type[CriticalPathPlan]) -> None:
    assert not kind(TaskNet([])).take(2)
