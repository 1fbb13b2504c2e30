"""Ticks, scales, paths, numbers with units, and where regions stand."""

import itertools

import numpy as np
import pytest
from hypothesis import given, strategies as st

from sim.links.regions import TABLES
from sim.report.page import units
from sim.report.page.axes import (
    Linear,
    Log,
    ceiling,
    log_ticks,
    nice_ticks,
    path,
    steps,
    time_ticks,
)
from sim.report.page.block_times import DOTS_MAX, chosen_blocks
from sim.report.page.clusters import Projection, dot_places, map_clusters, position, spread
from sim.report.page.latency import bucket_edges
from sim.report.page.network_map import HEIGHT, WIDTH, bundle_links, link_opacity
from sim.report.page.throughput import COLUMNS_MAX, column_edges_s, per_column
from sim.report.page.world import is_land
from tests.unit.sim.report_runs import SECOND, picture


def test_ticks_are_round_and_inside() -> None:
    assert nice_ticks(0, 700, 6) == [0, 200, 400, 600]
    assert nice_ticks(0, 1, 5) == [0, 0.25, 0.5, 0.75, 1]
    assert nice_ticks(3, 3, 5) == [3]
    assert time_ticks(60, 13) == [0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60]
    assert time_ticks(7_200, 7)[:3] == [0, 1_800, 3_600]
    assert log_ticks(0.18, 12, 7) == [0.2, 0.5, 1, 2, 5, 10]


@given(st.floats(1e-6, 1e15), st.integers(2, 15))
def test_never_more_ticks_than_asked_for(high: float, most: int) -> None:
    ticks = nice_ticks(0, high, most)
    assert 1 <= len(ticks) <= most
    assert ticks[0] == 0
    assert ticks[-1] <= high * (1 + 1e-9)


@given(st.floats(1e-9, 1e15))
def test_an_axis_ends_a_little_above_its_greatest_value(value: float) -> None:
    assert value < ceiling(value) <= value * 1.5


@given(st.floats(1e-6, 1e6), st.floats(1.01, 1e9), st.integers(2, 12))
def test_log_ticks_lie_inside(low: float, ratio: float, most: int) -> None:
    ticks = log_ticks(low, low * ratio, most)
    assert len(ticks) <= most
    assert all(low * 0.999 <= tick <= low * ratio * 1.001 for tick in ticks)


def test_scales_map_ends_to_ends() -> None:
    linear, log = Linear(0, 10, 100, 200), Log(1, 100, 0, 40)
    assert (linear(0), linear(5), linear(10)) == (100, 150, 200)
    assert (log(1), log(10), log(100), log(0)) == (0, 20, 40, 0)
    assert Linear(3, 3, 0, 10)(3) == 5


def test_paths_are_relative_and_do_not_drift() -> None:
    assert path([(0, 0), (10, 0), (10, 5.04), (12, 7)]) == "M0 0h10v5l2 2"
    assert path([]) == ""
    far = [(i / 3, i / 7) for i in range(300)]
    x = y = 0.0
    for step in path(far).replace("M", " ").replace("l", " l").split("l")[1:]:
        dx, dy = step.split()
        x, y = x + float(dx), y + float(dy)
    assert (x, y) == pytest.approx(far[-1], abs=0.06)


def test_steps_hold_their_value_between_edges() -> None:
    assert steps([0, 1, 3], [5, 7]) == [(0, 5), (1, 5), (1, 7), (3, 7)]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, units.DASH),
        (0, "0 s"),
        (0.000_25, "250 µs"),
        (0.0415, "41.5 ms"),
        (1.236, "1.24 s"),
        (125, "2 min 5 s"),
        (7_260, "2 h 1 min"),
    ],
)
def test_spans_read_well(seconds: float | None, text: str) -> None:
    assert units.seconds(seconds) == text


