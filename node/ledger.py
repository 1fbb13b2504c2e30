"""The blocks that a node holds: the end of the final chain, and what is executed above it.

Final blocks stay in memory as bytes, the same objects that the store holds, because they are
served to peers. How many is the node's choice (`NodeConfig.history`); older ones leave memory and
store together, in a batch from which the node can restart without them: that of each checkpoint,
or of each block, by the form of its states (`node.durable`). Blocks above the older of the two
states that it serves always stay, so that whoever fetches one of them can go on from there.
Executed blocks are kept only from the head upward: a pipelined proposal builds on a parent that
is not final yet, and may lose against another block of its height.
"""

from collections import deque

from consensus.certificate import Certificate
from network.messages import CertifiedBlock
from node.checkpoints import Checkpoints
from node.durable import Durable
from node.execution import ExecutedBlock
from node.snapshot import Closing
from primitives.codec import decode_canonical, encode_canonical
from primitives.ids import Hash32
from primitives.machine import Record
from storage.store import Store

BLOCKS = "chain.blocks"
"""Table of payloads by height."""

CERTIFICATES = "chain.certificates"
"""Table of certificates (canonical encoding) by height."""

CHAIN_CORE = "chain"
"""The core whose `Persist`s make final blocks durable."""

UNDECIDED_MAX = 1024
"""Executed blocks above the head at most; beyond it the oldest is forgotten."""


