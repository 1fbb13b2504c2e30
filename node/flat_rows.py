"""The rows of form flat: what a block makes of the store, beside its payload and certificate.

    chain.headers    RLP of the header, by height
    chain.receipts   RLP list of the receipts' encodings, each a byte string, by height
    chain.snapshot   few rows about the chain: the epoch, the ends of earlier ones, and the block
                     that a fetched state came with
    state.*          the state after the block, its trie, and what leads back to the one before

They follow from the block and the one below it. So they are made once for all nodes of a process,
which hold the same bytes; each node is charged for its own disk. What is a node's own are the
certificates: any quorum's will do.
"""

from collections.abc import Sequence

import msgspec
from msgspec import structs

from node.execution import ExecutedBlock
from node.snapshot import Closing
from primitives.codec import encode_canonical
from primitives.epoch import Epoch
from primitives.header import encode_header
from primitives.machine import Record
from primitives.receipt import Receipt, encode_receipt
from primitives.rlp import encode_bytes, encode_list
from storage.commitment import empty_state_trie
from storage.flat import FlatHead, state_records, whole_state_records
from storage.stored_trie import trie_records

HEADERS = "chain.headers"
"""Table of headers by height."""

RECEIPTS = "chain.receipts"
"""Table of the receipts of a block by height."""

CHAIN = "chain.snapshot"
"""Table of the rows below."""

EPOCH = b"epoch"
"""What the head's child belongs to. A store has this row if and only if its form is flat."""

ANCHOR = b"anchor"
"""The block whose state was fetched last: its payload never came."""

CLOSING = b"closing/"
"""Before the height of each block that closed an epoch."""

Rows = tuple[Record, ...]


class Anchor(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The row under `ANCHOR`."""

    header: bytes
    """RLP."""
    certificate: bytes
    """As it is stored and sent."""


def block_rows(parent: ExecutedBlock, block: ExecutedBlock, *, archive: bool) -> Rows:
    """Return what a block makes of the store.

    Args:
        parent: the block below.
        block: executed.
        archive: whether past values are found by account and slot, too.
    """
    key = height_key(block.number)
    before, after = parent.state, block.state
    rows = [
        Record(HEADERS, key, encode_header(block.block.header)),
        Record(RECEIPTS, key, encode_receipts(block.receipts)),
        *state_records(flat_head(block), after.all_changes, before, archive=archive),
        *trie_records(before.trie(), after.trie()),
    ]
    if block.epoch is not parent.epoch and block.epoch != parent.epoch:
        rows.append(epoch_row(block.epoch))
    return tuple(rows)


def first_rows(block: ExecutedBlock, *, archive: bool) -> Rows:
    """Return what makes a store that has no state hold the one after a block."""
    state = block.state
    return (
        *whole_state_records(flat_head(block), state.everything(), archive=archive),
        *trie_records(empty_state_trie(), state.trie()),
        epoch_row(block.epoch),
    )


def replacing_rows(old: ExecutedBlock, block: ExecutedBlock, *, archive: bool) -> Rows:
    """Return what makes a store hold the state after a block in place of an earlier one.

    Nothing leads back to that one: the blocks between are not known.

    Args:
        old: the block whose state the store holds.
        block: of which only header and state are known.
        archive: as for `block_rows`.
    """
    before, after = old.state, block.state
    # Which code the store has is not asked: it may hold more than either state.
    cells = structs.replace(before.everything(), codes={})
    was = _by_key(whole_state_records(flat_head(old), cells, archive=archive))
    now = _by_key(whole_state_records(flat_head(block), after.everything(), archive=archive))
    return (
        *[Record(*place, None) for place in was if place not in now],
        *[Record(*place, value) for place, value in now.items() if was.get(place) != value],
        *trie_records(before.trie(), after.trie()),
        epoch_row(block.epoch),
    )


def flat_head(block: ExecutedBlock) -> FlatHead:
    """Return the head row's content after a block."""
    return FlatHead(block.number, block.digest, block.block.header.state_root)


def epoch_row(epoch: Epoch) -> Record:
    """Return the row of what the next block belongs to."""
    return Record(CHAIN, EPOCH, encode_canonical(epoch))


def closing_row(height: int, closing: Closing) -> Record:
    """Return the row of the end of an epoch."""
    return Record(CHAIN, CLOSING + height_key(height), encode_canonical(closing))


def anchor_row(block: ExecutedBlock, certificate: bytes) -> Record:
    """Return the row of a block whose state was fetched."""
    anchor = Anchor(encode_header(block.block.header), certificate)
    return Record(CHAIN, ANCHOR, encode_canonical(anchor))


def encode_receipts(receipts: Sequence[Receipt]) -> bytes:
    """Return the row of a block's receipts."""
    return encode_list([encode_bytes(encode_receipt(receipt)) for receipt in receipts])


def height_key(height: int) -> bytes:
    """Return the key of a row about a height: eight bytes, so that rows are in its order."""
    return height.to_bytes(8, "big")


def _by_key(records: Sequence[Record]) -> dict[tuple[str, bytes], bytes | None]:
    return {(each.table, each.key): each.value for each in records}
