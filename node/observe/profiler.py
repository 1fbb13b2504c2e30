"""Times named operations: how often, how long, how many failed, how much memory at most.

Free when off, in the strict sense: whoever wants to be timed lends the attribute that holds the
function (`instrument`), and the profiler puts a timed one in its place only while it is on. Off,
the plain function stands there, and a call costs what it cost before there was a profiler. For
stretches of code that are no call of their own there is `span`, which costs one test when off.

Times are wall time and include what is called inside: an operation that waits for the disk or for
another thread counts the wait, and one inside another counts for both.
"""

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import wraps
from threading import Lock, get_ident
from time import perf_counter_ns
from types import TracebackType
from typing import Any

from node.observe.families import runtime
from node.observe.reading import Histogram, Reading

OPERATIONS_MAX = 256
"""Names that are told apart; what comes beyond is counted as `OTHER`."""
OTHER = "other"

Name = str | Callable[..., str]
"""Of an operation, or what makes it from the call's arguments."""


class Operation:
    """What the calls of one name came to."""

    __slots__ = ("calls", "errors", "maximum_ns", "minimum_ns", "name", "peak_bytes", "times")

    def __init__(self, name: str) -> None:
        self.name = name
        self.calls = 0
        self.errors = 0
        """Calls that ended in an exception; they count among the calls."""
        self.minimum_ns = 0
        self.maximum_ns = 0
        self.peak_bytes = 0
        """Most memory that one call held beyond what was held when it began; 0 if not asked."""
        self.times = Histogram(runtime.OPERATION_TIME.bounds)

    @property
    def total_ns(self) -> int:
        """Return the time of all calls."""
        return self.times.sum

    def add(self, spent_ns: int, *, failed: bool, peak_bytes: int) -> None:
        """Count one call."""
        self.minimum_ns = min(self.minimum_ns, spent_ns) if self.calls else spent_ns
        self.maximum_ns = max(self.maximum_ns, spent_ns)
        self.peak_bytes = max(self.peak_bytes, peak_bytes)
        self.calls += 1
        self.errors += failed
        self.times.add(spent_ns)


@dataclass(slots=True)
class _Frame:
    """A call that goes on, while memory is traced."""

    held_bytes: int
    """When it began."""
    peak_bytes: int
    """Most that was held since."""


@dataclass(frozen=True, slots=True)
class _Lent:
    """An attribute that the profiler may replace."""

    owner: object
    attribute: str
    name: Name


