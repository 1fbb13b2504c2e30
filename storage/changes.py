"""Changes of a state, and their merging into runs.

A lookup must not walk one dictionary for each block since genesis. States therefore hold a short
tuple of runs, newest first, and merge a run into the next older one when it has grown to half its
size (the compaction rule of a log-structured merge tree). With n cells and c changes a block that
is at most log2(n / c) + 1 lookups, amortised O(log n) copying for each change, and states of
different blocks share their large, old runs.

Reference: O'Neil et al. 1996, "The log-structured merge-tree".
"""

from collections.abc import Mapping

import msgspec

from primitives.ids import Address, Hash32
from storage.account import Account
from storage.reader import StateReader

AccountChanges = Mapping[Address, Account | None]
"""New account of each changed address; None where it ceased to exist."""

SlotChanges = Mapping[Address, Mapping[int, int]]
"""New values of changed slots; 0 where one is no longer set."""


class StateChanges(msgspec.Struct, frozen=True):
    """What some blocks changed. The mappings are shared and never written again."""

    accounts: AccountChanges
    """Also those of which only storage has changed."""
    slots: SlotChanges = {}
    wiped: Mapping[Address, None] = {}
    """Accounts whose slots were all unset before `slots` were set."""
    codes: Mapping[Hash32, bytes] = {}
    """Code that came up, by its hash. Kept for good: another account may have the same."""

    size: int = -1
    """How many cells it holds, as merging counts them. Counted once if it is not given."""

    def __post_init__(self) -> None:
        """Count the cells: every later block compares its own with these."""
        if self.size < 0:
            slots = sum([len(values) for values in self.slots.values()])
            cells = len(self.accounts) + slots + len(self.codes)
            msgspec.structs.force_setattr(self, "size", cells)


def merged(newer: StateChanges, older: StateChanges) -> StateChanges:
    """Return the changes of both, those of `newer` after those of `older`."""
    accounts = {**older.accounts, **newer.accounts}
    codes = {**older.codes, **newer.codes} if newer.codes else older.codes
    if not newer.slots and not newer.wiped:
        return StateChanges(accounts, older.slots, older.wiped, codes)
    slots = dict(older.slots)
    for address in newer.wiped:
        slots.pop(address, None)
    for address, values in newer.slots.items():
        below = slots.get(address)
        slots[address] = values if below is None else {**below, **values}
    return StateChanges(accounts, slots, {**older.wiped, **newer.wiped}, codes)


def merged_all(runs: tuple[StateChanges, ...]) -> StateChanges:
    """Return the changes of all runs, newest first, as one; a new one even for a single run."""
    accounts: dict[Address, Account | None] = {}
    slots: dict[Address, dict[int, int]] = {}
    wiped: dict[Address, None] = {}
    codes: dict[Hash32, bytes] = {}
    for run in reversed(runs):
        accounts.update(run.accounts)
        codes.update(run.codes)
        for address in run.wiped:
            slots.pop(address, None)
            wiped[address] = None
        for address, values in run.slots.items():
            slots.setdefault(address, {}).update(values)
    return StateChanges(accounts, slots, wiped, codes)


def settled(changes: StateChanges) -> StateChanges:
    """Return what is left if nothing was there before: set slots, and accounts that exist."""
    slots = {
        address: left for address, values in changes.slots.items() if (left := _set_ones(values))
    }
    accounts = {key: account for key, account in changes.accounts.items() if account is not None}
    return StateChanges(accounts, slots, {}, changes.codes)


def settled_over(changes: StateChanges, base: StateReader) -> StateChanges:
    """Return changes without what they unset that was not set below them either.

    Args:
        changes: as they stand on `base`.
        base: what was there before.
    """
    slots = {
        address: left
        for address, values in changes.slots.items()
        if (left := {k: value for k, value in values.items() if value or base.slot(address, k)})
    }
    accounts = {
        address: account
        for address, account in changes.accounts.items()
        if account is not None or base.account(address) is not None
    }
    wiped = {address: None for address in changes.wiped if base.has_storage(address)}
    return StateChanges(accounts, slots, wiped, changes.codes)


def _set_ones(values: Mapping[int, int]) -> Mapping[int, int]:
    """Return those slots that are set; the same mapping if all are."""
    if all(values.values()):
        return values
    return {slot: value for slot, value in values.items() if value}
