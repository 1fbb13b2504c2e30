"""What a mesh remembers of its peers and messages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from numpy.random import Generator

from network.mesh.cache import MessageCache, SeenCache
from network.mesh.config import MeshConfig
from primitives.ids import Instant, NodeId
from primitives.machine import Effect

Item = TypeVar("Item")


class Verdict(StrEnum):
    """What the node says of a message."""

    ACCEPT = "accept"
    """It is valid: pass it on."""
    IGNORE = "ignore"
    """It is not worth passing on, and nobody is to blame: too old, for instance."""
    REJECT = "reject"
    """It is not valid: whoever passed it on did not check it."""


class MeshArrived(Effect, frozen=True, gc=False):
    """A message is here for the first time. Node answers by `Mesh.judged`, in a later turn."""

    topic: bytes
    identity: bytes
    payload: bytes
    peer: NodeId


@dataclass(slots=True)
class MeshStatistics:
    """Counts since the start."""

    received: int = 0
    """Messages in full."""
    duplicates: int = 0
    """Those of them that were known already."""
    duplicate_bytes: int = 0
    invalid: int = 0
    dropped: int = 0
    """Messages that found no room to wait for a verdict."""
    foreign: int = 0
    """Messages of topics that are not joined here."""
    ids_ignored: int = 0
    """Announced ids beyond the limits."""
    wants_ignored: int = 0
    """Ids that were asked for and are gone, or were given too often."""
    promises_broken: int = 0
    grafts_refused: int = 0
    spared: int = 0
    """Messages that were not sent because the peer had said that it holds them."""


@dataclass(slots=True)
class PeerState:
    """One peer. Counters of behaviour are in thousandths, so that they can decay."""

    topics: dict[bytes, None] = field(default_factory=dict)
    deliveries: int = 0
    """P2: first deliveries."""
    invalid: int = 0
    """P4: invalid messages."""
    faults: int = 0
    """P7: broken promises and early grafts."""
    beats: int = 0
    """P1: heartbeats in meshes since it was last in none."""
    haves: int = 0
    """`MeshHave`s since the last heartbeat."""
    ids_asked: int = 0
    served_bytes: int = 0
    unwanted: dict[bytes, int] = field(default_factory=dict)
    """Messages that it does not want, oldest first, and until which heartbeat."""
    pending: int = 0
    """Its messages that wait for a verdict, and their bytes."""
    pending_bytes: int = 0


@dataclass(slots=True)
class Fanout:
    """The peers for a topic that is published to and not joined."""

    peers: dict[NodeId, None]
    published_at: Instant


@dataclass(slots=True)
class Pending:
    """A message that waits for the node's verdict."""

    topic: bytes
    payload: bytes
    peer: NodeId
    """Who brought it first."""
    others: dict[NodeId, None] = field(default_factory=dict)
    """Who brought it again meanwhile: they hold it, and share the blame for it."""


@dataclass(slots=True)
class MeshState:
    """Everything the mesh core remembers. Dicts serve as ordered sets."""

    config: MeshConfig
    generator: Generator
    """Chooses peers."""
    identify: Callable[[bytes, bytes], bytes]
    """Names a payload under its topic."""
    seen: SeenCache
    cache: MessageCache
    peers: dict[NodeId, PeerState] = field(default_factory=dict)
    gone: dict[NodeId, tuple[PeerState, Instant]] = field(default_factory=dict)
    """Peers with a bad score that are not connected, and until when they are remembered."""
    mesh: dict[bytes, dict[NodeId, None]] = field(default_factory=dict)
    """The links of each topic that is joined here."""
    fanout: dict[bytes, Fanout] = field(default_factory=dict)
    backoff: dict[tuple[bytes, NodeId], int] = field(default_factory=dict)
    """Until when a peer is not to be grafted."""
    pending: dict[bytes, Pending] = field(default_factory=dict)
    pending_bytes: int = 0
    refused: dict[bytes, None] = field(default_factory=dict)
    """Ids of the latest messages that were not valid."""
    promises: dict[bytes, dict[NodeId, int]] = field(default_factory=dict)
    """For an id that was asked for: by when each peer was to send it."""
    beats: int = 0
    statistics: MeshStatistics = field(default_factory=MeshStatistics)

    def subscribers(self, topic: bytes) -> list[NodeId]:
        """Return the peers that want to hear of a topic."""
        return [peer for peer, known in self.peers.items() if topic in known.topics]

    def is_meshed(self, peer: NodeId) -> bool:
        """Whether the peer is in the mesh of any topic."""
        return any(peer in links for links in self.mesh.values())

    def choose(self, items: Sequence[Item], count: int) -> list[Item]:
        """Return at most `count` of the items by chance, in an order by chance."""
        if count <= 0 or not items:
            return []
        return [items[at] for at in self.generator.permutation(len(items))[:count].tolist()]
