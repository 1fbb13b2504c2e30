"""The states of a store of form flat: the newest one, and earlier ones by undoing blocks."""

import hashlib

from node.config import Environment
from node.execution import ExecutedBlock
from node.flat_reading import raise_unless
from node.storage_config import StorageConfig
from storage.changes import StateChanges, merged_all
from storage.flat import ACCOUNTS, CODE, HISTORY, STORAGE, DiskState, FlatHead, StateNotKept
from storage.flat.reverse import read_reverse
from storage.state import StateLayer
from storage.store import SnapshotStore, Store
from storage.stored_trie import TABLE as TRIE

CELLS = (ACCOUNTS, STORAGE, CODE)
"""Tables that make the state."""


def load_state(
    store: SnapshotStore, head: FlatHead, config: StorageConfig, environment: Environment
) -> StateLayer:
    """Return the state after the head.

    Args:
        store: it is in.
        head: its head row.
        config: says whether the rows are all read where the node goes on reading the store.
        environment: says whether it does, and has the states that the process shares.

    Raises:
        DamagedStore: it is not the state of the head's root.
        InvalidInput: a row is damaged.
    """
    if environment.reads_store:
        if config.checks_state:
            _read_all(store)
        base = DiskState(store.snapshot(), config.caches, environment.state_lock)
        return StateLayer(None, StateChanges({}), base)
    for _ in store.scan(TRIE):
        pass
    state = environment.flat.state(_content(store), lambda: _loaded(store))
    root = state.root()
    raise_unless(root == head.state_root, "state", head.state_root.hex(), root.hex())
    return state


def state_at(store: Store, height: int, head: ExecutedBlock) -> tuple[StateLayer, StateChanges]:
    """Return the state after an earlier block, and what it took to come there from the head's.

    Raises:
        StateNotKept: it is not kept any more.
        MalformedRow: the row of a block between is damaged.
    """
    undone: list[StateChanges] = []
    for number in range(height + 1, head.number + 1):
        key = number.to_bytes(8, "big")
        row = store.get(HISTORY, key)
        if row is None:
            raise StateNotKept(height, number + 1, head.number)
        undone.append(read_reverse(key, row))
    # The block right above is undone last, so of several old values its own counts.
    changes = merged_all(tuple(undone))
    return StateLayer(head.state, changes), changes


def _loaded(store: Store) -> StateLayer:
    return StateLayer(None, DiskState(store).everything())


def _content(store: Store) -> bytes:
    """Return a hash of all rows of the state."""
    content = hashlib.blake2b(digest_size=32)
    for table in CELLS:
        for key, value in store.scan(table):
            content.update(b"%s %d %d " % (table.encode(), len(key), len(value)))
            content.update(key)
            content.update(value)
    return content.digest()


def _read_all(store: Store) -> None:
    """Read every row of the state: a store says so where one cannot be read."""
    for table in (*CELLS, TRIE):
        for _ in store.scan(table):
            pass
