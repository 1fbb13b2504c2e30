"""What one node's disk holds, and what may befall it: decay, a limit, a loss of power.

A node whose rows are in memory and to whose disk nothing happens has a plain `MemoryStore`. All
others have a `Medium` around whatever holds the rows. Damage is noted row by row, beside the
rows: reading a rotten one raises what a store on disk raises where a checksum does not match, so
nothing damaged is ever served, and it is the same row whichever engine holds it. Writing a row
anew heals it.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Protocol

from primitives.machine import Record
from sim.hosts.space import Space
from storage.store import DamagedStore, Snapshot, SnapshotStore

Row = tuple[str, bytes]
"""Table and key."""

FLIPPED = "a flipped bit"


class Rows(SnapshotStore, Protocol):
    """What holds rows."""

    def get_many(self, table: str, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return what `get` would for each key."""
        ...


class Drive(Protocol):
    """An engine with files, which a loss of power closes."""

    def power_off(self) -> None:
        """Let go of the files; nothing can be read or written until `power_on`."""
        ...

    def power_on(self) -> None:
        """Open what the files hold."""
        ...

    def tear(self, records: tuple[Record, ...], permille: int) -> None:
        """Lose power while a batch is written: so many thousandths of its bytes are there."""
        ...

    def close(self) -> None:
        """Make all durable and let go of the files for good."""
        ...


