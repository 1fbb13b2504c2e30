"""One account while a transaction runs: as it was, as it is, and what was seen of it."""

from primitives.ids import Address
from primitives.keccak import EMPTY_KECCAK
from storage.account import ABSENT, Account
from storage.outcome import Change, Sight, SlotValues

SAW_BALANCE = 1
SAW_NONCE = 2
SAW_CODE = 4
SAW_EXISTENCE = 8
SAW_STORAGE = 16
"""Bits of `sights`. What was seen stays seen when a call is taken back: it has steered it."""


class JournalEntry:
    """One account. The journal writes the fields, and notes each old value in its undo log.

    Args:
        address: whose.
        account: as it was before the transaction; None without account.
    """

    __slots__ = (
        "account",
        "address",
        "balance_min",
        "code",
        "code_hash",
        "delta",
        "fresh",
        "had_storage",
        "is_cleared",
        "is_created",
        "is_destroyed",
        "is_touched",
        "nonce",
        "originals",
        "sights",
        "slots",
    )

    def __init__(self, address: Address, account: Account | None) -> None:
        if account is None:
            account = ABSENT
        self.address = address
        self.account = account
        """Before the transaction."""
        self.nonce = account.nonce
        self.code_hash = account.code_hash
        self.code: bytes | None = b"" if account.code_hash == EMPTY_KECCAK else None
        """None: not fetched yet."""
        self.delta = 0
        """Wei that the transaction has added so far, less what it took."""
        self.balance_min = 0
        """Wei before the transaction without which a withdrawal would have failed."""
        self.sights = 0
        self.had_storage = False
        """Meaningful with `SAW_STORAGE`."""
        self.is_touched = False
        """Whether the account goes at the end if it is empty then (EIP-161)."""
        self.is_created = False
        self.is_cleared = False
        """Whether slots that are not in `slots` are unset, whatever the state says."""
        self.is_destroyed = False
        self.slots: dict[int, int] = {}
        """Values now, of all slots that were looked at."""
        self.fresh: dict[int, None] | None = None
        """Slots that were looked at while `is_cleared`: what the state has in them was not seen."""
        self.originals: dict[int, int] = {}
        """Values before the transaction, of all slots that were looked at in the state."""

    @property
    def was_empty(self) -> bool:
        """Whether it was empty, or not there, before the transaction (EIP-161)."""
        account = self.account
        return not account.nonce and not account.balance and account.code_hash == EMPTY_KECCAK

    @property
    def is_empty(self) -> bool:
        """Whether it is empty now, on the state that was seen. Notes no sight."""
        is_without = not self.nonce and self.code_hash == EMPTY_KECCAK
        return is_without and not self.account.balance + self.delta

    def sight(self) -> Sight | None:
        """Return what was seen of it; None for nothing."""
        sights, account = self.sights, self.account
        if not sights and not self.balance_min and not self.originals:
            return None
        return Sight(
            self.address,
            account.nonce if sights & SAW_NONCE else None,
            account.code_hash if sights & SAW_CODE else None,
            not self.was_empty if sights & SAW_EXISTENCE else None,
            account.balance if sights & SAW_BALANCE else None,
            self.balance_min,
            self.had_storage if sights & SAW_STORAGE else None,
            tuple(self.originals.items()) if self.originals else (),
        )

    def change(self) -> Change | None:
        """Return what happens to it; None for nothing."""
        if not self.is_touched and not self.is_destroyed:
            return None
        account, code_hash = self.account, self.code_hash
        is_new_code = code_hash != account.code_hash
        is_gone = self.is_destroyed or self.is_empty
        return Change(
            self.address,
            self.delta,
            self.nonce if self.nonce != account.nonce else None,
            code_hash if is_new_code else None,
            self.code if is_new_code else None,
            self._changed_slots() if self.slots else (),
            self.is_cleared,
            self.is_destroyed,
            self.was_empty != is_gone,
        )

    def _changed_slots(self) -> SlotValues:
        if self.is_cleared:
            return tuple([pair for pair in self.slots.items() if pair[1]])
        originals = self.originals
        return tuple([pair for pair in self.slots.items() if originals[pair[0]] != pair[1]])
