"""Latency histograms against a sorted list of all values."""

import math

from hypothesis import given, strategies as st

from sim.load.histogram import ERROR_BOUND, LatencyHistogram, bucket_middle, bucket_of

values = st.lists(st.integers(0, 10**13) | st.integers(0, 5_000), min_size=1, max_size=200)
shares = st.floats(0.0, 1.0)


def counted(spans: list[int]) -> LatencyHistogram:
    histogram = LatencyHistogram()
    for span in spans:
        histogram.add(span)
    return histogram


@given(values, st.lists(shares, min_size=1, max_size=5))
def test_quantiles_are_those_of_the_sorted_list_within_the_bound(
    spans: list[int], asked: list[float]
) -> None:
    ordered = sorted(spans)
    for share, found in zip(asked, counted(spans).quantiles(asked), strict=True):
        true = ordered[max(1, math.ceil(share * len(spans) - 1e-9)) - 1]
        assert abs(found - true) <= true * ERROR_BOUND


@given(values, values)
def test_two_histograms_add_up(one: list[int], other: list[int]) -> None:
    both = counted(one)
    both.merge(counted(other))
    whole = counted(one + other)
    assert both.buckets() == whole.buckets()
    assert (both.count, both.total) == (whole.count, whole.total)
    assert (both.least, both.greatest) == (min(one + other), max(one + other))


@given(st.integers(0, 10**15))
def test_a_value_lies_in_the_bucket_whose_middle_is_near_it(value: int) -> None:
    place = bucket_of(value)
    assert bucket_of(bucket_middle(place)) == place
    assert bucket_of(value + 1) in (place, place + 1)
