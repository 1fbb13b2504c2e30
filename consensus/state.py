"""What one replica knows. Data only: the rules stand with the messages they belong to.

The parts, from the bottom upward:

* the **chain**: what is delivered, and the certificates of the last deliveries;
* **blocks** by digest: payloads that were proposed, and whether the node found them valid;
* **slots** by sequence: the proposal and the votes of the current view;
* **proofs** that outlive a view: prepared certificates, and commit certificates that could not
  be delivered yet;
* the view change under way, the primary's own business, and what is being repaired.

Memory is bounded without a checkpoint protocol, because a block's commit certificate proves
its whole prefix: what is delivered is dropped, except for the last `reach` blocks and
certificates, with which others are helped. What lies above is bounded by the window, for each
peer.

Every signature is over a payload that names its view, so a slot belongs to one view: entering
a view drops all slots, and votes of a later view wait in `early`.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from consensus.certificate import Certificate, PreparedCertificate
from consensus.certificate_policy import CertificatePolicy
from consensus.effects import WorkPending
from consensus.evidence import Evidence
from consensus.messages import Commit, NewView, Prepare, PrePrepare, ViewChange, ViewChangeVote
from consensus.params import ConsensusParams, ReplicaConfig
from consensus.signing import Signed, binding
from primitives.ids import Hash32, Instant, NodeId, Sequence, View
from primitives.machine import Effect, Message

KEPT = 8
"""Contradictions of one peer that are kept."""


class Timer(Enum):
    """The alarms of a replica."""

    PROGRESS = "consensus.progress"
    """Work waits and nothing is delivered: first ask around, then suspect the primary."""
    VIEW_CHANGE = "consensus.view_change"
    """A quorum wants a view, and its primary does not start it."""
    REPAIR = "consensus.repair"
    """Repeat what may have been lost."""
    FAIRNESS = "consensus.fairness"
    """Blocks are delivered, and pass over a transaction: first complain, then suspect."""
    PROPOSE = "consensus.propose"
    """A smaller batch has waited long enough, or the block interval is over."""


class Validity(Enum):
    """What the node says about a block."""

    UNKNOWN = 0
    ASKED = 1
    VALID = 2
    INVALID = 3


@dataclass(slots=True)
class Block:
    """A proposed block. Once valid it stays so, whichever view proposes it again."""

    sequence: Sequence
    digest: Hash32
    parent: Hash32
    payload: bytes
    validity: Validity = Validity.UNKNOWN
    fetched: bool = False
    """It came as a `Proposal`: if it is invalid, that may be the fault of who sent it."""
    durable: bool = False
    """Its payload is in the log."""
    reconsidered: bool = False
    """It was refused, and asked about again because others had found it valid."""
    handed: dict[int, Instant] = field(default_factory=dict)
    """When its payload was last handed out to each peer."""
    closing: bool = False
    """It is valid, and closes the epoch: no block of this epoch stands on it."""
    hint: bytes = b""
    """What its proposer sent beside it."""
    hinted_by: int | None = None
    """That proposer."""


@dataclass(slots=True)
class Slot:
    """One sequence in the current view."""

    sequence: Sequence
    prepares: list[Prepare | None]
    """The first PREPARE of each replica, by replica."""
    commits: list[Commit | None]
    digest: Hash32 | None = None
    """What the primary proposed: its first proposal, whatever it says later."""
    parent: Hash32 | None = None
    prepare_count: int = 0
    """PREPAREs of backups for `digest`."""
    commit_count: int = 0
    accepted: bool = False
    """The proposal is valid and durable, and this replica's PREPARE is sent (unless it leads)."""
    prepared: bool = False
    committing: bool = False
    """This replica's COMMIT is sent."""
    committed: bool = False
    """A commit certificate is there, for `digest` or for another block."""
    strays: dict[Hash32, int] = field(default_factory=dict)
    """COMMITs for other digests than `digest`."""
    proposal: PrePrepare | None = None
    """The primary's first, as it came; None if the proposal is this replica's, or a new view's."""
    forged: bool = False
    """The primary has sent a payload that is not the proposal's; no other is taken from it."""
    exposed: dict[tuple[str, int], None] = field(default_factory=dict)
    """Kinds of contradictions that were noted here, and whose."""


@dataclass(slots=True)
class EarlyMessages:
    """Messages of one peer for one later view; a still later view replaces them."""

    view: View
    messages: list[Message] = field(default_factory=list)


