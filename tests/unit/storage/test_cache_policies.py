"""What each policy promises, one rule at a time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from primitives.errors import InvalidInput
from storage.cache import POLICIES, Limits, Lru, Policy, PolicyMaker, S3Fifo, TinyLfu
from storage.cache.sketch import COUNT_MAX, Sketch

ROOMY = 1_000_000


def key(number: int) -> bytes:
    return number.to_bytes(4, "big")


def empty(maker: PolicyMaker, entries: int, size: int = ROOMY) -> Policy[int | None]:
    return maker(Limits(entries, size), lambda _key: None)


def ask(cache: Policy[int | None], *numbers: int) -> None:
    """Read each, and put it where it is missing."""
    for number in numbers:
        if cache.get(key(number)) is None:
            cache.put(key(number), number, 1)


def resident(cache: Policy[int | None], numbers: range) -> list[int]:
    return [number for number in numbers if key(number) in cache]


@pytest.mark.parametrize("name", list(POLICIES))
class TestEveryPolicy:
    def test_what_is_larger_than_everything_is_refused(self, name: str) -> None:
        cache = empty(POLICIES[name], 10, 100)
        cache.put(key(1), 1, 50)
        assert list(cache.put(key(2), 2, 101)) == [(key(2), 2)]
        assert resident(cache, range(3)) == [1]

    def test_a_value_that_grew_too_large_takes_its_key_with_it(self, name: str) -> None:
        cache = empty(POLICIES[name], 10, 100)
        cache.put(key(1), 1, 50)
        assert list(cache.put(key(1), 5, 101)) == [(key(1), 5)]
        assert len(cache) == 0
        assert cache.counters().bytes == 0

    def test_a_new_value_under_an_old_key_is_the_one_that_is_read(self, name: str) -> None:
        cache = empty(POLICIES[name], 10)
        cache.put(key(1), 1, 5)
        cache.put(key(1), 2, 7)
        assert cache.get(key(1)) == 2
        assert (cache.counters().admitted, cache.counters().bytes) == (1, 7)

    def test_misses_are_answered_by_the_way_down(self, name: str) -> None:
        cache: Policy[bytes] = POLICIES[name](Limits(1, 1), lambda missing: missing + b"!")
        assert cache.get(b"x") == b"x!"
        assert cache.counters().misses == 1

    def test_none_is_a_value(self, name: str) -> None:
        cache = empty(POLICIES[name], 4)
        cache.put(key(1), None, 1)
        cache.get(key(1))
        assert cache.counters().hits == 1

    def test_membership_is_no_read(self, name: str) -> None:
        cache = empty(POLICIES[name], 4)
        assert key(1) not in cache
        assert (cache.counters().hits, cache.counters().misses) == (0, 0)

    def test_discarding_over_and_over_leaves_nothing_behind(self, name: str) -> None:
        cache = empty(POLICIES[name], 100)
        for number in range(5_000):
            cache.put(key(number), number, 1)
            cache.discard(key(number))
        names = ("_small", "_main", "_window", "_probation", "_protected")
        queues = [getattr(cache, name) for name in names if hasattr(cache, name)]
        assert sum(len(queue.filed) for queue in queues) < 50
        assert len(getattr(cache, "_ghosts", ())) < 50
        assert getattr(cache, "_filed", 0) < 50
        assert sum(len(drawer) for drawer in getattr(cache, "_drawers", {}).values()) < 50
        assert cache.counters().bytes == 0


def test_lru_lets_go_who_was_used_longest_ago() -> None:
    cache = empty(Lru, 3)
    ask(cache, 1, 2, 3, 1, 2, 4)
    assert resident(cache, range(5)) == [1, 2, 4]


def test_lru_files_nobody_twice() -> None:
    cache = empty(Lru, 30)
    ask(cache, *range(31))
    for number in range(2, 30):
        cache.discard(key(number))
    ask(cache, *range(100, 200))
    assert resident(cache, range(200)) == list(range(170, 200))


def test_s3_fifo_keeps_the_main_queue_through_a_scan() -> None:
    cache = empty(S3Fifo, 20)
    hot = range(10)
    ask(cache, *hot, *hot, *hot, *range(100, 1_100))
    assert resident(cache, hot) == list(hot)


def test_s3_fifo_takes_who_comes_back_into_the_main_queue() -> None:
    cache = empty(S3Fifo, 10)
    ask(cache, *range(11))
    assert key(0) not in cache
    ask(cache, 0, *range(100, 200))
    assert key(0) in cache


def test_s3_fifo_lets_go_after_one_read_only() -> None:
    cache = empty(S3Fifo, 10)
    ask(cache, 0, 0, *range(1, 11))
    assert key(0) not in cache


def floods_survived(reads: int) -> int:
    """Return how many popular newcomers it takes to drive out one that was read so often."""
    cache = empty(S3Fifo, 10)
    hot = range(10)
    ask(cache, *hot, *hot, *hot)
    ask(cache, *range(10, 12))
    ask(cache, *[9] * reads)
    floods = 0
    while key(9) in cache:
        floods += 1
        ask(cache, *[100 + floods] * 3)
    return floods


def test_s3_fifo_counts_up_to_three_uses() -> None:
    assert floods_survived(0) < floods_survived(1) < floods_survived(3) == floods_survived(50)


def test_tiny_lfu_refuses_who_is_asked_for_less() -> None:
    cache = empty(TinyLfu, 20)
    hot = range(19)
    for _ in range(5):
        ask(cache, *hot)
    ask(cache, *range(100, 150))
    assert resident(cache, hot) == list(hot)


def test_tiny_lfu_protects_four_fifths_of_what_the_window_leaves() -> None:
    cache = empty(TinyLfu, 100)
    for _ in range(3):
        ask(cache, *range(100))
    ask(cache, 200, 200, 200, 201)
    assert isinstance(cache, TinyLfu)
    parts = (cache._window, cache._probation, cache._protected)
    assert [part.entries for part in parts] == [1, 20, 79]


def test_tiny_lfu_gives_who_was_read_a_second_chance_in_the_window() -> None:
    cache = empty(TinyLfu, 200)
    ask(cache, *range(200))
    ask(cache, 198, 300, 301)
    assert isinstance(cache, TinyLfu)
    assert [entry.key for entry in cache._window.filed] == [key(198), key(301)]


def test_the_sketch_forgets_by_half() -> None:
    sketch = Sketch(64)
    for _ in range(639):
        sketch.add(b"hot", 1)
    assert sketch.count(b"hot") == COUNT_MAX
    sketch.add(b"hot", 1)
    assert sketch.count(b"hot") == COUNT_MAX // 2


@pytest.mark.parametrize("limits", [(0, 1), (1, 0)])
def test_bounds_are_at_least_one(limits: tuple[int, int]) -> None:
    with pytest.raises(InvalidInput, match=r"cache\.limits"):
        Limits(*limits)


SCRIPT = """
from random import Random
from bench.caches.replay import hits
random = Random(5)
keys = [int(random.paretovariate(0.7)).to_bytes(40, "big") for _ in range(3_000)]
print([hits(name, keys, 50) for name in ("lru", "s3-fifo", "tiny-lfu")])
"""


def test_hits_do_not_depend_on_the_hash_seed(repository: Path) -> None:
    outputs = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=repository,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert outputs[0] == outputs[1] != ""