def test_other_numbers_read_well() -> None:
    assert units.size(999) == "999 B"
    assert units.size(22_840_000) == "22.8 MB"
    assert units.compact(1_299_456) == "1.3M"
    assert units.compact(950) == "950"
    assert units.significant(1234.5) == "1,234"
    assert units.significant(0.012345) == "0.0123"
    assert units.clock(150) == "2:30"
    assert units.minutes_clock(30) == "0:30"
    assert units.clock(3_750) == "1:02:30"
    assert units.percent(0.125) == "12.5 %"
    assert units.index_ranges([3, 0, 1, 2, 7]) == f"0{units.DASH}3, 7"


def test_columns_of_a_long_run_hold_several_seconds() -> None:
    assert column_edges_s(3 * SECOND) == [0, 1, 2, 3]
    edges = column_edges_s(3_600 * SECOND)
    assert len(edges) <= COLUMNS_MAX + 1
    assert edges[-1] == 3_600
    rates = per_column(np.full(3_600, 10, dtype=np.int64), edges)
    assert rates.tolist() == pytest.approx([10.0] * len(rates))


def test_the_last_column_is_a_rate_even_when_it_is_short() -> None:
    edges = column_edges_s(2_500_000_000)
    assert edges == [0, 1, 2, 2.5]
    assert per_column(np.array([4, 0, 3]), edges).tolist() == [4, 0, 6]


def test_histogram_edges_hold_every_value() -> None:
    for values in ([0.1, 0.2, 0.3], [0.1, 3.0, 9.0], [0.5], [0.0, 0.0], [1e-9, 1.0]):
        edges = bucket_edges(np.array(values))
        assert np.all(np.diff(edges) > 0)
        assert np.histogram(values, bins=edges)[0].sum() == len(values)


def test_of_many_blocks_the_longest_of_each_stretch_is_drawn() -> None:
    gaps = np.ones(5_000)
    gaps[[17, 4_999]] = 9.0
    chosen = chosen_blocks(gaps)
    assert len(chosen) == DOTS_MAX
    assert {17, 4_999} <= set(chosen.tolist())
    assert chosen_blocks(gaps[:10]).tolist() == list(range(10))


def test_every_region_that_ships_has_a_place_on_land_or_at_its_coast() -> None:
    for table in TABLES.values():
        for region in table.regions:
            place = position(region)
            assert place is not None, region
            x, y = place
            near = itertools.product((-2, 0, 2), (-2, 0, 2))
            assert any(is_land(x + dx, y + dy) for dx, dy in near), region


def test_the_oceans_are_not_land() -> None:
    for place in ((-40, 30), (-150, 0), (80, -20), (-25, -30), (170, 30)):
        assert not is_land(*place)


def test_regions_that_are_close_are_pushed_apart() -> None:
    clusters = map_clusters(picture(104), Projection(16, 8, 3.1))
    assert clusters is not None
    spread(clusters, WIDTH, HEIGHT)
    for one, other in itertools.combinations(clusters, 2):
        distance = np.hypot(one.x - other.x, one.y - other.y)
        assert distance >= one.radius + other.radius, (one.region, other.region)
    for cluster in clusters:
        for x, y in dot_places(cluster):
            assert np.hypot(x - cluster.x, y - cluster.y) <= cluster.radius


def test_an_unknown_region_has_no_place() -> None:
    assert position("Atlantis") is None
    assert position("us-moon") is None
    assert position("n-virginia") == position("N_Virginia")
    assert map_clusters(picture(4, regions=("Tokyo", "Atlantis")), Projection(0, 0, 1)) is None


def test_links_are_bundled_by_pair_of_regions() -> None:
    bundles = bundle_links(picture(4, regions=("Tokyo", "London")))
    assert {pair: bundle.count for pair, bundle in bundles.items()} == {
        ("London", "Tokyo"): 4,
        ("Tokyo", "Tokyo"): 1,
        ("London", "London"): 1,
    }
    assert bundles["London", "Tokyo"].mean_ns == 104_000_000


def test_near_links_are_drawn_more_strongly() -> None:
    opacities = [link_opacity(ms * 1_000_000) for ms in (1, 10, 50, 200, 900)]
    assert opacities == sorted(opacities, reverse=True)
    assert opacities[0] == opacities[1] == pytest.approx(0.75)
    assert opacities[3] == opacities[4] == pytest.approx(0.14)
