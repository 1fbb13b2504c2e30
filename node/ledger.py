"""The blocks that a node holds: the final chain, and what is executed above it.

Final blocks stay in memory as bytes, the same objects that the store holds, because they are
served to peers. Executed blocks are kept only from the head upward: a pipelined proposal builds
on a parent that is not final yet, and may lose against another block of its height.
"""

from collections import deque

from consensus.certificate import Certificate
from network.messages import CertifiedBlock
from node.execution import ExecutedBlock
from primitives.codec import decode_canonical, encode_canonical
from primitives.ids import Hash32
from primitives.machine import Record
from storage.store import Store

BLOCKS = "chain.blocks"
"""Table of payloads by height."""

CERTIFICATES = "chain.certificates"
"""Table of certificates (canonical encoding) by height."""

UNDECIDED_MAX = 1024
"""Executed blocks above the head at most; beyond it the oldest is forgotten."""


class Ledger:
    """The blocks of one node.

    Args:
        genesis: block 0, executed.
        recent: how many of the last certificates `trail` returns.
    """

    __slots__ = ("_certificates", "_digests", "_executed", "_payloads", "_recent", "height", "tip")

    def __init__(self, genesis: ExecutedBlock, recent: int) -> None:
        self.tip = genesis
        """The head: the last final block."""
        self.height = genesis.number
        """Its height."""
        self._recent: deque[Certificate] = deque(maxlen=recent)
        self._digests = [genesis.digest]
        self._payloads = [genesis.payload]
        self._certificates = [b""]
        self._executed: dict[Hash32, ExecutedBlock] = {genesis.digest: genesis}

    def head(self) -> tuple[int, Hash32]:
        """Return height and digest of the head."""
        return self.height, self.tip.digest

    def certified_block(self, height: int) -> CertifiedBlock | None:
        """Return the final block of a height from 1 upward, or None when there is none."""
        if not 0 < height < len(self._payloads):
            return None
        return CertifiedBlock(self._payloads[height], self._certificates[height])

    def digest(self, height: int) -> Hash32:
        """Return the digest of the final block of a height.

        Raises:
            KeyError: the head is lower.
        """
        if not 0 <= height < len(self._digests):
            raise KeyError(height)
        return self._digests[height]

    def certificate(self, height: int) -> Certificate:
        """Return the certificate of the final block of a height from 1 upward.

        Raises:
            KeyError: there is no such block.
        """
        if not 0 < height < len(self._certificates):
            raise KeyError(height)
        return decode_canonical(self._certificates[height], Certificate)

    def trail(self) -> tuple[Certificate, ...]:
        """Return the certificates of the last final blocks, ascending, the head's last."""
        return tuple(self._recent)

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
        assert block.block.header.parent_hash == self.tip.digest, "a final block off the chain"
        self.tip = block
        self.height += 1
        self._digests.append(block.digest)
        self._payloads.append(block.payload)
        self._certificates.append(encoded)
        self._recent.append(certificate)
        self._executed = self._descendants(block)
        key = height_key(self.height)
        return (Record(BLOCKS, key, block.payload), Record(CERTIFICATES, key, encoded))

    def _descendants(self, block: ExecutedBlock) -> dict[Hash32, ExecutedBlock]:
        """Return `block` and the executed blocks above it, by digest."""
        kept = {block.digest: block}
        if len(self._executed) == 1:
            # There is none but the head so far.
            return kept
        for other in sorted(self._executed.values(), key=lambda executed: executed.number):
            if other.block.header.parent_hash in kept:
                kept[other.digest] = other
        return kept


def height_key(height: int) -> bytes:
    """Return the row key of a height: eight bytes, so that rows are in order of height."""
    return height.to_bytes(8, "big")


def stored_blocks(store: Store) -> list[tuple[bytes, bytes]]:
    """Return payload and certificate of the consecutive stored blocks from height 1 upward.

    A crash may have lost the last rows, never ones in the middle; what follows a gap is left.
    """
    blocks: list[tuple[bytes, bytes]] = []
    for key, payload in store.scan(BLOCKS):
        certificate = store.get(CERTIFICATES, key)
        if key != height_key(len(blocks) + 1) or certificate is None:
            break
        blocks.append((payload, certificate))
    return blocks


def encode_certificate(certificate: Certificate) -> bytes:
    """Return the form in which a certificate is stored and sent."""
    return encode_canonical(certificate)
