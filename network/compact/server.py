"""Serves blocks: pushes their compact forms, answers for their transactions.

Who sends a compact form promises every transaction of the block: its receiver has thrown nothing
away for it yet, but has told nobody else that it waits. So a block is held before its form goes
out, and forgotten only for later ones.

Reference: BIP 152, "Specification for version 1".
"""

from collections.abc import Container, Sequence

from network.compact.form import NOBODY_LACKS, BlockParts, make_form
from network.compact.indexes import from_differences
from network.compact.messages import (
    TRANSACTIONS_MAX,
    BlockTransactions,
    CompactBlock,
    CompactForm,
    GetBlockTransactions,
    GetCompactBlock,
    GetWholeBlock,
    WholeBlock,
)
from network.compact.state import CompactConfig, HeldBlock
from network.costs import MATCHED, SERVED
from network.offences import Offence, PeerBook
from primitives.errors import InvalidEncoding
from primitives.ids import Hash32, Instant, NodeId
from primitives.machine import Effect, Send, Work


class BlockServer:
    """The part of a node that gives blocks away.

    Args:
        config: limits.
        book: notes what peers do wrong.
    """

    __slots__ = ("_book", "_config", "held", "held_bytes")

    def __init__(self, config: CompactConfig, book: PeerBook) -> None:
        self._config = config
        self._book = book
        self.held: dict[Hash32, HeldBlock] = {}
        """By digest, oldest first."""
        self.held_bytes = 0

    def hold(
        self,
        digest: Hash32,
        parts: BlockParts,
        payload: bytes,
        hashes: Sequence[bytes],
        nonce: bytes,
        certificate: bytes = b"",
        lacking: Container[bytes] = NOBODY_LACKS,
    ) -> Sequence[Effect]:
        """Make the compact form of a block and be ready to answer for it.

        Args:
            digest: names the block.
            parts: of the block.
            payload: the block as it is.
            hashes: of its transactions, in their order.
            nonce: drawn for this block and no other. A block that is held already keeps the
                form that it has, and with it its nonce: one for all peers.
            certificate: what proves that it is decided, if that is known already.
            lacking: hashes of transactions that peers probably do not hold.

        Returns:
            The work that it was.
        """
        known = self.held.pop(digest, None)
        if known is not None:
            form, effects = known.form, list[Effect]()
            self.held_bytes -= len(known.payload)
            certificate = certificate or known.certificate
        elif len(parts.transactions) > TRANSACTIONS_MAX:
            form, effects = None, list[Effect]()
        else:
            form = make_form(parts, hashes, nonce, lacking, self._config.prefill_bytes)
            effects = [Work(MATCHED, len(hashes))]
        self.held[digest] = HeldBlock(parts, payload, certificate, form)
        self.held_bytes += len(payload)
        self._forget()
        return effects

    def form(self, digest: Hash32) -> CompactForm | None:
        """Return the compact form of a held block; None if there is none."""
        held = self.held.get(digest)
        return None if held is None else held.form

    def push(self, digest: Hash32, peers: Sequence[NodeId]) -> list[Effect]:
        """Send the compact form of a held block to peers that have not asked for it."""
        held = self.held.get(digest)
        if held is None or held.form is None:
            return []
        message = CompactBlock(0, held.form, held.certificate)
        return [Send(peer, message) for peer in peers]

    def on_get_compact_block(
        self, now: Instant, sender: NodeId, message: GetCompactBlock
    ) -> Sequence[Effect]:
        """Answer with the compact form, or the whole block where there is none."""
        held = self.held.get(Hash32(message.digest))
        if held is None or held.form is None:
            return self._whole(sender, message.request, held)
        return (Send(sender, CompactBlock(message.request, held.form, held.certificate)),)

    def on_get_block_transactions(
        self, now: Instant, sender: NodeId, message: GetBlockTransactions
    ) -> Sequence[Effect]:
        """Answer with exactly what was asked for; with nothing if the block is not held."""
        held = self.held.get(Hash32(message.digest))
        if held is None:
            return (Send(sender, BlockTransactions(message.request, ())),)
        transactions = held.parts.transactions
        where = "GetBlockTransactions.indexes"
        try:
            places = from_differences(message.indexes, len(transactions), where)
        except InvalidEncoding:
            return self._book.count(now, sender, Offence.MALFORMED)
        found = tuple([transactions[place] for place in places])
        work = Work(SERVED, sum([len(raw) for raw in found]))
        return work, Send(sender, BlockTransactions(message.request, found))

    def on_get_whole_block(
        self, now: Instant, sender: NodeId, message: GetWholeBlock
    ) -> Sequence[Effect]:
        """Answer with the block as it is; with nothing if it is not held."""
        return self._whole(sender, message.request, self.held.get(Hash32(message.digest)))

    def _whole(self, peer: NodeId, request: int, held: HeldBlock | None) -> Sequence[Effect]:
        if held is None:
            return (Send(peer, WholeBlock(request, b"")),)
        answer = WholeBlock(request, held.payload, held.certificate)
        return Work(SERVED, len(held.payload)), Send(peer, answer)

    def _forget(self) -> None:
        """Let go of the oldest blocks beyond the limits, but for the latest of all."""
        config, held = self._config, self.held
        while len(held) > 1 and (
            len(held) > config.held_max or self.held_bytes > config.held_bytes
        ):
            self.held_bytes -= len(held.pop(next(iter(held))).payload)
