"""Trace events of the node: what happens to transactions and blocks."""

from primitives.machine import TraceEvent


class TransactionSubmitted(TraceEvent, frozen=True, gc=False):
    """A client has handed a transaction to this node."""

    name = "txpool.submitted"

    hash: bytes
    """keccak-256 of its encoding."""


class TransactionRejected(TraceEvent, frozen=True, gc=False):
    """This node refuses a transaction that a client has handed to it."""

    name = "txpool.rejected"

    hash: bytes
    code: str
    """Which rule it breaks: the `code` of the error."""


class TransactionsPooled(TraceEvent, frozen=True, gc=False):
    """Transactions are in this node's pool, whoever they came from; of nodes with clients only."""

    name = "txpool.pooled"

    hashes: tuple[bytes, ...]


class BlockBuiltTraced(TraceEvent, frozen=True, gc=False):
    """This node, as primary, has built a block."""

    name = "chain.block_built"

    height: int
    digest: bytes
    transactions: int
    gas_used: int


class BlockExecutedTraced(TraceEvent, frozen=True, gc=False):
    """This node has executed a block with transactions, to build it or to judge it."""

    name = "execution.block_executed"

    height: int
    digest: bytes
    built: bool
    """It has built the block."""
    transactions: int
    gas_used: int
    critical_path: int
    """Gas of the dearest chain of transactions that depend on one another."""
    work_ns: int
    """Time of one core for all its transactions, each once."""
    span_ns: int
    """Time that they took on the cores that were free."""
    repeats: int
    """Executions beside the first of each transaction."""


class BlockCommitted(TraceEvent, frozen=True, gc=False):
    """This node has made a block its final head."""

    name = "chain.block_committed"

    height: int
    digest: bytes
    parent: bytes
    view: int
    """In which the block was committed, as its certificate says."""
    transactions: int
    gas_used: int
    bytes: int
    """Length of the block's payload."""


class BlockRefused(TraceEvent, frozen=True, gc=False):
    """This node has found a proposed or fetched block invalid."""

    name = "chain.block_refused"

    height: int
    digest: bytes
    reason: str


class PrimaryContradicted(TraceEvent, frozen=True, gc=False):
    """A primary has signed two payloads for one place; this node has both signatures."""

    name = "spread.primary_contradicted"

    primary: int
    sequence: int
    view: int


class ProposalLost(TraceEvent, frozen=True, gc=False):
    """The parts of a proposal did not come together: it has to come another way, if any."""

    name = "spread.proposal_lost"

    sequence: int
    view: int
    miscoded: bool
    """The primary has signed parts that contradict each other."""


class PeerScored(TraceEvent, frozen=True, gc=False):
    """A peer stands lower with this node, for what it was seen to do wrong."""

    name = "peer.scored"

    peer: int
    """Its node."""
    score: int
    """After it, from 100 for nothing down to 0 (`node.peer_scores`)."""
    reason: str
    """The offence."""


EVENTS: tuple[type[TraceEvent], ...] = (
    TransactionSubmitted,
    TransactionRejected,
    TransactionsPooled,
    BlockBuiltTraced,
    BlockExecutedTraced,
    BlockCommitted,
    BlockRefused,
    PeerScored,
    PrimaryContradicted,
    ProposalLost,
)
"""Every trace event of this package."""


class RowsGivenUp(TraceEvent, frozen=True, gc=False):
    """Rows of old blocks or states in the node's store are damaged; the node does without them."""

    name = "store.rows_given_up"

    reason: str
    """Where, what should be there, and what is."""


class StoreDiscarded(TraceEvent, frozen=True, gc=False):
    """What the node's store holds of chain or state is damaged; the node begins anew."""

    name = "store.discarded"

    reason: str
    """Where, what should be there, and what is."""
