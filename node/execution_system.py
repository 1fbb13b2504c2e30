"""What a block does before its first transaction and after its last one.

All of it is outcomes, like those of transactions, so that it is applied, listed and checked in the
same way.
"""

from collections.abc import Callable, Sequence

import msgspec

from contracts.deposits import MalformedDeposit, deposit_requests
from contracts.system import (
    CONSOLIDATION_TYPE,
    DEPOSIT_TYPE,
    WITHDRAWAL_TYPE,
    SystemCallFailed,
    read_consolidation_requests,
    read_withdrawal_requests,
    store_parent_hash,
    store_parent_root,
)
from node.execution_reward import block_rewards
from node.execution_setting import BlockSetting
from node.validation_errors import SystemContractFailed, SystemContractMissing, WrongDeposit
from primitives.block import Withdrawal
from primitives.fork import Fork
from primitives.header import Header
from primitives.ids import Address
from primitives.keccak import EMPTY_KECCAK
from primitives.receipt import Receipt
from primitives.system_contracts import CONSOLIDATION_REQUESTS_ADDRESS, WITHDRAWAL_REQUESTS_ADDRESS
from storage.journal import Journal
from storage.outcome import Outcome
from storage.state import StateOverlay

GWEI = 10**9
"""Wei in a unit of a withdrawal's amount."""


class BlockEnd(msgspec.Struct, frozen=True):
    """What a block has done after its last transaction; it has been applied."""

    issued: int
    """Wei that did not exist before."""
    requests: tuple[bytes, ...]
    """Those with data, by ascending type."""


Apply = Callable[[Outcome], None]
"""Takes an outcome over into the block's state."""


def begin_block(setting: BlockSetting, state: StateOverlay, apply: Apply) -> None:
    """Store the parent's hash and beacon root where contracts can read them.

    Reference: EIP-2935, EIP-4788.
    """
    context = setting.context
    if context.fork >= Fork.CANCUN and setting.parent_beacon_root is not None:
        journal = Journal(state)
        store_parent_root(setting.evm, journal, context, setting.parent_beacon_root)
        apply(journal.finish())
    if context.fork >= Fork.PRAGUE:
        journal = Journal(state)
        store_parent_hash(setting.evm, journal, context, setting.parent_hash)
        apply(journal.finish())


def end_block(
    setting: BlockSetting,
    state: StateOverlay,
    apply: Apply,
    receipts: Sequence[Receipt],
    withdrawals: tuple[Withdrawal, ...],
    ommers: tuple[Header, ...],
) -> BlockEnd:
    """Pay rewards and withdrawals, and collect requests.

    Raises:
        InvalidBlock: a contract that collects requests is missing, fails, or wrote an event that
            is none.

    Reference: EIP-4895, EIP-6110, EIP-7002, EIP-7251, EIP-7685.
    """
    payments = [(each.address, each.amount * GWEI) for each in withdrawals]
    if setting.context.fork < Fork.PARIS:
        payments += block_rewards(setting.context, ommers)
    if payments:
        journal = Journal(state)
        for address, amount in payments:
            journal.add_balance(address, amount)
        apply(journal.finish())
    issued = sum([amount for _, amount in payments])
    if setting.context.fork < Fork.PRAGUE:
        return BlockEnd(issued, ())
    requests = (
        (DEPOSIT_TYPE, _deposits(receipts)),
        (WITHDRAWAL_TYPE, _withdrawal_requests(setting, state, apply)),
        (CONSOLIDATION_TYPE, _consolidation_requests(setting, state, apply)),
    )
    return BlockEnd(issued, tuple([kind + data for kind, data in requests if data]))


def _deposits(receipts: Sequence[Receipt]) -> bytes:
    try:
        return deposit_requests([log for receipt in receipts for log in receipt.logs])
    except MalformedDeposit as error:
        raise WrongDeposit(error.where, error.expected, error.actual) from error


def _withdrawal_requests(setting: BlockSetting, state: StateOverlay, apply: Apply) -> bytes:
    return _collect(setting, state, apply, WITHDRAWAL_REQUESTS_ADDRESS, read_withdrawal_requests)


def _consolidation_requests(setting: BlockSetting, state: StateOverlay, apply: Apply) -> bytes:
    return _collect(
        setting, state, apply, CONSOLIDATION_REQUESTS_ADDRESS, read_consolidation_requests
    )


def _collect(
    setting: BlockSetting,
    state: StateOverlay,
    apply: Apply,
    address: Address,
    read: Callable[..., bytes],
) -> bytes:
    journal = Journal(state)
    where = f"contract {address.hex()}"
    if journal.code_hash(address) == EMPTY_KECCAK:
        raise SystemContractMissing(where, "code", "none")
    try:
        data = read(setting.evm, journal, setting.context)
    except SystemCallFailed as error:
        raise SystemContractFailed(where, "an answer to the block's call", "a failure") from error
    apply(journal.finish())
    return data
