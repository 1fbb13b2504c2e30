"""A state on disk, and how layers in memory stand on it.

A `DiskState` reads one version of the rows, that of its source, and never another. Layers of later
blocks stand on it (`StateLayer(..., below=...)`). When there are many of them a newer base is
made (`advanced`) from a newer snapshot. The caches move on to it, with what changed in between
written through; the old base serves the layers that still stand on it from its own source.

A read that finds its account in the cache is one call of one function, the cache's own.
"""

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from typing import Generic, Protocol, TypeAlias, TypeVar, cast

from primitives.errors import InvalidInput
from primitives.ids import Address, Hash32
from primitives.keccak import EMPTY_KECCAK
from storage.account import Account
from storage.cache import TableCounters
from storage.changes import StateChanges
from storage.commitment import StateTrie
from storage.flat.caches import CachedCells, StateCaches
from storage.flat.cells import read_account, read_code, read_slot
from storage.flat.errors import NoFlatState
from storage.flat.head import FlatHead, read_head
from storage.flat.tables import (
    ACCOUNTS,
    ADDRESS_BYTES,
    CODE,
    STORAGE,
    STORAGE_KEY_BYTES,
    storage_bounds,
)
from storage.store import MalformedRow, RowSource
from storage.stored_trie import stored_trie

T = TypeVar("T")
Read: TypeAlias = Callable[[bytes], T | None]
"""Returns the value under a key, or None when there is none."""


class ReadAccount(Protocol):
    """How an account is read; what `storage.reader.AccountReader.account` is."""

    def __call__(self, address: Address) -> Account | None:
        """Return the account, or None when the address has none."""
        ...


class DiskState:
    """The state after the block that the head row of a source names.

    Args:
        source: its rows, which must not change: a snapshot, or a store that is not written to.
            Whoever made it releases it, when no layer stands on this state any more.
        options: bounds of the caches.
        lock: taken for each read through the caches, and by `advanced`. Without one, a state and
            all that were made from it by `advanced` belong to one thread.

    Raises:
        NoFlatState: the source has no head row.
        MalformedRow: the head row is damaged.
    """

    __slots__ = ("_cells", "_lock", "_read_code", "_read_slot", "_source", "account", "head")

    def __init__(
        self,
        source: RowSource,
        options: StateCaches | None = None,
        lock: AbstractContextManager[object] | None = None,
    ) -> None:
        self._start(source, CachedCells(source, options or StateCaches()), lock)

    def _start(
        self, source: RowSource, cells: CachedCells, lock: AbstractContextManager[object] | None
    ) -> None:
        head = read_head(source)
        if head is None:
            raise NoFlatState
        self.head: FlatHead = head
        """The block after which this is the state."""
        self._source = source
        self._cells: CachedCells | None = cells
        self._lock = lock
        account: Read[Account] = cells.accounts.read
        self._read_slot: Read[int] = cells.slots.read
        self._read_code: Read[bytes] = cells.codes.read
        if lock is not None:
            account = Guarded(lock, account)
            self._read_slot = Guarded(lock, self._read_slot)
            self._read_code = Guarded(lock, self._read_code)
        self.account: ReadAccount = cast("ReadAccount", account)
        """Return the account, or None when the address has none."""

    def slot(self, address: Address, slot: int) -> int:
        """Return the value of a storage slot; 0 when it is not set."""
        return self._read_slot(address + slot.to_bytes(32, "big")) or 0

    def code(self, code_hash: Hash32) -> bytes:
        """Return the code with this hash; nothing for that of the empty string.

        Raises:
            KeyError: no account has ever had such code.
        """
        if code_hash == EMPTY_KECCAK:
            return b""
        code = self._read_code(code_hash)
        if code is None:
            raise KeyError(code_hash.hex())
        return code

    def has_storage(self, address: Address, but: Collection[int] = ()) -> bool:
        """Whether any slot is set, other than those of `but`. Looks at one more row than those."""
        rows = self._source.scan(STORAGE, *storage_bounds(address))
        return any(slot_of(key) not in but for key, _ in rows)

    def slots_of(self, address: Address) -> dict[int, int]:
        """Return the slots that are set with their values. Costs time for each of them."""
        rows = self._source.scan(STORAGE, *storage_bounds(address))
        return {slot_of(key): read_slot(key, row) for key, row in rows}

    def accounts(self) -> dict[Address, Account]:
        """Return all accounts, by ascending address. Costs time for each of them."""
        return {address_of(key): read_account(key, row) for key, row in self._source.scan(ACCOUNTS)}

    def everything(self) -> StateChanges:
        """Return the whole state as changes of nothing. Costs time for each cell.

        All code that any account ever had is in it.
        """
        slots: dict[Address, dict[int, int]] = {}
        for key, row in self._source.scan(STORAGE):
            slot = slot_of(key)
            slots.setdefault(Address(key[:ADDRESS_BYTES]), {})[slot] = read_slot(key, row)
        codes = {Hash32(key): read_code(key, row) for key, row in self._source.scan(CODE)}
        return StateChanges(self.accounts(), slots, {}, codes)

    def trie(self) -> StateTrie:
        """Return the state as a Merkle Patricia trie, of which nothing is loaded yet.

        Its rows (`storage.stored_trie`) are of the same source. A damaged or missing one is met
        when somebody comes there.
        """
        return stored_trie(self.head.state_root, self._source)

    def root(self) -> Hash32:
        """Return the state root that the head row names."""
        return self.head.state_root

    def advanced(self, source: RowSource, changes: StateChanges) -> "DiskState":
        """Return the next base, which takes the caches over. This one goes on without them.

        Args:
            source: rows of a later block.
            changes: what all blocks above this state's, up to that of the source, have changed;
                no more and no less, or the caches would hold what never was.

        Raises:
            InvalidInput: the source is older than this state, or this state has been advanced.
            NoFlatState: the source has no head row.
        """
        if self._cells is None:
            raise InvalidInput("state.advanced", "the newest base", "one that was advanced before")
        head = read_head(source)
        if head is None:
            raise NoFlatState
        if head.height < self.head.height:
            raise InvalidInput("state.advanced", f"at least {self.head.height}", head.height)
        with self._lock or nullcontext():
            cells, self._cells = self._cells, None
            self._read_past_caches()
            cells.advance(self._source, source, changes)
        newer = DiskState.__new__(DiskState)
        newer._start(source, cells, self._lock)
        return newer

    def counters(self) -> tuple[TableCounters, ...]:
        """Return what has happened to the caches of accounts, slots and codes so far.

        Nothing once it was advanced.
        """
        return () if self._cells is None else self._cells.counters()

    def _read_past_caches(self) -> None:
        """Read from the own source from now on, also where a read function was handed out."""
        past = _PastCaches(self._source)
        account, slot, code = past.account, past.slot, past.code
        for guard, load in (
            (self.account, account), (self._read_slot, slot), (self._read_code, code)
        ):  # fmt: skip
            if isinstance(guard, Guarded):
                guard.read = load
        if self._lock is None:
            self.account = cast("ReadAccount", account)
            self._read_slot, self._read_code = slot, code


