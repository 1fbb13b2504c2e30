"""Records as RocksDB's batches."""

from collections.abc import Callable, Iterable, Mapping

from rocksdict import ColumnFamily, WriteBatch

from primitives.machine import Record
from storage.rocks.errors import StoreError


def gathered(
    records: Iterable[Record],
    places: Mapping[str, tuple[bytes, ColumnFamily]],
    refusal: Callable[[str], StoreError],
) -> WriteBatch:
    """Return records as one batch; of several for a row the last counts.

    Rows go in sorted: the way of one through a large buffer is then in the processor's cache for
    the next. With hashed keys a put is a third cheaper so, the sort included.

    Args:
        records: in their order.
        places: prefix of the keys, and family, of each table.
        refusal: the error for a table that has no place.
    """
    tables: dict[str, dict[bytes, bytes | None]] = {}
    table: str | None = None
    rows_of_table: dict[bytes, bytes | None] = {}
    for record in records:
        if record.table != table:
            table = record.table
            if table not in places:
                raise refusal(table)
            rows_of_table = tables.setdefault(table, {})
        rows_of_table[record.key] = record.value
    batch = WriteBatch(raw_mode=True)
    put, delete = batch.put, batch.delete
    for name, rows in tables.items():
        prefix, handle = places[name]
        batch.set_default_column_family(handle)
        for key in sorted(rows):
            value = rows[key]
            if value is None:
                delete(prefix + key)
            else:
                put(prefix + key, value)
    return batch
