"""Caches of several tables that follow the commits of a chain.

A commit writes one layer through to the caches of all tables. Until the layer is settled, the
keys that it wrote are remembered; if it is dropped instead, by a crash of the disk or because
another block was chosen, they are forgotten in the caches, and the next read asks the store.

Layers form a stack: who drops one drops those above it, whose values rest on it.
"""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from primitives.errors import InvalidInput
from storage.cache.table import CachedTable, TableCounters

Writes: TypeAlias = Mapping[str, Iterable[tuple[bytes, Any]]]
"""For each table: keys with their new values, None for rows that were deleted."""


class LayeredCache:
    """The caches of a store's tables.

    Args:
        tables: the caches, each of its own table.
        pending_max: layers that may be unsettled at once.

    Raises:
        InvalidInput: two caches are of the same table.
    """

    __slots__ = ("_pending", "_pending_max", "_tables")

    def __init__(self, tables: Iterable[CachedTable[Any]], pending_max: int = 64) -> None:
        self._tables: dict[str, CachedTable[Any]] = {}
        for each in tables:
            name = each.kind.table
            if name in self._tables:
                raise InvalidInput("cache.tables", "each table once", name)
            self._tables[name] = each
        self._pending_max = pending_max
        self._pending: dict[int, list[tuple[CachedTable[Any], tuple[bytes, ...]]]] = {}

    @property
    def pending(self) -> tuple[int, ...]:
        """The layers that are neither settled nor dropped, oldest first."""
        return tuple(self._pending)

    def commit(self, layer: int, writes: Writes) -> None:
        """Take over what a layer wrote. The store must show it already.

        Args:
            layer: higher than all before it.
            writes: tables that are not cached are passed over.

        Raises:
            InvalidInput: the layer is not above the last one, or too many are unsettled.
        """
        last = next(reversed(self._pending), None)
        if last is not None and layer <= last:
            raise InvalidInput("cache.commit.layer", f"more than {last}", layer)
        if len(self._pending) >= self._pending_max:
            expected = f"at most {self._pending_max}; settle or drop some"
            raise InvalidInput("cache.commit.pending", expected, len(self._pending) + 1)
        log: list[tuple[CachedTable[Any], tuple[bytes, ...]]] = []
        self._pending[layer] = log
        for name, rows in writes.items():
            table = self._tables.get(name)
            if table is None:
                continue
            pairs = tuple(rows)
            log.append((table, tuple(key for key, _ in pairs)))
            for key, value in pairs:
                table.write(key, value)

    def settle(self, layer: int) -> None:
        """Let the layer and all below it be final: they can't be dropped any more."""
        for each in [each for each in self._pending if each <= layer]:
            del self._pending[each]

    def drop(self, layer: int) -> None:
        """Forget what the layer and all above it wrote. The store must not show it any more.

        Raises:
            InvalidInput: the layer is not pending: it was settled, or never committed.
        """
        if layer not in self._pending:
            raise InvalidInput("cache.drop.layer", "a layer that is pending", layer)
        for each in [each for each in self._pending if each >= layer]:
            for table, keys in self._pending.pop(each):
                for key in keys:
                    table.invalidate(key)

    def counters(self) -> tuple[TableCounters, ...]:
        """Return the counts of each table, in the order in which they were given."""
        return tuple(table.counters() for table in self._tables.values())
