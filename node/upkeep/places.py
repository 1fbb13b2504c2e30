"""Whether the index by hash names the place of each block and transaction, and no other."""

from collections.abc import Iterator

from node.flat_rows import CHAIN
from node.ledger import BLOCKS, height_key
from node.transaction_index import (
    HEIGHT_BYTES,
    MARKER,
    TABLES,
    TRANSACTIONS,
    is_indexed,
    payload_rows,
)
from node.upkeep.finding import Finding, Watch
from primitives.errors import InvalidEncoding
from primitives.machine import Record
from storage.store import Store


def check_places(store: Store, watch: Watch) -> Iterator[Finding]:
    """Yield rows of the index that are wrong, missing or of no stored block."""
    if not is_indexed(store):
        if any(next(store.scan(table), None) is not None for table in TABLES):
            yield Finding(CHAIN, MARKER.decode(), "the mark of a store with an index", "no row")
        return
    placed = 0
    for count, (key, payload) in enumerate(store.scan(BLOCKS)):
        watch(TRANSACTIONS, count)
        for row in _rows(int.from_bytes(key, "big"), payload):
            placed += 1
            found = store.get(row.table, row.key)
            if found != row.value:
                yield Finding(row.table, row.key.hex(), _shown(row.value), _shown(found))
    if sum(1 for table in TABLES for _ in store.scan(table)) != placed:
        yield from _strays(store)


def _strays(store: Store) -> Iterator[Finding]:
    """Yield rows of what the named block does not have."""
    for table in TABLES:
        for key, row in store.scan(table):
            height = int.from_bytes(row[:HEIGHT_BYTES], "big")
            payload = store.get(BLOCKS, height_key(height))
            rows = () if payload is None else _rows(height, payload)
            if not any((each.table, each.key) == (table, key) for each in rows):
                yield Finding(table, key.hex(), "a hash of a stored block", f"none of {height}")


def _rows(height: int, payload: bytes) -> tuple[Record, ...]:
    try:
        return payload_rows(height, payload)
    except InvalidEncoding:
        return ()  # `check_blocks` has said so


def _shown(row: bytes | None) -> str:
    return "no row" if row is None else f"the place {row.hex()}"
