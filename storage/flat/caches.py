"""The caches of a state on disk: bounded, and of one version at a time.

They belong to the newest base. Whoever reads an older one goes past them: what they hold is newer.
"""

from typing import TypeVar

import msgspec

from storage.account import Account
from storage.cache import CachedTable, CacheOptions, Limits, TableCounters
from storage.changes import StateChanges
from storage.flat.cells import ACCOUNT_KIND, CODE_KIND, SLOT_KIND, read_code
from storage.flat.tables import STORAGE, storage_bounds, storage_key
from storage.store import RowSource

MEBIBYTE = 1 << 20
T = TypeVar("T")


class StateCaches(msgspec.Struct, frozen=True):
    """How much of a state is held in memory, for each kind of row."""

    accounts: CacheOptions = CacheOptions(Limits(100_000, 32 * MEBIBYTE))
    slots: CacheOptions = CacheOptions(Limits(200_000, 64 * MEBIBYTE))
    codes: CacheOptions = CacheOptions(Limits(4_096, 16 * MEBIBYTE))


class _Rows:
    """The rows that a cache loads from: those of the newest base's source."""

    __slots__ = ("get",)

    def __init__(self, source: RowSource) -> None:
        self.get = source.get


class _CodeRows:
    """As `_Rows`, but nothing comes out that its key is not the hash of."""

    __slots__ = ("rows",)

    def __init__(self, rows: _Rows) -> None:
        self.rows = rows

    def get(self, table: str, key: bytes) -> bytes | None:
        """Return the code with a hash.

        Raises:
            MalformedRow: the row holds another.
        """
        row = self.rows.get(table, key)
        return None if row is None else read_code(key, row)


class CachedCells:
    """The cells of a state behind a cache for each kind.

    Args:
        source: the state's rows.
        options: bounds and policies.
    """

    __slots__ = ("_rows", "accounts", "codes", "slots")

    def __init__(self, source: RowSource, options: StateCaches) -> None:
        self._rows = _Rows(source)
        self.accounts: CachedTable[Account] = CachedTable(
            ACCOUNT_KIND, self._rows, options.accounts
        )
        self.slots: CachedTable[int] = CachedTable(SLOT_KIND, self._rows, options.slots)
        self.codes: CachedTable[bytes] = CachedTable(
            CODE_KIND, _CodeRows(self._rows), options.codes
        )

    def advance(self, older: RowSource, newer: RowSource, changes: StateChanges) -> None:
        """Turn from one version to a later one.

        What was unset with all of an account's storage stands in no change: it is looked for in
        the older version, which has a row for each such slot that a cache may hold.
        """
        self._rows.get = newer.get
        for address in changes.wiped:
            for key, _ in older.scan(STORAGE, *storage_bounds(address)):
                self.slots.write(key, None)
        for address, values in changes.slots.items():
            for slot, value in values.items():
                self.slots.write(storage_key(address, slot), value or None)
        for address, account in changes.accounts.items():
            self.accounts.write(address, account)

    def counters(self) -> tuple[TableCounters, ...]:
        """Return what has happened to each cache."""
        return self.accounts.counters(), self.slots.counters(), self.codes.counters()
