"""The tables behind the links: laws of jitter, published latencies."""

import numpy as np
import pytest

from network.delays import JitterLaw
from sim.links.jitter import ONE, QUANTILES, quantile_table
from sim.links.places import PLACES
from sim.links.regions import SAME_ZONE_NS, TABLES

MILLISECOND = 1_000_000

MEANS = {
    JitterLaw.NONE: 0.0,
    JitterLaw.NORMAL: (2 / np.pi) ** 0.5,
    JitterLaw.EXPONENTIAL: 1.0,
    JitterLaw.LOGNORMAL: np.exp(0.5),
    JitterLaw.PARETO: 1.0,
}


@pytest.mark.parametrize("law", list(JitterLaw))
def test_tables_ascend_and_have_the_mean_of_their_law(law):
    table = quantile_table(law, 0.25)
    assert len(table) == QUANTILES
    assert table[0] >= 0
    assert (np.diff(table) >= 0).all()
    # 4096 quantiles cut a heavy tail a little short, never long.
    assert table.mean() / ONE == pytest.approx(0.25 * MEANS[law], rel=0.02)


@pytest.mark.parametrize(
    ("law", "median"),
    [
        (JitterLaw.NORMAL, 0.67449),
        (JitterLaw.EXPONENTIAL, 0.693147),
        (JitterLaw.LOGNORMAL, 1.0),
        (JitterLaw.PARETO, 2 * (2 ** (1 / 3) - 1)),
    ],
)
def test_tables_have_the_median_of_their_law(law, median):
    table = quantile_table(law, 0.25)
    assert table[QUANTILES // 2] / ONE == pytest.approx(0.25 * median, rel=0.01)


@pytest.mark.parametrize("name", list(TABLES))
def test_tables_are_square_and_complete(name):
    table = TABLES[name]
    count = len(table.regions)
    assert len(table.latency_ms) == count
    assert all(len(row) == count for row in table.latency_ms)
    assert all(ms >= 0 for row in table.latency_ms for ms in row)
    for column in (table.download_mbit, table.upload_mbit, table.share):
        assert len(column) in (0, count)
    assert not table.share or sum(table.share) == pytest.approx(1, abs=1e-3)
    assert set(table.regions) <= set(PLACES)


@pytest.mark.parametrize("name", ["simblock-6-2019", "simblock-6-2015"])
def test_simblock_tables_are_symmetric(name):
    matrix = np.array(TABLES[name].latency_ms)
    assert (matrix == matrix.T).all()


def test_the_aws_table_is_symmetric_but_where_its_source_is_not():
    matrix = np.array(TABLES["aws-13"].latency_ms)
    names = TABLES["aws-13"].regions
    uneven = {(names[a], names[b]) for a, b in np.argwhere(matrix != matrix.T) if a < b}
    assert uneven == {
        ("Canada", "N_California"),
        ("Canada", "Seoul"),
        ("Oregon", "Singapore"),
        ("Ireland", "S_Paulo"),
        ("Tokyo", "Seoul"),
    }
    assert (matrix.diagonal() == 0).all()


@pytest.mark.parametrize(
    ("name", "origin", "destination", "milliseconds"),
    [
        ("simblock-6-2019", "North_America", "Europe", 124),
        ("simblock-6-2019", "South_America", "Asia_Pacific", 325),
        ("simblock-6-2019", "Japan", "Japan", 12),
        ("simblock-6-2015", "North_America", "Asia_Pacific", 310),
        ("simblock-6-2015", "Australia", "Europe", 350),
        ("aws-13", "N_Virginia", "Tokyo", 73),
        ("aws-13", "London", "Ireland", 5),
        ("aws-13", "Tokyo", "Seoul", 16),
        ("aws-13", "Seoul", "Tokyo", 17),
        ("aws-13", "Singapore", "S_Paulo", 161),
    ],
)
def test_latencies_are_those_of_the_published_tables(name, origin, destination, milliseconds):
    assert TABLES[name].one_way_ns(origin, destination) == milliseconds * MILLISECOND


def test_zero_in_a_table_is_a_quarter_of_a_millisecond():
    assert TABLES["aws-13"].one_way_ns("Seoul", "Seoul") == SAME_ZONE_NS == 250_000


def test_bandwidths_are_those_of_the_published_tables():
    table = TABLES["simblock-6-2019"]
    assert table.download_mbit == (52, 40, 18, 22.8, 22.8, 29.9)
    assert table.upload_mbit == (19.2, 20.7, 5.8, 15.7, 10.2, 11.3)
