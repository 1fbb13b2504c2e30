"""A node's own clock, which may be set wrong and may run too fast or too slow.

What a node takes for the time is one thing, for how long it waits another. The first is what its
turns are told, and so what stands in the blocks that it builds and what it judges those of others
by. The second is its timers: on a clock that runs fast they end early. Setting a clock moves the
first and leaves the timers that run; a core must be content with a time that jumps, also back.

Machines stay pure: this wraps their `step`, at the border of the host. A node with a true clock
is not wrapped.
"""

from collections.abc import Callable, Sequence

import msgspec

from primitives.ids import Duration, Instant
from primitives.machine import Effect, Event, SetTimer

MILLION = 1_000_000

Step = Callable[[Instant, Event], Sequence[Effect]]
"""A machine's turn."""


class Clock(msgspec.Struct, frozen=True):
    """A clock that is not true. Integer arithmetic only."""

    since_ns: int
    """True instant at which it was set."""
    offset_ns: int = 0
    """What it was wrong by at that instant; positive is ahead."""
    drift_ppm: int = 0
    """What it gains, in ns for each true millisecond; negative is losing. Above -1,000,000."""

    def reading(self, now: int) -> Instant:
        """Return what the clock shows at a true instant."""
        return Instant(now + self.offset_ns + (now - self.since_ns) * self.drift_ppm // MILLION)

    def true_span(self, span_ns: int) -> Duration:
        """Return how long, rounded up, something truly takes that takes `span_ns` by this clock."""
        return Duration(-(-span_ns * MILLION // (MILLION + self.drift_ppm)))


def by_clock(step: Step, clock: Clock) -> Step:
    """Return a machine's turn as it happens on a node with this clock."""

    def stepped(now: Instant, event: Event) -> Sequence[Effect]:
        effects = step(clock.reading(now), event)
        if not clock.drift_ppm:
            return effects
        return [
            SetTimer(effect.timer, clock.true_span(effect.delay_ns))
            if effect.__class__ is SetTimer
            else effect
            for effect in effects
        ]

    return stepped
