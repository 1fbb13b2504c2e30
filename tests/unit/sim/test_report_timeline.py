"""Faults paired into spans, views cut into columns, bars on lanes."""

from consensus.trace import ViewChangeStarted, ViewEntered
from primitives.ids import NodeId, View
from sim.report.page.lanes import LANES_MAX, assign_lanes, lane_count
from sim.report.page.view_timeline import (
    CHANGING,
    COLUMNS,
    DOWN,
    ROWS_MAX,
    chosen_nodes,
    view_states,
)
from sim.report.timeline import FaultSpan, fault_mark, fault_spans
from sim.trace_events import Crashed, Delayed, Healed, Partitioned, Restarted, Slowed
from tests.unit.sim.report_runs import MS, feed, shape


def span(start: int, end: int, node: int = 0, kind: str = "crashed") -> FaultSpan:
    return FaultSpan(start, end, node, kind, {})


def test_starts_and_ends_are_paired_by_node() -> None:
    marks = [
        fault_mark(10, 1, Crashed()),
        fault_mark(20, 2, Crashed()),
        fault_mark(30, 1, Restarted()),
    ]
    found = [(s.start_ns, s.end_ns, s.node) for s in fault_spans(marks, 100)]
    assert found == [(10, 30, 1), (20, 100, 2)]


def test_a_partition_replaces_the_one_before_it() -> None:
    marks = [
        fault_mark(10, -1, Partitioned(((0,), (1,)))),
        fault_mark(20, -1, Partitioned(((0, 1), (2,)))),
        fault_mark(30, -1, Healed()),
    ]
    spans = fault_spans(marks, 100)
    assert [(s.start_ns, s.end_ns) for s in spans] == [(10, 20), (20, 30)]
    assert spans[1].fields == {"groups": ((0, 1), (2,))}


def test_normal_speed_and_no_delay_end_their_faults() -> None:
    marks = [
        fault_mark(10, 4, Slowed(300)),
        fault_mark(15, -1, Delayed(5 * MS, (1, 2))),
        fault_mark(16, -1, Delayed(9 * MS, (3,))),
        fault_mark(20, 4, Slowed(100)),
        fault_mark(25, -1, Delayed(0, (1, 2))),
    ]
    found = [(s.kind, s.start_ns, s.end_ns) for s in fault_spans(marks, 99)]
    assert found == [("slowed", 10, 20), ("latency", 15, 25), ("latency", 16, 99)]


def test_an_end_without_a_start_is_no_span() -> None:
    assert fault_spans([fault_mark(5, -1, Healed()), fault_mark(6, 1, Restarted())], 10) == []


def column(at_s: float, length_s: float = 10) -> int:
    return int(at_s / length_s * COLUMNS)


def test_a_row_shows_the_view_the_change_and_the_view_after_it() -> None:
    run = feed(shape(nodes=2, seconds=10))
    run.event(4.0, 1, ViewChangeStarted(View(1)))
    run.event(6.0, 1, ViewEntered(View(1), NodeId(1)))
    states = view_states(run.finish(10), [0, 1])
    assert states.shape == (2, COLUMNS)
    assert set(states[0].tolist()) == {0}
    assert states[1, column(3.9)] == 0
    assert states[1, column(5.0)] == CHANGING
    assert states[1, column(6.1)] == 1


def test_a_crash_hides_the_view_until_the_restart() -> None:
    run = feed(shape(nodes=2, seconds=10))
    run.event(2.0, 0, Crashed())
    run.event(5.0, 0, Restarted())
    run.event(7.0, 1, Crashed())
    states = view_states(run.finish(10), [0, 1])
    assert states[0, column(3.0)] == DOWN
    assert states[0, column(5.1)] == 0
    assert set(states[1, column(7.0) :].tolist()) == {DOWN}


def test_what_lasts_less_than_a_column_is_still_seen() -> None:
    run = feed(shape(nodes=1, seconds=1000))
    run.event(500.0, 0, ViewChangeStarted(View(1)))
    run.event(500.1, 0, ViewEntered(View(1), NodeId(0)))
    run.event(800.0, 0, Crashed())
    run.event(800.1, 0, Restarted())
    states = view_states(run.finish(1000), [0])
    assert states[0, column(500, 1000)] == CHANGING
    assert states[0, column(800, 1000)] == DOWN


def test_small_networks_show_validators_and_faulty_followers() -> None:
    run = feed(shape(nodes=6, validators=4))
    run.event(1.0, 5, Crashed())
    assert chosen_nodes(run.finish(2)) == [0, 1, 2, 3, 5]


def test_large_networks_show_the_faulty_nodes_and_an_even_choice() -> None:
    run = feed(shape(nodes=1000))
    run.event(1.0, 777, Crashed())
    nodes = chosen_nodes(run.finish(2))
    assert len(nodes) == len(set(nodes)) == ROWS_MAX
    assert 777 in nodes
    assert nodes[0] == 0
    assert nodes[-1] == 999
    assert nodes == sorted(nodes)


def test_bars_that_would_overlap_go_to_lanes_of_their_own() -> None:
    spans = [span(0, 500), span(100, 900), span(600, 700)]
    assert [lane for lane, _ in assign_lanes(spans, 1000)] == [0, 1, 0]


def test_a_short_bar_takes_the_room_of_its_word() -> None:
    spans = [span(0, 1), span(20, 21), span(900, 901)]
    assert [lane for lane, _ in assign_lanes(spans, 1000)] == [0, 1, 0]


def test_lanes_are_limited() -> None:
    assert lane_count([span(0, 1000) for _ in range(40)], 1000) == LANES_MAX
    assert lane_count([], 1000) == 0
