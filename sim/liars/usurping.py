"""Usurping: proclaims views that nobody asked for, and that would forget what was prepared.

Every so often it signs a NEW-VIEW for the next view that it would lead, with a VIEW-CHANGE in the
name of every replica: none of them has prepared anything, none has anything final. Its own
signatures are true, those of the others are not. Who believes it throws away blocks that others
may have committed. What stops it is that every backup checks what a NEW-VIEW is made of; its own
honest half is told as well, and would lead the view if it could be fooled.
"""

from collections.abc import Sequence as Seq

from consensus.messages import NewView, ViewChangeVote
from node.seat import OwnMessage
from primitives.ids import Duration, Instant, View
from primitives.machine import NOTHING, Broadcast, Effect, Event, Loopback, Machine, Received
from sim.liars.context import LiarContext
from sim.liars.hearing import Hearing
from sim.liars.ticking import Ticking

INTERVAL = Duration(150_000_000)
NO_SIGNATURE = bytes(64)


class Usurping:
    """Proclaims itself primary."""

    def __init__(self, honest: Machine, context: LiarContext) -> None:
        self._context = context
        self._hearing = Hearing()
        self._ticking = Ticking(honest, INTERVAL, self._listen, self._proclaim)

    def step(self, now: Instant, event: Event) -> Seq[Effect]:
        """Run one turn."""
        return self._ticking.step(now, event)

    def _listen(self, event: Event, effects: Seq[Effect]) -> None:
        self._hearing.listen(event, self._context.place())

    def _proclaim(self) -> Seq[Effect]:
        context, place = self._context, self._context.place()
        if place.index is None:
            return NOTHING
        index, size = int(place.index), place.committee.size
        heard, base = self._hearing.view, place.origin
        view = View(heard + (index - heard - 1) % size + 1)
        votes: list[ViewChangeVote] = []
        for replica in range(size):
            vote = ViewChangeVote(view, replica, base.sequence, base.digest, (), NO_SIGNATURE)
            votes.append(context.sign(vote) if replica == index else vote)
        proclaimed = context.sign(NewView(view, tuple(votes), (), (), b""))
        return [Broadcast(place.group, proclaimed), Loopback(_to_itself(proclaimed, context))]


def _to_itself(proclaimed: NewView, context: LiarContext) -> Event:
    """Return how the honest half hears it. Later replicas believe nothing else of themselves."""
    epoch = context.place().epoch
    return OwnMessage(epoch, proclaimed) if epoch else Received(context.node, proclaimed)
