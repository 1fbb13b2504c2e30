"""Who computes when on the cores of one machine."""

import pytest
from hypothesis import given, strategies as st

from node.schedule import RAW, SCHEDULERS, WAW, bound, build_graph
from primitives.access import AccessSet
from primitives.errors import InvalidInput
from primitives.machine import UNSPENT, Serial, Spent, TaskGraph, Tasks
from sim.hosts.processors import Processors


def cost(kind, units):
    assert kind == "w"
    return units * 10


def serial(units):
    return Serial("w", units)


def test_serial_work_takes_one_core_for_its_cost():
    cores = Processors(2)
    assert cores.reserve(100, 0, serial(5), cost) == 150
    assert cores.reserve(100, 0, serial(7), cost) == 170
    assert cores.reserve(100, 0, serial(1), cost) == 160


def test_work_that_costs_nothing_still_waits_for_a_core():
    cores = Processors(1)
    cores.reserve(0, 0, serial(5), cost)
    assert cores.reserve(10, 0, serial(0), cost) == 50
    assert Processors(1).reserve(10, 0, serial(0), cost) == 10


def test_a_core_is_not_busy_before_it_is_asked():
    cores = Processors(1)
    assert cores.reserve(1_000, 0, serial(1), cost) == 1_010
    assert cores.reserve(5_000, 0, serial(1), cost) == 5_010


@pytest.mark.parametrize(
    ("count", "end"),
    [(1, 100 + 10 * (4 + 3 + 2 + 1)), (2, 100 + 10 * (4 + 1)), (4, 140), (9, 140)],
)
def test_tasks_spread_over_the_cores(count, end):
    assert Processors(count).reserve(100, 0, Tasks("w", (4, 3, 2, 1)), cost) == end


def test_no_tasks_end_at_once():
    assert Processors(1).reserve(42, 0, Tasks("w", ()), cost) == 42
    for scheduler in ("critical-path", "level-groups"):
        assert Processors(1).reserve(42, 0, TaskGraph("w", (), (), scheduler), cost) == 42


DIAMOND = ((0, 1), (0, 2), (1, 3), (2, 3))


@pytest.mark.parametrize(
    ("scheduler", "count", "end"),
    [
        ("critical-path", 1, 10 * (1 + 5 + 2 + 1)),
        ("critical-path", 2, 10 * (1 + 5 + 1)),
        ("level-groups", 2, 10 * (1 + 5 + 1)),
    ],
)
def test_a_diamond(scheduler, count, end):
    graph = TaskGraph("w", (1, 5, 2, 1), DIAMOND, scheduler)
    assert Processors(count).reserve(0, 0, graph, cost) == end


def test_the_critical_path_goes_first():
    # Three tasks are ready; the short one has the long path below it.
    graph = TaskGraph("w", (3, 3, 1, 6), ((2, 3),), "critical-path")
    assert Processors(2).reserve(0, 0, graph, cost) == 70
    levels = TaskGraph("w", (3, 3, 1, 6), ((2, 3),), "level-groups")
    assert Processors(2).reserve(0, 0, levels, cost) == (3 + 1 + 6) * 10


def test_a_level_waits_for_the_whole_level_below():
    graph = TaskGraph("w", (1, 9, 1), ((0, 2),), "level-groups")
    assert Processors(4).reserve(0, 0, graph, cost) == 100
    path = TaskGraph("w", (1, 9, 1), ((0, 2),), "critical-path")
    assert Processors(4).reserve(0, 0, path, cost) == 90


def test_a_task_that_costs_nothing_lets_what_waits_for_it_begin_before_lesser_tasks():
    cores = Processors(1)
    graph = TaskGraph("w", (0, 2, 1), ((0, 1),), "critical-path")
    assert cores.reserve(0, 0, graph, cost) == 30
    cores = Processors(2)
    cores.reserve(0, 0, serial(6), cost)
    assert cores.reserve(50, 0, graph, cost) == 70