class Guarded(Generic[T]):
    """A read under a lock."""

    __slots__ = ("_lock", "read")

    def __init__(self, lock: AbstractContextManager[object], read: Read[T]) -> None:
        self._lock = lock
        self.read = read

    def __call__(self, key: bytes) -> T | None:
        """Return what the read does, when nobody else reads."""
        with self._lock:
            return self.read(key)


def address_of(key: bytes) -> Address:
    """Return the address that is the key of an account's row.

    Raises:
        MalformedRow: it is none.
    """
    if len(key) != ADDRESS_BYTES:
        raise MalformedRow(ACCOUNTS, key, "a key of 20 bytes", f"{len(key)} bytes")
    return Address(key)


def slot_of(key: bytes) -> int:
    """Return the slot in the key of its row.

    Raises:
        MalformedRow: there is none.
    """
    if len(key) != STORAGE_KEY_BYTES:
        raise MalformedRow(STORAGE, key, "a key of 52 bytes", f"{len(key)} bytes")
    return int.from_bytes(key[ADDRESS_BYTES:], "big")


class _PastCaches:
    """Reads the rows of a source one by one.

    It knows nothing of the state that it reads for: two that knew each other would wait for the
    garbage collector, and the source would hold back room on the disk so long.
    """

    __slots__ = ("_source",)

    def __init__(self, source: RowSource) -> None:
        self._source = source

    def account(self, key: bytes) -> Account | None:
        row = self._source.get(ACCOUNTS, key)
        return None if row is None else read_account(key, row)

    def slot(self, key: bytes) -> int | None:
        row = self._source.get(STORAGE, key)
        return None if row is None else read_slot(key, row)

    def code(self, key: bytes) -> bytes | None:
        row = self._source.get(CODE, key)
        return None if row is None else read_code(key, row)
