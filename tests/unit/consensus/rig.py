"""One replica on a bench: a test gives it events by hand and looks at what it does."""

from collections.abc import Iterable
from typing import TypeVar

from consensus.certificate import Certificate, PreparedCertificate
from consensus.effects import BlockBuilt, BlockValidated, ValidateBlock, WorkPending
from consensus.messages import (
    Claim,
    NewView,
    PrePrepare,
    ReplicaStatus,
    ViewChange,
    ViewChangeVote,
)
from consensus.replica import Replica
from consensus.signing import binding, signed_payload
from consensus.state import ReplicaState, Timer
from primitives.ids import Duration, Hash32, Instant, NodeId, Sequence, View
from primitives.machine import (
    Broadcast,
    Effect,
    Emit,
    Event,
    Loopback,
    Message,
    Persist,
    Received,
    Record,
    Send,
    SetTimer,
    Started,
    TimerFired,
)
from tests.unit.consensus.toys import (
    GENESIS,
    MS,
    ToyBlock,
    keys,
    replica,
    signed_commit,
    signed_prepare,
)

M = TypeVar("M", bound=Message)
E = TypeVar("E", bound=Effect)


class Rig:
    """A replica whose own votes come back at once, and whose node finds every block valid.

    Args:
        index: which replica.
        n: size of the committee.
        validates: whether blocks are found valid at once.
        records: its log.
        changes: of the replica's configuration.
    """

    def __init__(
        self,
        index: int = 1,
        n: int = 4,
        *,
        validates: bool = True,
        records: Iterable[Record] = (),
        **changes: object,
    ) -> None:
        self.n = n
        self.index = index
        self.now = 0
        self.validates = validates
        self.replica: Replica
        self.disk: dict[bytes, bytes] = {}
        self.effects: list[Effect] = []
        self._boot(records, **changes)

    def _boot(self, records: Iterable[Record], **changes: object) -> None:
        kept = tuple(records)
        self.disk = {record.key: record.value for record in kept if record.value is not None}
        made = replica(self.index, self.n, **changes)
        if kept:
            made = Replica(made.state.config, kept)
        self.replica = made
        self.effects = []
        self.give(Started())

    @property
    def state(self) -> ReplicaState:
        return self.replica.state

    def give(self, event: Event) -> list[Effect]:
        """Run a turn, and those that follow from it; return all effects."""
        effects = list(self.replica.step(Instant(self.now), event))
        for effect in tuple(effects):
            if isinstance(effect, Loopback):
                effects += self.give(effect.event)
            elif isinstance(effect, ValidateBlock) and self.validates:
                effects += self.give(BlockValidated(effect.digest, True, ""))
            elif isinstance(effect, Persist):
                for record in effect.records:
                    if record.value is None:
                        self.disk.pop(record.key, None)
                    else:
                        self.disk[record.key] = record.value
        self.effects = effects
        return effects

    def log(self) -> list[Record]:
        return [Record("consensus", key, value) for key, value in self.disk.items()]

    def restarted(self, **changes: object) -> "Rig":
        """Return the replica's next life, from its log."""
        return Rig(self.index, self.n, validates=self.validates, records=self.log(), **changes)

    def receive(self, sender: int, message: Message) -> list[Effect]:
        return self.give(Received(NodeId(sender), message))

    def fire(self, timer: Timer, after_ms: float = 0) -> list[Effect]:
        self.now += int(after_ms * MS)
        return self.give(TimerFired(timer))

    def work(self, count: int = 4) -> list[Effect]:
        return self.give(WorkPending(Instant(self.now), count))

    # Events ----------------------------------------------------------------------------------

    def pre_prepare(self, block: ToyBlock, view: int = 0) -> list[Effect]:
        message = pre_prepare(self.n, block, view)
        return self.receive(view % self.n, message)

    def prepare(self, block: ToyBlock, replicas: Iterable[int], view: int = 0) -> list[Effect]:
        effects: list[Effect] = []
        for i in replicas:
            vote = signed_prepare(self.n, i, view, block.sequence, block.digest, block.parent)
            effects += self.receive(i, vote)
        return effects

    def commit(self, block: ToyBlock, replicas: Iterable[int], view: int = 0) -> list[Effect]:
        effects: list[Effect] = []
        for i in replicas:
            effects += self.receive(i, signed_commit(self.n, i, view, block.sequence, block.digest))
        return effects

    def decide(self, block: ToyBlock, view: int = 0) -> list[Effect]:
        """Take a block through the three phases, with the votes of all others."""
        effects = self.pre_prepare(block, view)
        primary = view % self.n
        others = [i for i in range(self.n) if i != self.index]
        effects += self.prepare(block, [i for i in others if i != primary], view)
        return effects + self.commit(block, others, view)

    def build(self, block: ToyBlock, view: int = 0) -> list[Effect]:
        return self.give(
            BlockBuilt(
                View(view),
                Sequence(block.sequence),
                block.digest,
                block.parent,
                block.payload,
            )
        )

    def suspect(self) -> list[Effect]:
        """Let work wait, here and at f others, until the replica asks for the next view."""
        self.work()
        self.fire(Timer.PROGRESS, 200)
        self.others_wait()
        return self.fire(Timer.PROGRESS, 200)

    def others_wait(self) -> None:
        """Have f others ask around."""
        others = [i for i in range(self.n) if i != self.index][: self.state.faults]
        place = (self.state.view, self.state.delivered)
        for i in others:
            self.receive(i, ReplicaStatus(*place, alone=False, epoch=self.state.config.epoch))