def test_an_unknown_scheduler_or_demand_is_refused():
    with pytest.raises(InvalidInput, match=r"scheduler: expected one of .*, got 'magic'"):
        Processors(1).reserve(0, 0, TaskGraph("w", (1,), (), "magic"), cost)
    with pytest.raises(TypeError, match="unknown demand object"):
        Processors(1).reserve(0, 0, object(), cost)  # type: ignore[arg-type]


# ---------------------------------------------------------------- several nodes, crashes


def test_nodes_of_one_machine_contend_in_the_order_of_their_requests():
    cores = Processors(1)
    assert cores.reserve(0, 0, serial(10), cost) == 100
    assert cores.reserve(0, 1, serial(1), cost) == 110
    assert cores.reserve(5, 0, serial(1), cost) == 120


def test_a_crash_frees_the_cores_of_the_dead():
    cores = Processors(2)
    cores.reserve(0, 0, Tasks("w", (10, 20)), cost)
    cores.release(50, 0)
    assert cores.reserve(50, 1, serial(1), cost) == 60
    assert cores.reserve(50, 1, serial(1), cost) == 60


def test_a_crash_leaves_the_cores_of_others():
    cores = Processors(2)
    cores.reserve(0, 0, serial(10), cost)
    cores.reserve(0, 1, serial(10), cost)
    cores.release(50, 1)
    assert cores.reserve(50, 2, serial(1), cost) == 60
    assert cores.reserve(60, 2, serial(5), cost) == 110
    assert cores.reserve(60, 2, serial(5), cost) == 150


def test_a_crash_does_not_free_what_another_node_reserved_before_on_that_core():
    cores = Processors(1)
    cores.reserve(0, 0, serial(10), cost)
    cores.reserve(0, 1, serial(10), cost)
    cores.reserve(0, 1, serial(10), cost)
    cores.release(50, 1)
    assert cores.reserve(50, 2, serial(1), cost) == 110


def test_a_crash_long_after_the_work_changes_nothing():
    cores = Processors(1)
    cores.reserve(0, 0, serial(10), cost)
    cores.release(5_000, 0)
    assert cores.reserve(50, 1, serial(1), cost) == 110


# ---------------------------------------------------------------- as the model says


@pytest.mark.parametrize("scheduler", SCHEDULERS)
@pytest.mark.parametrize("cores", [1, 2, 4, 16])
def test_the_virtual_speed_up_is_the_bound_of_the_scheduler(scheduler, cores):
    """A hundred transactions in chains of uneven cost, on an idle machine."""
    block = [AccessSet((b"%d" % (k % 7 * (k % 3)),), (b"%d" % (k % 7),)) for k in range(100)]
    gas = tuple(21_000 + 7_919 * k % 90_000 for k in range(100))
    chosen = SCHEDULERS[scheduler]
    graph = build_graph(block, kinds=RAW | WAW)
    kinds = zip(graph.sources, graph.targets, graph.kinds, strict=True)
    edges = tuple((a, b) for a, b, kind in kinds if kind & chosen.kinds)
    end = Processors(cores).reserve(0, 0, TaskGraph("w", gas, edges, scheduler), cost)
    assert cost("w", sum(gas)) / end == pytest.approx(bound(graph, gas, cores, chosen))


def test_a_join_needs_no_core():
    graph = TaskGraph("w", (2, 2, 2, 2), ((0, 4), (1, 4), (2, 4), (4, 3)))
    assert Processors(3).reserve(0, 0, graph, cost) == 40


def test_what_an_optimistic_scheduler_runs_in_vain_occupies_cores():
    chain = TaskGraph("w", (3, 3), ((0, 1),), "optimistic")
    cores = Processors(2)
    assert cores.reserve(0, 0, chain, cost) == 60
    assert cores.reserve(0, 0, serial(1), cost) == 40  # the other was busy until 30


# ---------------------------------------------------------------- against a naive twin