class Medium:
    """The rows of one node.

    Args:
        rows: what holds them.
        drive: the same thing, if it has files.
        space: the room on the disk; None if nothing limits it.
    """

    __slots__ = ("_rotten", "_rows", "_sizes", "_tables", "drive", "space")

    def __init__(self, rows: Rows, drive: Drive | None = None, space: Space | None = None) -> None:
        self._rows = rows
        self.drive = drive
        """Its files; None for rows in memory."""
        self.space = space
        """The room on the disk; other nodes of the machine take of it, too."""
        self._sizes: dict[Row, int] = {}
        """Bytes of each row, where there is a limit."""
        self._tables: dict[str, None] = {}
        """Those that were ever written to."""
        self._rotten: dict[str, dict[bytes, None]] = {}

    # ---------------------------------------------------------------- as a store

    def get(self, table: str, key: bytes) -> bytes | None:
        """Return the value under (table, key), or None when there is none.

        Raises:
            DamagedStore: the row has rotted.
        """
        self.check(table, key)
        return self._rows.get(table, key)

    def get_many(self, table: str, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return what `get` would for each key."""
        for key in keys:
            self.check(table, key)
        return self._rows.get_many(table, keys)

    def scan(
        self, table: str, start: bytes = b"", end: bytes | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        """Yield (key, value) in ascending key order for start <= key < end."""
        return self.checked(table, self._rows.scan(table, start, end))

    def write(self, records: Iterable[Record]) -> None:
        """Apply all records in order, atomically; a record without a value deletes its row."""
        batch = tuple(records)
        self._rows.write(batch)
        for record in batch:
            self._tables[record.table] = None
            rotten = self._rotten.get(record.table)
            if rotten is not None:
                rotten.pop(record.key, None)
        if self.space is not None:
            self._count(batch, self.space)

    def snapshot(self) -> Snapshot:
        """Return the store as it is now; what rots later has rotted in it, too."""
        return _Look(self._rows.snapshot(), self)

    def discard(self, tables: Collection[str]) -> None:
        """Delete all rows of some tables, be they readable or not."""
        self._rows.discard(tables)
        for table in tables:
            self._rotten.pop(table, None)
        if self.space is not None:
            for row in [row for row in self._sizes if row[0] in tables]:
                self.space.used -= self._sizes.pop(row)

    # ---------------------------------------------------------------- what befalls it

    def rot(self, choose: Callable[[int], Sequence[int]], table: str | None) -> tuple[Row, ...]:
        """Let bits of some rows flip, also while nobody has it open; return which.

        Args:
            choose: given the number of rows, returns the positions of those that are struck.
            table: to choose from; None: all tables.
        """
        self.power_on()
        names = sorted(self._tables) if table is None else [table]
        rows = [(name, key) for name in names for key, _ in self._rows.scan(name)]
        struck = tuple(rows[position] for position in choose(len(rows))) if rows else ()
        for name, key in struck:
            self._rotten.setdefault(name, {})[key] = None
        return struck

    def rotten(self) -> tuple[Row, ...]:
        """Return the rows that have rotted and were not written since."""
        return tuple((table, key) for table, keys in self._rotten.items() for key in keys)

    def power_off(self) -> None:
        """Lose the process that had it open."""
        if self.drive is not None:
            self.drive.power_off()

    def power_on(self) -> None:
        """Let a new process open it.

        Raises:
            DamagedStore: its files are damaged.
        """
        if self.drive is not None:
            self.drive.power_on()

    def tear(self, records: tuple[Record, ...], permille: int) -> None:
        """Lose power while a batch is written: so many thousandths of its bytes are there.

        Rows in memory come whole or not at all, so there it is as if nothing had been written:
        what an engine with files has to make of its torn log.
        """
        if self.drive is not None:
            self.drive.tear(records, permille)

    def close(self) -> None:
        """Let go of the files for good, all that was written being durable."""
        if self.drive is not None:
            self.drive.close()

    def peek(self, table: str, key: bytes) -> bytes | None:
        """Return what was written under (table, key), rotten or not: for the world, not a node."""
        return self._rows.get(table, key)

    def held(self) -> tuple[int, int]:
        """Return how many rows it holds, and the bytes of their keys and values."""
        self.power_on()
        rows = [len(k) + len(v) for table in self._tables for k, v in self._rows.scan(table)]
        return len(rows), sum(rows)

    def check(self, table: str, key: bytes) -> None:
        """Raise if a row has rotted.

        Raises:
            DamagedStore: it has.
        """
        rotten = self._rotten.get(table)
        if rotten and key in rotten:
            raise DamagedStore(f"{table}/{key.hex()}", "what was written", FLIPPED)

    def checked(
        self, table: str, rows: Iterator[tuple[bytes, bytes]]
    ) -> Iterator[tuple[bytes, bytes]]:
        """Pass on rows of a table up to the first that has rotted."""
        return self._guarded(table, rows) if self._rotten.get(table) else rows

    def _guarded(
        self, table: str, rows: Iterator[tuple[bytes, bytes]]
    ) -> Iterator[tuple[bytes, bytes]]:
        for key, value in rows:
            self.check(table, key)
            yield key, value

    def _count(self, batch: tuple[Record, ...], space: Space) -> None:
        """Count what a batch has added to the rows there are, and what it took away."""
        sizes = self._sizes
        for record in batch:
            row = (record.table, record.key)
            space.used -= sizes.pop(row, 0)
            if record.value is not None:
                sizes[row] = size = len(record.key) + len(record.value)
                space.used += size


class _Look:
    """A snapshot of rows some of which rot.

    Args:
        rows: the snapshot.
        medium: what it is of.
    """

    __slots__ = ("__weakref__", "_medium", "_rows")

    def __init__(self, rows: Snapshot, medium: Medium) -> None:
        self._rows = rows
        self._medium = medium

    def get(self, table: str, key: bytes) -> bytes | None:
        """Return the value that was under (table, key), or None when there was none."""
        self._medium.check(table, key)
        return self._rows.get(table, key)

    def get_many(self, table: str, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return what `get` would for each key."""
        for key in keys:
            self._medium.check(table, key)
        return self._rows.get_many(table, keys)

    def scan(
        self, table: str, start: bytes = b"", end: bytes | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        """Yield the (key, value) of then in ascending key order for start <= key < end."""
        return self._medium.checked(table, self._rows.scan(table, start, end))

    def release(self) -> None:
        """Let go of it; it is not read any more."""
        self._rows.release()
