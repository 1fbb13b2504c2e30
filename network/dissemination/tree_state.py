"""What the coded tree remembers of the blocks that are on their way."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from network.dissemination.messages import (
    PAYLOAD_BYTES_MAX,
    SHRED_BYTES_MAX,
    BlockShred,
    Commitment,
)
from network.dissemination.policy import SEQUENCES_AHEAD, Place
from network.dissemination.reed_solomon import shred_bytes
from primitives.ids import Duration, NodeId
from primitives.machine import Effect

MEBIBYTE = 1 << 20


class TreeConfig(msgspec.Struct, frozen=True):
    """The code and the tree, on which all members must agree, and a node's own limits."""

    data: int = 32
    """Shreds that a block is cut into; Turbine has 32:32."""
    parity: int = 32
    fanout: int = 200
    """To how many a node passes a shred on; Turbine has 200."""
    repair_delay: Duration = Duration(300_000_000)
    """After how long without a new shred some are asked for, in ns."""
    repair_interval: Duration = Duration(500_000_000)
    """After how long without any they are asked for elsewhere, in ns."""
    repair_peers: int = 4
    """Of how many peers at a time."""
    repair_tries_max: int = 12
    """How often, without a new shred in between."""
    sequences_ahead: int = SEQUENCES_AHEAD
    drafts_per_leader: int = 8
    """Blocks of one leader that are remembered."""
    bytes_max: int = 256 * MEBIBYTE
    """Most bytes of all shreds; then a block of the leader that fills most is forgotten."""

    @property
    def total(self) -> int:
        """Number of shreds of a block."""
        return self.data + self.parity

    @property
    def payload_bytes_max(self) -> int:
        """Longest block, in bytes."""
        return min(PAYLOAD_BYTES_MAX, self.data * SHRED_BYTES_MAX)


@dataclass(slots=True, frozen=True)
class TreeRoster:
    """Who takes part, in one epoch."""

    domain: bytes
    """What tells this network and epoch from others: signed with everything."""
    members: tuple[NodeId, ...]
    """All nodes of the trees, in an order that all agree on."""
    keys: Mapping[NodeId, bytes]
    """Public keys of those that may lead."""
    leader_of: Callable[[Place], NodeId]
    epoch: int = 0
    """Its number: shreds of another are nobody's fault."""


class LeaderContradicts(Effect, frozen=True, gc=False):
    """A leader has signed two blocks for one place; the two commitments prove it to anybody."""

    leader: NodeId
    first: Commitment
    second: Commitment


@dataclass(slots=True)
class TreeStatistics:
    """Counts since the start."""

    received: int = 0
    """Shreds."""
    duplicates: int = 0
    """Those of them that were held, or not needed any more."""
    duplicate_bytes: int = 0
    false: int = 0
    """Shreds that do not prove themselves."""
    repairs_asked: int = 0
    """Shreds that were asked for because they had not come."""
    repairs_served: int = 0
    evicted: int = 0
    """Blocks that were forgotten for want of room."""
    signatures_checked: int = 0


class Phase(StrEnum):
    """How far a block is."""

    COLLECTING = "collecting"
    REBUILDING = "rebuilding"
    """There are enough shreds; others that come are passed on meanwhile."""
    WHOLE = "whole"
    """Rebuilt or published: shreds are only given away."""
    MISCODED = "miscoded"
    """Its shreds contradict each other."""
    REFUSED = "refused"
    """The node has found the block invalid: it is not given away any more."""


@dataclass(slots=True)
class Draft:
    """One block on its way."""

    commitment: Commitment
    leader: NodeId
    children: tuple[tuple[NodeId, ...], ...]
    """For each shred, to whom this node passes it on."""
    due: int
    """When shreds are asked for, unless new ones come."""
    phase: Phase = Phase.COLLECTING
    shreds: dict[int, BlockShred] = field(default_factory=dict)
    tries: int = 0
    """How often shreds were asked for since the last new one."""
    asked: int = 0
    """How often they were asked for at all."""
    contradicted: bool = False
    """Whether the leader is known to have signed another block for this place."""
    served: dict[NodeId, int] = field(default_factory=dict)
    """How many shreds each peer has got on demand."""

    @property
    def total(self) -> int:
        """Number of shreds."""
        return self.commitment.data + self.commitment.parity

    @property
    def bytes_max(self) -> int:
        """Bytes that the shreds may come to; counted as taken from the start."""
        return self.total * shred_bytes(self.commitment.length, self.commitment.data)


class Drafts:
    """The blocks that are remembered, within limits.

    Room is taken by whole blocks, and made at the cost of the leader that takes most: one that
    signs as much as it can displaces its own blocks, not those of the others.

    Args:
        per_leader: blocks of one leader.
        bytes_max: bytes of all shreds.
    """

    __slots__ = ("_bytes_max", "_held", "_per_leader", "bytes_held")

    def __init__(self, per_leader: int, bytes_max: int) -> None:
        self._per_leader = per_leader
        self._bytes_max = bytes_max
        self._held: dict[Place, Draft] = {}
        self.bytes_held = 0

    def get(self, place: Place) -> Draft | None:
        """Return the block of a place."""
        return self._held.get(place)

    def entries(self) -> list[tuple[Place, Draft]]:
        """Return all, in the order in which they were added."""
        return list(self._held.items())

    def add(self, place: Place, draft: Draft) -> int:
        """Remember a block, in place of one that is remembered there.

        Returns:
            How many others had to be forgotten for it.
        """
        evicted = 0
        if place in self._held:
            self.drop(place)
        own = [at for at, held in self._held.items() if held.leader == draft.leader]
        for at in own[: max(0, len(own) + 1 - self._per_leader)]:
            self.drop(at)
            evicted += 1
        while self._held and self.bytes_held + draft.bytes_max > self._bytes_max:
            self.drop(self._of_heaviest())
            evicted += 1
        self._held[place] = draft
        self.bytes_held += draft.bytes_max
        return evicted

    def _of_heaviest(self) -> Place:
        """Return the oldest block of the leader whose blocks take most room."""
        taken: dict[NodeId, int] = {}
        for held in self._held.values():
            taken[held.leader] = taken.get(held.leader, 0) + held.bytes_max
        most = max(taken.values())
        return next(at for at, held in self._held.items() if taken[held.leader] == most)

    def drop(self, place: Place) -> None:
        """Forget a block."""
        draft = self._held.pop(place)
        self.bytes_held -= draft.bytes_max

    def __len__(self) -> int:
        return len(self._held)