@dataclass(slots=True)
class ViewChanging:
    """What is known about views to come."""

    target: View = View(0)
    """The view that this replica has asked for. Above `view`: it does not vote."""
    own: ViewChange | None = None
    """What it asked with, proofs included; repeated as it is, never made anew."""
    latest: dict[int, ViewChange] = field(default_factory=dict)
    """The VIEW-CHANGE with the highest view, by replica."""
    proven: dict[int, ViewChange] = field(default_factory=dict)
    """Those of them whose proofs this replica has checked, as primary of that view."""
    established: dict[tuple[View, Sequence], PreparedCertificate] = field(default_factory=dict)
    """Prepared certificates that it has checked meanwhile: one suffices for all who show it."""
    refused: dict[int, ViewChangeVote] = field(default_factory=dict)
    """Votes of peers that have shown false proofs for them; no more are looked at."""
    helped: dict[int, Instant] = field(default_factory=dict)
    """When each peer's VIEW-CHANGE was last answered with what it lacks."""
    armed: View = View(0)
    """The view that the VIEW_CHANGE timer runs for."""
    attempts: int = 0
    """View changes started, less what was taken back since; what the timeouts double with."""
    timed: Sequence = Sequence(0)
    """The wait that is timed ends when something above is delivered (`consensus.timers`)."""
    timed_since: Instant = Instant(0)
    """When it began."""
    short_waits: int = 0
    """How many in a row were over within the shorter timeout too."""


@dataclass(slots=True)
class Proposing:
    """The primary's business."""

    building: Sequence = Sequence(0)
    """The sequence that the node builds a block for; 0 when none."""
    asked: bool = False
    """News of waiting work has come since the last block was built or delivered."""
    proposed_at: Instant = Instant(0)
    """When it proposed last."""
    timer_at: Instant = Instant(-1)
    """When PROPOSE is due; -1 when not armed."""


@dataclass(slots=True)
class MissingPayload:
    """A block of the current view whose payload this replica never saw, or only a forged one."""

    sequence: Sequence
    parent: Hash32
    holders: tuple[int, ...]
    """Whom to ask, in turn: the signers of its certificate, or all who may have prepared it."""
    asked: int = 0
    """How often it was asked for."""
    awaited: dict[int, None] = field(default_factory=dict)
    """Who was asked and has not answered; others are not listened to."""


@dataclass(slots=True)
class Repair:
    """What this replica lacks and asks others for."""

    armed: bool = False
    """The REPAIR timer runs."""
    horizon: Sequence = Sequence(0)
    """The highest sequence known to be final."""
    witnesses: tuple[int, ...] = ()
    """Who is said to have it."""
    turns: int = 0
    """Firings of REPAIR since it was last at rest: whose turn it is to be asked."""
    missing: dict[Hash32, MissingPayload] = field(default_factory=dict)
    peer_views: dict[int, View] = field(default_factory=dict)
    """The highest view above its own in which this replica has heard each peer."""
    peer_sequences: dict[int, Sequence] = field(default_factory=dict)
    """The highest sequence beyond its window that it has heard of, by peer."""
    answered: dict[int, Instant] = field(default_factory=dict)
    """When each peer's last status was answered."""


@dataclass(slots=True)
class Fairness:
    """What is known about a primary that serves some and passes others over."""

    armed: bool = False
    """The FAIRNESS timer runs."""
    complained: bool = False
    """This replica has told the others."""
    complaints: dict[int, Instant] = field(default_factory=dict)
    """When each peer complained last in this view."""
    replaced: int = 0
    """Primaries suspected since nothing was passed over last; what the patience doubles with."""


@dataclass(slots=True)
class Misdeeds:
    """What this replica can prove against others."""

    kept: dict[int, list[Evidence]] = field(default_factory=dict)
    """By replica, oldest first, bounded."""
    scores: dict[int, int] = field(default_factory=dict)
    """How many lies of each replica were proven, those included that are not kept."""

    def spare(self, peers: tuple[int, ...]) -> tuple[int, ...]:
        """Return the peers without those that something is proven of; all if nobody is left.

        For choosing whom to ask. Evidence convicts no correct replica, so where one of the peers
        is correct, it stays. Votes count whoever casts them.
        """
        return tuple(peer for peer in peers if peer not in self.scores) or peers


