"""What a store of form flat holds of the chain, read back and checked.

The head row, the block of its height, the state and its epoch were one batch, so they agree or the
store is damaged. Blocks below are kept for others. Where one of them is damaged, those above it
are still good, and the rest is given up.
"""

from collections.abc import Sequence

import msgspec

from consensus.certificate import Certificate
from network.messages import CertifiedBlock
from node.certificates import CertificateReader
from node.flat_rows import ANCHOR, CHAIN, CLOSING, EPOCH, HEADERS, RECEIPTS, Anchor, height_key
from node.ledger import BLOCKS, CERTIFICATES
from node.restoring import epoch_of
from node.snapshot import Closing
from primitives.block import block_hash, decode_block
from primitives.codec import decode_canonical
from primitives.epoch import Epoch, first_epoch
from primitives.errors import InvalidEncoding
from primitives.genesis import Genesis
from primitives.header import Header, decode_header, header_hash
from primitives.ids import Hash32
from primitives.keccak import keccak256
from primitives.machine import Record
from storage.flat import FlatHead, read_head
from storage.store import DamagedStore, Store

BY_HEIGHT = (BLOCKS, CERTIFICATES, HEADERS, RECEIPTS)
"""Tables that have a row for each block that is kept."""

FRAMING_BYTES = 9
"""Of an RLP list, at most, before its first item."""


class StoredBlock(msgspec.Struct, frozen=True):
    """A block that is kept, as its rows have it."""

    height: int
    header: bytes
    payload: bytes
    certificate: bytes


class StoredChain(msgspec.Struct, frozen=True):
    """What a store holds of the chain, but for its state."""

    head: FlatHead
    header: Header
    certificate: Certificate
    encoded: bytes
    """The certificate as it is stored and sent."""
    payload: bytes
    """Of the head; nothing if only its header is known."""
    epoch: Epoch
    """What the head's child belongs to."""
    closings: tuple[Closing, ...]
    anchor: Anchor | None
    below: tuple[StoredBlock, ...]
    """The head, if its payload is known, and the blocks that are kept below it, descending."""
    damage: str
    """What ended them early; empty if they ended where they should."""
    given_up: tuple[Record, ...]
    """What deletes the rows of those that cannot be used."""

    @property
    def blocks(self) -> list[CertifiedBlock]:
        """What is kept for others, descending."""
        return [CertifiedBlock(each.payload, each.certificate) for each in self.below]


def read_chain(store: Store, genesis: Genesis, reader: CertificateReader) -> StoredChain | None:
    """Return what a store holds of the chain; None if it holds nothing.

    Args:
        store: of form flat, or empty.
        genesis: of the chain.
        reader: of certificates, which are the node's own and not verified again.

    Raises:
        DamagedStore: it is damaged so far that the node has to begin anew.
        InvalidEncoding: likewise.
    """
    head = read_head(store)
    if head is None:
        if store.get(CHAIN, EPOCH) is not None:
            raise damaged("state.head", "the row of the newest block", "none")
        return None
    closings = _closings(store)
    epoch = _epoch(store, genesis, closings)
    if head.height == 0:
        raise_unless(epoch == first_epoch(genesis.committee), CHAIN, "the first epoch", epoch)
        return None
    row = store.get(CHAIN, ANCHOR)
    anchor = None if row is None else decode_canonical(row, Anchor)
    known = None if anchor is None else decode_header(anchor.header)
    no_records: tuple[Record, ...] = ()
    lowest = 1 if known is None else known.number + 1
    if anchor is not None and known is not None and known.number == head.height:
        header, payload, encoded = known, b"", anchor.certificate
        below: tuple[StoredBlock, ...] = ()
        damage, given_up = "", no_records
    else:
        below, damage, given_up = _blocks(store, head, lowest)
        header, payload, encoded = _newest(below, damage)
    certificate = reader.read(encoded)
    _agree(head, header, certificate)
    return StoredChain(
        head, header, certificate, encoded, payload,
        epoch, closings, anchor, below, damage, given_up,
    )  # fmt: skip


def damaged(where: str, expected: str, actual: object) -> DamagedStore:
    """Return the error for rows that cannot be used."""
    return DamagedStore(where, expected, actual)


def raise_unless(condition: bool, where: str, expected: str, actual: object) -> None:
    """Check what the rows of one batch have in common.

    Raises:
        DamagedStore: they have not.
    """
    if not condition:
        raise damaged(where, expected, actual)


