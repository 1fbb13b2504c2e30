"""What transaction gossip remembers, and the limits that keep it small."""

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum
from sys import getsizeof

import msgspec

from network.messages import HASHES_PER_ANNOUNCEMENT, HASHES_PER_REQUEST
from primitives.ids import Duration, Hash32, Instant, NodeId


class GossipTimer(StrEnum):
    """Names of the timers of the gossip core."""

    ANNOUNCE = "gossip.announce"
    FETCH = "gossip.fetch"
    REPEAT = "gossip.repeat"


class GossipConfig(msgspec.Struct, frozen=True):
    """Limits and delays of transaction gossip; each is one node's own choice."""

    group: str = "neighbours"
    """Who hears announcements."""
    announce_delay: Duration = Duration(50_000_000)
    """How long an admitted transaction waits for others to be announced with it, in ns."""
    repeat_interval: Duration = Duration(2_000_000_000)
    """How often a transaction that a client has given to this node is announced again while it
    waits, in ns. Without it, one that was announced into a partition would wait for ever."""
    relay_interval: Duration = Duration(10_000_000_000)
    """The same for what came from peers, in ns. Rare, and `relays_max` at a time: it only matters
    when the node that the client gave it to has died with it."""
    relays_max: int = 64
    relayed_max: int = 16_384
    """Transactions of peers that are watched for that at a time."""
    request_timeout: Duration = Duration(1_000_000_000)
    """After which silence a peer's request goes to another announcer, in ns."""
    hashes_per_announcement: int = HASHES_PER_ANNOUNCEMENT
    hashes_per_request: int = HASHES_PER_REQUEST
    requests_per_peer: int = 4
    """Requests that may be open at one peer."""
    response_bytes: int = 512 * 1024
    """Size beyond which an answer stops early, in bytes."""
    announcers_max: int = 8
    """Peers remembered for one wanted transaction."""
    known_max: int = 131_072
    """Hashes remembered as needing no fetch."""
    wanted_max: int = 32_768
    """Hashes remembered as announced and not here."""
    queued_per_peer: int = 8_192
    """Wanted hashes that one peer's announcements may bring; keeps a flooder from filling all."""


class KnownHashes:
    """A bounded set of hashes that forgets the oldest, in two generations.

    When the younger generation is full it becomes the older one, and the former older one is
    forgotten: no entry is ever searched for or deleted by itself, so that adding stays cheap.
    The generations are asked about members and never gone through. They are sets, because the
    tables of a hundred nodes fit no cache of a processor, and a set is looked into with one miss.

    Args:
        most: most hashes to remember; at least half as many of the latest are.
    """

    __slots__ = ("_half", "older", "younger")

    def __init__(self, most: int) -> None:
        self._half = max(1, most // 2)
        self.younger: set[bytes] = set()
        self.older: set[bytes] = set()

    def add(self, entry: bytes) -> None:
        """Remember `entry` as the latest."""
        if len(self.younger) >= self._half and entry not in self.younger:
            self.older = self.younger
            self.younger = set()
        self.younger.add(entry)

    def update(self, entries: Collection[bytes]) -> None:
        """Remember many entries, the last one as the latest."""
        if len(self.younger) + len(entries) <= self._half:
            self.younger.update(entries)
            return
        for entry in entries:
            self.add(entry)

    def __contains__(self, entry: bytes) -> bool:
        return entry in self.younger or entry in self.older

    def __len__(self) -> int:
        return len(self.younger | self.older)

    def byte_count(self) -> int:
        """Return the bytes of the tables; the hashes in them are the transactions' own."""
        return getsizeof(self.younger) + getsizeof(self.older)


class Wanted(msgspec.Struct, gc=False):
    """A transaction that was announced and is not here."""

    announcers: list[NodeId]
    """Peers that said they have it, the one to ask first in front."""


class WaitingTransaction(msgspec.Struct, gc=False):
    """A transaction that was announced, and still pooled when last looked at."""

    type: int
    size: int
    """In bytes."""
    announced_at: Instant


class Request(msgspec.Struct, frozen=True, gc=False):
    """An open `GetTransactions`."""

    peer: NodeId
    hashes: tuple[Hash32, ...]
    deadline: Instant


@dataclass(slots=True)
class GossipState:
    """Everything the gossip core remembers. Dicts serve as ordered sets."""

    known: KnownHashes
    """What needs no fetch."""
    wanted: dict[Hash32, Wanted] = field(default_factory=dict)
    queues: dict[NodeId, dict[Hash32, None]] = field(default_factory=dict)
    """For each peer, what is to be asked of it and is not yet; may hold stale entries."""
    requests: dict[int, Request] = field(default_factory=dict)
    """Open requests by number, and so in order of their deadlines."""
    in_flight: dict[NodeId, int] = field(default_factory=dict)
    """How many requests are open at each peer."""
    request_last: int = 0
    unannounced: dict[Hash32, tuple[int, int]] = field(default_factory=dict)
    """Type and size in bytes of what waits for the next announcement."""
    own: dict[Hash32, WaitingTransaction] = field(default_factory=dict)
    """What clients have given to this node: oldest first."""
    relayed: dict[Hash32, WaitingTransaction] = field(default_factory=dict)
    """What came from peers: announced longest ago first."""
    dropped: int = 0
    """Announced hashes that found no room."""
