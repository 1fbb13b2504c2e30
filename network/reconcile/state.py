"""What reconciliation remembers, the limits that keep it small, and what it counts."""

from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from network.messages import HASHES_PER_ANNOUNCEMENT
from network.reconcile.sketch import Sketch
from primitives.ids import Duration, Hash32, Instant, NodeId

GONE_MAX = 16
"""Peers that are gone for which is kept what waits for them: most are back in a moment."""
SPREAD_FIRST = 64
"""A quarter: what one of two nodes is thought to lack before anything is known."""


class ReconcileTimer(StrEnum):
    """Names of the timers of the reconciling core."""

    ROUND = "reconcile.round"


class ReconcileConfig(msgspec.Struct, frozen=True):
    """Limits and delays of reconciliation; each is one node's own choice."""

    fanout: int = 2
    """Neighbours that are told of a transaction at once; the others wait for rounds."""
    interval: Duration = Duration(250_000_000)
    """Between two rounds that this node begins, each with the next of its peers, in ns."""
    timeout: Duration = Duration(2_000_000_000)
    """After which silence a round is given up, in ns. Its transactions wait for the next."""
    rest: Duration = Duration(100_000_000)
    """Least time between two rounds that the same peer begins, in ns: sketches cost work."""
    patience: Duration = Duration(4_000_000_000)
    """For so long without a whole round, in ns, a peer's transactions wait at least, and at least
    for `turns_missed` turns of all peers; then they are announced plainly."""
    turns_missed: int = 3
    failures_max: int = 3
    """Rounds in a row that may tell nothing: then all is announced plainly for `plain_time`."""
    plain_time: Duration = Duration(30_000_000_000)
    """In ns."""
    pending_max: int = 4_096
    """Transactions that wait for one peer; beyond it the oldest are announced plainly."""
    heard_max: int = 4_096
    """Transactions for which is remembered who has told of them, until this node does."""
    hashes_per_announcement: int = HASHES_PER_ANNOUNCEMENT


Entries = dict[Hash32, tuple[int, int]]
"""Transactions to announce, each with its type and size in bytes; oldest first."""


@dataclass(slots=True)
class Round:
    """A round that is going on with a peer. What is announced meanwhile is not part of it."""

    number: int
    salt: bytes
    entries: Entries
    """What was to be announced when it began, but for what shares its name with another one."""
    due: Instant
    names: dict[int, Hash32] = field(default_factory=dict)
    """Of `entries`; made with the first sketch."""
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

    asks: bool
    """Whether this node begins the rounds."""
    served_at: Instant
    """When the last round ended, or what took its place."""
    round_last: int
    """The last round that this node has begun; a number that no answer to an earlier life has."""
    pending: Entries = field(default_factory=dict)
    spread: int = SPREAD_FIRST
    """How much of the smaller set the other end was lacking lately, in 1/256."""
    asked: Round | None = None
    """The round that this node has begun."""
    asked_at: Instant = Instant(-1)
    """When it began the last one."""
    rest_until: Instant = Instant(0)
    """Before which the peer may not begin another."""
    answered: Round | None = None
    """The round that the peer has begun."""
    owed: int = 0
    """How many it has yet to announce, at least, of those that it was asked for last."""
    failures: int = 0
    """Rounds in a row that have told nothing, or nothing true."""
    plain_until: Instant = Instant(0)
    """Until then the peer is told of all at once."""


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
    flushed: int = 0
    """Transactions that were announced plainly because no round came, or too many failed."""


@dataclass(slots=True)
class ReconcileState:
    """Everything that the core remembers."""

    links: dict[NodeId, Link] = field(default_factory=dict)
    gone: dict[NodeId, Entries] = field(default_factory=dict)
    """What waits for peers that are gone, who went first first."""
    armed: bool = False
    """Whether the timer is set."""
    counts: ReconcileCounts = field(default_factory=ReconcileCounts)
