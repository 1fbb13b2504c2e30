"""Two-faced: an honest node to one half of the others, a dead one to the other half.

Each half has good reason for what it believes of it. As primary it serves some and starves the
rest, who must neither drag the others into a new view by themselves nor be left behind for good.
"""

from collections.abc import Sequence as Seq

from primitives.ids import Instant, NodeId
from primitives.machine import NOTHING, Effect, Event, Machine, Message, Received
from sim.liars.context import LiarContext
from sim.liars.speaker import Speaker


class TwoFaced:
    """Neither hears nor speaks to one half of the others."""

    def __init__(self, honest: Machine, context: LiarContext) -> None:
        self._place = context.place
        self._speaker = Speaker(
            honest,
            context,
            (Message,),
            lambda to, message: () if self._is_shunned(to) else (message,),
        )

    def step(self, now: Instant, event: Event) -> Seq[Effect]:
        """Run one turn."""
        if isinstance(event, Received) and self._is_shunned(event.sender):
            return NOTHING
        return self._speaker.step(now, event)

    def _is_shunned(self, node: NodeId) -> bool:
        _, shunned = self._place().halves
        return node in shunned
