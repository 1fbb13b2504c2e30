"""Rows in order, and never fewer than there are.

rocksdict's `items()` is faster than its plain iterator, but ends quietly at a damaged block. So a
plain iterator, made at the same moment, looks once more behind the last row: it meets the same
block, and has a status to ask for. Two more things of rocksdict's are dealt with by `Cursor`: an
iterator keeps the store, and so its directory, open for as long as anybody holds it; and it
borrows its bounds from the `ReadOptions`, which must outlive it (with freed ones it ends anywhere).
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import cast

from rocksdict import Rdict, RdictIter, ReadOptions

from storage.rocks.errors import StoreClosed, translated
from storage.rocks.schema import Table

Rows = Iterator[tuple[bytes, bytes]]

CHUNK_ROWS = 16
CHUNK_ROWS_MAX = 1_024
"""A scan fetches few rows at first, for those who want few, and more each time."""


class Cursor:
    """The one reference to a scan's iterators; None once they are spent or their store closed."""

    __slots__ = ("__weakref__", "_bounds", "items", "probe")

    def __init__(self, items: Rows, probe: RdictIter, bounds: ReadOptions) -> None:
        self.items: Rows | None = items
        self.probe: RdictIter | None = probe
        self._bounds = bounds

    def fetch(self, last: bytes, count: int) -> list[tuple[bytes, bytes]] | None:
        """Return the next rows, fewer than `count` only if there are no more; None if released.

        Args:
            last: the family's key of the row before, or of where the scan begins.
            count: of rows that are wanted.
        """
        if self.items is None or self.probe is None:
            return None
        found = list(islice(self.items, count))
        if len(found) < count:
            self.probe.seek(found[-1][0] if found else last)
            if self.probe.valid():
                self.probe.next()
            if not self.probe.valid():
                self.probe.status()
        return found

    def release(self) -> None:
        """Let the iterators go."""
        self.items = self.probe = None


def key_prefix(table: Table) -> bytes:
    """Return what stands before every key of a table."""
    return bytes((table.number,))


def table_bounds(table: Table, start: bytes, end: bytes | None) -> tuple[bytes, bytes]:
    """Return the first key of a family that may be found, and the first one that may not."""
    after = bytes((table.number + 1,)) if end is None else key_prefix(table) + end
    return min(key_prefix(table) + start, after), after


def cursor_at(engine: Rdict, first: bytes, after: bytes) -> Cursor:
    """Return a cursor over the rows of a family from the key `first` to before `after`."""
    bounds = ReadOptions()
    bounds.set_iterate_upper_bound(after)
    items = cast("Rows", engine.items(from_key=first, read_opt=bounds))
    return Cursor(items, engine.iter(bounds), bounds)


def rows(path: Path, cursor: Cursor, first: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the rows of a cursor that begins at the key `first`, without the table's number.

    Raises:
        CorruptStore: a block is damaged; no row of it has been yielded.
        StoreClosed: the store was closed in between.
    """
    chunk, last = CHUNK_ROWS, first
    while True:
        try:
            found = cursor.fetch(last, chunk)
        except Exception as error:
            cursor.release()
            error.__traceback__ = None
            raise translated(path, error) from error
        if found is None:
            raise StoreClosed(path)
        for key, value in found:
            yield key[1:], value
        if len(found) < chunk:
            cursor.release()
            return
        chunk, last = min(2 * chunk, CHUNK_ROWS_MAX), found[-1][0]


def fetch(iterator: RdictIter, after: bytes, count: int) -> list[tuple[bytes, bytes]]:
    """Return the next `count` rows before `after`; fewer only if there are no more.

    Whoever passes on an error of it drops the traceback, which holds the iterator.
    """
    found: list[tuple[bytes, bytes]] = []
    for _ in range(count):
        if not iterator.valid():
            iterator.status()
            break
        key = iterator.key()
        if key >= after:
            break
        found.append((key[1:], iterator.value()))
        iterator.next()
    return found


def prefix_end(prefix: bytes) -> bytes | None:
    """Return the first key behind all that begin with `prefix`; None if there is none."""
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes((kept[-1] + 1,)) if kept else None
