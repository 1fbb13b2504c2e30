"""Reading every row of a store: that finds damage below the rows' meaning, and counts them."""

from collections.abc import Iterable, Iterator

import msgspec

from node.upkeep.finding import Finding, Watch
from primitives.errors import InvalidEncoding, InvalidInput
from storage.store import DamagedStore, MalformedRow, Store
from storage.stored_trie import StoredTrieError

WATCH_ROWS = 1_024
"""Rows between two words on the progress."""


class TableRows(msgspec.Struct):
    """What one table holds; filled while it is read."""

    table: str
    rows: int = 0
    key_bytes: int = 0
    value_bytes: int = 0


def count_rows(store: Store, table: str, count: TableRows, watch: Watch) -> None:
    """Read all rows of a table and count them.

    Raises:
        DamagedStore: one cannot be read.
    """
    watch(table, 0)
    for key, value in store.scan(table):
        count.rows += 1
        count.key_bytes += len(key)
        count.value_bytes += len(value)
        if not count.rows % WATCH_ROWS:
            watch(table, count.rows)


def read_rows(
    store: Store, tables: Iterable[str], counted: list[TableRows], watch: Watch
) -> Iterator[Finding]:
    """Read all rows, and yield where they cannot be read: at most one place for each table.

    Args:
        store: what is looked at.
        tables: their names.
        counted: gets an entry for each table.
        watch: told of the progress.
    """
    for table in tables:
        count = TableRows(table)
        counted.append(count)
        try:
            count_rows(store, table, count, watch)
        except DamagedStore as error:
            yield damage(error, f"{table}, after {count.rows} rows")


def damage(error: InvalidInput, where: str = "") -> Finding:
    """Return what a read that failed says."""
    if isinstance(error, MalformedRow):
        return Finding(error.table, error.key.hex(), error.expected, str(error.actual))
    return Finding(error.where, where, error.expected, str(error.actual))


def passed_over(findings: Iterator[Finding]) -> Iterator[Finding]:
    """Yield findings; a row that cannot be read, or makes no sense, is one more and ends them."""
    try:
        yield from findings
    except (DamagedStore, InvalidEncoding, StoredTrieError) as error:
        yield damage(error)