class Ledger:
    """The blocks of one node.

    Args:
        base: the block that it begins with, executed: genesis, or the checkpoint of a snapshot.
        recent: how many of the last certificates `trail` returns.
        durable: what is kept of states; it stands at `base`.
        history: final blocks that are kept at least; None for all.
        keeps_unsettled: whether `unsettled` is filled.
    """

    __slots__ = (
        "_blocks",
        "_executed",
        "_keeps_unsettled",
        "_recent",
        "durable",
        "height",
        "history",
        "lowest",
        "tip",
        "unsettled",
    )

    def __init__(
        self,
        base: ExecutedBlock,
        recent: int,
        durable: Durable,
        history: int | None = None,
        *,
        keeps_unsettled: bool = False,
    ) -> None:
        self.tip = base
        """The head: the last final block."""
        self.height = base.number
        """Its height."""
        self.lowest = base.number + 1
        """The first height whose block is held; one above the head if none is."""
        self.durable = durable
        """How its states are kept."""
        self.history = history
        """Final blocks that are kept at least; None for all."""
        self.unsettled: dict[int, ExecutedBlock] = {}
        """By height, final blocks of this life whose batches are not known to be durable: who is
        asked about one finds its receipts here, and those of all others in the store."""
        self._keeps_unsettled = keeps_unsettled
        self._recent: deque[Certificate] = deque(maxlen=recent)
        self._blocks: dict[int, CertifiedBlock] = {}
        self._executed: dict[Hash32, ExecutedBlock] = {base.digest: base}

    @property
    def checkpoints(self) -> Checkpoints:
        """Which states it serves."""
        return self.durable.checkpoints

    def head(self) -> tuple[int, Hash32]:
        """Return height and digest of the head."""
        return self.height, self.tip.digest

    def certified_block(self, height: int) -> CertifiedBlock | None:
        """Return the final block of a height, or None when it is not held."""
        return self._blocks.get(height)

    def digest(self, height: int) -> Hash32:
        """Return the digest of the final block of a height.

        Raises:
            KeyError: it is above the head or not held any more.
        """
        return self.tip.digest if height == self.height else self.certificate(height).digest

    def certificate(self, height: int) -> Certificate:
        """Return the certificate of the final block of a height from 1 upward.

        Raises:
            KeyError: it is above the head or not held any more.
        """
        block = self._blocks.get(height)
        if block is not None:
            return decode_canonical(block.certificate, Certificate)
        for certificate in self._recent:
            if certificate.sequence == height:
                return certificate
        raise KeyError(height)

    def trail(self) -> tuple[Certificate, ...]:
        """Return the certificates of the last final blocks, ascending, the head's last."""
        return tuple(self._recent)

    @property
    def undecided(self) -> int:
        """How many executed blocks above the head it holds."""
        return len(self._executed) - 1

    def executed(self, digest: Hash32) -> ExecutedBlock | None:
        """Return the head or an executed block above it, or None."""
        return self._executed.get(digest)

    def keep(self, block: ExecutedBlock) -> None:
        """Remember an executed block that is not final, unless it can never become so."""
        if block.number <= self.height:
            return
        self._executed[block.digest] = block
        if len(self._executed) > UNDECIDED_MAX + 1:
            oldest = next(digest for digest in self._executed if digest != self.tip.digest)
            del self._executed[oldest]

    def append(
        self, block: ExecutedBlock, encoded: bytes, certificate: Certificate
    ) -> tuple[Record, ...]:
        """Make a child of the head the new head; return the rows that make it durable.

        Executed blocks that do not descend from the new head are forgotten.

        Args:
            block: the child.
            encoded: its certificate as it is stored and sent.
            certificate: the same, decoded.
        """
        parent = self.tip
        assert block.block.header.parent_hash == parent.digest, "a final block off the chain"
        rows = self.durable.append(parent, block, encoded)
        if self._keeps_unsettled:
            self.unsettled[block.number] = block
        self._move(block, certificate)
        self._blocks[self.height] = CertifiedBlock(block.payload, encoded)
        self._executed = self._descendants(self.tip)
        key = height_key(self.height)
        rows = (Record(BLOCKS, key, block.payload), Record(CERTIFICATES, key, encoded), *rows)
        return (*rows, *self._prune())

    def leap(
        self,
        block: ExecutedBlock,
        encoded: bytes,
        certificate: Certificate,
        closings: tuple[Closing, ...],
    ) -> tuple[Record, ...]:
        """Make a block far above the head the new head; return the rows that make it durable.

        Everything below is forgotten.

        Args:
            block: a checkpoint, of which only header and state are known.
            encoded: its certificate as it is stored and sent.
            certificate: the same, decoded.
            closings: the ends of epochs that lie between.
        """
        rows = self._drop(self.height)
        states = self.durable.leap(block, encoded, closings)
        self.unsettled.clear()
        self._move(block, certificate)
        self.lowest = block.number + 1
        self._executed = {block.digest: self.tip}
        return (*rows, *states)

    def persisted(self, height: int) -> None:
        """Learn that the batch of a block, and those of all below it, are durable."""
        for settled in [number for number in self.unsettled if number <= height]:
            del self.unsettled[settled]
        self.durable.persisted(height)

    def found(self, height: int, block: CertifiedBlock, certificate: Certificate | None) -> None:
        """Take in a block at or below the base that the store holds, in descending order.

        Args:
            height: one below `lowest`.
            block: as it is stored.
            certificate: its own, decoded, if it is one of the last.
        """
        assert height == self.lowest - 1, "stored blocks come without gaps"
        self._blocks[height] = block
        self.lowest = height
        if certificate is not None:
            self._recent.appendleft(certificate)

    def note_certificate(self, certificate: Certificate) -> None:
        """Take in the base's certificate where its block is not held."""
        self._recent.append(certificate)

    def _move(self, block: ExecutedBlock, certificate: Certificate) -> None:
        self.tip = self.durable.held(block)
        self.height = block.number
        if self._recent and self._recent[-1].sequence + 1 != block.number:
            self._recent.clear()
        self._recent.append(certificate)

    def _prune(self) -> tuple[Record, ...]:
        """Forget blocks that are too old to keep; return what deletes their rows."""
        if self.history is None:
            return ()
        return self._drop(min(self.height - self.history, self.durable.droppable(self.height)))

    def _drop(self, last: int) -> tuple[Record, ...]:
        """Forget the blocks up to a height; return what deletes their rows."""
        rows: list[Record] = []
        for height in range(self.lowest, last + 1):
            payload = self._blocks.pop(height).payload
            key = height_key(height)
            rows += (Record(BLOCKS, key, None), Record(CERTIFICATES, key, None))
            rows += self.durable.dropped(height, payload)
        self.lowest = max(self.lowest, last + 1)
        return tuple(rows)

    def _descendants(self, block: ExecutedBlock) -> dict[Hash32, ExecutedBlock]:
        """Return `block` and the executed blocks above it, by digest."""
        kept = {block.digest: block}
        if len(self._executed) == 1:
            # There is none but the head so far.
            return kept
        for other in sorted(self._executed.values(), key=lambda executed: executed.number):
            parent = kept.get(other.block.header.parent_hash)
            if parent is not None:
                kept[other.digest] = self.durable.stacked(parent, other)
        return kept


def height_key(height: int) -> bytes:
    """Return the row key of a height: eight bytes, so that rows are in order of height."""
    return height.to_bytes(8, "big")


def stored_blocks(store: Store, base: int) -> tuple[list[CertifiedBlock], list[CertifiedBlock]]:
    """Return the blocks of a store that hang together with a height.

    A crash may have lost the last rows, never ones in the middle; what lies beyond a gap is left.

    Returns:
        Those from `base` downward, descending; and those above it, ascending.
    """
    rows = {
        int.from_bytes(key, "big"): CertifiedBlock(payload, certificate)
        for key, payload in store.scan(BLOCKS)
        if (certificate := store.get(CERTIFICATES, key)) is not None
    }
    low, high = base, base
    while low in rows:
        low -= 1
    while high + 1 in rows:
        high += 1
    below = [rows[height] for height in range(base, low, -1)]
    return below, [rows[height] for height in range(base + 1, high + 1)]


def encode_certificate(certificate: Certificate) -> bytes:
    """Return the form in which a certificate is stored and sent."""
    return encode_canonical(certificate)
