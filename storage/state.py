"""The state of a chain, one immutable layer for each block.

Nodes keep the states of several blocks at once: the final one, and those of blocks still being
voted on, which may share a parent. A `StateLayer` is the state after one block. It is immutable
and every node of a process may hold the same one; a `StateOverlay` gathers the changes of the
block that is being executed and ends as the next layer. What is older than the layers of a process
may lie in a base below them, on disk. A transaction runs in a
`storage.journal.Journal` over either of them, and its outcome is applied to the overlay.
"""

from collections.abc import Collection, Mapping
from operator import is_

from msgspec import structs

from primitives.ids import Address, Hash32, Wei
from primitives.keccak import EMPTY_KECCAK
from storage.account import ABSENT, Account, is_empty
from storage.base import StateBase
from storage.changes import AccountChanges, StateChanges, merged_all, settled
from storage.commitment import StateTrie, empty_state_trie, update_state_trie
from storage.outcome import Change, Outcome, fits
from storage.reader import StateReader
from storage.runs import (
    Runs,
    find_account,
    find_code,
    find_slot,
    find_slots,
    has_any_slot,
    with_changes,
)


class StateLayer:
    """The state after one block: what changed in it, over what was there before.

    Args:
        parent: the state before; None for the first layer.
        changes: what this block changed. The mappings are kept, not copied: hand them over.
        below: what the first layer stands on; None is nothing. Those above it stand on the same.
    """

    __slots__ = ("_parent", "_runs", "_trie", "all_changes", "below")

    def __init__(
        self,
        parent: "StateLayer | None",
        changes: AccountChanges | StateChanges,
        below: StateBase | None = None,
    ) -> None:
        assert parent is None or below is None, "a layer stands on its parent's base"
        if not isinstance(changes, StateChanges):
            changes = StateChanges(changes)
        self.all_changes = changes
        """What this layer changed, storage and code too; shared, not to be written."""
        self._parent = parent
        self._trie: StateTrie | None = None
        self.below: StateBase | None = below if parent is None else parent.below
        """What lies below all layers that this one holds the changes of; None is nothing."""
        older = () if parent is None else parent._runs
        self._runs: Runs = with_changes(changes, older, on_nothing=self.below is None)

    @property
    def changes(self) -> AccountChanges:
        """The accounts that this layer changed; shared, not to be written."""
        return self.all_changes.accounts

    def account(self, address: Address) -> Account | None:
        """Return the account, or None when the address has none."""
        return find_account(self._runs, self.below, address)

    def slot(self, address: Address, slot: int) -> int:
        """Return the value of a storage slot; 0 when it is not set."""
        return find_slot(self._runs, self.below, address, slot)

    def code(self, code_hash: Hash32) -> bytes:
        """Return the code with this hash; nothing for that of the empty string.

        Raises:
            KeyError: no account has ever had such code.
        """
        return find_code(self._runs, self.below, code_hash)

    def has_storage(self, address: Address, but: Collection[int] = ()) -> bool:
        """Whether any slot is set, other than those of `but`."""
        return has_any_slot(self._runs, self.below, address, but)

    def slots_of(self, address: Address) -> dict[int, int]:
        """Return the slots that are set with their values. Costs time for each of them."""
        return find_slots(self._runs, self.below, address)

    def balance(self, address: Address) -> Wei:
        """Return the balance in wei; 0 without an account."""
        return (self.account(address) or ABSENT).balance

    def nonce(self, address: Address) -> int:
        """Return the nonce of the next transaction; 0 without an account."""
        return (self.account(address) or ABSENT).nonce

    def accounts(self) -> dict[Address, Account]:
        """Return all accounts, by ascending address. Costs time for each of them."""
        found: dict[Address, Account | None] = {}
        if self.below is not None:
            found.update(self.below.accounts())
        for run in reversed(self._runs):
            found.update(run.accounts)
        return {key: account for key in sorted(found) if (account := found[key]) is not None}

    def everything(self) -> StateChanges:
        """Return the whole state as changes of nothing. Costs time for each cell."""
        below = () if self.below is None else (self.below.everything(),)
        return settled(merged_all((*self._runs, *below)))

    def trie(self) -> StateTrie:
        """Return the state as a Merkle Patricia trie, keyed by hashed address.

        Computed on the first call from the nearest older layer that has one, which is then let
        go; if none is left, from that of the base, or from the whole state. Of two threads that
        ask at once both may compute it.
        """
        waiting: list[StateLayer] = []
        layer = self
        # A layer gets its trie before it loses its parent, maybe by another thread: so in that
        # order they are looked at the other way round.
        while (parent := layer._parent) is not None and layer._trie is None:
            waiting.append(layer)
            layer = parent
        if layer._trie is None:
            layer._trie = layer._first_trie()
        trie = layer._trie
        for newer in reversed(waiting):
            trie = newer._trie = update_state_trie(trie, newer.all_changes)
            newer._parent = None
        return trie

    def forget_trie(self) -> None:
        """Let go of the trie. Asking again rebuilds it from the whole state.

        For layers that nothing will be built on.
        """
        if self._parent is None:
            self._trie = None

    def root(self) -> Hash32:
        """Return the state root. Reference: Yellow Paper, section 4.1."""
        return self.trie().root

    def _first_trie(self) -> StateTrie:
        """Compute the trie without that of any other layer."""
        if self.below is None:
            return update_state_trie(empty_state_trie(), self.everything())
        return update_state_trie(self.below.trie(), merged_all(self._runs))


