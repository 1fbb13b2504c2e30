"""How each peer stands with this node: one score from everything that it was seen to do wrong.

Offences come from four sides: consensus (evidence), block and state exchange, gossip, and, at a
gateway, answers to clients. There are two sorts, and they must not be mixed up:

* What no accident explains: links keep bytes as they are, so a signature, a block or a chunk
  that is false was made so. It is never forgotten while the node runs.
* What an honest peer may do: be silent because it crashed, know less after a crash than it had
  said. It is forgotten by and by, and however often it happens it never weighs as much as one
  proof. So whoever lies stands below whoever has bad luck.

An answer that nobody waits for any more weighs nothing: the honest are late, and links repeat.

A score goes from `FULL` down to 0. It says whom to ask first for what anybody can give and anybody
can check. It decides nothing else: votes count by their signatures, and a peer's requests are
answered as before. Scores are memory only; evidence, which is durable, is counted again at a
restart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import msgspec

from network.offences import Offence
from node.trace import PeerScored
from primitives.ids import Duration, Instant, NodeId
from primitives.machine import NOTHING, Effect, Emit

FULL = 100
"""The score of a peer that has done nothing wrong."""
ACCIDENTS_MAX = 20
"""What accidents cost a peer at most; less than the least proof."""
RECOVERY = Duration(5_000_000_000)
"""After how long one point of what accidents have cost comes back, in ns."""
PEERS_MAX = 4_096
"""Peers of which something is remembered; then the one that stands best is forgotten."""


class Misdeed(StrEnum):
    """What consensus and clients notice beside the offences of `network`."""

    EQUIVOCATION = "two statements that contradict each other"
    INVALID_PROPOSAL = "a proposed block that is not valid"
    FALSE_SIGNATURE = "a signature that is not valid"
    FALSE_PROOF = "a proof of a result that proves nothing"
    FALSE_CERTIFICATE = "a certificate that no quorum has signed"
    FALSE_HINT = "a schedule hint that is not its block's"
    """Or a block access list. Whoever has built a block knows what its transactions access."""
    STRANGE_REFUSAL = "a refusal that this epoch's committee has not signed"
    """The refusing validator may have been in another epoch already, or still."""


class Weight(msgspec.Struct, frozen=True):
    """What an offence costs."""

    points: int
    proof: bool
    """No accident explains it, so it is not forgotten."""


WEIGHTS: Mapping[str, Weight] = MappingProxyType(
    {
        Misdeed.EQUIVOCATION: Weight(50, proof=True),
        Misdeed.INVALID_PROPOSAL: Weight(50, proof=True),
        Misdeed.FALSE_SIGNATURE: Weight(50, proof=True),
        Misdeed.FALSE_PROOF: Weight(50, proof=True),
        Misdeed.FALSE_CERTIFICATE: Weight(50, proof=True),
        Offence.FALSE_BLOCK: Weight(50, proof=True),
        Offence.FALSE_OFFER: Weight(50, proof=True),
        Offence.FALSE_CHUNK: Weight(50, proof=True),
        Offence.FALSE_SHRED: Weight(50, proof=True),
        Offence.MISCODED: Weight(50, proof=True),
        Offence.ENDLESS_SPLIT: Weight(50, proof=True),
        Misdeed.FALSE_HINT: Weight(25, proof=True),
        Offence.NEEDLESS_SPLIT: Weight(25, proof=True),
        Offence.UNEVEN: Weight(25, proof=True),
        Offence.MALFORMED: Weight(25, proof=True),
        Offence.CUT_OFF: Weight(25, proof=True),
        Offence.FOREIGN: Weight(8, proof=False),
        Offence.MISPLACED: Weight(8, proof=False),
        Offence.EXCESS: Weight(8, proof=False),
        Offence.OTHER_PARTS: Weight(8, proof=False),
        Offence.EMPTY: Weight(8, proof=False),
        Misdeed.STRANGE_REFUSAL: Weight(4, proof=False),
        Offence.SILENCE: Weight(4, proof=False),
        Offence.UNASKED: Weight(0, proof=False),
    }
)
"""What each offence costs. Answers are told apart by a number that begins anew when a node
restarts; so one with things that were not asked for may have been meant for the life before, and
is no proof."""


def evidence_misdeed(kind: str) -> Misdeed:
    """Return what evidence of a kind proves (`consensus.evidence.kind_of`)."""
    return Misdeed.INVALID_PROPOSAL if kind == "proposal" else Misdeed.EQUIVOCATION


def proves(reason: str) -> bool:
    """Tell whether an offence is one that no honest peer commits; False for an unknown one."""
    weight = WEIGHTS.get(reason)
    return weight is not None and weight.proof


@dataclass(slots=True)
class _Record:
    """What one peer has lost, in points."""

    proven: int = 0
    accidents: int = 0
    """As of `since`."""
    since: Instant = Instant(0)

    def accidents_at(self, now: Instant) -> int:
        """Return what is not forgotten yet; a clock that was set back forgets nothing."""
        return max(0, self.accidents - max(0, now - self.since) // RECOVERY)

    def score(self, now: Instant) -> int:
        return max(0, FULL - self.proven - self.accidents_at(now))


class PeerScores:
    """The scores that one node gives. A `network.offences.PeerBook`."""

    __slots__ = ("_records",)

    def __init__(self) -> None:
        self._records: dict[NodeId, _Record] = {}

    def count(self, now: Instant, peer: NodeId, offence: Offence | Misdeed) -> Sequence[Effect]:
        """Note an offence, and trace the score if that has lowered it.

        What has fallen to 0, or by accidents as low as these can bring it, does not fall further,
        so a peer causes few events, whatever it does.
        """
        weight = WEIGHTS[offence]
        if not weight.points:
            return NOTHING
        record = self._record(now, peer)
        before = record.score(now)
        self._charge(now, record, weight)
        score = record.score(now)
        return (Emit(PeerScored(peer, score, str(offence))),) if score < before else NOTHING

    def recall(self, peer: NodeId, proofs: int) -> None:
        """Count evidence that an earlier life of the node has kept, without a trace."""
        points = WEIGHTS[Misdeed.EQUIVOCATION].points
        record = self._record(Instant(0), peer)
        record.proven = min(FULL, record.proven + proofs * points)

    def score(self, now: Instant, peer: NodeId) -> int:
        """Return how a peer stands now, from 0 to `FULL`."""
        record = self._records.get(peer)
        return FULL if record is None else record.score(now)

    def ranked(self, now: Instant, peers: list[NodeId]) -> list[NodeId]:
        """Return peers by descending score; those that stand alike in the order given."""
        if not self._records:
            return peers
        return sorted(peers, key=lambda peer: -self.score(now, peer))

    def __len__(self) -> int:
        return len(self._records)

    def _record(self, now: Instant, peer: NodeId) -> _Record:
        record = self._records.get(peer)
        if record is None:
            if len(self._records) >= PEERS_MAX:
                best = max(self._records, key=lambda known: self._records[known].score(now))
                del self._records[best]
            record = self._records[peer] = _Record()
        return record

    @staticmethod
    def _charge(now: Instant, record: _Record, weight: Weight) -> None:
        if weight.proof:
            record.proven = min(FULL, record.proven + weight.points)
            return
        left = record.accidents_at(now)
        elapsed = max(0, now - record.since)
        record.since = Instant(now - elapsed % RECOVERY) if left else now
        record.accidents = min(ACCIDENTS_MAX, left + weight.points)
