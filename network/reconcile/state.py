"""What reconciliation remembers, the limits that keep it small, and what it counts."""

from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from network.messages import HASHES_PER_ANNOUNCEMENT
from network.reconcile.sketch import Sketch
from primitives.ids import Duration, Hash32, Instant, NodeId

SPREAD_FIRST = 64
"""A quarter: what one of two nodes is thought to lack before anything is known."""


class ReconcileTimer(StrEnum):
    """Names of the timers of the reconciling core."""

    ROUND = "reconcile.round"


class ReconcileConfig(msgspec.Struct, frozen=True):
    """Limits and delays of reconciliation; each is one node's own choice."""

    interval: Duration = Duration(250_000_000)
    """Between two rounds that this node begins, each with the next of its peers, in ns."""
    timeout: Duration = Duration(2_000_000_000)
    """After which silence a round is given up, in ns. Its transactions wait for the next."""
    rest: Duration = Duration(50_000_000)
    """Least time between two rounds that the same peer begins, in ns: sketches cost work."""
    pending_max: int = 4_096
    """Transactions that wait for one peer; beyond it the oldest are announced plainly."""
    hashes_per_announcement: int = HASHES_PER_ANNOUNCEMENT


Entries = dict[Hash32, tuple[int, int]]
"""Transactions to announce, each with its type and size in bytes; oldest first."""


@dataclass(slots=True)
class Round:
    """A round that is going on with a peer. What is announced meanwhile is not part of it."""

    number: int
    entries: Entries
    """What was to be announced when it began."""
    names: dict[int, Hash32]
    due: Instant
    sketches: list[Sketch] = field(default_factory=list)
    """Differences that were received, for who has asked."""
    cells: int = 0
    """Of the first sketch, for who was asked."""
    parts: int = 0
    """Sketches that were sent, for who was asked."""
    peer_count: int = 0


@dataclass(slots=True)
class Link:
    """What is known of one peer."""

    key: bytes
    """Of names, 16 bytes; the same at the other end."""
    asks: bool
    """Whether this node begins the rounds."""
    pending: Entries = field(default_factory=dict)
    spread: int = SPREAD_FIRST
    """How much of the smaller set the other end was lacking lately, in 1/256."""
    round_last: int = 0
    asked: Round | None = None
    """The round that this node has begun."""
    rest_until: Instant = Instant(0)
    """Before which the peer may not begin another."""
    answered: Round | None = None
    """The round that the peer has begun."""


@dataclass(slots=True)
class ReconcileCounts:
    """What has happened since the start of the node."""

    rounds: int = 0
    """Those that this node has begun and finished."""
    plain: int = 0
    """Rounds without a sketch."""
    extended: int = 0
    """Rounds that took a second sketch."""
    failed: int = 0
    """Rounds in which even two did not do."""
    differences: int = 0
    """Transactions that only one end knew of, as sketches told."""


@dataclass(slots=True)
class ReconcileState:
    """Everything that the core remembers."""

    links: dict[NodeId, Link] = field(default_factory=dict)
    turn: int = 0
    """Rounds begun, over all peers; the next peer follows from it."""
    armed: bool = False
    """Whether the timer is set."""
    counts: ReconcileCounts = field(default_factory=ReconcileCounts)
