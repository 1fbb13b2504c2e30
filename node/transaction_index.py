"""Where a transaction stands: rows of form flat, for nodes that are asked for it by its hash.

    chain.transactions    height (eight bytes) and index in the block (four), by hash
    chain.snapshot        under `MARKER`: that every block which is kept has such rows

They stand in the batch of their block and go in the batch that it goes in, so they never name a
block that the store does not hold. A store that was written without them gets them when a node
that wants them starts; one that does not want them takes them away, because rows that nobody goes
on writing would answer for some blocks and not for others.
"""

from collections.abc import Iterator, Sequence

from network.messages import CertifiedBlock
from node.flat_rows import CHAIN, height_key
from primitives.block import decode_block
from primitives.errors import InvalidEncoding
from primitives.ids import Hash32
from primitives.machine import Record
from primitives.transaction import transaction_hash
from storage.store import MalformedRow, Store

TRANSACTIONS = "chain.transactions"
"""Table of places by hash."""

MARKER = b"transactions"
"""Key in `CHAIN`; there if and only if the blocks that are kept are indexed."""

HEIGHT_BYTES = 8
INDEX_BYTES = 4
PLACE_BYTES = HEIGHT_BYTES + INDEX_BYTES


def marker_row() -> Record:
    """Return the row of a store that is indexed."""
    return Record(CHAIN, MARKER, b"\x01")


def is_indexed(store: Store) -> bool:
    """Whether a store has the places of all blocks that it keeps."""
    return store.get(CHAIN, MARKER) is not None


def place_rows(height: int, hashes: Sequence[Hash32]) -> tuple[Record, ...]:
    """Return the rows of a block's transactions.

    Args:
        height: of the block.
        hashes: of its transactions, in order.
    """
    key = height_key(height)
    return tuple(
        [
            Record(TRANSACTIONS, digest, key + index.to_bytes(INDEX_BYTES, "big"))
            for index, digest in enumerate(hashes)
        ]
    )


def unplaced_rows(payload: bytes) -> tuple[Record, ...]:
    """Return what deletes the rows of a block's transactions; nothing if it is no block.

    Args:
        payload: its encoding.
    """
    try:
        hashes = payload_hashes(payload)
    except InvalidEncoding:
        return ()
    return tuple([Record(TRANSACTIONS, digest, None) for digest in hashes])


def payload_hashes(payload: bytes) -> list[Hash32]:
    """Return the hashes of a block's transactions, in order.

    Raises:
        InvalidEncoding: it is no block.
    """
    return [transaction_hash(raw) for raw in decode_block(payload).transactions]


def transaction_place(store: Store, digest: Hash32) -> tuple[int, int] | None:
    """Return height and index of a transaction; None if no block that is kept has it.

    Raises:
        MalformedRow: its row is none.
    """
    row = store.get(TRANSACTIONS, digest)
    return None if row is None else read_place(digest, row)


def read_place(key: bytes, row: bytes) -> tuple[int, int]:
    """Return height and index in a row.

    Raises:
        MalformedRow: it is none.
    """
    if len(row) != PLACE_BYTES:
        raise MalformedRow(TRANSACTIONS, key, f"{PLACE_BYTES} bytes", f"{len(row)}")
    return int.from_bytes(row[:HEIGHT_BYTES], "big"), int.from_bytes(row[HEIGHT_BYTES:], "big")


def adapting_rows(
    store: Store, kept: Sequence[CertifiedBlock], head: int, *, indexes: bool, is_cut: bool
) -> Iterator[Record]:
    """Yield what a store needs before a node goes on from it; mostly nothing.

    Args:
        store: as it is now.
        kept: the blocks that the node goes on with, from the head downward.
        head: height of the first of them.
        indexes: whether the node wants the rows.
        is_cut: whether rows of lower blocks have been given up as damaged.
    """
    if not indexes:
        yield from _removing(store)
        return
    if not is_indexed(store):
        for place, block in enumerate(kept):
            yield from place_rows(head - place, payload_hashes(block.payload))
        yield marker_row()
    elif is_cut:
        lowest = head - len(kept) + 1
        for key, row in store.scan(TRANSACTIONS):
            if read_place(key, row)[0] < lowest:
                yield Record(TRANSACTIONS, key, None)


def _removing(store: Store) -> Iterator[Record]:
    if is_indexed(store):
        for key, _ in store.scan(TRANSACTIONS):
            yield Record(TRANSACTIONS, key, None)
        yield Record(CHAIN, MARKER, None)
