"""The collector: series, counters of each node, sample instants."""

import numpy as np
import pytest

from consensus.trace import ViewChangeStarted, ViewEntered
from primitives.ids import NodeId, View
from sim.report.collect import SAMPLES_MAX, choose_sample_ns
from sim.report.series import NodeHistograms, SecondBins
from sim.trace_events import Crashed, Healed, Partitioned, Restarted
from tests.unit.sim.report_runs import SECOND, busy_run, committed, feed, shape


def test_counters_are_sampled_each_second_and_at_the_end() -> None:
    run = feed(shape(nodes=2, seconds=3))
    run.commit(0.5, 0, 1, 10, 11)
    run.commit(1.0, 1, 1, 10, 11)
    run.commit(2.2, 0, 2, 12)
    collector = run.finish(2.5)
    assert collector.sampled_ns == [0, SECOND, 2 * SECOND, 2.5 * SECOND]
    transactions = collector.nodes.transactions.matrix(4).tolist()
    assert transactions == [[0, 0], [2, 2], [2, 2], [3, 2]]


def test_what_happens_at_a_sample_instant_belongs_to_that_sample() -> None:
    run = feed(shape(nodes=1, seconds=3))
    run.commit(1.0, 0, 1)
    run.commit(2.0, 0, 2)
    collector = run.finish(2.0)
    assert collector.nodes.height.matrix(3)[:, 0].tolist() == [0, 1, 2]


def test_a_kind_that_appears_late_is_zero_before() -> None:
    run = feed(shape(nodes=2, seconds=3))
    run.sent(0.1, 0, "Prepare", 1, 100)
    run.sent(2.5, 1, "Commit", 1, 50)
    collector = run.finish(3)
    commits = collector.traffic_by_kind["Commit"].bytes_by_node.matrix(len(collector.sampled_ns))
    assert commits.tolist() == [[0, 0], [0, 0], [0, 0], [0, 50]]


def test_traffic_is_summed_by_kind_and_second() -> None:
    run = feed()
    run.sent(0.2, 0, "Prepare", 3, 300)
    run.sent(0.9, 1, "Prepare", 3, 330)
    run.sent(2.0, 1, "Prepare", 2, 200)
    prepare = run.finish(4).traffic_by_kind["Prepare"]
    assert prepare.count_by_second.numpy(4).tolist() == [6, 0, 2, 0]
    assert prepare.bytes_by_second.numpy(4).tolist() == [630, 0, 200, 0]
    assert prepare.count_by_node.live == [3, 5, 0, 0]


def test_a_block_counts_once_at_its_first_commit() -> None:
    run = feed()
    run.commit(1.0, 2, 1, 10)
    run.commit(1.1, 0, 1, 10)
    blocks = run.finish(2).blocks
    assert blocks.at_ns.numpy().tolist() == [SECOND]
    assert blocks.transactions.numpy().tolist() == [1]


def test_two_blocks_of_one_height_count_once() -> None:
    run = feed()
    run.event(1.0, 0, committed(1, transactions=5))
    run.event(1.2, 1, committed(1, transactions=7, fork=1))
    assert run.finish(2).blocks.transactions.numpy().tolist() == [5]


def test_the_height_of_a_node_never_falls() -> None:
    run = feed(shape(nodes=1, seconds=2))
    run.commit(0.2, 0, 5)
    run.commit(0.4, 0, 3)
    assert run.finish(1).nodes.height.live == [5]


def test_block_times_are_those_between_the_node_s_own_commits() -> None:
    run = feed(shape(nodes=2, seconds=5))
    for at_s, height in ((1.0, 1), (1.4, 2), (4.4, 3)):
        run.commit(at_s, 0, height)
    times = run.finish(5).nodes.block_time
    assert times.sums == [3_400_000_000, 0]
    assert sum(times.buckets[0]) == 2
    assert times.buckets[0][times.bounds.index(500_000_000)] == 1


