"""What consensus asks of the node it runs in, and what the node answers.

Consensus orders opaque blocks. It never builds, executes or stores one: it asks, and the answer
is an event of a later turn, so that execution may take time while votes go on.
"""

from primitives.ids import Hash32, Instant, NodeId, Sequence, View
from primitives.machine import Effect, Event

from consensus.certificate import Certificate


class WorkPending(Event, frozen=True, gc=False):
    """The node holds transactions that wait for a block. Sent again whenever either field moves."""

    since: Instant
    """When the oldest waiting transaction that this node itself admitted came in."""
    count: int
    """How many wait."""


class WorkDone(Event, frozen=True, gc=False):
    """Nothing waits any more."""


class BlockBuilt(Event, frozen=True, gc=False):
    """Answer to `RequestBlock`."""

    view: View
    sequence: Sequence
    digest: Hash32
    parent: Hash32
    payload: bytes


class BlockValidated(Event, frozen=True, gc=False):
    """Answer to `ValidateBlock`, possibly late."""

    digest: Hash32
    accepted: bool
    reason: str


class ChainAdvanced(Event, frozen=True, gc=False):
    """The node has adopted certified blocks up to `sequence` by fetching them from peers."""

    sequence: Sequence
    digest: Hash32
    certificate: Certificate


class RequestBlock(Effect, frozen=True, gc=False):
    """Build the block of `sequence` on `parent`; answered by `BlockBuilt`."""

    view: View
    sequence: Sequence
    parent: Hash32


class ValidateBlock(Effect, frozen=True, gc=False):
    """Check and execute a proposed block; answered by `BlockValidated`."""

    sequence: Sequence
    digest: Hash32
    parent: Hash32
    payload: bytes


class Deliver(Effect, frozen=True, gc=False):
    """`digest` is final at `sequence`. Comes strictly in sequence order, each once.

    Held back, like a `Send`, until the core's earlier `Persist`s are durable.
    """

    sequence: Sequence
    digest: Hash32
    certificate: Certificate


class FellBehind(Effect, frozen=True, gc=False):
    """Others have committed up to `sequence`, more than this replica can reach by itself.

    The node fetches certified blocks, starting with `peer`, and answers `ChainAdvanced`.
    """

    sequence: Sequence
    peer: NodeId
