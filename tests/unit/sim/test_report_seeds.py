"""Intervals over several seeds."""

import math

import msgspec
import pytest

from sim.report import Percentiles, intervals
from sim.report.seeds import interval, student_quantile
from tests.unit.sim.report_runs import feed, result_of


@pytest.mark.parametrize(
    ("samples", "quantile"), [(2, 12.706), (3, 4.303), (5, 2.776), (31, 2.042), (61, 2.000)]
)
def test_quantiles_are_student_s(samples: int, quantile: float) -> None:
    assert student_quantile(samples) == pytest.approx(quantile, abs=6e-4)


def test_no_quantile_below_two_samples() -> None:
    assert math.isinf(student_quantile(1))


def test_the_interval_of_three_values() -> None:
    found = interval("throughput", "tx/s", [10.0, 12.0, 14.0])
    half = 4.303 * 2 / math.sqrt(3)
    assert found.mean == 12
    assert (found.low, found.high) == pytest.approx((12 - half, 12 + half))


def test_one_value_is_its_own_interval() -> None:
    found = interval("height", "blocks", [7.0])
    assert (found.low, found.mean, found.high) == (7, 7, 7)


def test_equal_values_have_no_spread() -> None:
    found = interval("height", "blocks", [7.0, 7.0])
    assert found.low == found.high == 7


def test_a_figure_that_only_some_runs_have_rests_on_those() -> None:
    plain = result_of(feed().finish(1))
    timed = msgspec.structs.replace(
        plain, confirmation_time_seconds=Percentiles(p50=0.5, p95=0.7, p99=0.9)
    )
    by_name = {found.figure: found for found in intervals([plain, timed])}
    assert by_name["confirmation p99"].values == (0.9,)
    assert by_name["height"].values == (0, 0)


def test_a_figure_that_no_run_has_is_left_out() -> None:
    names = [found.figure for found in intervals([result_of(feed().finish(1))] * 2)]
    assert "confirmation p50" not in names
    assert "throughput" in names
