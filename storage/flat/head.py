"""Which block a flat state belongs to, and how far back it can be read."""

import msgspec

from primitives.codec import decode_canonical, encode_canonical
from primitives.errors import InvalidEncoding
from primitives.ids import Hash32
from storage.flat.errors import NoFlatState
from storage.flat.tables import HEAD, HEIGHT_BYTES, HISTORY, INDEXED_FROM, INDEXED_TO, LATEST
from storage.store import MalformedRow, RowSource

HASH_BYTES = 32


class FlatHead(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The block after which the state is as the rows say."""

    height: int
    digest: Hash32
    """Its hash."""
    state_root: Hash32
    """That of its header: what the state's trie must have."""


def encode_head(head: FlatHead) -> bytes:
    """Return the row of a head."""
    return encode_canonical(head)


def read_head(source: RowSource) -> FlatHead | None:
    """Return the newest block of a flat state; None where there is no such state.

    Raises:
        MalformedRow: the row is not that of a head.
    """
    row = source.get(HEAD, LATEST)
    if row is None:
        return None
    try:
        head = decode_canonical(row, FlatHead)
    except InvalidEncoding as error:
        raise MalformedRow(HEAD, LATEST, "a height and two hashes", row.hex()) from error
    if head.height < 0 or len(head.digest) != HASH_BYTES or len(head.state_root) != HASH_BYTES:
        raise MalformedRow(HEAD, LATEST, "a height and two hashes", row.hex())
    return head


def indexed_from(source: RowSource, head: FlatHead) -> int | None:
    """Return the earliest height that the index reaches back to; None without a whole index."""
    if _height(source, INDEXED_TO) != head.height:
        return None
    return _height(source, INDEXED_FROM)


def lowest_height(source: RowSource) -> int:
    """Return the earliest height after which the state can still be read.

    Looks at each row of the history, other than those of heights that the index covers.

    Raises:
        NoFlatState: there is none.
        MalformedRow: a row that it has to read is damaged.
    """
    head = read_head(source)
    if head is None:
        raise NoFlatState
    indexed = indexed_from(source, head)
    top = head.height if indexed is None else indexed
    rows = source.scan(HISTORY, end=(top + 1).to_bytes(HEIGHT_BYTES, "big"))
    return unbroken_from([read_height(HISTORY, key) for key, _ in rows], top)


def unbroken_from(heights: list[int], top: int) -> int:
    """Return the earliest height that the history leads back to.

    Args:
        heights: of the history's rows, ascending.
        top: where the way begins.
    """
    lowest = top
    for height in reversed(heights):
        if height != lowest:
            break
        lowest -= 1
    return lowest


def read_height(table: str, key: bytes) -> int:
    """Return the height that is the key of a row.

    Raises:
        MalformedRow: it is none.
    """
    if len(key) != HEIGHT_BYTES:
        raise MalformedRow(table, key, "a key of 8 bytes", f"{len(key)} bytes")
    return int.from_bytes(key, "big")


def _height(source: RowSource, key: bytes) -> int | None:
    row = source.get(HEAD, key)
    if row is None:
        return None
    if len(row) != HEIGHT_BYTES:
        raise MalformedRow(HEAD, key, "a height of 8 bytes", f"{len(row)} bytes")
    return int.from_bytes(row, "big")
