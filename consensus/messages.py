"""What replicas send one another.

Votes are signed and can be shown to third parties. `ReplicaStatus`, `GetProposal` and `Proposal`
are not: what they carry is checked against signatures or digests that the receiver already has.
"""

from typing import ClassVar

import msgspec

from consensus.certificate import Certificate, PreparedCertificate
from primitives.ids import Hash32, Sequence, View
from primitives.machine import Message

HINT_BYTES_MAX = 4_194_304
"""Longest hint that is passed on with a proposal."""


class PrePrepare(Message, frozen=True, gc=False, array_like=True, tag=True):
    """The primary of `view` proposes a block for `sequence`.

    The signature does not cover the payload; `digest` does.
    """

    core: ClassVar[str] = "consensus"
    view: View
    sequence: Sequence
    digest: Hash32
    parent: Hash32
    """Digest of the block at `sequence - 1`."""
    payload: bytes
    """The encoded block."""
    signature: bytes
    hint: bytes = b""
    """What may help to execute the block: for the node, opaque here. Nobody vouches for it, and
    it goes neither into the log nor into evidence."""


class Prepare(Message, frozen=True, gc=False, array_like=True, tag=True):
    """A backup has executed the block and accepts it for (view, sequence).

    The signature covers `parent` too. Consensus cannot look inside a block, so without it a
    faulty replica could show a true certificate with a false parent, and have a new view
    discard a committed block because it "does not link".
    """

    core: ClassVar[str] = "consensus"
    view: View
    sequence: Sequence
    digest: Hash32
    parent: Hash32
    replica: int
    signature: bytes


class Commit(Message, frozen=True, gc=False, array_like=True, tag=True):
    """A replica has prepared the block, and all of its ancestors that it has not delivered."""

    core: ClassVar[str] = "consensus"
    view: View
    sequence: Sequence
    digest: Hash32
    replica: int
    signature: bytes


class Claim(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One entry of a P set: what was prepared, and in which view. Its place says where."""

    view: View
    digest: Hash32


class ViewChangeVote(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The signed part of a VIEW-CHANGE: what a replica claims; the proofs stand beside it."""

    view: View
    """The view that the replica asks for."""
    replica: int
    base_sequence: Sequence
    """Everything up to here is final, as a commit certificate proves (C in the paper)."""
    base_digest: Hash32
    prepared: tuple[Claim, ...]
    """P: what was prepared at base_sequence + 1, + 2, ... A list without holes is prefix-closed
    by construction; that it is linked, the certificates show."""
    signature: bytes


class ViewChange(Message, frozen=True, gc=False, array_like=True, tag=True):
    """A replica has stopped voting in its view and asks for another.

    All get the vote. Only the primary of the new view has use for the proofs, so only it gets
    them, in a second message; to the others it shows those that decide, in its `NewView`.
    """

    core: ClassVar[str] = "consensus"
    vote: ViewChangeVote
    trail: tuple[Certificate, ...]
    """Commit certificates of consecutive sequences, the last that of the base. Older ones stand
    here so that a replica which holds the blocks can deliver them by itself."""
    proofs: tuple[PreparedCertificate, ...]
    """One for each claim, in order."""


class NewView(Message, frozen=True, gc=False, array_like=True, tag=True):
    """The primary of `view` proves with which blocks the view begins. Anyone may pass it on."""

    core: ClassVar[str] = "consensus"
    view: View
    votes: tuple[ViewChangeVote, ...]
    """V: at least Q, of distinct replicas, ascending."""
    trail: tuple[Certificate, ...]
    """As in the VIEW-CHANGE with the highest base; empty when that is genesis."""
    proofs: tuple[PreparedCertificate, ...]
    """O: from base + 1 upward the certificate of the highest claimed view. The last one may not
    link to the one before it; then it is shown because it ends the list, and is not proposed."""
    signature: bytes


class ReplicaStatus(Message, frozen=True, gc=False, array_like=True, tag=True):
    """A replica that waits, or has restarted, says how far it is, so that others help."""

    core: ClassVar[str] = "consensus"
    view: View
    sequence: Sequence
    """The last sequence it has delivered."""
    alone: bool
    """Only the receiver was asked, so it should answer whatever it can."""
    passed_over: bool = False
    """It complains that the primary of `view` passes over a transaction."""
    epoch: int = 0
    """Which committee it speaks to."""


class Decided(Message, frozen=True, gc=False, array_like=True, tag=True):
    """Proof that a sequence is final."""

    core: ClassVar[str] = "consensus"
    certificate: Certificate


class GetProposal(Message, frozen=True, gc=False, array_like=True, tag=True):
    """Ask for the payload of a block that a new view has re-proposed."""

    core: ClassVar[str] = "consensus"
    sequence: Sequence
    digest: Hash32


class Proposal(Message, frozen=True, gc=False, array_like=True, tag=True):
    """Answer to `GetProposal`."""

    core: ClassVar[str] = "consensus"
    sequence: Sequence
    digest: Hash32
    payload: bytes


class TentativeVote(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=True):
    """A replica has prepared the block in `view`, with everything below it delivered.

    No replica has use for it: it goes to clients (`consensus.confirmation`).
    """

    view: View
    sequence: Sequence
    digest: Hash32
    replica: int
    signature: bytes


class Refusal(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A validator does not take a transaction, and says why. It goes to clients."""

    transaction: Hash32
    reason: bytes
    """The error's code in ASCII, filled up with zero bytes to 32."""
    replica: int
    signature: bytes


MESSAGE_TYPES: tuple[type[Message], ...] = (
    PrePrepare,
    Prepare,
    Commit,
    ViewChange,
    NewView,
    ReplicaStatus,
    Decided,
    GetProposal,
    Proposal,
)
"""All messages of consensus, in wire order."""
