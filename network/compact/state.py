"""What the compact block cores remember, the limits that keep it small, and what they count."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import msgspec

from network.compact.draft import Draft
from network.compact.form import PREFILL_BYTES, BlockParts
from network.compact.messages import CompactForm
from network.compact.trace import CompactRebuilt
from primitives.ids import Duration, Hash32, Instant, NodeId
from primitives.machine import Effect


class CompactTimer(StrEnum):
    """Names of the timers of the compact block cores."""

    REQUEST = "compact.request"


class CompactConfig(msgspec.Struct, frozen=True):
    """Limits and delays of compact blocks; each is one node's own choice."""

    high_bandwidth_max: int = 3
    """Peers that are asked to push blocks; BIP 152 allows three. 0 is low-bandwidth mode."""
    request_timeout: Duration = Duration(1_000_000_000)
    """After which silence another peer is asked, in ns."""
    proposal_timeout: Duration = Duration(1_000_000_000)
    """The same for who has proposed the block, in ns. Before its answer is here, nobody else need
    have the block: so this should be as long as consensus would wait for another primary."""
    prefill_bytes: int = PREFILL_BYTES
    """Most bytes of transactions that are sent in full."""
    held_max: int = 16
    """Blocks of which transactions can be asked for."""
    held_bytes: int = 64 * 1024 * 1024
    """Size of these blocks together, in bytes; the latest is held whatever its size."""
    rebuilds_max: int = 16
    """Blocks that are being rebuilt at a time, beside those that the present primary proposes."""
    rebuilds_per_peer: int = 4
    """How many of them one peer may have pushed; keeps it from filling all."""
    holders_max: int = 8
    """Peers remembered as holding one block."""


class BlockLayout(Protocol):
    """What node knows of its blocks and network does not."""

    def split(self, payload: bytes) -> BlockParts:
        """Take a block apart; raise `InvalidEncoding` for what is none."""
        ...

    def join(self, parts: BlockParts) -> bytes:
        """Put it together again; raise `InvalidEncoding` for parts of another shape."""
        ...

    def digest(self, header: bytes) -> Hash32:
        """Return the hash that names the block; raise `InvalidEncoding` for what is no header."""
        ...

    def commits(self, parts: BlockParts) -> bool:
        """Tell whether the header commits to all transactions, and to the rest."""
        ...

    def transaction_hash(self, raw: bytes) -> Hash32:
        """Return the hash that names a transaction, of whatever bytes."""
        ...


Welcome = Callable[[NodeId, bytes, bytes], bool]
"""Tells from who pushes a block, its header and certificate whether the block is wanted."""


class BlockRebuilt(Effect, frozen=True, gc=False):
    """A block is here whose header commits to its body; nothing else of it has been checked."""

    digest: Hash32
    payload: bytes
    certificate: bytes
    """As it came; empty if none did."""
    peer: NodeId
    """Who had it first, or sent the whole of it."""
    fetched: tuple[Hash32, ...]
    """Transactions that this node lacked; others may lack them, too."""


class BlockLost(Effect, frozen=True, gc=False):
    """No peer that was said to hold the block has given it; node finds it in another way."""

    digest: Hash32


class HeldBlock(msgspec.Struct, frozen=True, gc=False):
    """A block that peers may ask for."""

    parts: BlockParts
    payload: bytes
    certificate: bytes
    form: CompactForm | None
    """None for a block with too many transactions for it."""


class Stage(StrEnum):
    """What was asked for, to get a block."""

    FORM = "its compact form"
    TRANSACTIONS = "missing transactions"
    WHOLE = "the whole block"


@dataclass(slots=True)
class Rebuild:
    """A block that is on its way."""

    digest: Hash32
    stage: Stage
    asked: NodeId
    """The peer whose answer is awaited."""
    source: NodeId
    """Who brought the compact form, or the announcement."""
    request: int = 0
    due: Instant = Instant(0)
    holders: list[NodeId] = field(default_factory=list)
    """Who else may have it, whom to ask next in front."""
    failed: list[NodeId] = field(default_factory=list)
    """Who was asked and did not give it."""
    proposed: bool = False
    """It came inside a proposal."""
    present: bool = False
    """The proposal is one that consensus waits for now; see `BlockReceiver.begin`."""
    form: CompactForm | None = None
    draft: Draft | None = None
    certificate: bytes = b""
    fetched_bytes: int = 0
    """Transactions and whole blocks that came from peers."""


@dataclass(slots=True)
class Savings:
    """What compact blocks were good for, since the start of the node."""

    rebuilt: int = 0
    """Blocks that came as a compact form or whole, in answer to a request of this core."""
    at_once: int = 0
    """Those for which nothing had to be asked for."""
    whole: int = 0
    """Those that had to be fetched whole."""
    lost: int = 0
    full_bytes: int = 0
    """Size of all that were rebuilt."""
    compact_bytes: int = 0
    """Size of their compact forms."""
    fetched_bytes: int = 0
    """Size of the transactions and whole blocks fetched for them."""
    matched: int = 0
    """Transactions found in the pool."""
    prefilled: int = 0
    fetched: int = 0
    ambiguous: int = 0
    """Short ids that fitted two transactions."""
    mismatches: int = 0
    """Blocks that had to be fetched whole because one transaction had the id of another."""

    def note(self, block: CompactRebuilt) -> None:
        """Count a block that is here."""
        self.rebuilt += 1
        self.full_bytes += block.full_bytes
        self.compact_bytes += block.compact_bytes
        self.fetched_bytes += block.fetched_bytes
        self.matched += block.matched
        self.prefilled += block.prefilled
        self.fetched += block.fetched

    def share_saved(self) -> float:
        """Return which share of the blocks' bytes did not have to come, below 1."""
        if not self.full_bytes:
            return 0.0
        return 1 - (self.compact_bytes + self.fetched_bytes) / self.full_bytes


@dataclass(slots=True)
class CompactState:
    """Everything that receiving blocks remembers. Dicts serve as ordered sets."""

    rebuilds: dict[Hash32, Rebuild] = field(default_factory=dict)
    """By digest, oldest first."""
    numbers: dict[int, Hash32] = field(default_factory=dict)
    """Which block an open request is for."""
    request_last: int = 0
    alarm: Instant | None = None
    """When the timer fires, if it is set."""
    savings: Savings = field(default_factory=Savings)

    def of_peer(self, peer: NodeId, *, present: bool) -> int:
        """Return how many of the open rebuilds this peer has begun, present or not."""
        rebuilds = self.rebuilds.values()
        return sum([each.source == peer and each.present == present for each in rebuilds])

    def requested(self, number: int, peer: NodeId, stages: Sequence[Stage]) -> Rebuild | None:
        """Return the rebuild whose open request of `peer` has this number, in one of `stages`."""
        digest = self.numbers.get(number)
        rebuild = None if digest is None else self.rebuilds.get(digest)
        if rebuild is None or rebuild.asked != peer or rebuild.stage not in stages:
            return None
        return rebuild
