"""What a peer can do wrong towards gossip and sync, and who keeps count of it.

The cores of this package notice offences; what one weighs, and how long it is remembered, is for
the node to say, which knows of others too. So they are handed a `PeerBook`: they tell it what
they notice, and ask it whom to prefer. Nothing in it decides what is true: every answer is
verified, whoever gives it.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from primitives.ids import Instant, NodeId
from primitives.machine import Effect


class Offence(StrEnum):
    """One kind of misbehaviour, as reports call it."""

    UNASKED = "an answer that was not asked for"
    """Or that comes late, or twice."""
    SILENCE = "no answer in time"
    EMPTY = "an answer without the blocks it claimed to hold"
    UNEVEN = "announcement with fields of different length"
    FOREIGN = "a transaction that was not asked for"
    """In an answer that was."""
    EXCESS = "more blocks than were asked for"
    MISPLACED = "a block of another height than was asked for"
    MALFORMED = "a compact block, or a request for parts of a block, that is malformed"
    CUT_OFF = "a sketch, or names of transactions, the last of which is cut off"
    OTHER_PARTS = "other parts of a block than were asked for"
    FALSE_BLOCK = "a block or certificate that is not valid"
    FALSE_OFFER = "an offer that is not proven"
    FALSE_CHUNK = "a chunk that does not prove itself"
    FALSE_SHRED = "a shred of a block that does not prove itself"
    MISCODED = "signed parts of a block that make none"
    ENDLESS_SPLIT = "a chunk that is split without end"
    NEEDLESS_SPLIT = "a split of a chunk that was small enough"


class PeerBook(Protocol):
    """Where offences are noted. `node.peer_scores.PeerScores` implements it."""

    def count(self, now: Instant, peer: NodeId, offence: Offence) -> Sequence[Effect]:
        """Note an offence; return what is to be said of it, if anything."""
        ...

    def score(self, now: Instant, peer: NodeId) -> int:
        """Return how a peer stands: the higher, the more reliable."""
        ...

    def ranked(self, now: Instant, peers: list[NodeId]) -> list[NodeId]:
        """Return peers by descending score; those that stand alike in the order given."""
        ...