def chain(
    length: int, first_parent: Hash32 = GENESIS, start: int = 1, tag: int = 0
) -> list[ToyBlock]:
    """Return linked blocks; another tag gives others."""
    blocks: list[ToyBlock] = []
    parent = first_parent
    for sequence in range(start, start + length):
        blocks.append(ToyBlock(sequence, parent, tag, ()))
        parent = blocks[-1].digest
    return blocks


def pre_prepare(n: int, block: ToyBlock, view: int = 0) -> PrePrepare:
    fields = (
        View(view), Sequence(block.sequence), block.digest, block.parent, block.payload
    )  # fmt: skip
    payload = signed_payload(binding(GENESIS), PrePrepare(*fields, b""))
    return PrePrepare(*fields, keys(n)[view % n].sign(payload))


def vote(
    n: int,
    replica: int,
    view: int,
    base: tuple[int, bytes] = (0, GENESIS),
    claims: Iterable[PreparedCertificate] = (),
) -> ViewChangeVote:
    """Return a signed VIEW-CHANGE vote."""
    prepared = tuple(Claim(proof.view, proof.digest) for proof in claims)
    fields = (View(view), replica, Sequence(base[0]), Hash32(base[1]), prepared)
    payload = signed_payload(binding(GENESIS), ViewChangeVote(*fields, b""))
    return ViewChangeVote(*fields, keys(n)[replica].sign(payload))


def view_change(
    n: int,
    replica: int,
    view: int,
    trail: tuple[Certificate, ...] = (),
    proofs: tuple[PreparedCertificate, ...] = (),
) -> ViewChange:
    """Return a VIEW-CHANGE with its proofs."""
    base = (trail[-1].sequence, trail[-1].digest) if trail else (0, GENESIS)
    return ViewChange(vote(n, replica, view, base, proofs), trail, proofs)


def new_view(
    n: int,
    view: int,
    votes: Iterable[ViewChangeVote],
    trail: tuple[Certificate, ...] = (),
    proofs: tuple[PreparedCertificate, ...] = (),
    signer: int | None = None,
) -> NewView:
    """Return a signed NEW-VIEW."""
    fields = (View(view), tuple(votes), trail, proofs)
    payload = signed_payload(binding(GENESIS), NewView(*fields, b""))
    key = keys(n)[view % n if signer is None else signer]
    return NewView(*fields, key.sign(payload))


def sent(effects: Iterable[Effect], kind: type[M]) -> list[M]:
    """Return the broadcast messages of a kind."""
    return [
        effect.message
        for effect in effects
        if isinstance(effect, Broadcast) and isinstance(effect.message, kind)
    ]


def sent_to(effects: Iterable[Effect], kind: type[M]) -> list[tuple[int, M]]:
    """Return (receiver, message) for the messages of a kind to single replicas."""
    return [
        (effect.to, effect.message)
        for effect in effects
        if isinstance(effect, Send) and isinstance(effect.message, kind)
    ]


def only(effects: Iterable[Effect], kind: type[E]) -> list[E]:
    return [effect for effect in effects if isinstance(effect, kind)]


def emitted(effects: Iterable[Effect]) -> list[str]:
    return [effect.event.name for effect in effects if isinstance(effect, Emit)]


def delay_of(effects: Iterable[Effect], timer: Timer) -> Duration | None:
    """Return the delay that a timer was set to last, None if it was not."""
    delays = [e.delay_ns for e in effects if isinstance(e, SetTimer) and e.timer is timer]
    return delays[-1] if delays else None
