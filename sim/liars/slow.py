"""Slow: says everything of consensus so late that nobody is quite entitled to replace it.

A primary is judged by whether blocks come, not by how fast it could make them. One that delays its
messages to just under the timeout keeps its office, and sets the pace of the whole chain.

Reference: Clement et al., Making Byzantine Fault Tolerant Systems Tolerate Byzantine Faults
(Aardvark), NSDI 2009.
"""

from collections.abc import Sequence as Seq

from primitives.ids import Duration, Instant
from primitives.machine import Broadcast, Effect, Event, Machine, Send, SetTimer, TimerFired
from sim.liars.context import LiarContext, LiarTimer

PATIENCE_PERCENT = 75
"""Share of the request timeout that it takes; the rest is for the batch and three hops."""


class Slow:
    """Holds what consensus sends back for most of the request timeout, in order."""

    def __init__(self, honest: Machine, context: LiarContext) -> None:
        self._honest = honest
        self._delay = Duration(context.params.request_timeout * PATIENCE_PERCENT // 100)
        self._held: dict[LiarTimer, list[Effect]] = {}
        self._batches = 0

    def step(self, now: Instant, event: Event) -> Seq[Effect]:
        """Run one turn: let go what is due, or hold back what is new."""
        if isinstance(event, TimerFired) and isinstance(event.timer, LiarTimer):
            return self._held.pop(event.timer)
        at_once: list[Effect] = []
        late: list[Effect] = []
        for effect in self._honest.step(now, event):
            spoken = isinstance(effect, Send | Broadcast) and effect.message.core == "consensus"
            (late if spoken else at_once).append(effect)
        if late:
            timer = LiarTimer(self._batches)
            self._batches += 1
            self._held[timer] = late
            at_once.append(SetTimer(timer, self._delay))
        return at_once
