"""What the sync core remembers, and the limits that keep it small."""

from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from primitives.ids import Duration, NodeId


class SyncTimer(StrEnum):
    """Names of the timers of the sync core. Text, since a plain `Enum` hashes itself slowly."""

    REQUEST = "sync.request"
    POLL = "sync.poll"


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
    response_bytes: int = 4 * 1024 * 1024
    """Size beyond which an answer stops early, in bytes."""


class BlockRequest(msgspec.Struct, frozen=True, gc=False):
    """The open `GetBlocks`."""

    number: int
    peer: NodeId
    first: int
    count: int


@dataclass(slots=True)
class SyncState:
    """Everything the sync core remembers."""

    head: int = 0
    """Height of the last adopted block."""
    heights: dict[NodeId, int] = field(default_factory=dict)
    """What peers say they hold. Those that lied or kept silent start again from nothing."""
    request: BlockRequest | None = None
    checking: NodeId | None = None
    """Whose blocks the node is verifying now; nothing is asked for meanwhile."""
    request_last: int = 0
    started_at: int | None = None
    """The head at which a catch-up began that has not ended."""
    status_next: int = 0
    """Position in the list of peers of the next one to ask for its height."""
    head_polled: int = -1
    """The head at the last firing of the poll timer."""
    failures: dict[NodeId, int] = field(default_factory=dict)
    """Lies and silences of each peer; the one with fewest is asked first."""
    liars: dict[NodeId, None] = field(default_factory=dict)
    """Peers that gave a block or certificate that is not valid: never asked again. No accident
    makes one, since links keep bytes as they are."""
    offences: dict[NodeId, dict[str, int]] = field(default_factory=dict)
    """What each peer did wrong, and how often."""

    def count_offence(self, peer: NodeId, offence: str) -> None:
        """Note that a peer broke a rule, and ask others before it from now on."""
        self.failures[peer] = self.failures.get(peer, 0) + 1
        counts = self.offences.setdefault(peer, {})
        counts[offence] = counts.get(offence, 0) + 1
