"""Confirmation time: from a client's submission at a node to the commit at that same node.

The straightforward way, a lookup of (node, transaction) for each transaction of each block at each
node, costs nodes x transactions operations: twelve million for 100 nodes and two minutes of
1,000-transaction blocks. Here a block's transactions are looked up once, at its first commit
anywhere, and sorted by the node that waits for them; each later commit touches only what that
node waits for.
"""

from collections import deque

from sim.report.series import IntColumn
from sim.report.stream import BlockTransactions

RECENT_BLOCKS = 512
"""Blocks whose transactions stay known for submissions that arrive after the first commit."""


class ConfirmationLedger:
    """Matches submissions with commits. Keeps two integers for each confirmation."""

    __slots__ = (
        "_blocks",
        "_digest_of",
        "_pending",
        "_recent",
        "_seen_by",
        "_waiting",
        "latency_ns",
        "submitted_ns",
    )

    def __init__(self, blocks: BlockTransactions) -> None:
        self._blocks = blocks
        self._pending: dict[bytes, dict[int, int]] = {}
        """hash -> node -> instant of its first submission there."""
        self._waiting: dict[bytes, dict[int, list[int]]] = {}
        """digest of a block committed somewhere -> node -> submissions that wait for it there."""
        self._seen_by: dict[bytes, int] = {}
        """digest of a recent block -> bit set of the nodes that have committed it."""
        self._digest_of: dict[bytes, bytes] = {}
        """hash -> digest, for the transactions of recent blocks."""
        self._recent: deque[tuple[bytes, tuple[bytes, ...]]] = deque()
        self.submitted_ns = IntColumn()
        """Instant of submission, one entry for each confirmation, in order of confirmation."""
        self.latency_ns = IntColumn()
        """Confirmation time of the same entry."""

    def submitted(self, at_ns: int, node: int, transaction: bytes) -> None:
        """A client handed `transaction` to `node`. Only its first time there counts."""
        digest = self._digest_of.get(transaction)
        if digest is not None and not self._seen_by[digest] >> node & 1:
            self._waiting.setdefault(digest, {}).setdefault(node, []).append(at_ns)
            return
        self._pending.setdefault(transaction, {}).setdefault(node, at_ns)

    def rejected(self, node: int, transaction: bytes) -> None:
        """`node` refused `transaction`: nobody waits for it there."""
        submissions = self._pending.get(transaction)
        if submissions is not None:
            submissions.pop(node, None)
            if not submissions:
                del self._pending[transaction]

    def committed(self, at_ns: int, node: int, digest: bytes) -> list[int]:
        """`node` committed a block; return the confirmation times in ns that this completes."""
        if digest not in self._seen_by:
            self._first_commit(digest)
        self._seen_by[digest] |= 1 << node
        waiting = self._waiting.get(digest)
        submissions = waiting.pop(node, None) if waiting is not None else None
        if not submissions:
            return []
        if not waiting:
            del self._waiting[digest]
        latencies = [at_ns - submitted for submitted in submissions]
        for submitted, latency in zip(submissions, latencies, strict=True):
            self.submitted_ns.append(submitted)
            self.latency_ns.append(latency)
        return latencies

    def add(self, submitted_ns: int, latency_ns: int) -> None:
        """A gateway has the proof that a transaction of its client is committed."""
        self.submitted_ns.append(submitted_ns)
        self.latency_ns.append(latency_ns)

    def open_submissions(self) -> list[int]:
        """Return the instants of submissions that are not confirmed, in no particular order."""
        pending = [at for nodes in self._pending.values() for at in nodes.values()]
        waiting = [at for nodes in self._waiting.values() for ats in nodes.values() for at in ats]
        return pending + waiting

    def _first_commit(self, digest: bytes) -> None:
        hashes = tuple(self._blocks.transaction_hashes(digest))
        self._seen_by[digest] = 0
        by_node = self._waiting.get(digest, {})
        for transaction in hashes:
            self._digest_of[transaction] = digest
            for node, at_ns in self._pending.pop(transaction, {}).items():
                by_node.setdefault(node, []).append(at_ns)
        if by_node:
            self._waiting[digest] = by_node
        self._recent.append((digest, hashes))
        if len(self._recent) > RECENT_BLOCKS:
            self._forget(*self._recent.popleft())

    def _forget(self, digest: bytes, hashes: tuple[bytes, ...]) -> None:
        """Stop joining late submissions to a block. Whoever waits for it goes on waiting."""
        self._seen_by.pop(digest, None)
        for transaction in hashes:
            if self._digest_of.get(transaction) == digest:
                del self._digest_of[transaction]