class StateOverlay:
    """The changes of one block in the making, over a state that stays as it is.

    Args:
        base: the state before.
    """

    __slots__ = ("_base", "_changes", "_codes", "_slots", "_wiped")

    def __init__(self, base: StateReader) -> None:
        self._base = base
        self._changes: dict[Address, Account | None] = {}
        self._slots: dict[Address, dict[int, int]] = {}
        self._wiped: dict[Address, None] = {}
        self._codes: dict[Hash32, bytes] = {}

    def account(self, address: Address) -> Account | None:
        """Return the account as changed so far, or None when there is none."""
        if address in self._changes:
            return self._changes[address]
        return self._base.account(address)

    def slot(self, address: Address, slot: int) -> int:
        """Return a slot's value as changed so far; 0 when it is not set."""
        values = self._slots.get(address)
        if values is not None and slot in values:
            return values[slot]
        return 0 if address in self._wiped else self._base.slot(address, slot)

    def code(self, code_hash: Hash32) -> bytes:
        """Return the code with this hash.

        Raises:
            KeyError: no account has ever had such code.
        """
        code = self._codes.get(code_hash)
        return self._base.code(code_hash) if code is None else code

    def has_storage(self, address: Address, but: Collection[int] = ()) -> bool:
        """Whether any slot is set, other than those of `but`."""
        values = self._slots.get(address, {})
        if any(value and slot not in but for slot, value in values.items()):
            return True
        if address in self._wiped:
            return False
        return self._base.has_storage(address, {*but, *values} if values else but)

    def put(self, address: Address, account: Account) -> None:
        """Set an account; an empty one is removed instead. Reference: EIP-161."""
        if not is_empty(account):
            self._changes[address] = account
        elif self.account(address) is not None:
            self._remove(address)

    def add_balance(self, address: Address, amount: int) -> None:
        """Credit `amount` wei, more than 0."""
        old = self.account(address) or ABSENT
        self._changes[address] = Account(old.nonce, Wei(old.balance + amount), old.code_hash)

    def accepts(self, outcome: Outcome) -> bool:
        """Whether a transaction with this outcome would have the same one here."""
        return fits(outcome.sights, self)

    def adopted(self, outcome: Outcome) -> Outcome:
        """Return an outcome that is accepted as if it had been made here, to the last bit.

        Nobody needs to have seen whether an account that is paid was there before.
        """
        changes = tuple([self._adopted(change) for change in outcome.changes])
        if all(map(is_, changes, outcome.changes)):
            return outcome
        return structs.replace(outcome, changes=changes)

    def apply(self, outcome: Outcome) -> None:
        """Take over the changes of a transaction whose outcome is that on this state."""
        for change in outcome.changes:
            self._apply(change)

    def commit(self) -> StateLayer:
        """Return the layer of these changes. The overlay must not be used afterwards.

        The base must be a layer.
        """
        assert isinstance(self._base, StateLayer), "an overlay over another has no layer below"
        return StateLayer(self._base, self.changes())

    def changes(self) -> StateChanges:
        """Return what has changed so far. It goes on changing with the overlay."""
        return StateChanges(self._changes, self._slots, self._wiped, self._codes)

    def _adopted(self, change: Change) -> Change:
        old = self.account(change.address) or ABSENT
        ends = change.is_destroyed or not (
            old.balance + change.delta
            or (old.nonce if change.nonce is None else change.nonce)
            or (change.code_hash or old.code_hash) != EMPTY_KECCAK
        )
        starts_or_ends = is_empty(old) != ends
        if starts_or_ends == change.starts_or_ends:
            return change
        return structs.replace(change, starts_or_ends=starts_or_ends)

    def _apply(self, change: Change) -> None:
        address = change.address
        old = self.account(address)
        if change.is_destroyed:
            self._remove(address)
            return
        start = ABSENT if old is None else old
        account = Account(
            start.nonce if change.nonce is None else change.nonce,
            Wei(start.balance + change.delta),
            start.code_hash if change.code_hash is None else change.code_hash,
        )
        if is_empty(account):
            if old is not None:
                self._remove(address)
            return
        if change.is_wiped:
            self._wipe(address)
        if change.slots:
            self._slots.setdefault(address, {}).update(change.slots)
        elif account == old and not change.is_wiped:
            return
        if change.code is not None and change.code:
            self._codes[account.code_hash] = change.code
        self._changes[address] = account

    def _remove(self, address: Address) -> None:
        """Remove an account with its storage, if there is one."""
        self._wipe(address)
        if self.account(address) is not None:
            self._changes[address] = None

    def _wipe(self, address: Address) -> None:
        self._slots.pop(address, None)
        if address not in self._wiped and self._base.has_storage(address):
            self._wiped[address] = None


def genesis_state(accounts: Mapping[Address, Account]) -> StateLayer:
    """Return the first layer, of accounts without storage or code. Empty ones are left out."""
    return StateLayer(None, {key: value for key, value in accounts.items() if not is_empty(value)})
