"""A node that is honest in all it does, and does something else beside it at regular intervals."""

from collections.abc import Callable, Sequence as Seq

from primitives.ids import Duration, Instant
from primitives.machine import Effect, Event, Machine, SetTimer, Started, TimerFired
from sim.liars.context import LiarTimer

TICK = LiarTimer(0)


class Ticking:
    """Wraps an honest machine.

    Args:
        honest: what it wraps.
        interval: between two misdeeds, ns.
        listen: is shown each event and what the honest machine answers to it.
        act: returns one misdeed.
    """

    def __init__(
        self,
        honest: Machine,
        interval: Duration,
        listen: Callable[[Event, Seq[Effect]], None],
        act: Callable[[], Seq[Effect]],
    ) -> None:
        self._honest = honest
        self._interval = interval
        self._listen = listen
        self._act = act

    def step(self, now: Instant, event: Event) -> Seq[Effect]:
        """Run one turn."""
        again = SetTimer(TICK, self._interval)
        if isinstance(event, TimerFired) and event.timer == TICK:
            return [*self._act(), again]
        effects = self._honest.step(now, event)
        self._listen(event, effects)
        return [*effects, again] if isinstance(event, Started) else effects
