"""Networks of nodes that keep their states durable in each of the ways that there are."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from node.config import Environment
from node.flat_library import FlatLibrary
from node.node import Node
from node.storage_config import StateForm, StorageConfig
from primitives.machine import Record
from storage.memory import MemoryStore
from storage.store import DamagedStore
from tests.unit.node.harness import SECOND, Harness, make_config, validator_key
from tests.unit.node.state_rig import CONTRACTS, advance, call, environment

WATCHED = 1
"""The node whose store is looked at."""


class Way(NamedTuple):
    """How nodes keep their states."""

    storage: StorageConfig
    reads_store: bool = False


WAYS = {
    "runs": Way(StorageConfig()),
    "flat": Way(StorageConfig(StateForm.FLAT)),
    "read": Way(StorageConfig(StateForm.FLAT, rebase_blocks=3), reads_store=True),
    "archive": Way(StorageConfig(StateForm.FLAT, None, rebase_blocks=3), reads_store=True),
}


@dataclass(slots=True, eq=False)
class NotedStore(MemoryStore):
    """A store that notes what is written into it."""

    batches: list[tuple[Record, ...]] = field(default_factory=list)

    def write(self, records: Iterable[Record]) -> None:
        batch = tuple(records)
        self.batches.append(batch)
        MemoryStore.write(self, batch)

    def after(self, count: int) -> MemoryStore:
        """Return what a crash leaves after so many batches."""
        store = MemoryStore()
        for batch in self.batches[:count]:
            store.write(batch)
        return store


class RottenStore(MemoryStore):
    """A store in which one row cannot be read, until it is written anew."""

    def __init__(self, store: MemoryStore, table: str, key: bytes) -> None:
        super().__init__(store.copy()._tables)
        self.rotten: tuple[str, bytes] | None = (table, key)

    def get(self, table: str, key: bytes) -> bytes | None:
        if (table, key) == self.rotten:
            raise DamagedStore(f"{table}/{key.hex()}", "what was written", "a flipped bit")
        return MemoryStore.get(self, table, key)

    def scan(
        self, table: str, start: bytes = b"", end: bytes | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        for key, _ in MemoryStore.scan(self, table, start, end):
            value = self.get(table, key)
            assert value is not None
            yield key, value

    def write(self, records: Iterable[Record]) -> None:
        batch = tuple(records)
        if any((each.table, each.key) == self.rotten for each in batch):
            self.rotten = None
        MemoryStore.write(self, batch)


def durable_environment(way: Way) -> Environment:
    flat = FlatLibrary.isolated() if way.reads_store else FlatLibrary()
    return replace(environment(20, CONTRACTS), reads_store=way.reads_store, flat=flat)


def durable_network(way: Way, history: int | None = 0) -> Harness:
    """Return a network with contracts; what the watched node writes is noted."""
    harness = Harness(
        4,
        environment=durable_environment(way),
        stores={WATCHED: NotedStore()},
        storage=way.storage,
        history=history,
    )
    harness.first = 0  # type: ignore[attr-defined]
    return harness


def restarted(harness: Harness, store: MemoryStore, way: Way) -> Node:
    """Return the watched node as it begins with a store, outside of its network."""
    place = harness.places[WATCHED]
    own = replace(durable_environment(way), signer=validator_key(WATCHED))
    config = make_config(WATCHED, 4, storage=way.storage, history=place.config.history)
    return Node(config, own, store)


def fetched(way: str) -> tuple[Harness, NotedStore]:
    """Return a network, and the store of a node that has fetched the state of block 16."""
    harness = durable_network(WAYS[way])
    advance(harness, 2)
    call(harness, 1)
    harness.crash(WATCHED)
    call(harness, 4, first=2)
    advance(harness, 12)
    harness.start(WATCHED)
    harness.run(3 * SECOND)
    store = harness.places[WATCHED].store
    assert isinstance(store, NotedStore)
    return harness, store
