"""A book of offences that remembers them all, and prefers whom nothing is known of."""

from collections.abc import Sequence

from network.offences import Offence
from primitives.ids import Instant, NodeId
from primitives.machine import Effect, Emit, TraceEvent


class Noted(TraceEvent, frozen=True):
    """What the book says of an offence, if it is to say anything."""

    name = "noted"

    peer: int
    offence: str


class Book:
    """Counts offences; each costs one point."""

    def __init__(self, *, speaks: bool = False) -> None:
        self.offences: dict[NodeId, dict[str, int]] = {}
        self.speaks = speaks

    def count(self, now: Instant, peer: NodeId, offence: Offence) -> Sequence[Effect]:
        counts = self.offences.setdefault(peer, {})
        counts[offence] = counts.get(offence, 0) + 1
        return (Emit(Noted(peer, offence)),) if self.speaks else ()

    def score(self, now: Instant, peer: NodeId) -> int:
        return -sum(self.offences.get(peer, {}).values())

    def ranked(self, now: Instant, peers: list[NodeId]) -> list[NodeId]:
        return sorted(peers, key=lambda peer: -self.score(now, peer))


def noted(core: object) -> dict[NodeId, dict[str, int]]:
    """Return what a core's book has noted."""
    book = core.state.book if hasattr(core.state, "book") else core._book  # type: ignore[attr-defined]
    assert isinstance(book, Book)
    return book.offences
