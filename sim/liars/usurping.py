"""Usurping: proclaims views that nobody asked for, and that would forget what was prepared.

Every so often it signs a NEW-VIEW for the next view that it would lead, with a VIEW-CHANGE in the
name of every replica: none of them has prepared anything, none has anything final. Its own
signatures are true, those of the others are not. Who believes it throws away blocks that others
may have committed. What stops it is that every backup checks what a NEW-VIEW is made of; its own
honest half is told as well, and would lead the view if it could be fooled.
"""

from collections.abc import Sequence as Seq

from consensus.messages import Commit, NewView, Prepare, ViewChangeVote
from consensus.signing import DOMAIN
from primitives.ids import Duration, Hash32, Instant, Sequence, View
from primitives.machine import Broadcast, Effect, Event, Loopback, Machine, Received
from sim.liars.context import LiarContext
from sim.liars.ticking import Ticking

INTERVAL = Duration(150_000_000)
NO_SIGNATURE = bytes(64)


class Usurping:
    """Proclaims itself primary."""

    def __init__(self, honest: Machine, context: LiarContext) -> None:
        self._context = context
        self._view = View(0)
        self._genesis = Hash32(context.binding[len(DOMAIN) : len(DOMAIN) + 32])
        self._ticking = Ticking(honest, INTERVAL, self._listen, self._proclaim)

    def step(self, now: Instant, event: Event) -> Seq[Effect]:
        """Run one turn."""
        return self._ticking.step(now, event)

    def _listen(self, event: Event, effects: Seq[Effect]) -> None:
        """Keep up with the view that the others work in."""
        if isinstance(event, Received) and isinstance(event.message, Prepare | Commit):
            self._view = max(self._view, event.message.view)

    def _proclaim(self) -> Seq[Effect]:
        context = self._context
        index, size = int(context.index), context.committee.size
        view = View(self._view + (index - self._view - 1) % size + 1)
        votes: list[ViewChangeVote] = []
        for replica in range(size):
            vote = ViewChangeVote(view, replica, Sequence(0), self._genesis, (), NO_SIGNATURE)
            votes.append(context.sign(vote) if replica == index else vote)
        proclaimed = context.sign(NewView(view, tuple(votes), (), (), b""))
        return [
            Broadcast("committee", proclaimed),
            Loopback(Received(context.index, proclaimed)),
        ]
