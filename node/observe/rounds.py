"""What announcing by rounds comes to: how the rounds of a node end, and what they tell."""

from collections.abc import Callable, Iterable

from network.reconcile import ReconcileCounts
from node.node import Node
from node.observe.families import network
from node.observe.reading import Reading, by_label

FOUND, PLAIN, FAILED = "found", "plain", "failed"
DIFFERENT, FLUSHED = "different", "flushed"


def counts_of(node: Node) -> ReconcileCounts | None:
    """Return what a node has counted; None for one that announces to all."""
    spread = node.parts.spread
    announcer = None if spread is None else spread.announcer
    return None if announcer is None else announcer.core.state.counts


def round_readings(counts: ReconcileCounts) -> list[Reading]:
    """Return the numbers of one node, in whichever world."""
    found = counts.rounds - counts.plain - counts.failed
    outcomes = ((FOUND, found), (PLAIN, counts.plain), (FAILED, counts.failed))
    told = ((DIFFERENT, counts.differences), (FLUSHED, counts.flushed))
    return [
        *by_label(network.RECONCILE_ROUNDS, outcomes),
        Reading(network.RECONCILE_EXTENDED, counts.extended),
        *by_label(network.RECONCILE_TRANSACTIONS, told),
    ]


class RoundSource:
    """Reads the rounds of a live node.

    Args:
        counts: returns them; None where a node announces to all.
    """

    def __init__(self, counts: Callable[[], ReconcileCounts | None]) -> None:
        self._counts = counts

    def readings(self) -> Iterable[Reading]:
        """Return the present numbers."""
        counts = self._counts()
        return () if counts is None else round_readings(counts)
