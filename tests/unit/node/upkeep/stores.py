"""Stores of small chains, made as nodes make them, for the tests of what looks after them."""

from collections.abc import Callable, Iterator
from functools import cache

from node.config import Environment
from node.storage_config import StateForm, StorageConfig
from primitives.machine import Record
from storage.memory import MemoryStore
from tests.unit.node.state_rig import CONTRACTS, advance, call, network

HEIGHT = 10
"""Checkpoints are every four blocks: the last two are 4 and 8."""


@cache
def _made(form: StateForm, history: int | None) -> tuple[MemoryStore, Environment]:
    storage = StorageConfig(form=form)
    harness = network(contracts=CONTRACTS, history=history, storage=storage)
    call(harness, 3)
    advance(harness, HEIGHT - 3)
    return harness.places[1].store, harness.environment


def chain_store(
    form: StateForm = StateForm.RUNS, history: int | None = None
) -> tuple[MemoryStore, Environment]:
    """Return a store that a test may damage, and the chain that it is of."""
    store, environment = _made(form, history)
    return store.copy(), environment


def rows(store: MemoryStore) -> Iterator[Record]:
    """Yield all rows of a store."""
    for table in sorted(store._tables):
        for key, value in store.scan(table):
            yield Record(table, key, value)


def edit(store: MemoryStore, table: str, key: bytes, change: Callable[[bytes], bytes]) -> None:
    """Put something else in place of a row."""
    old = store.get(table, key)
    assert old is not None
    store.write([Record(table, key, change(old))])


def replaced_by(row: bytes) -> Callable[[bytes], bytes]:
    """Return a change that puts a row in place of any other."""
    return lambda _: row


def flipped(row: bytes) -> bytes:
    """Return a row with one bit of its last byte changed."""
    return row[:-1] + bytes((row[-1] ^ 1,))
