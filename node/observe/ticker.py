"""A clock inside the event loop: how late it is, and when to look around."""

import asyncio
import gc
import time
from collections.abc import Iterator

from node.observe.families import runtime
from node.observe.reading import Histogram, Reading, Sampled, by_label

LAG_SECONDS = 0.25
"""Between two looks at the loop's lag. An idle node must stay idle."""
TICKS_PER_SAMPLE = 4
"""Looks at the lag for one sample of everything else: a sample a second."""


class Ticker:
    """Asks the loop to be woken up, notes how much too late that is, and samples.

    Args:
        loop: of the node.
        sampled: is given a sample once a second.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, sampled: Sampled) -> None:
        self.lag = Histogram(runtime.LOOP_LAG.bounds)
        self._loop = loop
        self._sampled = sampled
        self._handle: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._ticks = 0

    def start(self) -> None:
        """Begin, with a sample at once. To be called on the loop."""
        if self._handle is None:
            self._sampled.sample(time.monotonic_ns())
            self._arm()

    def stop(self) -> None:
        """End. A second call does nothing."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def readings(self) -> Iterator[Reading]:
        """Yield the lag so far."""
        yield Reading(runtime.LOOP_LAG, self.lag)

    def _arm(self) -> None:
        self._due = self._loop.time() + LAG_SECONDS
        self._handle = self._loop.call_at(self._due, self._tick)

    def _tick(self) -> None:
        self.lag.add(max(0, round((self._loop.time() - self._due) * 1e9)))
        self._ticks += 1
        if self._ticks % TICKS_PER_SAMPLE == 0:
            self._sampled.sample(time.monotonic_ns())
        self._arm()


class CollectionSource:
    """Counts garbage collections of this process from `start` to `stop`."""

    def __init__(self) -> None:
        generations = range(len(gc.get_threshold()))
        self._runs = [0 for _ in generations]
        self._spent_ns = [0 for _ in generations]
        self._began_ns = 0

    def start(self) -> None:
        """Begin to count."""
        if self._on_phase not in gc.callbacks:
            gc.callbacks.append(self._on_phase)

    def stop(self) -> None:
        """Count no more. A second call does nothing."""
        if self._on_phase in gc.callbacks:
            gc.callbacks.remove(self._on_phase)

    def readings(self) -> Iterator[Reading]:
        """Yield the present numbers."""
        runs = [(str(generation), count) for generation, count in enumerate(self._runs)]
        yield from by_label(runtime.GC_RUNS, runs)
        spent = [(str(generation), taken) for generation, taken in enumerate(self._spent_ns)]
        yield from by_label(runtime.GC_TIME, spent)

    def _on_phase(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._began_ns = time.perf_counter_ns()
        elif self._began_ns:
            self._runs[info["generation"]] += 1
            self._spent_ns[info["generation"]] += time.perf_counter_ns() - self._began_ns
