"""How a leader's block gets to everybody: what the policies have in common.

- **direct**: the leader sends the whole block to each. One hop, and the leader's uplink carries
  it n times: right for small committees.
- **mesh**: over a gossip mesh. The leader sends it about eight times, everybody passes it on, and
  everybody gets it several times.
- **coded tree**: cut into shreds with parity, each of which goes its own way down a tree. The
  leader sends about twice the block, and so does everybody: right for large committees.

A policy is a pure core. Node hands it blocks, messages and timers, and answers what arrives by a
verdict.
"""

from collections.abc import Hashable, Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from network.mesh.state import Verdict
from primitives.ids import Instant, NodeId
from primitives.machine import Effect, Message


class DisseminationTimer(StrEnum):
    """Names of the timers of the policies here; a mesh has its own."""

    REPAIR = "dissemination.repair"


class Place(msgspec.Struct, frozen=True, gc=False, array_like=True, order=True):
    """Which proposal a block is."""

    sequence: int
    view: int


class PayloadArrived(Effect, frozen=True, gc=False):
    """A whole block is here for the first time. Node answers by `judged`, in a later turn."""

    place: Place
    identity: bytes
    """Names the payload in this policy; what `judged` is told."""
    payload: bytes
    peer: NodeId
    """Who answers for it: the leader where its signature was checked, else who brought it."""


class PayloadLost(Effect, frozen=True, gc=False):
    """What has come of a block does not make one, and no more can be had: fetch it otherwise."""

    place: Place
    identity: bytes
    is_miscoded: bool
    """Whether the leader has signed shreds that contradict each other: no way leads to a block."""


class Dissemination(Protocol):
    """One way to spread blocks."""

    def publish(self, now: Instant, place: Place, payload: bytes) -> Sequence[Effect]:
        """Spread a block of one's own."""
        ...

    def on_message(self, now: Instant, sender: NodeId, message: Message) -> Sequence[Effect]:
        """Take a message of this policy's kinds."""
        ...

    def on_timeout(self, now: Instant, timer: Hashable) -> Sequence[Effect]:
        """Take a firing of this policy's timers."""
        ...

    def judged(self, now: Instant, identity: bytes, verdict: Verdict) -> Sequence[Effect]:
        """Take the node's verdict on a payload that arrived."""
        ...

    def advance(self, now: Instant, sequence: int) -> None:
        """Forget what belongs to this sequence or to lower ones: they are decided."""
        ...


class Horizon:
    """The sequences that are worth a look: some above the last one that is decided.

    Without an end, one leader's signatures on far sequences would fill the memory of all.

    Args:
        ahead: how many.
    """

    __slots__ = ("_ahead", "floor")

    def __init__(self, ahead: int) -> None:
        self._ahead = ahead
        self.floor = 0

    def is_near(self, sequence: int) -> bool:
        """Whether a block of this sequence may be used soon."""
        return self.floor < sequence <= self.floor + self._ahead

    def advance(self, sequence: int) -> None:
        """Set the last sequence that is decided; it never falls."""
        self.floor = max(self.floor, sequence)


SEQUENCES_AHEAD = 256
"""Default of a horizon: as far as proposals may run ahead of decisions."""
