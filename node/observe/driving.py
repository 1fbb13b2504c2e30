"""What driving a live node takes: turns, jobs, queues."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import msgspec

from node.observe.families import runtime
from node.observe.reading import Reading, by_label


class Turns(Protocol):
    """What a driver has done; `node.runtime.limits.DriverFigures`. Only read."""

    turns: int
    busy_ns: int
    portions: int
    stalls: int
    work: dict[str, int]


class Jobs(Protocol):
    """What the jobs of one priority took; `node.runtime.scheduler.JobFigures`. Only read."""

    done: int
    busy_ns: int
    waited_ns: int


class DriverSource:
    """Reads a driver's figures.

    Args:
        turns: of the driver.
        jobs: of its scheduler, by priority (members of an enum).
    """

    def __init__(self, turns: Turns, jobs: Mapping[Any, Jobs]) -> None:
        self._turns = turns
        self._jobs = jobs

    def readings(self) -> Iterator[Reading]:
        """Yield the present numbers."""
        turns = self._turns
        yield Reading(runtime.TURNS, turns.turns)
        yield Reading(runtime.BUSY, turns.busy_ns)
        yield Reading(runtime.PORTIONS, turns.portions)
        yield Reading(runtime.STALLS, turns.stalls)
        yield from by_label(runtime.WORK_UNITS, sorted(turns.work.items()))
        for priority, jobs in self._jobs.items():
            label = (priority.name.lower(),)
            yield Reading(runtime.JOBS, jobs.done, label)
            yield Reading(runtime.JOB_TIME, jobs.busy_ns, label)
            yield Reading(runtime.JOB_WAIT, jobs.waited_ns, label)


class QueueFigures(msgspec.Struct, frozen=True):
    """How one queue stands."""

    depth: int
    """Entries that wait now."""
    depth_max: int | None = None
    """The most that ever waited; None where nobody counts."""
    dropped: int | None = None
    """Entries that found it full so far; None where none is ever turned away."""


class QueueSource:
    """Reads the queues of the runtime."""

    def __init__(self) -> None:
        self._queues: dict[str, Callable[[], QueueFigures]] = {}

    def watch(self, name: str, figures: Callable[[], QueueFigures]) -> None:
        """Have a queue read from now on, under this name."""
        self._queues[name] = figures

    def readings(self) -> Iterator[Reading]:
        """Yield the present numbers."""
        for name, ask in self._queues.items():
            figures = ask()
            yield Reading(runtime.QUEUE_DEPTH, figures.depth, (name,))
            if figures.depth_max is not None:
                yield Reading(runtime.QUEUE_DEPTH_MAX, figures.depth_max, (name,))
            if figures.dropped is not None:
                yield Reading(runtime.QUEUE_DROPPED, figures.dropped, (name,))
