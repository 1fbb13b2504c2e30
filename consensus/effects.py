"""What consensus asks of the node it runs in, and what the node answers.

Consensus orders opaque blocks. It never builds, executes or stores one: it asks, and the answer
is an event of a later turn, so that execution may take time while votes go on.
"""

from consensus.batching.policy import BatchLimits
from consensus.certificate import Certificate
from consensus.costs import VOTE_VERIFY
from primitives.ids import Hash32, Instant, NodeId, Sequence, View
from primitives.machine import Effect, Event, Work

VERIFY = Work(VOTE_VERIFY, 1)
VERIFIED: tuple[Effect, ...] = (VERIFY,)
"""The usual answer to a vote: one signature was checked. A node lets it pass by identity."""


class WorkPending(Event, frozen=True, gc=False):
    """The node holds transactions that wait for a block.

    Sent again whenever a field moves, and (this or `WorkDone`) after each block that this
    node has built or adopted: a primary proposes once for each such news, since it cannot know
    what a block has taken away. Transactions in a block that this node has built and that is
    still in flight do not wait.
    """

    since: Instant
    """When the oldest waiting transaction that this node itself admitted came in."""
    count: int
    """How many wait."""
    passed_over: Instant | None = None
    """Since when blocks have passed over a transaction that this node itself admitted, though it
    was executable and they had room for it at its price; None when there is no such one."""
    byte_count: int = 0
    """Bytes of their encodings."""
    gas: int = 0
    """Their gas limits together."""


class WorkDone(Event, frozen=True, gc=False):
    """Nothing waits any more."""


class BlockBuilt(Event, frozen=True, gc=False):
    """Answer to `RequestBlock`."""

    view: View
    sequence: Sequence
    digest: Hash32
    parent: Hash32
    payload: bytes
    closing: bool = False
    """It closes the epoch: nothing may stand on it in this one."""
    hint: bytes = b""
    """Goes to the other replicas beside the block, at most `HINT_BYTES_MAX` bytes."""


class BlockValidated(Event, frozen=True, gc=False):
    """Answer to `ValidateBlock`, possibly late."""

    digest: Hash32
    accepted: bool
    reason: str
    proven: bool = False
    """It was refused for a rule that all nodes find broken, whenever they look, and for what
    `digest` covers: who has signed the digest is guilty."""
    mislabelled: bool = False
    """It was refused because the payload is not the one that `digest` names, which says nothing
    about the block: the payload should be asked of others."""
    closing: bool = False
    """It closes the epoch: nothing may stand on it in this one."""


class ChainAdvanced(Event, frozen=True, gc=False):
    """The node has adopted certified blocks up to `sequence` by fetching them from peers."""

    sequence: Sequence
    digest: Hash32
    certificate: Certificate
    trail: tuple[Certificate, ...] = ()
    """Certificates of the blocks just before, consecutive, as far as at hand."""
    closing: bool = False
    """The last of them closes the epoch."""


class RequestBlock(Effect, frozen=True, gc=False):
    """Build the block of `sequence` on `parent`; always answered by `BlockBuilt`.

    `parent` is delivered, or was built or found valid by this node before.
    """

    view: View
    sequence: Sequence
    parent: Hash32
    limits: BatchLimits = BatchLimits()
    """What the block takes at most, beside the chain's own limits."""


class ValidateBlock(Effect, frozen=True, gc=False):
    """Check and execute a proposed block; answered by `BlockValidated`.

    `digest` must be found to be the payload's. `parent` is delivered, or was built or found
    valid by this node before. Asked once for each block and life of the node; again only about
    one that was refused, when others have found it valid, or on another parent than before.
    """

    sequence: Sequence
    digest: Hash32
    parent: Hash32
    payload: bytes
    hint: bytes = b""
    """What the proposer sent beside it, if it came from the proposer. Not trusted."""
    hinted_by: NodeId | None = None
    """Who sent the hint."""


class Deliver(Effect, frozen=True, gc=False):
    """`digest` is final at `sequence`. Comes strictly in sequence order, each once.

    Held back, like a `Send`, until the core's earlier `Persist`s are durable.
    """

    sequence: Sequence
    digest: Hash32
    certificate: Certificate


class ViewBegun(Effect, frozen=True, gc=False):
    """This replica works in `view`, whose undelivered blocks are `kept`, ascending.

    The transactions of every other undelivered block wait again: the node says so with
    `WorkPending`. It keeps what it knows about those blocks until it has delivered past them,
    since a later view may propose them after all.
    """

    view: View
    kept: tuple[Hash32, ...]


class Exposed(Effect, frozen=True, gc=False):
    """This replica can prove a lie of `peer`; the node may prefer others for what anybody gives."""

    peer: NodeId
    kind: str
    """As `consensus.evidence.kind_of` calls it."""


class FellBehind(Effect, frozen=True, gc=False):
    """Others have committed up to `sequence`, more than this replica can reach by itself.

    The node fetches certified blocks, starting with `peer`, and answers `ChainAdvanced`.
    """

    sequence: Sequence
    peer: NodeId
