"""Whether the index of transactions names the place of each, and no other."""

from collections.abc import Iterator

from node.flat_rows import CHAIN
from node.ledger import BLOCKS, height_key
from node.transaction_index import (
    MARKER,
    TRANSACTIONS,
    is_indexed,
    payload_hashes,
    place_rows,
    read_place,
)
from node.upkeep.finding import Finding, Watch
from primitives.errors import InvalidEncoding
from primitives.ids import Hash32
from storage.store import Store


def check_places(store: Store, watch: Watch) -> Iterator[Finding]:
    """Yield rows of the index that are wrong, missing or of no stored block."""
    if not is_indexed(store):
        if next(store.scan(TRANSACTIONS), None) is not None:
            yield Finding(CHAIN, MARKER.decode(), "the mark of a store with an index", "no row")
        return
    placed = 0
    for count, (key, payload) in enumerate(store.scan(BLOCKS)):
        watch(TRANSACTIONS, count)
        hashes = _hashes(payload)
        placed += len(hashes)
        for row in place_rows(int.from_bytes(key, "big"), hashes):
            found = store.get(TRANSACTIONS, row.key)
            if found != row.value:
                yield Finding(TRANSACTIONS, row.key.hex(), _shown(row.value), _shown(found))
    if sum(1 for _ in store.scan(TRANSACTIONS)) != placed:
        yield from _strays(store)


def _strays(store: Store) -> Iterator[Finding]:
    """Yield rows of transactions that the named block does not have."""
    for key, row in store.scan(TRANSACTIONS):
        height, _ = read_place(key, row)
        payload = store.get(BLOCKS, height_key(height))
        if payload is None or Hash32(key) not in _hashes(payload):
            expected = "a transaction of a stored block"
            yield Finding(TRANSACTIONS, key.hex(), expected, f"none of block {height}")


def _hashes(payload: bytes) -> list[Hash32]:
    try:
        return payload_hashes(payload)
    except InvalidEncoding:
        return []  # `check_blocks` has said so


def _shown(row: bytes | None) -> str:
    return "no row" if row is None else f"the place {row.hex()}"
