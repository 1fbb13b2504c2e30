"""Replaying: is honest, and every few milliseconds repeats something old to somebody.

What it repeats it has said or heard before: votes, proposals, view changes, new views, answers, of
the present view and of views long over, to whom they were never addressed. All signatures are
true, so nothing but the protocol's own checks tells these messages from new ones.
"""

from collections.abc import Sequence as Seq

from primitives.ids import Duration, Instant
from primitives.machine import (
    Broadcast,
    Effect,
    Event,
    Machine,
    Message,
    Received,
    Send,
)
from sim.liars.context import LiarContext
from sim.liars.ticking import Ticking

INTERVAL = Duration(4_000_000)
MEMORY = 1_024
"""Messages that it remembers; when there are more, a random one gives way to each new one."""


class Replaying:
    """Collects messages and sends them again."""

    def __init__(self, honest: Machine, context: LiarContext) -> None:
        self._context = context
        self._memory: list[Message] = []
        self._ticking = Ticking(honest, INTERVAL, self._listen, self._repeat)

    def step(self, now: Instant, event: Event) -> Seq[Effect]:
        """Run one turn."""
        return self._ticking.step(now, event)

    def _listen(self, event: Event, effects: Seq[Effect]) -> None:
        if isinstance(event, Received):
            self._remember(event.message)
        for effect in effects:
            if isinstance(effect, Send | Broadcast):
                self._remember(effect.message)

    def _remember(self, message: Message) -> None:
        if len(self._memory) < MEMORY:
            self._memory.append(message)
        else:
            self._memory[self._context.generator.integers(MEMORY)] = message

    def _repeat(self) -> Seq[Effect]:
        if not self._memory:
            return ()
        draw = self._context.generator
        message = self._memory[draw.integers(len(self._memory))]
        victims = self._context.place().victims
        return (Send(victims[draw.integers(len(victims))], message),)
