"""One trace through the policies, at one size, beside the optimum."""

from collections.abc import Callable, Sequence

from bench.caches.optimum import optimal_hits
from storage.cache import POLICIES, Limits, Policy

ENTRY_BYTES = 1


def hits(policy: str, requests: Sequence[bytes], entries: int) -> int:
    """Return how many requests a policy answers when each miss is put."""
    room = Limits(entries, entries * ENTRY_BYTES)
    cache: Policy[bool]

    def load(key: bytes) -> bool:
        cache.put(key, value=True, size=ENTRY_BYTES)
        return True

    cache = POLICIES[policy](room, load)
    get: Callable[[bytes], bool] = cache.get
    for key in requests:
        get(key)
    return cache.counters().hits


def hit_rates(requests: Sequence[bytes], entries: int) -> dict[str, float]:
    """Return the hit rate of each policy and, under "optimum", of the best there can be."""
    total = len(requests)
    rates = {name: hits(name, requests, entries) / total for name in POLICIES}
    return {**rates, "optimum": optimal_hits(requests, entries) / total}
