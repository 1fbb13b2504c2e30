"""What a replica is told at its birth: parameters of the committee, and who it is itself."""

from dataclasses import dataclass, field

from consensus.batching.fixed import Fixed
from consensus.batching.policy import UNLIMITED, BatchLimits, BatchPolicy
from consensus.certificate import Certificate
from consensus.origin import Origin
from consensus.signing import MessageVerifier
from primitives.bls import AggregateSigner
from primitives.committee import Committee
from primitives.errors import InvalidInput
from primitives.ids import Duration, Hash32, Sequence
from primitives.keys import Signer

MILLISECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class ConsensusParams:
    """How the committee works. All replicas should agree; safety does not depend on it.

    Raises:
        InvalidInput: a value that no committee could work with.
    """

    request_timeout: Duration = Duration(4_000 * MILLISECOND)
    """How long work may wait without a delivery before a replica wants another primary, ns."""
    view_change_timeout: Duration = Duration(4_000 * MILLISECOND)
    """How long a new view may take once a quorum wants it; doubles with each failure, ns."""
    timeout_doublings: int = 8
    """How often the two timeouts double at most."""
    repair_interval: Duration = Duration(1_000 * MILLISECOND)
    """How often a replica repeats what may have been lost, ns."""
    batching: BatchPolicy = field(default_factory=Fixed)
    """When the primary proposes what waits."""
    batch_size: int = 500
    """Transactions in a full batch, and in a block at most."""
    batch_bytes: int | None = None
    """Bytes of its transactions; None: as many as the chain allows."""
    batch_gas: int | None = None
    """Gas of its transactions; None: as much as the chain allows."""
    batch_delay: Duration = Duration(200 * MILLISECOND)
    """How long a batch may gather at most, ns."""
    pipeline_depth: int = 4
    """Sequences that the primary keeps in flight, at least 1."""
    block_interval: Duration = Duration(0)
    """Least time between two proposals, ns."""
    empty_blocks: bool = False
    """Propose every `block_interval`, also when nothing waits."""
    fast_confirmation: bool = False
    """Sign each block for clients as soon as it is prepared and all below it is delivered."""
    window: int = 32
    """Sequences above the last delivered one for which votes are kept, at least
    2 * pipeline_depth."""

    def __post_init__(self) -> None:
        """Refuse a window that the pipeline does not fit in, and timers that never rest."""
        checks = (
            ("consensus.pipeline_depth", "at least 1", self.pipeline_depth, 1),
            ("consensus.batch_size", "at least 1", self.batch_size, 1),
            ("consensus.batch_bytes", "at least 1", self.batch_limits.byte_count, 1),
            ("consensus.batch_gas", "at least 1", self.batch_limits.gas, 1),
            ("consensus.request_timeout", "at least 2 ns", self.request_timeout, 2),
            ("consensus.view_change_timeout", "at least 1 ns", self.view_change_timeout, 1),
            ("consensus.repair_interval", "at least 1 ns", self.repair_interval, 1),
            ("consensus.block_interval", "at least 0 ns", self.block_interval, 0),
            ("consensus.batch_delay", "at least 0 ns", self.batch_delay, 0),
            ("consensus.timeout_doublings", "at least 0", self.timeout_doublings, 0),
            ("consensus.window", "at least 2 * pipeline_depth", self.window, self.reach),
        )
        for where, expected, actual, least in checks:
            if actual < least:
                raise InvalidInput(where, expected, actual)
        if self.empty_blocks and not self.block_interval:
            raise InvalidInput("consensus.block_interval", "more than 0 with empty_blocks", 0)

    @property
    def batch_limits(self) -> BatchLimits:
        """What a block takes at most, as far as the committee limits it."""
        unlimited = UNLIMITED
        return BatchLimits(
            self.batch_size,
            unlimited if self.batch_bytes is None else self.batch_bytes,
            unlimited if self.batch_gas is None else self.batch_gas,
        )

    @property
    def reach(self) -> int:
        """How far above its last delivery a replica accepts proposals: twice the pipeline.

        Twice, because a backup may be a whole pipeline behind its primary.
        """
        return 2 * self.pipeline_depth


@dataclass(frozen=True, slots=True)
class ReplicaConfig:
    """One replica's place in its committee, its key, and the chain it starts from."""

    index: int
    """Its place in the committee, which is also its `NodeId`."""
    committee: Committee
    genesis_hash: Hash32
    signer: Signer
    verifier: MessageVerifier
    params: ConsensusParams
    sequence: Sequence = Sequence(0)
    """The last block that is durable in the node's own store, not below the origin."""
    digest: Hash32 | None = None
    """Its digest; the origin's when None."""
    trail: tuple[Certificate, ...] = ()
    """Certificates of the node's last blocks, consecutive, that of `sequence` last. At least
    `params.reach` of them, or all since the origin, let a stuck committee help itself."""

    shard: int = 0
    """Which of the chain's."""
    epoch: int = 0
    """How many committees this chain has had before this one."""
    origin: Origin | None = None
    """The block that closed the epoch before; genesis when None."""
    group: str = "committee"
    """The group that messages to the whole committee are broadcast to."""
    vote_signer: AggregateSigner | None = None
    """Signs PREPARE and COMMIT where certificates are of another form than `signer`'s keys."""

    def __post_init__(self) -> None:
        """Refuse an index outside of the committee and a start without its certificate."""
        if not 0 <= self.index < self.committee.size:
            raise InvalidInput(
                "consensus.index", f"a replica below {self.committee.size}", self.index
            )
        begun = self.sequence > self.beginning.sequence
        if begun and (not self.trail or self.trail[-1].sequence != self.sequence):
            raise InvalidInput("consensus.trail", f"a certificate of {self.sequence}", "none")

    @property
    def beginning(self) -> Origin:
        """The block that everything of this epoch stands on."""
        return Origin(Sequence(0), self.genesis_hash) if self.origin is None else self.origin
