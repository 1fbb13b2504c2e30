"""Routes on which messages are repeated or overtake one another.

Such a route takes the place of a plain one while a fault is on, so that plain ones need not ask.
Its draws come from generators of their own: jitter and loss are what they would have been.
"""

from dataclasses import dataclass

import numpy as np

from sim.links.cuts import Int64s
from sim.links.disturbances import Odds
from sim.links.draws import LOSS_DENOMINATOR
from sim.randomness import generator


class RoughDraws:
    """One sender's generators for what its rough links do.

    Args:
        seed: the run's.
        sender: the node.
    """

    __slots__ = ("_duplicate", "_reorder")

    def __init__(self, seed: int, sender: int) -> None:
        self._duplicate = generator(seed, "link.duplicate", sender)
        self._reorder = generator(seed, "link.reorder", sender)

    def lateness(self, odds: Odds) -> Int64s:
        """Return how late each copy is, ns; 0 for one that is not."""
        return _drawn(self._reorder, odds)

    def echoes(self, odds: Odds) -> Int64s:
        """Return by how much each copy's second one is later, ns; 0 where there is none."""
        return _drawn(self._duplicate, odds)


def _drawn(draws: np.random.Generator, odds: Odds) -> Int64s:
    """Return a delay of at least 1 ns for each copy that is hit, 0 for the others."""
    hit = draws.integers(0, LOSS_DENOMINATOR, size=len(odds.chance)) < odds.chance
    delays: Int64s = draws.integers(1, odds.delay_ns + 2)
    return np.where(hit, delays, 0)


@dataclass(slots=True)
class Roughness:
    """What the links of one route do to the copies of a message."""

    reorder: Odds | None
    duplicate: Odds | None

    def ordered(self, arrivals: Int64s, latest: Int64s, held: Int64s, draws: RoughDraws) -> Int64s:
        """Return when the copies arrive.

        Args:
            arrivals: when they would if nothing else travelled on their links.
            latest: latest arrival on each link so far, behind which an orderly link stays.
            held: instant until which each link is clogged.
            draws: the sender's.
        """
        if self.reorder is None:
            return np.maximum(arrivals, latest + 1)
        late = np.maximum(arrivals + draws.lateness(self.reorder), held)
        return np.where(self.reorder.chance > 0, late, np.maximum(arrivals, latest + 1))

    def doubled(
        self, arrivals: Int64s, nodes: Int64s, draws: RoughDraws
    ) -> tuple[list[int], list[int]]:
        """Return all arrivals, second copies among them, in order of time, and their receivers."""
        if self.duplicate is not None:
            echoes = draws.echoes(self.duplicate)
            again = echoes > 0
            nodes = np.concatenate((nodes, nodes[again]))
            arrivals = np.concatenate((arrivals, arrivals[again] + echoes[again]))
        order = arrivals.argsort(kind="stable")
        return arrivals[order].tolist(), nodes[order].tolist()