def naive_critical_path(free, at, edges, costs):
    """List scheduling, one nanosecond after another."""
    free = list(free)

    def below(task):
        return costs[task] + max((below(b) for a, b in edges if a == task), default=0)

    ends: dict[int, int] = {}
    now = at
    while len(ends) < len(costs):
        while True:
            ready = [
                t
                for t in range(len(costs))
                if t not in ends and all(a in ends and ends[a] <= now for a, b in edges if b == t)
            ]
            idle = [core for core in range(len(free)) if free[core] <= now]
            if not ready or not idle:
                break
            task = min(ready, key=lambda t: (-below(t), t))
            ends[task] = now + costs[task]
            free[min(idle, key=free.__getitem__)] = ends[task]
        now += 1
    return max(ends.values(), default=at), sorted(free)


def naive_level_groups(free, at, edges, costs):
    free = list(free)

    def level(task):
        return max((1 + level(a) for a, b in edges if b == task), default=0)

    for depth in range(len(costs)):
        ends = []
        for task in (t for t in range(len(costs)) if level(t) == depth):
            free.sort()
            free[0] = max(free[0], at) + costs[task]
            ends.append(free[0])
        at = max(ends, default=at)
    return at, sorted(free)


@st.composite
def graphs(draw):
    units = draw(st.lists(st.integers(0, 6), max_size=7))
    pairs = [(a, b) for b in range(len(units)) for a in range(b)]
    edges = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=8)) if pairs else []
    return tuple(units), tuple(sorted(edges, key=lambda edge: edge[1]))


@given(
    graph=graphs(),
    count=st.integers(1, 4),
    before=st.lists(st.integers(0, 9), max_size=4),
    scheduler=st.sampled_from(["critical-path", "level-groups"]),
)
def test_both_schedulers_equal_their_naive_twins(graph, count, before, scheduler):
    units, edges = graph
    cores = Processors(count)
    free = [0] * count
    for load in before:
        free.sort()
        free[0] = max(free[0], 3) + load
        cores.reserve(3, 1, Serial("w", load), lambda _k, u: u)
    twin = naive_critical_path if scheduler == "critical-path" else naive_level_groups
    end, left = twin(free, 5, edges, units)
    demand = TaskGraph("w", units, edges, scheduler)
    assert cores.reserve(5, 0, demand, lambda _k, u: u) == end
    if 0 not in units:
        probes = [cores.reserve(0, 2, Serial("w", 1_000), lambda _k, u: u) for _ in range(count)]
        assert probes == [instant + 1_000 for instant in left]


def test_tasks_may_consist_of_several_kinds_of_work():
    def price(kind: str, units: int) -> int:
        return units * {"a": 10, "b": 1}[kind]

    graph = TaskGraph("a", (1, 2), ((0, 1),), more=(("b", (3, 4)), ("b", (1, 0))))
    assert Processors(2).reserve(100, 0, graph, price) == 100 + 14 + 24


def test_what_has_to_be_done_again_is_done_at_the_end_in_turn():
    cores = Processors(2)
    graph = TaskGraph("w", (5, 4, 3), (), again=(0, 2))
    plain = Processors(2).reserve(0, 0, TaskGraph("w", (5, 4, 3), ()), cost)
    assert cores.reserve(0, 0, graph, cost) == plain + cost("w", 5) + cost("w", 3)
    assert cores.spent == Spent(cost("w", 12), plain + cost("w", 8), 2)


def test_what_surrounds_the_tasks_takes_one_core_and_counts():
    graph = TaskGraph("w", (5, 4), (), before=(("w", 2),), after=(("w", 1), ("w", 1)))
    cores = Processors(2)
    assert cores.reserve(7, 0, graph, cost) == 7 + cost("w", 2 + 5 + 2)
    assert cores.spent == Spent(cost("w", 9), cost("w", 9), 0)


def test_what_a_graph_took_is_told_until_the_next_stage():
    cores = Processors(2)
    cores.reserve(0, 0, TaskGraph("w", (3, 3), ((0, 1),), "optimistic"), cost)
    assert cores.spent.repeats >= 1
    assert cores.spent.work_ns == cost("w", 6)
    cores.reserve(0, 0, Serial("w", 1), cost)
    assert cores.spent == UNSPENT
