"""Whether what a flat store keeps of the past leads back to the states that headers name."""

from collections.abc import Callable, Iterator

from node.upkeep.finding import Finding, Watch, faulty
from primitives.errors import InvalidEncoding
from primitives.header import Header
from storage.changes import StateChanges
from storage.commitment import update_state_trie
from storage.flat import HEAD, HISTORY, INDEX, FlatHead
from storage.flat.cells import encode_account, encode_slot
from storage.flat.head import indexed_from, read_height, unbroken_from
from storage.flat.reverse import read_reverse
from storage.flat.tables import (
    HEIGHT_BYTES,
    INDEXED_FROM,
    INDEXED_TO,
    account_index_key,
    height_key,
    slot_index_key,
    storage_key,
)
from storage.store import Store
from storage.stored_trie import stored_trie

HeaderAt = Callable[[int], Header | None]
"""Returns the header of a height, if it is known."""


def check_history(
    store: Store, head: FlatHead, fetched: int, header_at: HeaderAt | None, watch: Watch
) -> Iterator[Finding]:
    """Yield gaps in the history, and rows that do not undo their block.

    An archive that has fetched a state keeps what led back from the one before. Nothing reads it
    any more, and it is passed over.

    Block after block is undone in the trie, from the head downward, and the root compared with the
    header of the block below. That costs time for each change that is kept.

    Args:
        store: what is looked at.
        head: the newest block.
        fetched: height of the state that was fetched last; 0 if none was.
        header_at: knows headers; None leaves out undoing, where the state itself is damaged.
        watch: told of the progress.
    """
    rows: dict[int, StateChanges] = {}
    for key, row in store.scan(HISTORY):
        watch(HISTORY, len(rows))
        try:
            rows[read_height(HISTORY, key)] = read_reverse(key, row)
        except InvalidEncoding as error:
            yield faulty(HISTORY, key.hex(), error)
            return
    above = [height for height in rows if height > head.height]
    lowest = unbroken_from([height for height in rows if height <= head.height], head.height)
    for height in [*[each for each in rows if fetched < each <= lowest], *above]:
        expected = f"heights from {lowest + 1} to {head.height} without a gap"
        yield Finding(HISTORY, str(height), expected, "a row apart from them")
    yield from _check_index(store, head, rows, lowest, watch)
    if header_at is None:
        return
    trie = stored_trie(head.state_root, store)
    for height in range(head.height, lowest, -1):
        watch("undone", head.height - height)
        trie = update_state_trie(trie, rows[height])
        header = header_at(height - 1)
        if header is not None and trie.root != header.state_root:
            expected = f"what undoes the block; before it, the root is 0x{header.state_root.hex()}"
            yield Finding(HISTORY, str(height), expected, f"what leads to 0x{trie.root.hex()}")
            return


def _check_index(
    store: Store, head: FlatHead, rows: dict[int, StateChanges], lowest: int, watch: Watch
) -> Iterator[Finding]:
    """Yield where an archive's index says something else than its history."""
    start = indexed_from(store, head)
    if start is None:
        ends = store.get(HEAD, INDEXED_TO) == height_key(head.height)
        if ends or store.get(HEAD, INDEXED_FROM) is not None:
            name = (INDEXED_FROM if ends else INDEXED_TO).decode()
            yield Finding(HEAD, name, "from where to where the index goes", "one end of it only")
        return
    if not lowest <= start <= head.height:
        said = f"a height of the history, {lowest} to {head.height}"
        yield Finding(HEAD, INDEXED_FROM.decode(), said, str(start))
    start = max(start, lowest)
    expected = 0
    for height in range(start + 1, head.height + 1):
        for key, value in indexed_cells(height, rows[height]):
            expected += 1
            found = store.get(INDEX, key)
            if found != value:
                said = "nothing" if found is None else found.hex()
                yield Finding(INDEX, key.hex(), f"{value.hex() or 'an empty row'}", said)
    count = 0
    for key, _ in store.scan(INDEX):
        watch(INDEX, count)
        count += key[-HEIGHT_BYTES:] > height_key(start)
    if count != expected:
        said = f"{expected} rows: so many cells have been changed by blocks above {start}"
        yield Finding(INDEX, "", said, str(count))


def indexed_cells(height: int, reverse: StateChanges) -> Iterator[tuple[bytes, bytes]]:
    """Yield the rows that an archive's index has of a block."""
    for address, account in reverse.accounts.items():
        yield (
            account_index_key(address, height),
            b"" if account is None else encode_account(account),
        )
    for address, values in reverse.slots.items():
        for slot, value in values.items():
            yield slot_index_key(storage_key(address, slot), height), encode_slot(value)
