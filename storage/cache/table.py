"""Two levels of cache over one table of a store.

The first level holds decoded values, the second encoded ones, and a key is in one of them at
most. What the first lets go is encoded and moves down; what is found in the second is decoded
and moves up. A key of which the store has nothing is remembered as such: its value is None, and
a level holds it like any other.

A read that finds its key in the first level runs one function, the policy's own `get`.
"""

from collections.abc import Callable
from enum import Enum
from typing import Generic, Protocol

import msgspec

from primitives.errors import InvalidEncoding
from storage.cache.compression import Compressor, Plain
from storage.cache.lru import Lru
from storage.cache.policy import Counters, Limits, Policy, PolicyMaker, V
from storage.store import MalformedRow

ENTRY_BYTES = 200
"""What a level needs for an entry beside its key and value; see `orrery bench cache-levels`."""


class Rows(Protocol):
    """The store below: any `storage.store.Store`."""

    def get(self, table: str, key: bytes) -> bytes | None:
        """Return the value under (table, key), or None when there is none."""
        ...


class Kind(msgspec.Struct, Generic[V], frozen=True):
    """What the values of a table are."""

    table: str
    """The store's name for the table, and the label of its counts."""
    encode: Callable[[V], bytes]
    decode: Callable[[bytes], V]
    size: Callable[[V], int]
    """Bytes that a decoded value takes in memory."""


class CacheOptions(msgspec.Struct, frozen=True):
    """How one table is cached."""

    limits: Limits
    """Of the first level; sizes are those of decoded values."""
    below: Limits | None = None
    """Of the second level; None goes without one.

    That is the default because a second level moves and encodes more than it saves. Over rows
    that RocksDB has in memory, with the same memory for both, `orrery bench cache-levels` gives
    3.3 us a read for one level and 5.6 us for two halves (accounts; 4.8 and 8.1 us for nodes of
    tries). It pays where a load costs 80 to 150 us more than that: on disks, not on memory.
    """
    policy: PolicyMaker = Lru
    """Of the first level. The second is left in the order in which it was entered, by `Lru`."""
    compressor: Compressor = Plain()
    """Of the second level."""


class TableCounters(msgspec.Struct, frozen=True):
    """What has happened to the cache of one table."""

    table: str
    decoded: Counters
    """Of the first level."""
    encoded: Counters
    """Of the second level; all zero without one."""
    loads: int
    """Reads that went to the store."""
    absent: int
    """Those of them that found nothing there."""
    promotions: int
    demotions: int
    written: int
    """Values that commits wrote through."""
    invalidated: int
    """Keys forgotten because what was written under them was taken back."""


class _Nothing(Enum):
    """What a second level returns that has no such key; None is a value."""

    NOTHING = 0


NOTHING = _Nothing.NOTHING


class CachedTable(Generic[V]):
    """The cache of one table.

    Args:
        kind: of the values.
        store: what is cached. It must already show what `write` is told, synced or not: an
            entry may leave the cache at once and be read again.
        options: bounds and policies.
    """

    __slots__ = (
        "_absent", "_compressor", "_decoded", "_demotions", "_encoded", "_invalidated", "_loads",
        "_promotions", "_store", "_written", "kind", "read",
    )  # fmt: skip

    def __init__(self, kind: Kind[V], store: Rows, options: CacheOptions) -> None:
        self.kind = kind
        self._store = store
        self._compressor = options.compressor
        self._decoded: Policy[V | None] = options.policy(options.limits, self._fetch)
        self._encoded: Policy[bytes | _Nothing | None] | None = None
        if options.below is not None:
            self._encoded = Lru(options.below, _nothing)
        self.read: Callable[[bytes], V | None] = self._decoded.get
        """Return the value under a key, or None when the store has none."""
        self._loads = 0
        self._absent = 0
        self._promotions = 0
        self._demotions = 0
        self._written = 0
        self._invalidated = 0

    def write(self, key: bytes, value: V | None) -> None:
        """Take over what a commit wrote; None means that the row was deleted."""
        self._written += 1
        if self._encoded is not None:
            self._encoded.discard(key)
        self._admit(key, value)

    def invalidate(self, key: bytes) -> None:
        """Forget a key in both levels; the next read asks the store."""
        self._invalidated += 1
        self._decoded.discard(key)
        if self._encoded is not None:
            self._encoded.discard(key)

    def counters(self) -> TableCounters:
        """Return the counts so far."""
        return TableCounters(
            self.kind.table,
            self._decoded.counters(),
            Counters() if self._encoded is None else self._encoded.counters(),
            self._loads,
            self._absent,
            self._promotions,
            self._demotions,
            self._written,
            self._invalidated,
        )

    def _fetch(self, key: bytes) -> V | None:
        """Answer a read that the first level could not."""
        if self._encoded is not None:
            found = self._encoded.get(key)
            if found is not NOTHING:
                value = self._expand(found)
                self._encoded.discard(key)
                self._promotions += 1
                self._admit(key, value)
                return value
        self._loads += 1
        row = self._store.get(self.kind.table, key)
        self._absent += row is None
        try:
            value = None if row is None else self.kind.decode(row)
        except InvalidEncoding as error:
            where = f"{error.where}: {error.expected}"
            raise MalformedRow(self.kind.table, key, where, error.actual) from error
        self._admit(key, value)
        return value

    def _expand(self, found: bytes | None) -> V | None:
        return None if found is None else self.kind.decode(self._compressor.decompress(found))

    def _admit(self, key: bytes, value: V | None) -> None:
        size = ENTRY_BYTES + len(key) + (0 if value is None else self.kind.size(value))
        leaving = self._decoded.put(key, value, size)
        if self._encoded is None:
            return
        for other, left in leaving:
            packed = None
            if left is not None:
                packed = self._compressor.compress(self.kind.encode(left))
            size = ENTRY_BYTES + len(other) + (0 if packed is None else len(packed))
            self._encoded.put(other, packed, size)
            self._demotions += 1


def _nothing(_key: bytes) -> _Nothing:
    return NOTHING