class Profiler:
    """Times operations while it is on. `Source` of their histograms.

    Operations may run on several threads. Memory is that of the whole process: with two
    operations at once each sees what the other takes.
    """

    def __init__(self) -> None:
        self._lent: list[_Lent] = []
        self._undo: list[Callable[[], None]] = []
        """Puts the plain functions back, in the order opposite to that in which they went."""
        self._operations: dict[str, Operation] = {}
        self._lock = Lock()
        self._frames: dict[int, list[_Frame]] = {}
        self._traces = False
        self._began_tracing = False
        self.on = False

    def instrument(self, owner: object, attribute: str, name: Name) -> None:
        """Lend the profiler `owner.attribute`: a method, or an attribute that holds a function.

        Not a coroutine function: its call only makes the coroutine.

        Args:
            owner: looked at anew at each call by whoever calls; an object with a `__dict__`, or
                with a slot of that name.
            attribute: name of the method or attribute.
            name: of the operation, or a function of the call's arguments that returns it.
        """
        lent = _Lent(owner, attribute, name)
        self._lent.append(lent)
        if self.on:
            self._put_in(lent)

    def span(self, name: str) -> AbstractContextManager[object]:
        """Return a context that times what is inside, or does nothing while the profiler is off."""
        return Span(self, name) if self.on else _NOTHING

    def start(self, *, memory: bool = False) -> None:
        """Time from now on, beside what was timed before. Starting twice changes nothing.

        Args:
            memory: note peaks too. Python then keeps account of every object it makes, which
                makes all of it some times slower.
        """
        if self.on:
            return
        self._traces = memory
        if memory and not tracemalloc.is_tracing():
            tracemalloc.start()
            self._began_tracing = True
        self.on = True
        for lent in self._lent:
            self._put_in(lent)

    def stop(self) -> None:
        """Time no more; what was timed stays until `reset`."""
        if not self.on:
            return
        self.on = False
        while self._undo:
            self._undo.pop()()
        self._frames.clear()
        if self._began_tracing:
            tracemalloc.stop()
            self._began_tracing = False

    def reset(self) -> None:
        """Forget what was timed."""
        with self._lock:
            self._operations.clear()

    def operations(self) -> list[Operation]:
        """Return what was timed, the longest in total first."""
        with self._lock:
            found = list(self._operations.values())
        return sorted(found, key=lambda each: (-each.total_ns, each.name))

    def readings(self) -> Iterator[Reading]:
        """Yield the histograms and errors of all operations."""
        for each in sorted(self.operations(), key=lambda each: each.name):
            yield Reading(runtime.OPERATION_TIME, each.times, (each.name,))
            yield Reading(runtime.OPERATION_ERRORS, each.errors, (each.name,))

    def timed(self, function: Callable[..., Any], name: Name) -> Callable[..., Any]:
        """Return a function that calls `function` and times it."""
        named = name if callable(name) else None
        fixed = "" if callable(name) else name

        @wraps(function)
        def call(*arguments: Any, **options: Any) -> Any:
            with Span(self, named(*arguments, **options) if named else fixed):
                return function(*arguments, **options)

        return call

    def begin(self) -> None:
        """Note how much memory is held, if that was asked for. `Span` calls it."""
        if not self._traces or not tracemalloc.is_tracing():
            return
        held, peak = tracemalloc.get_traced_memory()
        frames = self._frames.setdefault(get_ident(), [])
        if frames:
            frames[-1].peak_bytes = max(frames[-1].peak_bytes, peak)
        tracemalloc.reset_peak()
        frames.append(_Frame(held, held))

    def end(self, name: str, spent_ns: int, *, failed: bool) -> None:
        """Count one call. `Span` calls it."""
        peak_bytes = self._peak()
        with self._lock:
            operation = self._operations.get(name)
            if operation is None:
                shown = name if len(self._operations) < OPERATIONS_MAX else OTHER
                operation = self._operations.setdefault(shown, Operation(shown))
            operation.add(spent_ns, failed=failed, peak_bytes=peak_bytes)

    def _peak(self) -> int:
        """Return the most memory that the innermost call of this thread held on top."""
        frames = self._frames.get(get_ident())
        if not frames or not tracemalloc.is_tracing():
            return 0
        frame = frames.pop()
        peak = max(frame.peak_bytes, tracemalloc.get_traced_memory()[1])
        if frames:
            frames[-1].peak_bytes = max(frames[-1].peak_bytes, peak)
        return max(0, peak - frame.held_bytes)

    def _put_in(self, lent: _Lent) -> None:
        owner, attribute = lent.owner, lent.attribute
        plain = getattr(owner, attribute)
        is_method = hasattr(owner, "__dict__") and attribute not in vars(owner)
        setattr(owner, attribute, self.timed(plain, lent.name))
        if is_method:
            self._undo.append(lambda: delattr(owner, attribute))
        else:
            self._undo.append(lambda: setattr(owner, attribute, plain))


class Span:
    """One timed stretch."""

    __slots__ = ("_began_ns", "_name", "_profiler")

    def __init__(self, profiler: Profiler, name: str) -> None:
        self._profiler = profiler
        self._name = name
        self._began_ns = 0

    def __enter__(self) -> None:
        self._profiler.begin()
        self._began_ns = perf_counter_ns()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        spent_ns = perf_counter_ns() - self._began_ns
        self._profiler.end(self._name, spent_ns, failed=error is not None)


_NOTHING: AbstractContextManager[object] = nullcontext()
