"""Confirmation time at one node: from a client's submission to the commit at this same node."""

from collections.abc import Iterator

from node.observe.sink import BlockTransactions

WAITING_MAX = 262_144
"""Submissions that are waited for. Beyond, the oldest is given up: some never commit."""


class Confirmations:
    """Matches submissions with commits, in bounded memory.

    Args:
        blocks: looks up a block's transactions; without it nothing is matched.
    """

    __slots__ = ("_blocks", "_waiting")

    def __init__(self, blocks: BlockTransactions | None) -> None:
        self._blocks = blocks
        self._waiting: dict[bytes, int] = {}
        """Hash to the instant of its first submission, oldest first."""

    def submitted(self, at_ns: int, transaction: bytes) -> None:
        """A client handed in a transaction. Only its first time counts."""
        if self._blocks is None:
            return
        waiting = self._waiting
        if transaction not in waiting:
            if len(waiting) >= WAITING_MAX:
                del waiting[next(iter(waiting))]
            waiting[transaction] = at_ns

    def rejected(self, transaction: bytes) -> None:
        """The node refused it: nobody waits for it here."""
        self._waiting.pop(transaction, None)

    def committed(self, at_ns: int, digest: bytes) -> Iterator[int]:
        """Yield the confirmation times in ns that the commit of a block completes."""
        if self._blocks is None or not self._waiting:
            return
        for transaction in self._blocks.transaction_hashes(digest):
            submitted_ns = self._waiting.pop(transaction, None)
            if submitted_ns is not None:
                yield at_ns - submitted_ns
