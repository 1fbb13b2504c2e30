"""The accounts of a chain, one immutable layer for each block.

Nodes keep the states of several blocks at once: the final one, and those of blocks still being
voted on, which may share a parent. A `StateLayer` is the state after one block. It is immutable
and every node of a process may hold the same one; a `StateOverlay` gathers the changes of the
block that is being executed and ends as the next layer.

A lookup must not walk one dictionary for each block since genesis. A layer therefore holds a
short tuple of runs, newest first, and merges a run into the next older one when it has grown to
half its size (the compaction rule of a log-structured merge tree). With n accounts and c changes
a block that is at most log2(n / c) + 1 lookups, amortised O(log n) copying for each change, and
layers of different blocks share their large, old runs.
"""

from collections.abc import Mapping
from typing import Protocol

from primitives.ids import Address, Hash32, Wei
from primitives.keccak import keccak256
from storage.account import ABSENT, Account, account_leaf, is_empty
from storage.trie import EMPTY_TRIE, TrieNode, trie_root_hash, update_trie

AccountChanges = Mapping[Address, Account | None]
"""New account of each changed address; None where it ceased to exist."""


class StateReader(Protocol):
    """Read access to accounts."""

    def account(self, address: Address) -> Account | None:
        """Return the account, or None when the address has none."""
        ...


class StateLayer:
    """The state after one block: what changed in it, over what was there before.

    Args:
        parent: the state before; None for the first layer.
        changes: what this block changed. The mapping is kept, not copied: hand it over.
    """

    __slots__ = ("_parent", "_runs", "_trie", "changes")

    def __init__(self, parent: "StateLayer | None", changes: AccountChanges) -> None:
        self.changes = changes
        """What this layer changed; shared, not to be written."""
        self._parent = parent
        self._trie: TrieNode | None = None
        older: tuple[AccountChanges, ...] = () if parent is None else parent._runs
        self._runs: tuple[AccountChanges, ...] = _compacted((changes, *older))

    def account(self, address: Address) -> Account | None:
        """Return the account, or None when the address has none."""
        for run in self._runs:
            if address in run:
                return run[address]
        return None

    def balance(self, address: Address) -> Wei:
        """Return the balance in wei; 0 without an account."""
        return (self.account(address) or ABSENT).balance

    def nonce(self, address: Address) -> int:
        """Return the nonce of the next transaction; 0 without an account."""
        return (self.account(address) or ABSENT).nonce

    def accounts(self) -> dict[Address, Account]:
        """Return all accounts, by ascending address. Costs time for each of them."""
        merged: dict[Address, Account | None] = {}
        for run in reversed(self._runs):
            merged.update(run)
        return {key: account for key in sorted(merged) if (account := merged[key]) is not None}

    def trie(self) -> TrieNode:
        """Return the accounts as a Merkle Patricia trie, keyed by hashed address.

        Computed on the first call from the nearest older layer that has one, which is then let
        go; from all accounts if none is left.
        """
        waiting: list[StateLayer] = []
        layer = self
        while layer._trie is None and layer._parent is not None:
            waiting.append(layer)
            layer = layer._parent
        if layer._trie is None:
            layer._trie = update_trie(EMPTY_TRIE, _leaves(layer.accounts()))
        trie = layer._trie
        for newer in reversed(waiting):
            trie = newer._trie = update_trie(trie, _leaves(newer.changes))
            newer._parent = None
        return trie

    def forget_trie(self) -> None:
        """Let go of the trie, whose nodes take about 1 kB for each account of `changes`.

        For layers that nothing will be built on. Asking again rebuilds it from all accounts.
        """
        if self._parent is None:
            self._trie = None

    def root(self) -> Hash32:
        """Return the state root. Reference: Yellow Paper, section 4.1."""
        return trie_root_hash(self.trie())


class StateOverlay:
    """The changes of one block in the making, over an immutable layer."""

    __slots__ = ("_base", "_changes")

    def __init__(self, base: StateLayer) -> None:
        self._base = base
        self._changes: dict[Address, Account | None] = {}

    def account(self, address: Address) -> Account | None:
        """Return the account as changed so far, or None when there is none."""
        if address in self._changes:
            return self._changes[address]
        return self._base.account(address)

    def put(self, address: Address, account: Account) -> None:
        """Set an account; an empty one is removed instead. Reference: EIP-161."""
        if not is_empty(account):
            self._changes[address] = account
        elif self.account(address) is not None:
            self._changes[address] = None

    def add_balance(self, address: Address, amount: int) -> None:
        """Credit `amount` wei, more than 0."""
        old = self.account(address)
        if old is None:
            self._changes[address] = Account(0, Wei(amount))
        else:
            balance = Wei(old.balance + amount)
            self._changes[address] = Account(old.nonce, balance, old.storage_root, old.code_hash)

    def commit(self) -> StateLayer:
        """Return the layer of these changes. The overlay must not be used afterwards."""
        return StateLayer(self._base, self._changes)


def genesis_state(accounts: Mapping[Address, Account]) -> StateLayer:
    """Return the first layer. Empty accounts are left out."""
    return StateLayer(None, {key: value for key, value in accounts.items() if not is_empty(value)})


def _compacted(runs: tuple[AccountChanges, ...]) -> tuple[AccountChanges, ...]:
    """Merge the newest run into older ones until it is less than half of the next."""
    newest = runs[0]
    merged = 0
    while merged + 1 < len(runs) and 2 * len(newest) >= len(runs[merged + 1]):
        merged += 1
        newest = {**runs[merged], **newest}
    return (newest, *runs[merged + 1 :])


def _leaves(changes: AccountChanges) -> dict[bytes, bytes | None]:
    return {
        keccak256(address): None if account is None else account_leaf(account)
        for address, account in changes.items()
    }
