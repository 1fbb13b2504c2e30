"""The shapes of a partition: who can still send to whom.

A cut need not be clean. Firewalls forget one direction, a node with two network cards stands
between two halves that do not see each other, and in a ring every node sees a majority but no two
see the same one. Such shapes have broken more protocols than the clean split has.

Reference: Alfatafta et al. (2020), Toward a Generic Fault Tolerance Technique for Partial Network
Partitioning; Jepsen's `majorities-ring` and `bridge` nemeses.
"""

from collections.abc import Sequence
from enum import Enum
from typing import Protocol

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]


class Direction(Enum):
    """Which way across the border of a named group is closed."""

    BOTH = "both"
    IN = "in"
    """Its nodes are not reached from outside of it, and still reach the others."""
    OUT = "out"
    """Its nodes do not reach the others, and are still reached."""


class Cut(Protocol):
    """Answers which nodes a sender reaches."""

    def reaches(self, sender: int, nodes: Int64s) -> Booleans:
        """Tell for each of `nodes` whether what `sender` sends gets there."""
        ...


class Sides:
    """Groups that are cut off from one another.

    Args:
        count: nodes of the network.
        groups: the named ones; the nodes in none form one more, across whose border only what
            the named ones allow is closed.
        bridge: nodes that reach everybody and that everybody reaches.
        direction: which way the named groups are closed.
    """

    __slots__ = ("_bridge", "_direction", "_side", "_unnamed")

    def __init__(
        self,
        count: int,
        groups: Sequence[Sequence[int]],
        bridge: Sequence[int] = (),
        direction: Direction = Direction.BOTH,
    ) -> None:
        self._unnamed = len(groups)
        self._side = np.full(count, self._unnamed, dtype=np.int64)
        for number, members in enumerate(groups):
            self._side[list(members)] = number
        self._bridge = np.zeros(count, dtype=np.bool_)
        self._bridge[list(bridge)] = True
        self._direction = direction

    def reaches(self, sender: int, nodes: Int64s) -> Booleans:
        """Tell for each of `nodes` whether what `sender` sends gets there."""
        own, sides = self._side[sender], self._side[nodes]
        if self._bridge[sender] or (self._direction is Direction.OUT and own == self._unnamed):
            return np.ones(len(nodes), dtype=np.bool_)
        reached: Booleans = (sides == own) | self._bridge[nodes]
        if self._direction is Direction.IN:
            reached |= sides == self._unnamed
        return reached


class Ring:
    """Nodes in a circle by their numbers; each reaches only the nearest on either side.

    Args:
        count: nodes of the network.
        reach: how many on either side.
    """

    __slots__ = ("_count", "_reach")

    def __init__(self, count: int, reach: int) -> None:
        self._count = count
        self._reach = reach

    def reaches(self, sender: int, nodes: Int64s) -> Booleans:
        """Tell for each of `nodes` whether what `sender` sends gets there."""
        ahead = (nodes - sender) % self._count
        return np.minimum(ahead, self._count - ahead) <= self._reach
