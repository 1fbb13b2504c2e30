"""Figures: the measured window, throughput, percentiles, the JSON object."""

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest

from primitives.errors import InvalidEncoding
from sim.report import Percentiles, RunResult, encode_result, read_result
from sim.report.figures import (
    block_intervals_ns,
    confirmation_times_ns,
    measured_window,
    percentiles,
    throughput,
)
from tests.unit.sim.report_runs import (
    BREACH,
    EXPECTATIONS,
    SECOND,
    Feed,
    feed,
    result_of,
    shape,
)


def measured(seconds: float = 10, warmup: int = 2, cooldown: int = 3) -> Feed:
    return feed(shape(seconds=seconds, warmup_ns=warmup * SECOND, cooldown_ns=cooldown * SECOND))


def test_throughput_counts_commits_inside_the_window_only() -> None:
    run = measured()
    for at_s, height, count in ((1.9, 1, 50), (2.0, 2, 10), (6.9, 3, 20), (7.0, 4, 70)):
        run.commit(at_s, 0, height, *range(100 * height, 100 * height + count))
    collector = run.finish(10)
    assert measured_window(collector).seconds == 5
    assert throughput(collector) == pytest.approx((10 + 20) / 5)


def test_the_window_of_a_run_that_stopped_early_is_cut() -> None:
    run = measured()
    run.commit(3.0, 0, 1, 1, 2, 3)
    collector = run.finish(4)
    assert measured_window(collector).seconds == 2
    assert throughput(collector) == pytest.approx(1.5)


def test_a_run_that_ended_in_its_warm_up_has_no_throughput() -> None:
    run = measured()
    run.commit(1.0, 0, 1, 1, 2, 3)
    collector = run.finish(1.5)
    assert measured_window(collector).seconds == 0
    assert throughput(collector) == 0


def test_confirmations_are_chosen_by_submission_and_timed_beyond_the_window() -> None:
    run = measured()
    run.submit(1.0, 0, 1)
    run.submit(2.0, 0, 2)
    run.submit(6.5, 0, 3)
    run.submit(7.5, 0, 4)
    run.commit(9.0, 0, 1, 1, 2, 3, 4)
    times = confirmation_times_ns(run.finish(10))
    assert times.tolist() == [2.5 * SECOND, 7 * SECOND]


def test_percentiles_are_measured_values_by_nearest_rank() -> None:
    times = np.arange(1, 101, dtype=np.int64) * SECOND
    assert percentiles(times) == Percentiles(p50=50, p95=95, p99=99)
    assert percentiles(times[:3]) == Percentiles(p50=2, p95=3, p99=3)
    assert percentiles(times[:1]) == Percentiles(p50=1, p95=1, p99=1)
    assert percentiles(times[:0]) == Percentiles()


def test_block_intervals_are_between_first_commits() -> None:
    run = measured()
    for at_s, height in ((1.0, 1), (2.5, 2), (3.0, 3), (8.0, 4)):
        run.commit(at_s, 1, height)
        run.commit(at_s + 0.2, 0, height)
    at_ns, gaps_ns = block_intervals_ns(run.finish(10))
    assert at_ns.tolist() == [2.5 * SECOND, 3 * SECOND]
    assert gaps_ns.tolist() == [1.5 * SECOND, 0.5 * SECOND]


def test_the_result_counts_the_whole_run() -> None:
    run = measured()
    run.submit(1.0, 0, 1)
    run.submit(2.5, 1, 9)
    run.commit(1.0, 0, 1, 1)
    run.commit(9.0, 0, 2, 2, 3)
    run.reject(3.0, 2, 8, "underpriced")
    run.sent(9.1, 0, "Prepare", 3, 546)
    result = result_of(run.finish(10), expectations=EXPECTATIONS)
    assert (result.height, result.blocks, result.transactions) == (2, 2, 3)
    assert (result.messages, result.bytes) == (3, 546)
    assert result.rejected == {"underpriced": 1}
    assert (result.confirmations, result.unconfirmed) == (0, 1)
    assert result.virtual_seconds == 10
    assert not result.passed


def test_a_violation_fails_a_run_whose_expectations_hold() -> None:
    collector = feed().finish(1)
    assert result_of(collector, expectations=EXPECTATIONS[:3]).passed
    assert not result_of(collector, expectations=EXPECTATIONS[:3], violation=BREACH).passed


def test_the_json_object_has_the_promised_keys() -> None:
    result = result_of(feed().finish(1), expectations=EXPECTATIONS, violation=BREACH)
    document = json.loads(encode_result(result))
    promised = (
        *("scenario", "seed", "digest", "virtual_seconds", "wall_seconds", "nodes", "height"),
        *("blocks", "transactions", "tps", "confirmation_time_seconds", "messages", "bytes"),
        *("view_changes", "expectations", "run_directory"),
    )
    assert [key for key in promised if key not in document] == []
    assert list(document["confirmation_time_seconds"]) == ["p50", "p95", "p99"]
    assert list(document["expectations"][0]) == ["name", "passed", "detail"]
    assert document["violation"]["checker"] == "agreement"
    assert document["confirmation_time_seconds"]["p50"] is None


def test_a_summary_reads_back_as_it_was(tmp_path: Path) -> None:
    result = result_of(feed().finish(1), expectations=EXPECTATIONS, violation=BREACH)
    path = tmp_path / "summary.json"
    path.write_bytes(encode_result(result))
    assert read_result(path) == result
    assert msgspec.json.decode(path.read_bytes(), type=RunResult) == result


def test_a_broken_summary_names_its_file(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    path.write_text('{"scenario": 4}')
    with pytest.raises(InvalidEncoding, match=r"summary\.json: expected a summary"):
        read_result(path)
