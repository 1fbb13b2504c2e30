"""Each policy beside its naive twin: the same hits, the same victims in the same order."""

from collections.abc import Callable
from random import Random
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings, strategies as st

from storage.cache import POLICIES, Limits, Policy, lru
from storage.cache.sketch import Sketch
from tests.properties.naive_cache import Naive, NaiveLru, NaiveS3Fifo, NaiveSketch, NaiveTinyLfu

TWINS: dict[str, Callable[[Limits], Naive]] = {
    "lru": NaiveLru,
    "s3-fifo": NaiveS3Fifo,
    "tiny-lfu": NaiveTinyLfu,
}
KEYS = st.integers(0, 11).map(lambda number: number.to_bytes(4, "big"))
STEPS = st.lists(
    st.one_of(
        # Mostly what a cache sees: a read, and a put where it found nothing.
        st.tuples(st.just("read"), KEYS, st.integers(1, 5)),
        st.tuples(st.just("read"), KEYS, st.integers(1, 5)),
        st.tuples(st.just("put"), KEYS, st.integers(1, 9)),
        st.tuples(st.just("discard"), KEYS, st.just(0)),
    ),
    max_size=120,
)
LIMITS = st.builds(Limits, st.integers(1, 9), st.integers(1, 40))


@pytest.mark.parametrize("name", list(POLICIES))
@settings(max_examples=150)
@given(limits=LIMITS, steps=STEPS)
def test_a_policy_and_its_twin_agree(
    name: str, limits: Limits, steps: list[tuple[str, bytes, int]]
) -> None:
    check_agreement(name, limits, steps)


def check_agreement(name: str, limits: Limits, steps: list[tuple[str, bytes, int]]) -> None:
    missed: list[bytes] = []
    cache = POLICIES[name](limits, missed.append)
    twin = TWINS[name](limits)
    reads = 0
    for at, (what, key, size) in enumerate(steps):
        value: Any = at + 1
        if what == "discard":
            cache.discard(key)
            twin.discard(key)
        elif what == "put":
            assert list(cache.put(key, value, size)) == twin.put(key, value, size)
        else:
            reads += 1
            found, expected = cache.get(key), twin.get(key)
            assert found == expected
            if expected is None:
                assert missed.pop() == key
                assert list(cache.put(key, value, size)) == twin.put(key, value, size)
        items = twin.items()
        counters = cache.counters()
        assert all(item[0] in cache for item in items)
        assert (counters.entries, counters.bytes) == (len(items), sum(i[2] for i in items))
        assert counters.entries == len(cache) <= limits.entries
        assert counters.bytes <= limits.bytes
        assert (counters.hits, counters.misses) == (twin.hits, reads - twin.hits)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 20)), max_size=400))
def test_the_sketch_and_its_twin_agree(additions: list[tuple[int, int]]) -> None:
    sketch, twin = Sketch(64), NaiveSketch(64)
    for number, requests in additions:
        sketch.add(bytes([number]), requests)
        twin.add(bytes([number]), requests)
    for number in range(41):
        assert sketch.count(bytes([number])) == twin.count(bytes([number]))


@pytest.mark.parametrize("name", list(POLICIES))
@settings(max_examples=4)
@given(st.integers(0, 1 << 32))
def test_larger_maps_agree_with_their_twins_too(name: str, seed: int) -> None:
    random = Random(seed)
    limits = Limits(250, 2_000)
    cache: Policy[int | None] = POLICIES[name](limits, _nothing)
    twin = TWINS[name](limits)
    for _ in range(1_500):
        number = int(random.expovariate(1 / 150))
        key, size = number.to_bytes(4, "big"), 1 + number % 13
        found = cache.get(key)
        assert found == twin.get(key)
        if found is None:
            assert list(cache.put(key, number + 1, size)) == twin.put(key, number + 1, size)
    assert cache.counters().hits == twin.hits > 0
    assert cache.counters().evicted > 0


@settings(max_examples=100)
@given(bits=st.integers(0, 4), limits=LIMITS, steps=STEPS)
def test_lru_agrees_with_its_twin_whatever_its_drawers_hold(
    bits: int, limits: Limits, steps: list[tuple[str, bytes, int]]
) -> None:
    with mock.patch.multiple(lru, DRAWER_BITS=bits, SLACK=0):
        check_agreement("lru", limits, steps)


def _nothing(_key: bytes) -> None:
    return None
