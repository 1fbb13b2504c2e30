"""A node that thinks honestly and speaks otherwise: most lies are this, with another tongue.

What its honest machine sends passes through `change`, once for each recipient. So one recipient
may be told something else than another, or nothing. Its own votes come back to it unchanged: what
it believes stays true.
"""

from collections.abc import Callable, Iterable, Sequence as Seq

from primitives.ids import Instant, NodeId
from primitives.machine import Broadcast, Effect, Event, Machine, Message, Send
from sim.liars.context import LiarContext

Change = Callable[[NodeId, Message], Iterable[Message]]
"""What to send to a recipient instead of a message."""


class Speaker:
    """Wraps an honest machine.

    Args:
        honest: what it wraps.
        context: its place.
        kinds: messages that are changed; all others leave as they are.
        change: how.
    """

    def __init__(
        self,
        honest: Machine,
        context: LiarContext,
        kinds: tuple[type[Message], ...],
        change: Change,
    ) -> None:
        self._honest = honest
        self._members = context.members
        self._kinds = kinds
        self._change = change

    def step(self, now: Instant, event: Event) -> Seq[Effect]:
        """Run one turn."""
        return self.speak(self._honest.step(now, event))

    def speak(self, effects: Seq[Effect]) -> list[Effect]:
        """Return what is said instead of what would have been said."""
        spoken: list[Effect] = []
        for effect in effects:
            if isinstance(effect, Send | Broadcast) and isinstance(effect.message, self._kinds):
                message = effect.message
                to_all = (effect.to,) if isinstance(effect, Send) else self._members(effect.group)
                for to in to_all:
                    spoken += [Send(to, each) for each in self._change(to, message)]
            else:
                spoken.append(effect)
        return spoken