@dataclass(slots=True)
class ReplicaState:
    """Everything one replica knows."""

    config: ReplicaConfig
    params: ConsensusParams
    index: int
    size: int
    quorum: int
    """Q."""
    backups: int
    """Q - 1: the PREPAREs that make a block prepared."""
    faults: int
    """f."""
    binding: bytes
    verify: Callable[[Signed], bool]
    policy: CertificatePolicy
    verified: tuple[Effect, ...]
    """The usual answer to a vote: one was checked."""
    sign_vote: Callable[[bytes], bytes]
    """Signs the payload of a PREPARE or COMMIT."""
    """Checks one message's signature."""

    view: View
    primary: NodeId
    slots: dict[Sequence, Slot]
    top: Sequence
    """The highest sequence that is proposed in this view, or delivered."""
    floor: Sequence
    """What the current view begins above: up to here everything is final, as its NEW-VIEW proves,
    and no proposal is accepted, also where this replica has not delivered it yet."""
    frontier: Sequence
    """Up to here everything is delivered or prepared in this view, linked, and COMMITs are
    sent."""

    confirmed: tuple[View, Sequence]
    """What was signed for clients last in this life; see `consensus.confirmation`."""

    delivered: Sequence
    head: Hash32
    """Digest of the last delivered block."""
    closed: bool
    """That block closes the epoch: this replica has nothing more to decide."""
    superseded: bool
    """Its log is of a later epoch, and its promises of this one are forgotten: it is silent."""
    trail: deque[Certificate]
    """Certificates of the last deliveries, ascending, the head's last; at most `reach`."""
    base: Certificate | None
    """From the log: a certificate above `delivered`, when the node has lost blocks that this
    replica has built votes on."""

    blocks: dict[Hash32, Block]
    prepared: dict[Sequence, PreparedCertificate]
    certified: dict[Sequence, Certificate]
    """Commit certificates above `delivered`."""
    early: dict[int, EarlyMessages]

    new_view: NewView | None
    """The proof of the current view; None in view 0."""
    changing: ViewChanging
    proposing: Proposing
    repair: Repair
    fairness: Fairness
    misdeeds: Misdeeds

    work: WorkPending | None
    entered_at: Instant
    """When the current view was entered."""
    progress_at: Instant
    """When something was last delivered, or the view entered."""
    progress_armed: bool
    inquired: bool
    """The first half of the progress timeout is over, and others were asked."""
    impatient: dict[int, None]
    """Peers that have asked around in this view since the last delivery: they wait as well."""
    recovered: bool
    """This life began with records, or above genesis."""
    logged: dict[Sequence, list[bytes]]
    """Keys of the log's records, by the sequence that they are about."""
    logged_base: Sequence
    """The sequence of the log's base record; 0 when there is none."""
    stale: tuple[bytes, ...]
    """Keys of records of earlier epochs that are still in the log."""
    token: int

    @property
    def voting(self) -> bool:
        """Whether this replica votes in its view, or has given notice by a VIEW-CHANGE."""
        return self.changing.target <= self.view

    @property
    def leading(self) -> bool:
        """Whether this replica is the primary of its view, and still votes in it."""
        return self.primary == self.index and self.changing.target <= self.view

    def digest_at(self, sequence: Sequence) -> Hash32 | None:
        """Return the digest of the block that stands at `sequence` in this view, if any."""
        if sequence == self.delivered:
            return self.head
        slot = self.slots.get(sequence)
        return None if slot is None else slot.digest


Effects = list[Effect]


def initial_state(config: ReplicaConfig) -> ReplicaState:
    """Return the state of a replica that remembers nothing but its node's chain."""
    committee, params = config.committee, config.params
    digest = config.beginning.digest if config.digest is None else config.digest
    quorum = committee.quorum
    return ReplicaState(
        config=config,
        params=params,
        index=config.index,
        size=committee.size,
        quorum=quorum,
        backups=quorum - 1,
        faults=committee.faults,
        binding=binding(config.genesis_hash, config.shard, config.epoch),
        verify=config.verifier.verify_message,
        policy=config.verifier.policy,
        verified=config.verifier.policy.costs.verified,
        sign_vote=(config.vote_signer or config.signer).sign,
        view=View(0),
        primary=committee.primary(View(0)),
        slots={},
        top=config.sequence,
        floor=config.sequence,
        frontier=config.sequence,
        confirmed=(View(0), Sequence(0)),
        delivered=config.sequence,
        head=digest,
        closed=False,
        superseded=False,
        trail=deque(config.trail, maxlen=params.reach),
        base=None,
        blocks={},
        prepared={},
        certified={},
        early={},
        new_view=None,
        changing=ViewChanging(),
        proposing=Proposing(),
        repair=Repair(),
        fairness=Fairness(),
        misdeeds=Misdeeds(),
        work=None,
        entered_at=Instant(0),
        progress_at=Instant(0),
        progress_armed=False,
        inquired=False,
        impatient={},
        recovered=config.sequence > 0,
        logged={},
        logged_base=Sequence(0),
        stale=(),
        token=0,
    )
