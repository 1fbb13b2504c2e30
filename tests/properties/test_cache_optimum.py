"""Belady's rule beside a search through everything that a cache could have done."""

from functools import cache as remember

from hypothesis import given, strategies as st

from bench.caches.optimum import optimal_hits
from bench.caches.replay import hits
from storage.cache import POLICIES

REQUESTS = st.lists(st.integers(0, 5).map(lambda number: bytes([number])), max_size=14)


def best_by_search(requests: list[bytes], entries: int) -> int:
    """Try every choice of whom to let go, the newcomer among them."""

    @remember
    def best(at: int, resident: tuple[bytes, ...]) -> int:
        if at == len(requests):
            return 0
        key = requests[at]
        if key in resident:
            return 1 + best(at + 1, resident)
        bigger = (*resident, key)
        if len(bigger) <= entries:
            return best(at + 1, tuple(sorted(bigger)))
        kept = (tuple(sorted(k for k in bigger if k != gone)) for gone in bigger)
        return max(best(at + 1, each) for each in kept)

    return best(0, ())


@given(REQUESTS, st.integers(1, 4))
def test_no_choice_gives_more_hits(requests: list[bytes], entries: int) -> None:
    assert optimal_hits(requests, entries) == best_by_search(requests, entries)


@given(st.lists(st.integers(0, 30).map(lambda n: bytes([n])), max_size=300), st.integers(1, 20))
def test_no_policy_is_above_the_optimum(requests: list[bytes], entries: int) -> None:
    most = optimal_hits(requests, entries)
    assert all(hits(name, requests, entries) <= most for name in POLICIES)
