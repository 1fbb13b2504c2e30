"""What both forms of `node.restore` share: what a restart gives, and how blocks come back."""

from collections.abc import Sequence

import msgspec

from consensus.certificate import Certificate
from network.messages import CertifiedBlock
from node.certificates import CertificateReader
from node.ledger import Ledger
from node.snapshot import Closing
from primitives.epoch import Epoch
from primitives.errors import InvalidEncoding
from primitives.header import decode_header
from primitives.machine import Effect


class Restored(msgspec.Struct, frozen=True):
    """The chain as far as the store had it."""

    ledger: Ledger
    work: tuple[Effect, ...]
    """What the protocol thread had to do for it, and what is to be written and told at once."""


def epoch_of(epoch: Epoch, closings: Sequence[Closing]) -> Epoch:
    """Return what follows when these blocks have closed `epoch` and those after it.

    Raises:
        InvalidEncoding: a header is none.
    """
    for closing in closings:
        height = decode_header(closing.header).number
        epoch = Epoch(epoch.number + 1, closing.committee, closing.committee, height)
    return epoch


def restore_below(
    ledger: Ledger, below: Sequence[CertifiedBlock], reader: CertificateReader, recent: int
) -> None:
    """Take in the blocks that the node keeps for others, the highest first."""
    for place, stored in enumerate(below):
        height = ledger.lowest - 1
        read = read_certificate(stored, reader) if place < recent else None
        ledger.found(height, stored, read)


def read_certificate(stored: CertifiedBlock, reader: CertificateReader) -> Certificate | None:
    """Return the certificate of a stored block, or None if it is none."""
    try:
        return reader.read(stored.certificate)
    except InvalidEncoding:
        return None
