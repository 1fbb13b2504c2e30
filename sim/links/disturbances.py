"""What a fault can do to chosen links, beside cutting them: repeat, mix up, lose.

Links are like TCP connections: they deliver in order, each message once, and loss shows as
retransmission delay. These faults stand for what a network without those promises does, and for
a sender that repeats itself after a reconnection.
"""

from typing import NamedTuple

import msgspec
import numpy as np

from sim.links.cuts import Booleans, Int64s
from sim.links.draws import LOSS_DENOMINATOR


class Ways(msgspec.Struct, frozen=True):
    """Directed links between nodes."""

    sources: tuple[int, ...]
    targets: tuple[int, ...]
    one_way: bool = False
    """Only from sources to targets; else also back."""

    def covers(self, sender: int, nodes: Int64s) -> Booleans:
        """Tell for each of `nodes` whether the link from `sender` to it is one of these."""
        covered = np.zeros(len(nodes), dtype=np.bool_)
        if sender in self.sources:
            covered |= np.isin(nodes, self.targets)
        if not self.one_way and sender in self.targets:
            covered |= np.isin(nodes, self.sources)
        return covered


class Duplicate(msgspec.Struct, frozen=True):
    """Some messages arrive a second time."""

    ways: Ways
    chance: float
    """Probability of each copy to come twice."""
    delay_ns: int
    """The second comes up to so much later, evenly drawn; whatever was sent in between."""


class Reorder(msgspec.Struct, frozen=True):
    """Messages overtake one another."""

    ways: Ways
    chance: float
    """Probability of each copy to be late."""
    delay_ns: int
    """By up to so much, evenly drawn."""


class Lose(msgspec.Struct, frozen=True):
    """Copies are lost more often than the network's own loss, and are sent again as always."""

    ways: Ways
    chance: float
    """Probability of each copy to be lost once; where the network loses more, that counts."""


Disturbance = Duplicate | Reorder | Lose


class Odds(NamedTuple):
    """What a kind of disturbance means for each recipient of a route."""

    chance: Int64s
    """In units of 1/`LOSS_DENOMINATOR`; 0 where nothing happens."""
    delay_ns: Int64s


def odds(
    kind: type[Duplicate | Reorder],
    disturbances: list[Disturbance],
    sender: int,
    nodes: Int64s,
) -> Odds | None:
    """Return the odds of a kind on a sender's links, the latest counting; None without any."""
    chance = np.zeros(len(nodes), dtype=np.int64)
    delay = np.zeros(len(nodes), dtype=np.int64)
    for each in disturbances:
        if isinstance(each, kind):
            covered = each.ways.covers(sender, nodes)
            chance[covered] = round(each.chance * LOSS_DENOMINATOR)
            delay[covered] = each.delay_ns
    return Odds(chance, delay) if chance.any() else None


def added_loss(disturbances: list[Disturbance], sender: int, nodes: Int64s) -> Int64s | None:
    """Return the loss that faults add on a sender's links, or None without any."""
    chance = np.zeros(len(nodes), dtype=np.int64)
    for each in disturbances:
        if isinstance(each, Lose):
            covered = each.ways.covers(sender, nodes)
            chance[covered] = round(each.chance * LOSS_DENOMINATOR)
    return chance if chance.any() else None
