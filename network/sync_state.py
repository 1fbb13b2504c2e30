"""What the sync core remembers, and the limits that keep it small."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from network.messages import CertifiedBlock
from network.offences import Offence, PeerBook
from primitives.ids import Duration, Instant, NodeId
from primitives.machine import Effect

SNAPSHOT_GAP = 1_024
"""Missing blocks above which a state is fetched, unless told otherwise."""


class SyncTimer(StrEnum):
    """Names of the timers of the sync core. Text, since a plain `Enum` hashes itself slowly."""

    REQUEST = "sync.request"
    POLL = "sync.poll"
    TRANSFER = "sync.transfer"


class SyncConfig(msgspec.Struct, frozen=True):
    """Limits and delays of block exchange; each is one node's own choice."""

    group: str = "neighbours"
    """Who hears announcements of blocks."""
    peers: tuple[NodeId, ...] = ()
    """Whom to ask for their height, in this order, without the node itself."""
    request_timeout: Duration = Duration(2_000_000_000)
    """After which silence another peer is asked, in ns."""
    poll_interval: Duration = Duration(5_000_000_000)
    """After how long without a new block a peer is asked for its height, in ns; 0 is never."""
    status_fanout: int = 3
    """How many peers are asked for their height at a time."""
    follow_gap: int = 0
    """How far an announcement may be ahead before the block is fetched. 0 for a follower; a
    validator waits longer, because consensus brings the block in the ordinary case."""
    catch_up_gap: int = 3
    """A distance above this is a catch-up and is traced as such."""
    blocks_per_request: int = 16
    requests_max: int = 3
    """Requests for blocks that are open at a time, each to another peer."""
    snapshot_gap: int = SNAPSHOT_GAP
    """A distance above this is bridged by a state and not block by block, if a peer has one."""
    offers_max: int = 3
    """Peers that are asked at a time which state they have."""
    chunks_max: int = 8
    """Chunks of a state that are asked for at a time."""
    chunks_per_peer: int = 2
    """How many of them of one peer."""
    response_bytes: int = 4 * 1024 * 1024
    """Size beyond which an answer stops early, in bytes."""


class BlockRequest(msgspec.Struct, frozen=True, gc=False):
    """The open `GetBlocks`."""

    peer: NodeId
    first: int
    count: int
    due: Instant
    """When the peer counts as silent."""

    @property
    def last(self) -> int:
        """The last height asked for."""
        return self.first + self.count - 1


class Answer(msgspec.Struct, frozen=True, gc=False):
    """Consecutive blocks that have come and wait for those below them."""

    peer: NodeId
    first: int
    blocks: tuple[CertifiedBlock, ...]
    offered: bool = False
    """Nobody has asked for them, and `peer` is not alone in what it has given."""

    @property
    def last(self) -> int:
        """Height of the last block."""
        return self.first + len(self.blocks) - 1


@dataclass(slots=True)
class SyncState:
    """Everything the sync core remembers."""

    book: PeerBook
    """Notes what peers do wrong, and says whom to ask first."""
    head: int = 0
    """Height of the last adopted block."""
    epoch: int = 0
    """Number of the epoch that the next block belongs to."""
    heights: dict[NodeId, int] = field(default_factory=dict)
    """What peers say they hold. Those that lied or kept silent start again from nothing."""
    lowest: dict[NodeId, int] = field(default_factory=dict)
    """From which height upward they say they still hold it; from 1 if nothing is known."""
    requests: dict[int, BlockRequest] = field(default_factory=dict)
    """The open requests for blocks, by number; at most one of each peer."""
    ready: list[Answer] = field(default_factory=list)
    """Answers that are not checked yet, by ascending height. With the requests and what is being
    checked they cover each height at most once."""
    checking: Answer | None = None
    """What the node is verifying now."""
    request_last: int = 0
    alarm: Instant | None = None
    """For when the timer of the requests is set."""
    started_at: int | None = None
    """The head at which a catch-up began that has not ended."""
    status_next: int = 0
    """Position in the list of peers of the next one to ask for its height."""
    head_polled: int = -1
    """The head at the last firing of the poll timer."""
    liars: dict[NodeId, None] = field(default_factory=dict)
    """Peers that gave a block or certificate that is not valid: never asked again. No accident
    makes one, since links keep bytes as they are."""

    def distrust(self, now: Instant, peer: NodeId, offence: Offence) -> Sequence[Effect]:
        """Count an offence, and believe nothing any more of what the peer says it holds."""
        self.heights.pop(peer, None)
        return self.book.count(now, peer, offence)

    def convict(self, now: Instant, peer: NodeId, offence: Offence) -> Sequence[Effect]:
        """Count an offence that no accident explains: never ask the peer again."""
        self.liars[peer] = None
        self.ready = [answer for answer in self.ready if answer.peer != peer]
        for number in [n for n, request in self.requests.items() if request.peer == peer]:
            del self.requests[number]
        return self.distrust(now, peer, offence)

    def holders(self, now: Instant, height: int) -> list[NodeId]:
        """Return the peers that say they hold the block of a height, the most reliable first."""
        found = [
            peer
            for peer, known in self.heights.items()
            if known >= height >= self.lowest.get(peer, 1)
        ]
        return self.book.ranked(now, found)

    def is_held(self, height: int) -> bool:
        """Whether any peer says it holds the block of a height."""
        lowest = self.lowest
        for peer, known in self.heights.items():
            if known >= height and (not lowest or height >= lowest.get(peer, 1)):
                return True
        return False

    def top(self) -> int:
        """Return up to where blocks are here or being checked, none missing; at least the head."""
        return self.head if self.checking is None else max(self.head, self.checking.last)

    def is_ahead(self, height: int) -> bool:
        """Whether any peer says it holds more than `height`."""
        return max(self.heights.values(), default=0) > height

    def is_coming(self, height: int) -> bool:
        """Whether the block of a height is asked for, or there and not checked yet."""
        if not self.requests and not self.ready:
            return False
        spans = [(request.first, request.last) for request in self.requests.values()]
        spans += [(answer.first, answer.last) for answer in self.ready]
        return any(first <= height <= last for first, last in spans)

    def next_range(self, per_request: int, reach: int) -> tuple[int, int] | None:
        """Return the lowest heights that are neither asked for nor there: first and count.

        Args:
            per_request: most heights of a range.
            reach: how far above the head a range may begin.
        """
        first = self.head + 1
        if self.checking is not None:
            first = max(first, self.checking.last + 1)
        if not self.requests and not self.ready:
            # So it is for each block that a follower hears of.
            return (first, per_request) if first <= self.head + reach else None
        taken = [(request.first, request.last) for request in self.requests.values()]
        taken += [(answer.first, answer.last) for answer in self.ready]
        for low, high in sorted(taken):
            if low > first:
                return first, min(low - first, per_request)
            first = max(first, high + 1)
        return (first, per_request) if first <= self.head + reach else None
