"""What replicas can prove against one another, by whom it is about.

A replica notes evidence once for each contradiction that it can show to others, and its score of
a peer is how many it has noted. The accusers of one lie are several, so the table has the highest
score that any one of them keeps, and not a sum that grows with the committee.
"""

from collections.abc import Mapping

from consensus.trace import EvidenceFound
from sim.report.result import Offender


class EvidenceLedger:
    """Counts evidence by culprit, accuser and kind."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        self._found: dict[int, dict[int, dict[str, int]]] = {}

    def on_evidence(self, accuser: int, event: EvidenceFound) -> None:
        """Take in one proof."""
        kinds = self._found.setdefault(event.replica, {}).setdefault(accuser, {})
        kinds[event.kind] = kinds.get(event.kind, 0) + 1

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
