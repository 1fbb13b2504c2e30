"""The bare heap loop: what the interpreter gives before any simulation is done."""

import heapq
import time


def bare_heap_rate(entries: int = 128, operations: int = 400_000) -> float:
    """Return pop-and-push operations a second on a heap of `entries` tuples."""
    heap: list[tuple[int, int]] = [(k * 7919 % 1000, k) for k in range(entries)]
    heapq.heapify(heap)
    replace = heapq.heapreplace
    started = time.perf_counter()
    for k in range(operations):
        at, _ = heap[0]
        replace(heap, (at + 1000, k))
    return operations / (time.perf_counter() - started)
