"""Faults paired into spans, views cut into columns, bars on lanes."""

from consensus.trace import EpochBegun, ViewChangeStarted, ViewEntered
from primitives.ids import NodeId, View
from sim.report.page.lanes import LANES_MAX, assign_lanes, bar_word, lane_count
from sim.report.page.overlay import describe_mark, mark_word
from sim.report.page.view_timeline import (
    CHANGING,
    COLUMNS,
    DOWN,
    LIAR,
    ROWS_MAX,
    chosen_nodes,
    view_states,
    view_timeline_card,
)
from sim.report.timeline import FaultSpan, fault_mark, fault_spans
from sim.trace_events import (
    ClockSet,
    Clogged,
    Crashed,
    Delayed,
    DiskLied,
    Disturbed,
    Healed,
    Partitioned,
    Restarted,
    Settled,
    Slowed,
    WritesKept,
)
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
    assert spans[1].fields["groups"] == ((0, 1), (2,))


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


def test_a_clog_ends_when_it_said_and_no_later_than_the_run() -> None:
    marks = [
        fault_mark(10, -1, Clogged((0,), (1,), one_way=False, held_ns=30)),
        fault_mark(20, -1, Clogged((0,), (1,), one_way=True, held_ns=90)),
    ]
    found = [(s.kind, s.start_ns, s.end_ns) for s in fault_spans(marks, 100)]
    assert found == [("clogged", 10, 40), ("clogged", 20, 100)]


def test_a_disturbance_ends_where_its_number_is_settled() -> None:
    marks = [
        fault_mark(10, -1, Disturbed(1, "duplicate", (0,), (1,), True, 250_000, 5 * MS)),
        fault_mark(20, -1, Disturbed(2, "lose", (0, 1, 2), (0, 1, 2), False, 1_000, 0)),
        fault_mark(30, -1, Settled(1)),
    ]
    spans = fault_spans(marks, 100)
    assert [(s.kind, s.start_ns, s.end_ns) for s in spans] == [
        ("duplicate", 10, 30),
        ("lose", 20, 100),
    ]
    assert [bar_word(s) for s in spans] == ["duplicate", "lose"]
    assert describe_mark(marks[0]) == (
        "disturbed: from {0}, to {1}, one way, chance 25 %, delay 5 ms"
    )
    assert describe_mark(marks[1]) == "disturbed: from {0\u20132}, to {0\u20132}, chance 0.1 %"
    assert [mark_word(mark) for mark in marks[:2]] == ["duplicate", "lose"]


def test_clocks_and_lying_disks_end_where_they_are_right_again() -> None:
    marks = [
        fault_mark(10, 3, ClockSet(-2_000 * MS, 1_500)),
        fault_mark(15, -1, DiskLied(2, 50 * MS)),
        fault_mark(18, -1, DiskLied(1, 50 * MS)),
        fault_mark(20, 3, ClockSet(0, 0)),
        fault_mark(25, -1, DiskLied(2, 0)),
        fault_mark(26, 2, WritesKept(4)),
    ]
    spans = fault_spans(marks, 99)
    assert [(s.kind, s.node, s.start_ns, s.end_ns) for s in spans] == [
        ("clock", 3, 10, 20),
        ("lying_disk", -1, 15, 25),
        ("lying_disk", -1, 18, 99),
    ]
    assert describe_mark(marks[0]) == "node 3 clock: offset -2 s, drift 0.15 %"
    assert mark_word(marks[5]) == "writes kept n2"


def test_shapes_of_a_partition_are_told_in_words() -> None:
    ring = fault_mark(1, -1, Partitioned((), ring=2))
    bridge = fault_mark(1, -1, Partitioned(((0, 1), (3,)), bridge=(2,), direction="in"))
    plain = fault_mark(1, -1, Partitioned(((0, 1), (3,))))
    assert describe_mark(ring) == "partitioned: ring 2"
    assert describe_mark(bridge) == "partitioned: {0\u20131} | {3}, across {2}, direction in"
    assert describe_mark(plain) == "partitioned: {0\u20131} | {3}"


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


def test_nothing_is_claimed_of_a_liars_view_but_its_crashes_are_known() -> None:
    run = feed(shape(nodes=2, seconds=10, liars=(1,)))
    run.event(4.0, 1, Crashed())
    run.event(6.0, 1, Restarted())
    collector = run.finish(10)
    states = view_states(collector, [0, 1])
    assert set(states[0].tolist()) == {0}
    assert [states[1, column(at)] for at in (1.0, 5.0, 8.0)] == [LIAR, DOWN, LIAR]
    assert "liar: its own words are not taken down" in str(view_timeline_card(collector))


def test_a_new_committee_begins_in_view_0_and_is_told() -> None:
    run = feed(shape(nodes=5, validators=4, seconds=10))
    run.event(2.0, 0, ViewEntered(View(1), NodeId(1)))
    run.event(4.0, 0, EpochBegun(1, 5, 16))
    run.event(4.1, 1, EpochBegun(1, 5, 16))
    run.event(6.0, 0, ViewEntered(View(1), NodeId(1), 1))
    collector = run.finish(10)
    assert [view_states(collector, [0])[0, column(at)] for at in (3.0, 5.0, 7.0)] == [1, 0, 1]
    assert list(collector.views.views_entered) == [(0, 1), (1, 1)]
    assert [(e.at_ns, e.height, e.size) for e in collector.views.epochs.values()] == [
        (4_000_000_000, 16, 5)
    ]
    assert chosen_nodes(collector) == [0, 1, 2, 3, 4]
    page = str(view_timeline_card(collector))
    assert "2 view changes." in page
    assert "Block 16 handed over to 5 validators at 4 s." in page
    assert page.count('class="epoch-line"') == 1


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
