"""What the client of fast confirmation remembers and says, and its own choices."""

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum

from consensus.messages import Refusal
from node.confirmation_answers import Answer
from node.confirmation_messages import BlockResults
from node.confirmation_proofs import ProvenResult
from primitives.ids import Duration, Hash32, Instant, NodeId, Sequence
from primitives.machine import Effect

MILLISECOND = 1_000_000
GATEWAY_FULL = "gateway_full"
"""Code of a refusal for want of room at the client itself."""
DOUBLINGS = 2
"""How often the pauses of an insistent client double: a healed network is to notice it soon."""
EPOCHS_KEPT = 4
"""Earlier committees that are remembered."""
CERTIFIED_KEPT = 256
"""Certificates that are remembered."""
SHOWN_KEPT = 64
"""Proofs of one validator that are kept until their blocks are certified: far more than one that
tells the truth has blocks in flight."""


class ClientTimer(StrEnum):
    """Names of the client's timers."""

    FLUSH = "confirmation.flush"
    """What has gathered is sent to the validators."""
    INSIST = "confirmation.insist"
    """Somebody may have waited too long."""


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """One client's own choices."""

    batch_delay: Duration = Duration(2 * MILLISECOND)
    """How long a transaction waits for others to be sent with it, ns."""
    patience: Duration = Duration(1_500 * MILLISECOND)
    """After which silence validators are asked again, ns; doubles twice."""
    timeout: Duration = Duration(5_000 * MILLISECOND)
    """After which a transaction is called Pending, ns."""
    give_up: Duration = Duration(60_000 * MILLISECOND)
    """After which it is forgotten, ns."""
    open_max: int = 16_384
    """Transactions that it waits for at a time."""
    done_max: int = 65_536
    """Transactions whose final answer it remembers, so that repetitions are no new ones."""


class Answered(Effect, frozen=True, gc=False):
    """Something is known about a transaction."""

    transaction: Hash32
    answer: Answer
    latency_ns: Duration
    """Since it was submitted."""


class Misbehaved(Effect, frozen=True, gc=False):
    """A validator has said something that is false, or that the client cannot check."""

    validator: NodeId
    kind: str
    """"signature", "proof", "certificate", "refusal" for one whose signature is not this epoch's,
    or "tentative" for two that contradict each other."""
    sequence: Sequence


@dataclass(slots=True)
class Entry:
    """One transaction that is waited for."""

    raw: bytes
    since: Instant
    due: Instant
    """When validators are asked again, or the timeout passes."""
    prover: int = -1
    """Which validator is to prove its result; -1 before one of this epoch's was asked."""
    attempts: int = 0
    confirmed: bool = False
    """Its fast answer is given."""
    overdue: bool = False
    """It was called Pending."""
    results: dict[Hash32, tuple[BlockResults, ProvenResult]] = field(default_factory=dict)
    """What is proven about it, by block."""
    refusals: dict[bytes, dict[int, Refusal]] = field(default_factory=dict)
    """By reason and replica."""


@dataclass(slots=True)
class Proofs:
    """Which proofs are kept, and whose. Anybody can make up blocks and prove what is in them."""

    _names: dict[Hash32, dict[Hash32, None]] = field(default_factory=dict)
    """Transactions that are proven to stand in a block, by block."""
    _by_validator: dict[NodeId, deque[tuple[Hash32, BlockResults]]] = field(default_factory=dict)

    def names(self, digest: Hash32) -> tuple[Hash32, ...]:
        """Return the transactions that are proven to stand in a block and are waited for."""
        return tuple(self._names.get(digest, ()))

    def remove(self, digest: Hash32, name: Hash32) -> None:
        """Forget that a transaction is proven to stand in a block."""
        names = self._names[digest]
        del names[name]
        if not names:
            del self._names[digest]

    def add(
        self, validator: NodeId, digest: Hash32, names: list[Hash32], message: BlockResults
    ) -> tuple[Hash32, BlockResults] | None:
        """Note what a validator has proven; return what makes way for it, if something does."""
        if not names:
            return None
        self._names.setdefault(digest, {}).update(dict.fromkeys(names))
        own = self._by_validator.setdefault(validator, deque())
        own.append((digest, message))
        return own.popleft() if len(own) > SHOWN_KEPT else None


def in_order(refusals: dict[int, Refusal]) -> tuple[Refusal, ...]:
    """Return refusals by replica."""
    return tuple(refusals[replica] for replica in sorted(refusals))
