"""Flooding: is honest, and signs votes and proposals for sequences that are far from their turn.

Some lie inside the window, where a replica must keep them and where they take the place of the
liar's own true vote; some at its edge; some beyond all reason. Memory is bounded by the window for
each peer, and one peer alone convinces nobody that he is behind.
"""

from collections.abc import Sequence as Seq

from consensus.messages import Commit, Prepare, PrePrepare
from primitives.ids import Duration, Instant, Sequence, View
from primitives.keccak import keccak256
from primitives.machine import Broadcast, Effect, Event, Machine, Received
from sim.liars.context import LiarContext
from sim.liars.ticking import Ticking

INTERVAL = Duration(5_000_000)
FAR = 2**40


class Flooding:
    """Votes ahead of everybody."""

    def __init__(self, honest: Machine, context: LiarContext) -> None:
        self._context = context
        self._view = View(0)
        self._sequence = Sequence(0)
        self._ticking = Ticking(honest, INTERVAL, self._listen, self._flood)

    def step(self, now: Instant, event: Event) -> Seq[Effect]:
        """Run one turn."""
        return self._ticking.step(now, event)

    def _listen(self, event: Event, effects: Seq[Effect]) -> None:
        """Keep up with the others: their votes say where they are."""
        if isinstance(event, Received) and isinstance(event.message, Prepare | Commit):
            self._view = max(self._view, event.message.view)
            self._sequence = max(self._sequence, event.message.sequence)

    def _flood(self) -> Seq[Effect]:
        context, draw = self._context, self._context.generator
        window = context.params.window
        ahead = (int(draw.integers(1, window)), window + int(draw.integers(3)), FAR)
        sequence = Sequence(self._sequence + ahead[draw.integers(len(ahead))])
        digest = keccak256(sequence.to_bytes(8, "big"))
        view, index = self._view, context.index
        votes: list[PrePrepare | Prepare | Commit] = [
            Prepare(view, sequence, digest, digest, index, b""),
            Commit(view, sequence, digest, index, b""),
        ]
        if context.committee.primary(view) == index:
            votes.append(PrePrepare(view, sequence, digest, digest, b"no block", b""))
        return [Broadcast("committee", context.sign(vote)) for vote in votes]
