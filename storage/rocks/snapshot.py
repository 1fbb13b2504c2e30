"""The store as it was at one moment.

rocksdict's snapshots answer for single keys; their own iterators read the present (0.3.29). But an
iterator of a family shows the moment it was made in, so a snapshot makes one for each family at
once, and its scans share them: each fetches some rows and finds its place again for the next ones.
They may be read on several threads.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import cast

from rocksdict import Rdict, RdictIter

from storage.rocks.errors import StoreClosed, UnknownTable, translated
from storage.rocks.reading import CHUNK_ROWS, CHUNK_ROWS_MAX, fetch, key_prefix, table_bounds
from storage.rocks.schema import Family, Table

NOT_FOUND = "key not found"
"""What rocksdict says when a snapshot lacks a key; it has no other way to tell."""


class RocksSnapshot:
    """Reads of one moment. Release it: it holds back the space of what was overwritten since.

    Args:
        path: the store's directory, for messages.
        tables: by name.
        families: of the store; between two of them nothing may be written.
        lock: taken while an iterator moves; of this snapshot only.
    """

    def __init__(
        self,
        path: Path,
        tables: Mapping[str, Table],
        families: Mapping[Family, Rdict],
        lock: AbstractContextManager[object],
    ) -> None:
        self._path = path
        self._lock = lock
        self._tables = tables
        self._views = {family: engine.snapshot() for family, engine in families.items()}
        self._iterators: dict[Family, RdictIter] = {
            family: engine.iter() for family, engine in families.items()
        }

    def get(self, table: str, key: bytes) -> bytes | None:
        """Return the value that was under (table, key), or None when there was none."""
        found = self._table(table)
        try:
            return cast("bytes", self._views[found.family][key_prefix(found) + key])
        except Exception as error:
            if str(error) == NOT_FOUND:
                return None
            raise translated(self._path, error) from error

    def get_many(self, table: str, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return what `get` would for each key."""
        return [self.get(table, key) for key in keys]

    def scan(
        self, table: str, start: bytes = b"", end: bytes | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        """Yield the (key, value) of then in ascending key order for start <= key < end."""
        return self._rows(self._table(table), start, end)

    def release(self) -> None:
        """Let go of it, and of its scans; a second call does nothing."""
        self._views.clear()
        self._iterators.clear()

    def _rows(self, table: Table, start: bytes, end: bytes | None) -> Iterator[tuple[bytes, bytes]]:
        first, after = table_bounds(table, start, end)
        chunk = CHUNK_ROWS
        while True:
            if not self._iterators:
                raise StoreClosed(self._path)
            try:
                with self._lock:
                    self._iterators[table.family].seek(first)
                    found = fetch(self._iterators[table.family], after, chunk)
            except Exception as error:
                error.__traceback__ = None
                raise translated(self._path, error) from error
            yield from found
            if len(found) < chunk:
                return
            first = key_prefix(table) + found[-1][0] + b"\x00"
            chunk = min(2 * chunk, CHUNK_ROWS_MAX)

    def __enter__(self) -> "RocksSnapshot":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def _table(self, name: str) -> Table:
        if not self._views:
            raise StoreClosed(self._path)
        found = self._tables.get(name)
        if found is None:
            raise UnknownTable(str(self._path), f"one of {', '.join(self._tables)}", repr(name))
        return found
