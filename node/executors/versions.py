"""A block's state in as many versions as it has transactions.

`MultiVersion` takes in what transactions did, in whatever order they end, and gives each of them a
view of its own: the state before the block with all that those below it have done so far. On a view
a transaction runs as it would on the true state. Whether its view *was* the true state shows when
its outcome is accepted, in block order.

`expect` marks a transaction that is about to run again. What it left is a good guess at what it
will write, so a view that meets it says `Blocked`, instead of letting somebody work in vain.

Reference: Gelashvili et al., "Block-STM", arXiv 2203.06871, section 3.2 (estimates).
"""

from collections.abc import Collection
from typing import TypeVar

from node.executors.cells import AccountVersions, Blocked, Versions
from primitives.block_access_list import BlockAccessList
from primitives.ids import Address, Hash32, Wei
from primitives.keccak import EMPTY_KECCAK, keccak256
from storage.account import ABSENT, Account, is_empty
from storage.outcome import Change, Outcome
from storage.reader import StateReader

_Value = TypeVar("_Value")
WEI_MAX = 2**256 - 1
ASSUMED_WEI_MAX = 2**192
"""More than all there is on a chain. A list that says more is wrong, and sums of what it says must
not come near to 2**256."""


class MultiVersion:
    """What a block's transactions have done so far, by their index.

    Args:
        base: the state before them. It must not change meanwhile.
    """

    __slots__ = ("_changes", "_codes", "accounts", "base", "expected")

    def __init__(self, base: StateReader) -> None:
        self.base = base
        self.accounts: dict[Address, AccountVersions] = {}
        """Those that anybody has changed."""
        self.expected: dict[int, None] = {}
        """Who is about to run again."""
        self._changes: dict[int, tuple[Change, ...]] = {}
        self._codes: dict[Hash32, bytes] = {}

    def view(self, index: int) -> "View":
        """Return the state as the transaction `index` finds it."""
        return View(self, index)

    def record(self, index: int, outcome: Outcome | None) -> None:
        """Take in what a transaction did, instead of what it did before, if it did.

        Args:
            index: which.
            outcome: None if it could not run; then it has done nothing.
        """
        for change in self._changes.pop(index, ()):
            self.accounts[change.address].drop(index, change.slots)
        if outcome is not None and outcome.changes:
            self._changes[index] = outcome.changes
            for change in outcome.changes:
                self._put(index, change)
        self.expected.pop(index, None)

    def expect(self, index: int) -> None:
        """Let nobody build on what a transaction left, until it is recorded anew."""
        self.expected[index] = None

    def assume(self, accesses: BlockAccessList) -> None:
        """Take in what a block's access list says that its transactions leave (EIP-7928).

        The list may be wrong. Then some outcomes are not accepted later on.
        """
        for account in accesses:
            versions = self._versions(account.address)
            # Index 0 is what comes before the transactions, number 1 of them is index 0 here.
            for number, balance in account.balance_changes:
                versions.balance.put(number - 1, min(balance, ASSUMED_WEI_MAX))
            for number, nonce in account.nonce_changes:
                versions.nonce.put(number - 1, nonce)
            for number, code in account.code_changes:
                code_hash = keccak256(code)
                self._codes[code_hash] = code
                versions.code_hash.put(number - 1, code_hash)
            for slot in account.storage_changes:
                for number, value in slot.changes:
                    versions.slot(slot.slot).put(number - 1, value)

    def code(self, code_hash: Hash32) -> bytes:
        """Return the code with this hash.

        Raises:
            KeyError: there is none.
        """
        code = self._codes.get(code_hash)
        return self.base.code(code_hash) if code is None else code

    def _versions(self, address: Address) -> AccountVersions:
        versions = self.accounts.get(address)
        if versions is None:
            versions = self.accounts[address] = AccountVersions()
        return versions

    def _put(self, index: int, change: Change) -> None:
        versions = self._versions(change.address)
        if change.is_destroyed:
            versions.wiped.put(index, None)
            versions.balance.put(index, 0)
            versions.nonce.put(index, 0)
            versions.code_hash.put(index, EMPTY_KECCAK)
            return
        if change.is_wiped:
            versions.wiped.put(index, None)
        if change.delta:
            versions.delta.put(index, change.delta)
        if change.nonce is not None:
            versions.nonce.put(index, change.nonce)
        if change.code_hash is not None and change.code is not None:
            self._codes[change.code_hash] = change.code
            versions.code_hash.put(index, change.code_hash)
        for slot, value in change.slots:
            versions.slot(slot).put(index, value)


class View:
    """The state as one transaction of a block finds it, by what is known so far.

    Args:
        versions: of the block.
        index: of the transaction.
    """

    __slots__ = ("_index", "_versions")

    def __init__(self, versions: MultiVersion, index: int) -> None:
        self._versions = versions
        self._index = index

    def account(self, address: Address) -> Account | None:
        """Return the account, or None when the address has none.

        Amounts of transactions that have met different states need not add up. A balance below 0
        is shown as 0: no instruction is made for a word below 0, and a size below 0 would give gas.

        Raises:
            Blocked: its nonce or code is about to change.
        """
        below = self._versions.base.account(address)
        versions = self._versions.accounts.get(address)
        if versions is None:
            return below
        index, before = self._index, below or ABSENT
        nonce = self._settled(versions.nonce, before.nonce)
        code_hash = self._settled(versions.code_hash, before.code_hash)
        balance = min(max(versions.balance_at(index, before.balance), 0), WEI_MAX)
        account = Account(nonce, Wei(balance), code_hash)
        return None if is_empty(account) else account

    def slot(self, address: Address, slot: int) -> int:
        """Return the value of a storage slot; 0 when it is not set.

        Raises:
            Blocked: it is about to change.
        """
        versions = self._versions.accounts.get(address)
        if versions is None:
            return self._versions.base.slot(address, slot)
        written = versions.slots.get(slot)
        found = None if written is None else written.below(self._index)
        wiped = versions.wiped.below(self._index)
        if found is not None and (wiped is None or found[0] >= wiped[0]):
            return self._checked(*found)
        if wiped is not None:
            return self._checked(wiped[0], 0)
        return self._versions.base.slot(address, slot)

    def code(self, code_hash: Hash32) -> bytes:
        """Return the code with this hash.

        Raises:
            KeyError: there is none.
        """
        return self._versions.code(code_hash)

    def has_storage(self, address: Address, but: Collection[int] = ()) -> bool:
        """Whether any slot is set, those in `but` not looked at.

        Raises:
            Blocked: one of them is about to change.
        """
        versions = self._versions.accounts.get(address)
        if versions is None:
            return self._versions.base.has_storage(address, but)
        changed = list(versions.slots)
        if any(self.slot(address, slot) for slot in changed if slot not in but):
            return True
        if versions.wiped.below(self._index) is not None:
            return False
        return self._versions.base.has_storage(address, [*but, *changed])

    def _settled(self, cell: Versions[_Value], before: _Value) -> _Value:
        found = cell.below(self._index)
        return before if found is None else self._checked(*found)

    def _checked(self, writer: int, value: _Value) -> _Value:
        if writer in self._versions.expected:
            raise Blocked(writer)
        return value
