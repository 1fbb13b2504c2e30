"""Named timers on an event loop.

A request timer is set anew at every delivery. A loop's timer costs a heap entry each time, so a
later setting only moves the due time, and the loop's timer follows when it comes up.

A firing waits for its turn like any event. Until the turn begins, setting or cancelling the timer
makes the firing void: the machine has been promised that.
"""

import asyncio
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from primitives.ids import Duration

SECOND_NS = 1_000_000_000
MILLISECOND_NS = 1_000_000
"""Loops round to milliseconds, some of them down."""


@dataclass(slots=True)
class Timer:
    """One named timer."""

    name: Hashable
    due: int | None = None
    """Monotonic nanoseconds; None while it is not set."""
    scheduled: int = 0
    """When `handle` comes up."""
    handle: asyncio.TimerHandle | None = None
    serial: int = 0
    """Counts settings and cancellings."""
    queued: int = 0
    """Firings that wait for their turn."""

    @property
    def is_idle(self) -> bool:
        """Whether nobody would notice if it were forgotten."""
        return self.due is None and self.handle is None and not self.queued


@dataclass(frozen=True, slots=True)
class Fired:
    """A timer was due; void if it is set or cancelled before its turn."""

    timer: Timer
    serial: int


class Timers:
    """The timers of one node.

    Args:
        loop: they live on.
        fire: takes a firing that waits for its turn; `taken` says later whether it still counts.
        monotonic: nanoseconds, never going back.
    """

    __slots__ = ("_fire", "_loop", "_monotonic", "_timers")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        fire: Callable[[Fired], None],
        monotonic: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._loop = loop
        self._fire = fire
        self._monotonic = monotonic
        self._timers: dict[Hashable, Timer] = {}

    def __len__(self) -> int:
        return len(self._timers)

    def arm(self, name: Hashable, delay: Duration) -> None:
        """Let the timer fire after `delay`, whatever it was set to before."""
        timer = self._timers.get(name)
        if timer is None:
            timer = self._timers[name] = Timer(name)
        timer.serial += 1
        timer.due = due = self._monotonic() + delay
        if timer.handle is not None:
            if timer.scheduled <= due:
                return
            timer.handle.cancel()
        self._schedule(timer, due, delay)

    def disarm(self, name: Hashable) -> None:
        """Make the timer, and a firing that waits, void; a no-op when it is not set."""
        timer = self._timers.get(name)
        if timer is None:
            return
        timer.serial += 1
        timer.due = None
        if timer.handle is not None:
            timer.handle.cancel()
            timer.handle = None
        self._forget(timer)

    def taken(self, fired: Fired) -> bool:
        """Take a firing whose turn has come; False when it was overtaken meanwhile."""
        timer = fired.timer
        timer.queued -= 1
        self._forget(timer)
        return timer.serial == fired.serial

    def close(self) -> None:
        """Let no timer fire any more."""
        for timer in self._timers.values():
            if timer.handle is not None:
                timer.handle.cancel()
        self._timers.clear()

    def _schedule(self, timer: Timer, due: int, delay: int) -> None:
        timer.scheduled = due
        timer.handle = self._loop.call_later(max(delay, 0) / SECOND_NS, self._come_up, timer)

    def _come_up(self, timer: Timer) -> None:
        timer.handle = None
        due = timer.due
        assert due is not None, "cancelling a timer cancels its handle"
        left = due - self._monotonic()
        if left > 0:
            self._schedule(timer, due, max(left, MILLISECOND_NS))
            return
        timer.due = None
        timer.queued += 1
        self._fire(Fired(timer, timer.serial))

    def _forget(self, timer: Timer) -> None:
        if timer.is_idle and self._timers.get(timer.name) is timer:
            del self._timers[timer.name]
