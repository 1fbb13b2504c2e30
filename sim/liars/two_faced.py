"""Two-faced: an honest node to one half of the others, a dead one to the other half.

Each half has good reason for what it believes of it. As primary it serves some and starves the
rest, who must neither drag the others into a new view by themselves nor be left behind for good.
"""

from collections.abc import Sequence as Seq

from primitives.ids import Instant
from primitives.machine import NOTHING, Effect, Event, Machine, Message, Received
from sim.liars.context import LiarContext
from sim.liars.speaker import Speaker


class TwoFaced:
    """Neither hears nor speaks to one half of the others."""

    def __init__(self, honest: Machine, context: LiarContext) -> None:
        _, shunned = context.halves()
        self._shunned = shunned
        self._speaker = Speaker(
            honest,
            context,
            (Message,),
            lambda to, message: () if to in shunned else (message,),
        )

    def step(self, now: Instant, event: Event) -> Seq[Effect]:
        """Run one turn."""
        if isinstance(event, Received) and event.sender in self._shunned:
            return NOTHING
        return self._speaker.step(now, event)
