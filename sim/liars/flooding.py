"""Flooding: is honest, and signs votes and proposals for sequences that are far from their turn.

Some lie inside the window, where a replica must keep them and where they take the place of the
liar's own true vote; some at its edge; some beyond all reason. Memory is bounded by the window for
each peer, and one peer alone convinces nobody that he is behind.
"""

from collections.abc import Sequence as Seq

from consensus.messages import Commit, Prepare, PrePrepare
from primitives.ids import Duration, Instant, Sequence
from primitives.keccak import keccak256
from primitives.machine import NOTHING, Broadcast, Effect, Event, Machine
from sim.liars.context import LiarContext
from sim.liars.hearing import Hearing
from sim.liars.ticking import Ticking

INTERVAL = Duration(5_000_000)
FAR = 2**40


class Flooding:
    """Votes ahead of everybody."""

    def __init__(self, honest: Machine, context: LiarContext) -> None:
        self._context = context
        self._hearing = Hearing()
        self._ticking = Ticking(honest, INTERVAL, self._listen, self._flood)

    def step(self, now: Instant, event: Event) -> Seq[Effect]:
        """Run one turn."""
        return self._ticking.step(now, event)

    def _listen(self, event: Event, effects: Seq[Effect]) -> None:
        self._hearing.listen(event, self._context.place())

    def _flood(self) -> Seq[Effect]:
        context, draw = self._context, self._context.generator
        place = context.place()
        if place.index is None:
            return NOTHING
        window = context.params.window
        ahead = (int(draw.integers(1, window)), window + int(draw.integers(3)), FAR)
        sequence = Sequence(self._hearing.sequence + ahead[draw.integers(len(ahead))])
        digest = keccak256(sequence.to_bytes(8, "big"))
        view, index = self._hearing.view, int(place.index)
        votes: list[PrePrepare | Prepare | Commit] = [
            Prepare(view, sequence, digest, digest, index, b""),
            Commit(view, sequence, digest, index, b""),
        ]
        if place.committee.primary(view) == index:
            votes.append(PrePrepare(view, sequence, digest, digest, b"no block", b""))
        return [Broadcast(place.group, context.sign(vote)) for vote in votes]
