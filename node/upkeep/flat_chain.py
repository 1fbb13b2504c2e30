"""What a store of form `flat` says about its chain beside the blocks: headers, receipts, epochs."""

from collections.abc import Iterator

from consensus.certificate import InvalidCertificate
from node.certificates import CertificateReader
from node.flat_rows import ANCHOR, CHAIN, CLOSING, HEADERS, RECEIPTS, Anchor
from node.ledger import BLOCKS, height_key
from node.snapshot import Closing
from node.upkeep.blocks import Link, misfit, verify_certificate
from node.upkeep.committees import Committees
from node.upkeep.finding import Finding, Watch, faulty
from primitives import rlp
from primitives.block import decode_block
from primitives.codec import decode_canonical
from primitives.errors import InvalidEncoding
from primitives.header import Header, decode_header, encode_header, header_hash
from primitives.params import MAX_BLOCK_BYTES
from primitives.trie import ordered_root
from storage.store import MalformedRow, Store

CLOSING_END = CLOSING[:-1] + bytes((CLOSING[-1] + 1,))
ROW_BYTES_MAX = 1 << 26
"""A row is a node's own; only its form is checked."""


def learn_epochs(store: Store, committees: Committees) -> Iterator[Finding]:
    """Let committees be known as far as the store names them; yield rows that are none."""
    closings = stored_closings(store)
    committees.learn(closings)
    heights = [CLOSING + height_key(decode_header(each.header).number) for each in closings]
    for (key, _), other in zip(store.scan(CHAIN, CLOSING, CLOSING_END), heights, strict=True):
        if key != other:
            yield Finding(CHAIN, _name(key), "the block of this height", _name(other))


def stored_closings(store: Store) -> list[Closing]:
    """Return the ends of all epochs since genesis.

    Raises:
        MalformedRow: a row is none.
    """
    closings: list[Closing] = []
    for key, row in store.scan(CHAIN, CLOSING, CLOSING_END):
        try:
            closings.append(decode_canonical(row, Closing, ROW_BYTES_MAX))
            decode_header(closings[-1].header)
        except InvalidEncoding as error:
            raise MalformedRow(
                CHAIN, key, f"the end of an epoch ({error})", "other bytes"
            ) from error
    return closings


def find_anchor(store: Store, committees: Committees, found: list[Header]) -> Iterator[Finding]:
    """Find the block that a fetched state came with; yield what is wrong with it.

    Args:
        store: what is looked at.
        committees: who may certify.
        found: gets its header, if there is such a block.
    """
    row = store.get(CHAIN, ANCHOR)
    if row is None:
        return
    name = ANCHOR.decode()
    try:
        anchor = decode_canonical(row, Anchor, ROW_BYTES_MAX)
        header = decode_header(anchor.header)
        certificate = CertificateReader(0).read(anchor.certificate)
    except InvalidEncoding as error:
        yield faulty(CHAIN, name, error)
        return
    found.append(header)
    wrong = misfit(certificate, Link(header.number, header_hash(header)), CHAIN)
    if wrong is not None:
        yield wrong
        return
    try:
        verify_certificate(certificate, header.number, committees)
    except InvalidCertificate as error:
        yield faulty(CHAIN, name, error)


def check_bodies(store: Store, watch: Watch) -> Iterator[Finding]:
    """Yield headers and receipts that are not those of the stored blocks, or are missing."""
    for table in (HEADERS, RECEIPTS):
        for key, _ in store.scan(table):
            if store.get(BLOCKS, key) is None:
                name = str(int.from_bytes(key, "big"))
                yield Finding(table, name, "a row of a stored block", "no such block")
    for count, (key, payload) in enumerate(store.scan(BLOCKS)):
        watch(RECEIPTS, count)
        name = str(int.from_bytes(key, "big"))
        try:
            header = decode_block(payload, MAX_BLOCK_BYTES).header
        except InvalidEncoding:
            continue  # `check_blocks` has said so
        if store.get(HEADERS, key) != encode_header(header):
            yield Finding(HEADERS, name, "the header of the stored block", "another or none")
        row = store.get(RECEIPTS, key)
        if row is None:
            yield Finding(RECEIPTS, name, "the receipts of the stored block", "no row")
            continue
        try:
            root = receipts_root(row)
        except InvalidEncoding as error:
            yield faulty(RECEIPTS, name, error)
            continue
        if root != header.receipts_root:
            expected = f"receipts under the header's root 0x{header.receipts_root.hex()}"
            yield Finding(RECEIPTS, name, expected, f"others, 0x{root.hex()}")


def receipts_root(row: bytes) -> bytes:
    """Return the root over the receipts of a row.

    Raises:
        InvalidEncoding: the row is not a list of byte strings.
    """
    receipts = [rlp.read_bytes(rlp.decode(item), "receipts") for item in rlp.split_list(row)]
    return ordered_root(receipts)


def _name(key: bytes) -> str:
    place = key[len(CLOSING) :]
    return f"{CLOSING.decode()}{int.from_bytes(place, 'big')}"
