"""Rows in order, and never fewer than there are.

rocksdict's own `items()` ends quietly at a damaged block. The iterator below asks for the status
at its end, so that half a table is never taken for the whole. Two more things of rocksdict's are
dealt with by `Cursor`: an iterator keeps the store, and so its directory, open for as long as
anybody holds it; and it borrows its bounds from the `ReadOptions`, which must outlive it (with
freed ones it ends anywhere).
"""

from collections.abc import Iterator
from pathlib import Path

from rocksdict import Rdict, RdictIter, ReadOptions

from storage.rocks.errors import StoreClosed, translated
from storage.rocks.schema import Table

CHUNK_ROWS = 16
CHUNK_ROWS_MAX = 1_024
"""A scan fetches few rows at first, for those who want few, and more each time."""


class Cursor:
    """The one reference to an iterator of RocksDB; None once it is spent or its store closed."""

    __slots__ = ("__weakref__", "_bounds", "after", "iterator")

    def __init__(self, iterator: RdictIter, after: bytes, bounds: ReadOptions) -> None:
        self.iterator: RdictIter | None = iterator
        self.after = after
        self._bounds = bounds

    def release(self) -> None:
        """Let the iterator go."""
        self.iterator = None


def key_prefix(table: Table) -> bytes:
    """Return what stands before every key of a table."""
    return bytes((table.number,))


def table_bounds(table: Table, start: bytes, end: bytes | None) -> tuple[bytes, bytes]:
    """Return the first key of a family that may be found, and the first one that may not."""
    after = bytes((table.number + 1,)) if end is None else key_prefix(table) + end
    return min(key_prefix(table) + start, after), after


def cursor_at(engine: Rdict, table: Table, start: bytes, end: bytes | None) -> Cursor:
    """Return a cursor over the rows of a table from `start` to before `end`."""
    first, after = table_bounds(table, start, end)
    bounds = ReadOptions()
    bounds.set_iterate_upper_bound(after)
    iterator = engine.iter(bounds)
    iterator.seek(first)
    return Cursor(iterator, after, bounds)


def rows(path: Path, cursor: Cursor) -> Iterator[tuple[bytes, bytes]]:
    """Yield the rows of a cursor, without the table's number.

    Raises:
        CorruptStore: a block is damaged; no row of it has been yielded.
        StoreClosed: the store was closed in between.
    """
    chunk = CHUNK_ROWS
    while cursor.iterator is not None:
        try:
            found = fetch(cursor.iterator, cursor.after, chunk)
        except Exception as error:
            cursor.release()
            error.__traceback__ = None
            raise translated(path, error) from error
        yield from found
        if len(found) < chunk:
            cursor.release()
            return
        chunk = min(2 * chunk, CHUNK_ROWS_MAX)
    raise StoreClosed(path)


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
