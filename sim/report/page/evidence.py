"""Who was found to do wrong: what is proven, by how many, and how low scores have fallen."""

from collections.abc import Sequence

from sim.report.page import units
from sim.report.page.cards import card, empty, table
from sim.report.page.markup import Markup
from sim.report.result import Offender, PeerStanding

TITLE = "Evidence and scores"
ROWS_MAX = 50
"""Peers that are shown, those that stand lowest; the summary has them all."""
FULL = 100
KINDS = {
    "pre_prepare": "contradicting proposals",
    "prepare": "contradicting PREPAREs",
    "commit": "contradicting COMMITs",
    "tentative": "contradicting tentative signatures",
    "proposal": "invalid proposals",
}


def evidence_card(evidence: Sequence[Offender], standings: Sequence[PeerStanding]) -> Markup:
    """Return the table of peers that anything was found against."""
    offenders = {offender.replica: offender for offender in evidence}
    scores = {standing.peer: standing for standing in standings}
    peers = sorted(offenders.keys() | scores.keys(), key=lambda peer: (_score(scores, peer), peer))
    if not peers:
        nothing = empty("Nothing was found: no node has anything against another.")
        return card(TITLE, nothing, wide=True, name="evidence")
    heads = [("peer", ""), ("lowest score", "number"), ("given by", "number")]
    heads += [("replicas can prove", ""), ("known to", "number"), ("why scores fell", "")]
    rows = [_row(peer, offenders.get(peer), scores.get(peer)) for peer in peers[:ROWS_MAX]]
    note = (
        "The lowest score that any honest node has come to give each peer, proofs as the accuser "
        "with the most has them, and how often scores fell."
    )
    hidden = len(peers) - len(rows)
    if hidden:
        note += f" {units.count(hidden)} that stand higher are in summary.json only."
    return card(TITLE, table(heads, rows), note=note, wide=True, name="evidence")


def _score(scores: dict[int, PeerStanding], peer: int) -> int:
    standing = scores.get(peer)
    return FULL if standing is None else standing.score


def _row(peer: int, offender: Offender | None, standing: PeerStanding | None) -> list[Markup | str]:
    proven = {} if offender is None else offender.kinds
    fallen = {} if standing is None else standing.offences
    return [
        f"node {peer}",
        str(FULL if standing is None else standing.score),
        _nodes(0 if standing is None else standing.nodes),
        _listed({KINDS.get(kind, kind): times for kind, times in proven.items()}),
        _nodes(0 if offender is None else offender.accusers),
        _listed(fallen),
    ]


def _listed(counts: dict[str, int]) -> str:
    return "; ".join(f"{name} ({units.count(times)})" for name, times in counts.items()) or "-"


def _nodes(count: int) -> str:
    if not count:
        return "-"
    return f"{units.count(count)} node{'' if count == 1 else 's'}"
