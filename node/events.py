"""Events and effects that stay inside a node."""

from enum import StrEnum

from consensus.certificate import Certificate
from consensus.messages import PrePrepare
from node.execution import ExecutedBlock
from primitives.ids import Hash32, NodeId, Sequence
from primitives.machine import Effect, Event


class PeerConnected(Event, frozen=True, gc=False):
    """The handshake with a peer is done. Simulated links have none: they are there always."""

    core = "node"

    peer: NodeId
    compact: bool
    """Whether both ends understand compact blocks (`Feature.COMPACT_BLOCKS`)."""
    near: bool = True
    """Whether it is a neighbour, with whom this node gossips."""
    reconciles: bool = False
    """Whether both ends announce by reconciling (`Feature.RECONCILIATION`)."""


class PeerGone(Event, frozen=True, gc=False):
    """The connection to a peer is closed, and nobody has opened another one."""

    core = "node"

    peer: NodeId


class Delivered(Event, frozen=True, gc=False):
    """Consensus has decided a block, and what it remembers of that is durable.

    Travels as a `Loopback` of the core "consensus", so that the durability rule holds it back.
    """

    core = "consensus"

    sequence: Sequence
    digest: Hash32
    certificate: Certificate


class SpreadTimer(StrEnum):
    """Names of the timers of those who spread blocks and transactions."""

    PROOF = "spread.proof"
    TRANSACTIONS = "spread.transactions"


class PublishProposal(Event, frozen=True, gc=False):
    """Consensus proposes a block, and what it has to remember of that is durable.

    Travels as a `Loopback` of the core "consensus", as `Delivered` does.
    """

    core = "consensus"

    group: str
    """Who is to get it."""
    proposal: PrePrepare


class OwnTransactions(Effect, frozen=True, gc=False):
    """Clients have given these transactions to this node, and they are in its pool."""

    transactions: tuple[bytes, ...]


class BatchChecked(Effect, frozen=True, gc=False):
    """The transactions of a message from a mesh are checked."""

    identity: bytes
    """Of the message."""
    wanted: bool
    """Whether any of them waits here now."""
    invalid: bool
    """Whether any of them is not valid, whatever the state."""


class ToConsensus(Effect, frozen=True, gc=False):
    """Hand `event` to the consensus core in this turn. A follower drops it."""

    event: Event


class BlockExecuted(Effect, frozen=True, gc=False):
    """The node holds one more executed block: what waited for it may go on."""

    digest: Hash32


class PoolChanged(Effect, frozen=True, gc=False):
    """What waits for a block may have changed, in number or in age."""

    news: bool
    """Whether to tell consensus even if nothing has: a block was built or has become final."""


class BlockFinal(Effect, frozen=True, gc=False):
    """A block has become this node's head; gateways may wait for it."""

    block: ExecutedBlock
    certificate: bytes
    """Its certificate as it is stored and sent."""


class TransactionsRefused(Effect, frozen=True, gc=False):
    """This node does not take transactions that gateways have sent."""

    refused: tuple[tuple[NodeId, Hash32, str], ...]
    """(gateway, transaction, code of the error)."""


class EpochEnded(Effect, frozen=True, gc=False):
    """The head has moved to or beyond a closing block: another committee decides what follows."""


class ProposalRebuilt(Effect, frozen=True, gc=False):
    """A proposal that came in compact form is whole again: consensus may have it."""

    sender: NodeId
    proposal: PrePrepare
    """With an empty payload where the block could not be had: consensus asks others for it."""


class CatchUp(Effect, frozen=True, gc=False):
    """The node has reason to think that it misses blocks; `peer` should hold `height`."""

    peer: NodeId
    height: int