def _closings(store: Store) -> tuple[Closing, ...]:
    rows = store.scan(CHAIN, CLOSING, CLOSING + b"\xff")
    return tuple([decode_canonical(row, Closing) for _, row in rows])


def _epoch(store: Store, genesis: Genesis, closings: Sequence[Closing]) -> Epoch:
    row = store.get(CHAIN, EPOCH)
    if row is None:
        raise damaged(CHAIN, "the row of the epoch", "none")
    epoch = decode_canonical(row, Epoch)
    begun = epoch_of(first_epoch(genesis.committee), closings)
    same = (begun.number, begun.committee, begun.since)
    found = (epoch.number, epoch.committee, epoch.since)
    raise_unless(found == same, CHAIN, f"epoch {begun.number}, as it was begun", epoch.number)
    return epoch


def _newest(below: Sequence[StoredBlock], damage: str) -> tuple[Header, bytes, bytes]:
    if not below:
        raise damaged("chain.blocks: the newest block", "its rows", damage)
    newest = below[0]
    block = decode_block(newest.payload)
    raise_unless(
        block_hash(block) == keccak256(newest.header), BLOCKS, "the block of its header", "another"
    )
    return block.header, newest.payload, newest.certificate


def _agree(head: FlatHead, header: Header, certificate: Certificate) -> None:
    digest = header_hash(header)
    raise_unless(digest == head.digest, HEADERS, head.digest.hex(), digest.hex())
    raise_unless(header.number == head.height, HEADERS, f"height {head.height}", header.number)
    raise_unless(
        header.state_root == head.state_root, "state.head", header.state_root.hex(),
        head.state_root.hex(),
    )  # fmt: skip
    raise_unless(certificate.digest == digest, CERTIFICATES, digest.hex(), certificate.digest.hex())


def _blocks(
    store: Store, head: FlatHead, lowest: int
) -> tuple[tuple[StoredBlock, ...], str, tuple[Record, ...]]:
    """Return the blocks from the head downward, as far as they hang together.

    Returns:
        They; what ended them early, or nothing; and what deletes the rows below.
    """
    found: list[StoredBlock] = []
    digest: Hash32 = head.digest
    height = head.height
    damage = ""
    while height >= lowest:
        try:
            block = _block(store, height, digest)
        except (DamagedStore, InvalidEncoding) as error:
            damage = str(error)
            break
        if block is None:
            break
        found.append(block)
        digest = decode_header(block.header).parent_hash
        height -= 1
    if damage:
        return tuple(found), damage, _rest(store, height)
    first = next((int.from_bytes(key, "big") for key, _ in store.scan(BLOCKS)), height + 1)
    if first > height:
        return tuple(found), "", ()
    lost = f"{BLOCKS}: expected no gap, got none of height {height}"
    return tuple(found), lost, _deleting(range(first, height + 1))


def _block(store: Store, height: int, digest: Hash32) -> StoredBlock | None:
    """Return a block that is kept; None if there is no row of it.

    Raises:
        DamagedStore: it is not whole, or another.
    """
    key = height_key(height)
    rows = [store.get(table, key) for table in (HEADERS, BLOCKS, CERTIFICATES)]
    if rows == [None, None, None]:
        return None
    header, payload, certificate = rows
    where = f"chain rows of height {height}"
    if header is None or payload is None or certificate is None:
        raise damaged(where, "header, block and certificate", "not all of them")
    found = keccak256(header)
    raise_unless(found == digest, where, f"header {digest.hex()}", found.hex())
    inside = payload.find(header, 0, len(header) + FRAMING_BYTES) >= 0
    raise_unless(inside, where, "a block with this header", "another")
    raise_unless(certificate.find(digest) >= 0, where, "the certificate of this header", "another")
    return StoredBlock(height, header, payload, certificate)


def _rest(store: Store, height: int) -> tuple[Record, ...]:
    """Return what deletes the rows of a height and of those below it, as far as there are any."""
    low = height
    while low > 0 and any(_is_there(store, table, low) for table in BY_HEIGHT):
        low -= 1
    return _deleting(range(low + 1, height + 1))


def _deleting(heights: range) -> tuple[Record, ...]:
    return tuple([Record(table, height_key(n), None) for n in heights for table in BY_HEIGHT])


def _is_there(store: Store, table: str, height: int) -> bool:
    try:
        return store.get(table, height_key(height)) is not None
    except DamagedStore:
        return True
