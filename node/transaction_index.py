"""Where a transaction or block stands: rows of form flat, for nodes that are asked by hash.

    chain.heights         height (eight bytes), by the hash of the block
    chain.transactions    height and index in the block (four bytes), by the hash of the transaction
    chain.snapshot        under `MARKER`: that every block which is kept has such rows

They stand in the batch of their block and go in the batch that it goes in, so they never name a
block that the store does not hold. A store that was written without them gets them when a node
that wants them starts; one that does not want them takes them away, because rows that nobody goes
on writing would answer for some blocks and not for others.
"""

from collections.abc import Iterator, Sequence

from network.messages import CertifiedBlock
from node.flat_rows import CHAIN, height_key
from primitives.block import block_hash, decode_block
from primitives.errors import InvalidEncoding
from primitives.ids import Hash32
from primitives.machine import Record
from primitives.transaction import transaction_hash
from storage.store import MalformedRow, RowSource, Store

HEIGHTS = "chain.heights"
"""Table of heights by the hash of a block."""

TRANSACTIONS = "chain.transactions"
"""Table of places by the hash of a transaction."""

TABLES = (HEIGHTS, TRANSACTIONS)

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


def place_rows(height: int, digest: Hash32, hashes: Sequence[Hash32]) -> tuple[Record, ...]:
    """Return the rows of a block and its transactions.

    Args:
        height: of the block.
        digest: its hash.
        hashes: of its transactions, in order.
    """
    key = height_key(height)
    return (
        Record(HEIGHTS, digest, key),
        *[
            Record(TRANSACTIONS, each, key + index.to_bytes(INDEX_BYTES, "big"))
            for index, each in enumerate(hashes)
        ],
    )


def unplaced_rows(payload: bytes) -> tuple[Record, ...]:
    """Return what deletes the rows of a block and its transactions; nothing if it is no block.

    Args:
        payload: its encoding.
    """
    try:
        rows = payload_rows(0, payload)
    except InvalidEncoding:
        return ()
    return tuple([Record(row.table, row.key, None) for row in rows])


def payload_rows(height: int, payload: bytes) -> tuple[Record, ...]:
    """Return the rows of an encoded block and its transactions.

    Raises:
        InvalidEncoding: it is no block.
    """
    block = decode_block(payload)
    hashes = [transaction_hash(raw) for raw in block.transactions]
    return place_rows(height, block_hash(block), hashes)


def block_height(store: RowSource, digest: Hash32) -> int | None:
    """Return the height of a block; None if it is none of those that are kept."""
    row = store.get(HEIGHTS, digest)
    return None if row is None else int.from_bytes(row, "big")


def transaction_place(store: RowSource, digest: Hash32) -> tuple[int, int] | None:
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
            yield from payload_rows(head - place, block.payload)
        yield marker_row()
    elif is_cut:
        lowest = head - len(kept) + 1
        for table in TABLES:
            for key, row in store.scan(table):
                if int.from_bytes(row[:HEIGHT_BYTES], "big") < lowest:
                    yield Record(table, key, None)


def _removing(store: Store) -> Iterator[Record]:
    if is_indexed(store):
        for table in TABLES:
            for key, _ in store.scan(table):
                yield Record(table, key, None)
        yield Record(CHAIN, MARKER, None)
