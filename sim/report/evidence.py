"""What nodes have found against one another, by whom it is about: proofs, and scores.

A replica notes evidence once for each contradiction that it can show to others, and its score of
a peer is how many it has noted. The accusers of one lie are several, so the table has the highest
score that any one of them keeps, and not a sum that grows with the committee.
"""

from collections.abc import Mapping

from consensus.trace import EvidenceFound
from node.trace import PeerScored
from sim.report.result import Offender, PeerStanding


class EvidenceLedger:
    """Counts evidence by culprit, accuser and kind, and falls of scores by peer and reason."""

    __slots__ = ("_found", "_lowest", "_reasons", "_scorers")

    def __init__(self) -> None:
        self._found: dict[int, dict[int, dict[str, int]]] = {}
        self._lowest: dict[int, int] = {}
        self._scorers: dict[int, dict[int, None]] = {}
        self._reasons: dict[int, dict[str, int]] = {}

    def on_evidence(self, accuser: int, event: EvidenceFound) -> None:
        """Take in one proof."""
        kinds = self._found.setdefault(event.replica, {}).setdefault(accuser, {})
        kinds[event.kind] = kinds.get(event.kind, 0) + 1

    def on_scored(self, node: int, event: PeerScored) -> None:
        """Take in one fall of a score."""
        peer = event.peer
        self._lowest[peer] = min(event.score, self._lowest.get(peer, event.score))
        self._scorers.setdefault(peer, {})[node] = None
        reasons = self._reasons.setdefault(peer, {})
        reasons[event.reason] = reasons.get(event.reason, 0) + 1

    def standings(self) -> tuple[PeerStanding, ...]:
        """Return whose score has fallen, by ascending node."""
        return tuple(
            PeerStanding(
                peer=peer,
                score=self._lowest[peer],
                nodes=len(self._scorers[peer]),
                offences=dict(sorted(self._reasons[peer].items())),
            )
            for peer in sorted(self._lowest)
        )

    def offenders(self) -> tuple[Offender, ...]:
        """Return whom something is proven of, by ascending replica."""
        return tuple(_offender(peer, self._found[peer]) for peer in sorted(self._found))


def _offender(peer: int, by_accuser: Mapping[int, Mapping[str, int]]) -> Offender:
    kinds: dict[str, int] = {}
    for counts in by_accuser.values():
        for kind, count in counts.items():
            kinds[kind] = max(kinds.get(kind, 0), count)
    return Offender(
        replica=peer,
        score=max(sum(counts.values()) for counts in by_accuser.values()),
        accusers=len(by_accuser),
        kinds=dict(sorted(kinds.items())),
    )
