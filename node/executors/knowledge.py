"""What a worker process knows of the state, as the coordinator keeps book of it.

A worker follows the chain block by block: of what a block has changed it is told the cells that it
knows. If the way from the block that it stands on to the one it is to stand on is not known here,
because it leads over another branch or too far, the worker starts anew. That costs time only.

What a block changes before its first transaction (calls of the system's contracts) holds for that
block alone as long as the block is not done: a cell of that kind is lent and taken back afterwards.
"""

from collections import deque

import msgspec

from node.executors.wire import Cells, WireAccount, WireSlot, pack_account, pack_int
from node.executors.work import BlockWork
from primitives.access import ADDRESS_BYTES, SLOT_KEY_BYTES
from primitives.ids import Address, Hash32
from storage.changes import StateChanges
from storage.reader import StateReader

Cell = tuple[Address, int | None]
"""An account, or a slot of it."""

LAYERS_MAX = 64
"""Blocks whose changes are remembered."""
CELLS_MAX = 200_000
"""Cells that a worker keeps; with more it starts anew with its next block. About 60 MB."""


class Layers:
    """What the latest blocks have changed, by their hashes."""

    __slots__ = ("_changes", "_order")

    def __init__(self) -> None:
        self._order: deque[Hash32] = deque()
        self._changes: dict[Hash32, tuple[Hash32, StateChanges]] = {}

    def add(self, block: Hash32, parent: Hash32, changes: StateChanges) -> None:
        """Remember a block."""
        if block in self._changes:
            return
        self._changes[block] = (parent, changes)
        self._order.append(block)
        if len(self._order) > LAYERS_MAX:
            del self._changes[self._order.popleft()]

    def between(self, older: Hash32, newer: Hash32) -> list[StateChanges] | None:
        """Return what the blocks above `older` up to `newer` changed; None if not known."""
        found: list[StateChanges] = []
        while newer != older:
            if newer not in self._changes:
                return None
            newer, changes = self._changes[newer]
            found.append(changes)
        return found


class Update(msgspec.Struct, frozen=True):
    """What a worker has to be told when it turns to a block."""

    forget_all: bool
    forget: Cells
    changed: Cells


class Knowledge:
    """One worker's cells."""

    __slots__ = ("_accounts", "_count", "_lent", "_slots", "_standing", "_work")

    def __init__(self) -> None:
        self._standing: Hash32 | None = None
        self._accounts: dict[Address, None] = {}
        self._slots: dict[Address, dict[int, None]] = {}
        self._count = 0
        self._lent: list[Cell] = []
        self._work: BlockWork | None = None

    def turn_to(self, work: BlockWork, layers: Layers) -> Update:
        """Note that the worker turns to a block; return what to tell it."""
        base = work.setting.parent_hash
        passed = None if self._standing is None else layers.between(self._standing, base)
        self._standing, self._work = base, work
        if passed is None or self._count > CELLS_MAX:
            self._accounts, self._slots, self._count, self._lent = {}, {}, 0, []
            return Update(forget_all=True, forget=Cells(), changed=Cells())
        gone = self._lent
        self._lent = []
        cells = self._touched(passed, work.volatile)
        volatile = [cell for cell in cells if _is_volatile(cell, work.volatile)]
        kept = [cell for cell in cells if not _is_volatile(cell, work.volatile)]
        for address, slot in volatile:
            self._drop(address, slot)
        return Update(
            forget_all=False,
            forget=pack_cells([*gone, *volatile], None),
            changed=pack_cells(kept, work.base),
        )

    def needed(self, keys: list[Cell]) -> Cells:
        """Return those of the cells that the worker does not know, which knows them from now on."""
        assert self._work is not None, "a worker turns to a block first"
        new = []
        for address, slot in dict.fromkeys(keys):
            if not self._knows(address, slot):
                new.append((address, slot))
                self._note(address, slot, self._work.volatile)
        return pack_cells(new, self._work.base)

    def answer(self, address: Address, slot: int | None) -> Cells:
        """Return a cell that the worker has asked for."""
        assert self._work is not None, "a worker turns to a block first"
        if not self._knows(address, slot):
            self._note(address, slot, self._work.volatile)
        return pack_cells([(address, slot)], self._work.base)

    def _touched(self, passed: list[StateChanges], volatile: StateChanges) -> list[Cell]:
        """Return the cells that the worker knows and that may have another value now."""
        found: dict[Cell, None] = {}
        for changes in (*passed, volatile):
            for address in changes.wiped:
                wiped = self._slots.get(address, ())
                found.update(dict.fromkeys([(address, slot) for slot in wiped]))
            for address in changes.accounts:
                if address in self._accounts:
                    found[address, None] = None
            for address, slots in changes.slots.items():
                known = self._slots.get(address)
                if known:
                    found.update(
                        dict.fromkeys([(address, slot) for slot in slots if slot in known])
                    )
        return list(found)

    def _knows(self, address: Address, slot: int | None) -> bool:
        if (address, slot) in self._lent:
            return True
        return address in self._accounts if slot is None else slot in self._slots.get(address, ())

    def _note(self, address: Address, slot: int | None, volatile: StateChanges) -> None:
        if _is_volatile((address, slot), volatile):
            self._lent.append((address, slot))
            return
        self._count += 1
        if slot is None:
            self._accounts[address] = None
        else:
            self._slots.setdefault(address, {})[slot] = None

    def _drop(self, address: Address, slot: int | None) -> None:
        if slot is None:
            self._accounts.pop(address, None)
        else:
            self._slots.get(address, {}).pop(slot, None)


def cells_of_keys(keys: tuple[bytes, ...]) -> list[Cell]:
    """Return the cells that access keys name; what is no key names none."""
    found: list[Cell] = []
    for key in keys:
        address = Address(key[:ADDRESS_BYTES])
        if len(key) == SLOT_KEY_BYTES:
            found.append((address, int.from_bytes(key[ADDRESS_BYTES:], "big")))
        elif len(key) == ADDRESS_BYTES + 1:
            found.append((address, None))
    return found


def pack_cells(cells: list[Cell], state: StateReader | None) -> Cells:
    """Return cells with their values in a state, or without values."""
    accounts: list[WireAccount] = []
    slots: list[WireSlot] = []
    for address, slot in cells:
        if slot is None:
            account = None if state is None else state.account(address)
            accounts.append(pack_account(address, account))
        else:
            value = 0 if state is None else state.slot(address, slot)
            slots.append((address, pack_int(slot), pack_int(value)))
    return Cells(tuple(accounts), tuple(slots))


def _is_volatile(cell: Cell, volatile: StateChanges) -> bool:
    address, slot = cell
    if slot is None:
        return address in volatile.accounts
    return address in volatile.wiped or slot in volatile.slots.get(address, ())
