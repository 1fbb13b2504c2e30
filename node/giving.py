"""Gives peers the states of the last checkpoints, chunk by chunk."""

from collections.abc import Sequence

from network.costs import SERVED
from network.messages import Chunk, Content, GetChunk, GetSnapshot, SnapshotOffer
from node.ledger import Ledger
from node.snapshot import SnapshotLibrary
from primitives.codec import encode_canonical
from primitives.genesis import ZERO_HASH
from primitives.ids import Instant, NodeId
from primitives.machine import Effect, Send, Work

NIBBLES = 16


class Giving:
    """Answers requests for offers and chunks at one node.

    Args:
        ledger: holds the checkpoints.
        library: what the process shares.
    """

    __slots__ = ("_ledger", "_library")

    def __init__(self, ledger: Ledger, library: SnapshotLibrary) -> None:
        self._ledger = ledger
        self._library = library

    def on_get_snapshot(
        self, now: Instant, sender: NodeId, message: GetSnapshot
    ) -> Sequence[Effect]:
        """Offer the state of the last checkpoint."""
        served = self._ledger.checkpoints.served
        if not served:
            return (Send(sender, SnapshotOffer(message.request, 0, ZERO_HASH, b"")),)
        block = served[-1].block
        manifest = encode_canonical(served[-1].manifest(message.epoch))
        offer = SnapshotOffer(message.request, block.number, block.digest, manifest)
        return Work(SERVED, len(manifest)), Send(sender, offer)

    def on_get_chunk(self, now: Instant, sender: NodeId, message: GetChunk) -> Sequence[Effect]:
        """Give the accounts, or an account's slots, below a prefix, or say why not."""
        found = [
            checkpoint.block
            for checkpoint in self._ledger.checkpoints.served
            if checkpoint.block.digest == message.digest
        ]
        if not found or any(nibble >= NIBBLES for nibble in message.prefix):
            return (Send(sender, Chunk(message.request, Content.GONE, (), ())),)
        prefix = "".join(f"{nibble:x}" for nibble in message.prefix)
        view, number, account = self._library.view(found[0]), message.request, message.account
        if account:
            chunk = view.slots_chunk(number, account, prefix, message.held)
        else:
            chunk = view.chunk(number, prefix, message.held)
        return Work(SERVED, _chunk_bytes(chunk)), Send(sender, chunk)


def _chunk_bytes(chunk: Chunk) -> int:
    """Return how many bytes of keys, values and nodes a chunk has."""
    pairs = [*chunk.accounts, *chunk.slots]
    for _, code, slots in chunk.contracts:
        pairs.append((code, b""))
        pairs += slots
    return sum([len(key) + len(value) for key, value in pairs]) + sum(map(len, chunk.way))
