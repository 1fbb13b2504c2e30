"""What a live node knows of itself, for its metrics and its health."""

from collections.abc import Callable, Sequence

from node.node import Node
from node.observe.chain import ChainSource
from node.observe.health import Facts
from primitives.ids import Hash32, Instant, NodeId
from storage.cache.table import TableCounters
from storage.flat import DiskState


class NodeFacts:
    """Asks a node, anew each time: one that met damage is replaced by another.

    Args:
        own: the node's number.
        node: returns it as it runs now.
        chain: counts its commits.
        peers: returns the numbers of the nodes that are connected.
        now: the node's time.
    """

    def __init__(
        self,
        own: NodeId,
        node: Callable[[], Node],
        chain: ChainSource,
        peers: Callable[[], Sequence[NodeId]],
        now: Callable[[], Instant],
    ) -> None:
        self._own = own
        self._node = node
        self._chain = chain
        self._peers = peers
        self._now = now
        self.stopping = False
        """The process has begun to end."""

    def facts(self) -> Facts:
        """Return what the node says of itself now."""
        node, committed_ns, now = self._node(), self._chain.committed_ns, self._now()
        waits_since = node.pool.oldest_local_since
        validators = node.ledger.tip.epoch.committee.nodes
        connected = self._peers()
        decides = self._own in validators
        if decides:
            peers = len(set(connected) & set(validators))
            needed = node.ledger.tip.epoch.committee.quorum - 1
        else:
            peers, needed = len(connected), 1
        return Facts(
            height=node.ledger.tip.number,
            syncing=self._chain.syncing,
            peers=peers,
            peers_needed=needed,
            last_commit_age_ns=now - committed_ns if committed_ns >= 0 else None,
            pending=node.pool.waiting_count,
            oldest_wait_ns=None if waits_since is None else now - waits_since,
            stopping=self.stopping,
        )

    def pool(self) -> tuple[int, int, int]:
        """Return pending and queued transactions, and their bytes; for `PoolSource`."""
        pool = self._node().pool
        return pool.pending_count, pool.queued_count, pool.byte_count

    def caches(self) -> Sequence[TableCounters]:
        """Return what happened to the caches of the state on disk; nothing before there is one."""
        below = self._node().ledger.tip.state.below
        return below.counters() if isinstance(below, DiskState) else ()


class NodeBlocks:
    """Looks into the blocks that a node holds; `BlockTransactions`.

    Args:
        node: returns it as it runs now.
    """

    def __init__(self, node: Callable[[], Node]) -> None:
        self._node = node

    def transaction_hashes(self, digest: bytes) -> Sequence[bytes]:
        """Return the hashes of a block's transactions; empty for one that is not held."""
        block = self._node().ledger.executed(Hash32(digest))
        return () if block is None else [each.hash for each in block.transactions]
