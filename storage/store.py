"""What a node asks of its durable store.

A store is a set of named tables of byte rows. It is written in batches, each of which is
atomic, and read by key or by key order. Many nodes read it only when they start, and have in
memory what they need while they run; others go on reading states as of one moment
(`SnapshotStore`). The Protocols are small so that a log-structured engine on disk and the memory
store of the simulated network both are natural implementations.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Protocol, runtime_checkable

from primitives.errors import InvalidInput
from primitives.machine import Record


class DamagedStore(InvalidInput):
    """Rows that do not hold what was written into them; nothing of them is served.

    What a store raises when it is read there, whatever kind of store it is. `where` is the table,
    or the file that is damaged.
    """


class MalformedRow(DamagedStore):
    """A row that was read, but whose bytes are not what its table holds.

    Args:
        table: its table.
        key: its key.
        expected: what rows of this table are.
        actual: what was found.
    """

    def __init__(self, table: str, key: bytes, expected: str, actual: object) -> None:
        self.table, self.key = table, key
        super().__init__(f"{table} {key.hex()}", expected, actual)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.table, self.key, self.expected, str(self.actual))


class RowSource(Protocol):
    """What a state is read from: rows that do not change while it is being read.

    A snapshot of a store (`storage.rocks.RocksSnapshot`), or a store that nobody writes to.
    """

    def get(self, table: str, key: bytes) -> bytes | None:
        """Return the value under (table, key), or None when there is none."""
        ...

    def scan(
        self, table: str, start: bytes = b"", end: bytes | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        """Yield (key, value) in ascending key order for start <= key < end."""
        ...


class Store(Protocol):
    """A durable, ordered table store."""

    def get(self, table: str, key: bytes) -> bytes | None:
        """Return the value under (table, key), or None when there is none."""
        ...

    def write(self, records: Iterable[Record]) -> None:
        """Apply all records in order, atomically; a record without a value deletes its row."""
        ...

    def scan(
        self, table: str, start: bytes = b"", end: bytes | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        """Yield (key, value) in ascending key order for start <= key < end.

        Args:
            table: the table; one that was never written is empty.
            start: the first key that may be yielded.
            end: the first key that may not; None means to the end of the table.
        """
        ...


class Snapshot(Protocol):
    """A store as it was at one moment, for reading."""

    def get(self, table: str, key: bytes) -> bytes | None:
        """Return the value that was under (table, key), or None when there was none."""
        ...

    def get_many(self, table: str, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return what `get` would for each key."""
        ...

    def scan(
        self, table: str, start: bytes = b"", end: bytes | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        """Yield the (key, value) of then in ascending key order for start <= key < end."""
        ...

    def release(self) -> None:
        """Let go of it, and of what it holds back; it is not read any more."""
        ...


@runtime_checkable
class SnapshotStore(Store, Protocol):
    """A store that a node goes on reading while it runs, and can begin anew."""

    def snapshot(self) -> Snapshot:
        """Return the store as it is now; later writes do not change it."""
        ...

    def discard(self, tables: Collection[str]) -> None:
        """Delete all rows of some tables, be they readable or not.

        It need not be atomic: a crash in between leaves some of the rows. The tables are deleted
        in the order in which they are given.
        """
        ...
