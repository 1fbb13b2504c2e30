"""Counts tentative signatures: who has signed what, how many agree, and who contradicts himself.

A signature counts once, for the first block that its validator has signed at a (view, sequence).
Nobody can make the table grow by signing nonsense: each validator has room for `KEPT` places,
and its oldest makes way.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

import msgspec

from consensus.messages import TentativeVote
from primitives.ids import Hash32, Sequence, View

KEPT = 256
"""Places that are remembered of one validator."""


class Place(msgspec.Struct, frozen=True, gc=False):
    """What validators have to agree on."""

    view: View
    sequence: Sequence
    digest: Hash32


class Verdict(Enum):
    """What became of a signature."""

    COUNTED = "counted"
    KNOWN = "known"
    """The same was there, or its validator is known to contradict itself."""
    SURPLUS = "surplus"
    """A quorum is there already: kept, but not checked."""
    FORGED = "forged"
    CONTRADICTION = "contradiction"
    """Its validator has signed another block at this place: `Tally.evidence` has both."""


@dataclass(slots=True)
class _Signed:
    vote: TentativeVote
    checked: bool


@dataclass(slots=True)
class Tally:
    """The signatures of one committee.

    Args:
        quorum: Q.
        verify: checks one signature.
    """

    quorum: int
    verify: Callable[[TentativeVote], bool]
    evidence: dict[int, tuple[TentativeVote, TentativeVote]] = field(default_factory=dict)
    """The first contradiction of each validator."""
    _by_replica: dict[int, dict[tuple[View, Sequence], _Signed]] = field(default_factory=dict)
    _by_place: dict[Place, dict[int, TentativeVote]] = field(default_factory=dict)
    _places: dict[Hash32, dict[Place, None]] = field(default_factory=dict)

    def add(self, vote: TentativeVote) -> tuple[Verdict, int]:
        """Take in a signature; return what became of it, and how many were verified."""
        own = self._by_replica.setdefault(vote.replica, {})
        at = (vote.view, vote.sequence)
        known = own.get(at)
        if known is not None:
            if known.vote.digest == vote.digest:
                return Verdict.KNOWN, 0
            return self._confront(known, vote)
        place = Place(vote.view, vote.sequence, vote.digest)
        needed = len(self._by_place.get(place, ())) < self.quorum
        if needed and not self.verify(vote):
            return Verdict.FORGED, 1
        own[at] = _Signed(vote, checked=needed)
        if needed:
            self._by_place.setdefault(place, {})[vote.replica] = vote
            self._places.setdefault(place.digest, {})[place] = None
        if len(own) > KEPT:
            self._drop(vote.replica, own)
        return (Verdict.COUNTED, 1) if needed else (Verdict.SURPLUS, 0)

    def votes(self, place: Place) -> tuple[TentativeVote, ...]:
        """Return the valid signatures for one place, by replica."""
        votes = self._by_place.get(place, {})
        return tuple(votes[replica] for replica in sorted(votes))

    def has_quorum(self, place: Place) -> bool:
        """Whether Q have signed."""
        return len(self._by_place.get(place, ())) >= self.quorum

    def places(self, digest: Hash32) -> list[Place]:
        """Return the places at which somebody has signed a block, fewest signatures first."""
        found = self._places.get(digest, {})
        return sorted(found, key=lambda place: (len(self._by_place[place]), place.view))

    def has_signed(self, replica: int, digest: Hash32) -> bool:
        """Whether a validator's signature for a block is there."""
        own = self._by_replica.get(replica, {})
        return any(signed.vote.digest == digest for signed in own.values())

    def __len__(self) -> int:
        return sum(len(own) for own in self._by_replica.values())

    def _confront(self, known: _Signed, vote: TentativeVote) -> tuple[Verdict, int]:
        """Compare a second signature for a place with the first. The first goes on counting."""
        if vote.replica in self.evidence:
            return Verdict.KNOWN, 0
        if not self.verify(vote):
            return Verdict.FORGED, 1
        if not known.checked and not self.verify(known.vote):
            return Verdict.FORGED, 2
        self.evidence[vote.replica] = (known.vote, vote)
        return Verdict.CONTRADICTION, 1 if known.checked else 2

    def _drop(self, replica: int, own: dict[tuple[View, Sequence], _Signed]) -> None:
        oldest = next(iter(own))
        vote = own.pop(oldest).vote
        place = Place(vote.view, vote.sequence, vote.digest)
        votes = self._by_place.get(place)
        if votes is not None:
            votes.pop(replica, None)
            if not votes:
                del self._by_place[place]
                self._places[place.digest].pop(place)
                if not self._places[place.digest]:
                    del self._places[place.digest]
