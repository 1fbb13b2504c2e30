"""A state of plain dicts whose snapshots are copies of everything: too simple to be wrong.

The twin of `storage.journal`: it implements `contracts.state.State`, lives as long as one likes,
and ends each transaction with `finish`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from primitives.account import encode_account
from primitives.ids import Address, Hash32
from primitives.keccak import keccak256
from primitives.receipt import Log
from primitives.rlp import encode_int
from primitives.trie import secure_trie_root

RIPEMD = Address(bytes(19) + b"\x03")
"""Its touch outlives a revert: an accident of 2016 that is in the chain for good (EIP-161)."""


@dataclass
class NaiveAccount:
    """One account with its storage; a slot that is 0 is not in it."""

    nonce: int = 0
    balance: int = 0
    code: bytes = b""
    storage: dict[int, int] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """No nonce, no balance, no code (EIP-161); storage does not count."""
        return not (self.nonce or self.balance or self.code)


@dataclass
class Contents:
    """All that a revert takes back."""

    accounts: dict[Address, NaiveAccount] = field(default_factory=dict)
    transient: dict[tuple[Address, int], int] = field(default_factory=dict)
    warm_addresses: set[Address] = field(default_factory=set)
    warm_slots: set[tuple[Address, int]] = field(default_factory=set)
    touched: set[Address] = field(default_factory=set)
    created: set[Address] = field(default_factory=set)
    destroyed: set[Address] = field(default_factory=set)
    logs: list[Log] = field(default_factory=list)

    def copy(self) -> "Contents":
        """Return a copy that shares nothing that can change."""
        return Contents(
            copy_accounts(self.accounts),
            dict(self.transient),
            set(self.warm_addresses),
            set(self.warm_slots),
            set(self.touched),
            set(self.created),
            set(self.destroyed),
            list(self.logs),
        )


def copy_accounts(accounts: Mapping[Address, NaiveAccount]) -> dict[Address, NaiveAccount]:
    """Return copies of the accounts, storage included."""
    return {
        address: NaiveAccount(each.nonce, each.balance, each.code, dict(each.storage))
        for address, each in accounts.items()
    }


class NaiveState:
    """Implements `contracts.state.State`."""

    def __init__(self, accounts: Mapping[Address, NaiveAccount] | None = None) -> None:
        self.now = Contents(copy_accounts(accounts or {}))
        self.before = copy_accounts(self.now.accounts)
        """The accounts when the transaction began."""
        self.marks: list[Contents] = []
        self.seen: set[tuple[str, Address, int | None]] = set()
        """(method, address, slot) of every question and change; a revert does not take it back."""

    @classmethod
    def from_json(cls, alloc: Mapping[str, Any]) -> "NaiveState":
        """Read the `pre` or `alloc` of public tests: {address: {nonce, balance, code, storage}}."""
        accounts = {}
        for text, fields in alloc.items():
            slots = {int(k, 16): int(v, 16) for k, v in fields.get("storage", {}).items()}
            accounts[Address(bytes.fromhex(text.removeprefix("0x")))] = NaiveAccount(
                int(fields.get("nonce", "0x0"), 16),
                int(fields.get("balance", "0x0"), 16),
                bytes.fromhex(fields.get("code", "0x").removeprefix("0x")),
                {slot: value for slot, value in slots.items() if value},
            )
        return cls(accounts)

    def account(self, address: Address) -> NaiveAccount:
        """Return the account to read from; a new one, not in the state, if there is none."""
        return self.now.accounts.get(address) or NaiveAccount()

    def change(self, address: Address) -> NaiveAccount:
        """Return the account to change, put into the state if there is none."""
        self.now.touched.add(address)
        return self.now.accounts.setdefault(address, NaiveAccount())

    def note(self, method: str, address: Address, slot: int | None = None) -> None:
        """Remember an access."""
        self.seen.add((method, address, slot))

    def finish(self, clear_empty: bool = True) -> tuple[Log, ...]:
        """End the transaction and return its logs.

        Destroyed accounts go, and, if `clear_empty` (from Spurious Dragon on), touched empty ones.
        """
        accounts, logs = self.now.accounts, tuple(self.now.logs)
        for address in self.now.destroyed:
            accounts.pop(address, None)
        for address in self.now.touched:
            if clear_empty and address in accounts and accounts[address].is_empty:
                del accounts[address]
        self.now = Contents(accounts)
        self.before = copy_accounts(accounts)
        self.marks = []
        self.seen = set()
        return logs

    # Accounts

    def balance(self, address: Address) -> int:
        self.note("balance", address)
        return self.account(address).balance

    def nonce(self, address: Address) -> int:
        self.note("nonce", address)
        return self.account(address).nonce

    def code(self, address: Address) -> bytes:
        self.note("code", address)
        return self.account(address).code

    def code_hash(self, address: Address) -> Hash32:
        self.note("code_hash", address)
        return keccak256(self.account(address).code)

    def is_empty(self, address: Address) -> bool:
        self.note("is_empty", address)
        return self.account(address).is_empty

    def exists(self, address: Address) -> bool:
        self.note("exists", address)
        return address in self.now.accounts

    def add_balance(self, address: Address, amount: int) -> None:
        self.note("add_balance", address)
        self.change(address).balance += amount

    def take_balance(self, address: Address, amount: int) -> bool:
        self.note("take_balance", address)
        if self.account(address).balance < amount:
            return False
        if amount:
            self.change(address).balance -= amount
        return True

    def set_nonce(self, address: Address, nonce: int) -> None:
        self.note("set_nonce", address)
        self.change(address).nonce = nonce

    def set_code(self, address: Address, code: bytes) -> None:
        self.note("set_code", address)
        self.change(address).code = code

    def destroy(self, address: Address) -> None:
        self.note("destroy", address)
        self.now.destroyed.add(address)

    # Storage

    def load(self, address: Address, slot: int) -> int:
        self.note("load", address, slot)
        return self.account(address).storage.get(slot, 0)

    def store(self, address: Address, slot: int, value: int) -> None:
        self.note("store", address, slot)
        storage = self.change(address).storage
        if value:
            storage[slot] = value
        else:
            storage.pop(slot, None)

    def original(self, address: Address, slot: int) -> int:
        self.note("original", address, slot)
        if address in self.now.created or address not in self.before:
            return 0
        return self.before[address].storage.get(slot, 0)

    def load_transient(self, address: Address, slot: int) -> int:
        return self.now.transient.get((address, slot), 0)

    def store_transient(self, address: Address, slot: int, value: int) -> None:
        self.now.transient[address, slot] = value

    # Creations

    def begin_contract(self, address: Address) -> None:
        self.note("begin_contract", address)
        self.change(address).storage = {}
        self.now.created.add(address)

    def was_created(self, address: Address) -> bool:
        return address in self.now.created

    def has_storage(self, address: Address) -> bool:
        self.note("has_storage", address)
        return address in self.before and bool(self.before[address].storage)

    # Journal

    def snapshot(self) -> int:
        self.marks.append(self.now.copy())
        return len(self.marks) - 1

    def revert(self, mark: int) -> None:
        ripemd_touched = RIPEMD in self.now.touched
        self.now = self.marks[mark]
        del self.marks[mark:]
        if ripemd_touched:
            self.now.touched.add(RIPEMD)

    def warm_address(self, address: Address) -> bool:
        was_warm = address in self.now.warm_addresses
        self.now.warm_addresses.add(address)
        return was_warm

    def warm_slot(self, address: Address, slot: int) -> bool:
        was_warm = (address, slot) in self.now.warm_slots
        self.now.warm_slots.add((address, slot))
        return was_warm

    def append_log(self, log: Log) -> None:
        self.now.logs.append(log)


def state_root(state: NaiveState) -> Hash32:
    """Return the root of the state trie, computed anew."""
    leaves = {}
    for address, account in state.now.accounts.items():
        slots = {
            slot.to_bytes(32, "big"): encode_int(value) for slot, value in account.storage.items()
        }
        leaves[address] = encode_account(
            account.nonce, account.balance, secure_trie_root(slots), keccak256(account.code)
        )
    return secure_trie_root(leaves)
