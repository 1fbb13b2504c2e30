"""The most hits that any cache of a size can have: Belady's rule.

Of those in the cache and the one just asked for, let go the one whose next request is farthest
away. A cache that may refuse the newcomer is meant, because some policies here do; that is the
higher bound. Next requests come from one pass backwards. A heap holds (next request, key) of the
residents, farthest first; an entry that is out of date lies before the present time, so it is
never on top while a true one is there. n requests take O(n log n).

Reference: Belady, "A study of replacement algorithms for a virtual-storage computer", 1966.
"""

from collections.abc import Sequence
from heapq import heappop, heappush


def optimal_hits(requests: Sequence[bytes], entries: int) -> int:
    """Return how many requests the best cache of so many entries would answer."""
    upcoming = next_requests(requests)
    resident: set[bytes] = set()
    heap: list[tuple[int, bytes]] = []
    hits = 0
    for key, following in zip(requests, upcoming, strict=True):
        if key in resident:
            hits += 1
        resident.add(key)
        heappush(heap, (-following, key))
        if len(resident) > entries:
            resident.remove(heappop(heap)[1])
    return hits


def next_requests(requests: Sequence[bytes]) -> list[int]:
    """Return for each request when its key is asked for again.

    Keys that never are get times after the end, each its own.
    """
    end = len(requests)
    upcoming = [0] * end
    seen: dict[bytes, int] = {}
    for at in range(end - 1, -1, -1):
        key = requests[at]
        upcoming[at] = seen.get(key, end + at)
        seen[key] = at
    return upcoming
