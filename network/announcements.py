"""What a node says of transactions that it holds, in as many messages as it takes."""

from collections.abc import Sequence

from network.messages import AnnounceTransactions
from primitives.ids import Hash32

Entry = tuple[Hash32, tuple[int, int]]
"""A transaction, and its type and size in bytes."""


def announcements(entries: Sequence[Entry], most: int) -> list[AnnounceTransactions]:
    """Return messages that announce all of these, each at most `most` of them."""
    return [_announcement(entries[start : start + most]) for start in range(0, len(entries), most)]


def _announcement(entries: Sequence[Entry]) -> AnnounceTransactions:
    return AnnounceTransactions(
        types=bytes([kind for _, (kind, _) in entries]),
        sizes=tuple([size for _, (_, size) in entries]),
        hashes=tuple([transaction for transaction, _ in entries]),
    )
