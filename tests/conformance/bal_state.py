"""The state after a block by its access list alone, without executing anything (EIP-7928)."""

from primitives.block_access_list import AccountChanges, BlockAccessList
from primitives.ids import Address, Hash32, Wei
from primitives.keccak import keccak256
from storage.account import ABSENT, Account, is_empty
from storage.changes import StateChanges
from storage.state import StateLayer


def state_by_list(before: StateLayer, listed: BlockAccessList) -> StateLayer:
    """Return the state that is left when every cell has the last value that the list names.

    That is the state after the block from Cancun on; before, contracts could be destroyed that
    stood already, which the list does not tell.
    """
    accounts: dict[Address, Account | None] = {}
    slots: dict[Address, dict[int, int]] = {}
    codes: dict[Hash32, bytes] = {}
    for changes in listed:
        address = changes.address
        account = _account_after(before.account(address) or ABSENT, changes)
        accounts[address] = None if is_empty(account) else account
        for _, code in changes.code_changes:
            codes[keccak256(code)] = code
        if changes.storage_changes:
            slots[address] = {each.slot: each.changes[-1][1] for each in changes.storage_changes}
    return StateLayer(before, StateChanges(accounts, slots, {}, codes))


def _account_after(account: Account, changes: AccountChanges) -> Account:
    nonces, balances, codes = changes.nonce_changes, changes.balance_changes, changes.code_changes
    return Account(
        nonces[-1][1] if nonces else account.nonce,
        Wei(balances[-1][1]) if balances else account.balance,
        code_hash=keccak256(codes[-1][1]) if codes else account.code_hash,
    )