def test_crash_and_restart_move_the_up_gauge() -> None:
    run = feed(shape(nodes=2, seconds=4))
    run.event(0.5, 1, Crashed())
    run.event(2.5, 1, Restarted())
    collector = run.finish(3)
    assert collector.nodes.up.matrix(4)[:, 1].tolist() == [1, 0, 0, 1]
    assert [mark.kind for mark in collector.faults] == ["crashed", "restarted"]


def test_faults_of_the_network_are_kept_with_their_fields() -> None:
    run = feed()
    run.event(1.0, -1, Partitioned(((0, 1), (2, 3))))
    run.event(2.0, -1, Healed())
    faults = run.finish(3).faults
    assert [(mark.at_ns, mark.node, mark.name) for mark in faults] == [
        (SECOND, -1, "fault.partitioned"),
        (2 * SECOND, -1, "fault.healed"),
    ]
    assert faults[0].fields["groups"] == ((0, 1), (2, 3))


def test_views_are_counted_where_they_are_entered() -> None:
    run = feed()
    run.event(0.0, 0, ViewEntered(View(0), NodeId(0)))
    for node in range(3):
        run.event(1.0, node, ViewChangeStarted(View(1)))
        run.event(1.5, node, ViewEntered(View(1), NodeId(1)))
    run.event(2.0, 3, ViewChangeStarted(View(2)))
    collector = run.finish(3)
    assert list(collector.views.views_entered) == [(0, 1)]
    assert collector.nodes.view_changes.live == [1, 1, 1, 1]
    assert collector.nodes.view.live == [1, 1, 1, 0]


def test_rejections_are_counted_by_code_and_node() -> None:
    run = feed()
    run.submit(0.1, 1, 1)
    run.reject(0.1, 1, 1, "nonce_too_low")
    run.reject(0.2, 2, 2, "nonce_too_low")
    run.reject(0.3, 2, 3, "underpriced")
    collector = run.finish(1)
    assert collector.rejected == {"nonce_too_low": 2, "underpriced": 1}
    assert collector.rejected_by_node["nonce_too_low"].live == [0, 1, 1, 0]


def test_an_empty_run_has_one_sample() -> None:
    collector = feed().finish(0)
    assert collector.sampled_ns == [0]
    assert collector.end_ns == 0


@pytest.mark.parametrize(
    ("nodes", "seconds", "expected_s"),
    [(7, 60, 1), (100, 60, 2), (1_000, 60, 15), (4, 36_000, 30), (10_000, 360_000, 3_600)],
)
def test_sample_instants_grow_apart_with_the_run(nodes: int, seconds: int, expected_s: int) -> None:
    assert choose_sample_ns(shape(nodes, seconds)) == expected_s * SECOND
    assert nodes * seconds / expected_s <= SAMPLES_MAX or expected_s == 3_600


def test_totals_of_a_busy_run_agree_between_views_of_it() -> None:
    collector = busy_run(nodes=7, seconds=20, rate=60)
    samples = len(collector.sampled_ns)
    for kind in collector.traffic_by_kind.values():
        assert kind.count_by_node.matrix(samples)[-1].sum() == kind.count_by_second.total
    confirmed = collector.nodes.confirmation.cumulative()[0][-1, :, -1].sum()
    assert confirmed == len(collector.confirmations.latency_ns) > 500
    assert np.all(np.diff(collector.nodes.transactions.matrix(samples), axis=0) >= 0)


def test_a_value_on_a_bound_falls_into_the_bucket_below_it() -> None:
    histograms = NodeHistograms(1, (10, 20))
    for value in (10, 11, 20, 21):
        histograms.add(0, value)
    histograms.take(1)
    cumulative, sums = histograms.cumulative()
    assert cumulative.tolist() == [[[1, 3, 4]]]
    assert sums.tolist() == [[62]]


def test_second_bins_pad_and_cut() -> None:
    bins = SecondBins()
    bins.add(SECOND - 1, 1)
    bins.add(3 * SECOND, 5)
    assert bins.numpy(6).tolist() == [1, 0, 0, 5, 0, 0]
    assert bins.numpy(2).tolist() == [1, 0]
    assert bins.total == 6
