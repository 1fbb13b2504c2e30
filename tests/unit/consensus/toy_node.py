"""The node around a replica, in its plainest form: a pool, a chain, a disk."""

from collections.abc import Hashable
from dataclasses import dataclass, field

from consensus.certificate import Certificate, PreparedCertificate
from consensus.confirmation import Tentative
from consensus.effects import (
    BlockBuilt,
    BlockValidated,
    RequestBlock,
    ValidateBlock,
    WorkDone,
    WorkPending,
)
from consensus.log import ACCEPTED, PREPARED, Accepted, epoch_key
from consensus.messages import Commit, Prepare, PrePrepare
from consensus.replica import Replica
from primitives.codec import decode_canonical
from primitives.durability import DurabilityGate
from primitives.errors import OrreryError
from primitives.ids import Hash32, Instant
from primitives.machine import Effect, Event, TraceEvent
from tests.unit.consensus.toys import GENESIS, ToyBlock, decode_block, digest_of


class Delivered(Event, frozen=True, gc=False):
    """What the node makes of `Deliver`."""

    core = "consensus"
    certificate: Certificate


class Told(Event, frozen=True, gc=False):
    """What the node makes of `Tentative`: a client hears it."""

    core = "consensus"
    effect: Tentative


class SafetyViolation(AssertionError):
    """Two correct replicas disagree, or one contradicts itself."""


@dataclass
class ToyNode:
    """One node: a replica, its disk, its chain, its pool."""

    index: int
    replica: Replica
    up: bool = True
    life: int = 0
    timers: dict[Hashable, int] = field(default_factory=dict)
    gate: DurabilityGate[Effect] = field(default_factory=DurabilityGate)
    disk: dict[bytes, bytes] = field(default_factory=dict)
    disk_chain: list[tuple[ToyBlock, Certificate]] = field(default_factory=list)
    disk_busy: int = 0
    chain: list[tuple[ToyBlock, Certificate]] = field(default_factory=list)
    executed: dict[Hash32, ToyBlock] = field(default_factory=dict)
    pool: dict[int, int] = field(default_factory=dict)
    built: list[ToyBlock] = field(default_factory=list)
    trace: list[TraceEvent] = field(default_factory=list)
    fell_behind: int = 0

    @property
    def height(self) -> int:
        return len(self.chain)

    @property
    def head(self) -> Hash32:
        return self.chain[-1][0].digest if self.chain else GENESIS

    def crash(self) -> None:
        self.up = False
        self.life += 1

    def boot(self) -> None:
        """Begin a new life with nothing but what the disk holds."""
        self.life += 1
        self.up = True
        self.chain = list(self.disk_chain)
        self.timers, self.gate, self.disk_busy = {}, DurabilityGate(), 0
        self.executed, self.pool, self.built = {}, {}, []

    def news(self) -> WorkPending | WorkDone:
        """Say what waits: in the pool, and not in a block that this node has in flight."""
        flying = {t for block in self.built for t in block.transactions}
        waiting = [t for t in self.pool if t not in flying]
        if not waiting:
            return WorkDone()
        return WorkPending(Instant(min(self.pool[t] for t in waiting)), len(waiting))

    def build(self, request: RequestBlock) -> BlockBuilt:
        """Build a block of what is in the pool and in no ancestor."""
        assert self._knows(request.parent), "asked to build on an unknown parent"
        included: list[int] = []
        digest = request.parent
        while digest in self.executed:
            included += self.executed[digest].transactions
            digest = self.executed[digest].parent
        free = [t for t in self.pool if t not in included]
        builder = self.index * 1_000_000 + request.view
        block = ToyBlock(
            request.sequence, request.parent, builder, tuple(free[: request.limits.count])
        )
        self.executed[block.digest] = block
        self.built.append(block)
        return BlockBuilt(
            request.view, request.sequence, block.digest, request.parent, block.payload
        )

    def validate(self, request: ValidateBlock) -> BlockValidated:
        """Check a block, and that consensus asks as it has promised to."""
        if request.sequence > self.height:
            assert request.digest not in self.executed, "asked twice for one block"
            assert self._knows(request.parent), "asked to validate on an unknown parent"
        reason = ""
        mislabelled = True
        try:
            block = decode_block(request.payload)
        except OrreryError as error:
            reason = str(error)
        else:
            mislabelled = digest_of(request.payload) != request.digest
            if mislabelled:
                reason = "wrong digest"
            elif (block.sequence, block.parent) != (request.sequence, request.parent):
                reason = "wrong place"
            else:
                self.executed[request.digest] = block
        return BlockValidated(request.digest, not reason, reason, mislabelled=mislabelled)

    def _knows(self, digest: Hash32) -> bool:
        return digest in self.executed or digest == self.head

    def append(self, block: ToyBlock, certificate: Certificate) -> None:
        """Make a block the head."""
        if certificate.sequence != self.height + 1 or block.parent != self.head:
            raise SafetyViolation(f"{self.index} delivers {certificate.sequence} out of order")
        self.chain.append((block, certificate))
        self.executed[block.digest] = block
        for transaction in block.transactions:
            self.pool.pop(transaction, None)
        self.built = [b for b in self.built if b.sequence > self.height]

    def check_durable(self, vote: PrePrepare | Prepare | Commit) -> None:
        """Check that a vote which leaves now is written down."""
        if vote.sequence <= self.replica.delivered:
            return
        raw = self.disk.get(epoch_key(0, ACCEPTED + vote.sequence.to_bytes(8, "big")))
        accepted = None if raw is None else decode_canonical(raw, Accepted)
        if accepted is None or (accepted.view == vote.view and accepted.digest != vote.digest):
            kind = type(vote).__name__
            raise SafetyViolation(f"{self.index} sends a {kind} that is not durable")
        if isinstance(vote, Commit):
            self._check_prefix(vote)

    def _check_prefix(self, vote: Commit) -> None:
        """Check that everything up to a COMMIT is delivered, or prepared in its view or later."""
        for sequence in range(self.replica.delivered + 1, vote.sequence + 1):
            raw = self.disk.get(epoch_key(0, PREPARED + sequence.to_bytes(8, "big")))
            if raw is None or decode_canonical(raw, PreparedCertificate).view < vote.view:
                what = f"{vote.sequence}@{vote.view} over an unprepared {sequence}"
                raise SafetyViolation(f"{self.index} commits {what}")
