"""The short way through a plain payment.

Most transactions call an account without code. What such a payment does is known beforehand, so the
virtual machine and the journal need not be asked: the outcome is written down as they would give
it, field by field (a property test compares the two). Whatever is out of the ordinary, refusals
included, takes the long way.
"""

from contracts.result import ExecutionResult
from node.execution_setting import BlockSetting
from node.validation import PooledTransaction
from primitives.fork import Fork
from primitives.ids import Address, Wei
from primitives.keccak import EMPTY_KECCAK
from storage.account import ABSENT, is_empty
from storage.outcome import Change, Outcome, Sight
from storage.reader import AccountReader

_TYPE_MAX = 2
"""Later types have blobs or authorizations."""
_LOW_ADDRESS = bytes(18)
"""Precompiled contracts have addresses that begin so."""


def run_transfer(
    transaction: PooledTransaction, reader: AccountReader, setting: BlockSetting
) -> tuple[ExecutionResult, Outcome] | None:
    """Run a transaction that does nothing but pay; return None for every other one.

    Args:
        transaction: any.
        reader: the state before it.
        setting: the block.
    """
    context = setting.context
    sender, to, recipient = transaction.sender, transaction.to, context.fee_recipient
    if (
        to is None
        or transaction.transaction.tx_type > _TYPE_MAX
        or to[:18] == _LOW_ADDRESS
        or sender in (to, recipient)
        or to == recipient
        or context.fork < Fork.PARIS
    ):
        return None
    payer, payee = reader.account(sender) or ABSENT, reader.account(to) or ABSENT
    base_fee, cost_max = context.base_fee, transaction.cost_max
    if (
        payer.code_hash != EMPTY_KECCAK
        or payee.code_hash != EMPTY_KECCAK
        or payer.nonce != transaction.nonce
        or payer.balance < cost_max
        or transaction.max_fee_per_gas < base_fee
        or transaction.gas_limit > context.gas_limit
    ):
        return None
    gas, value = transaction.gas_minimum, transaction.value
    tip = gas * transaction.effective_tip(base_fee)
    burnt = gas * base_fee
    sights = [
        Sight(sender, payer.nonce, EMPTY_KECCAK, None, None, cost_max, None, ()),
        Sight(to, None, EMPTY_KECCAK, None, None, 0, None, ()),
    ]
    changes = [_change(sender, -value - tip - burnt, payer.nonce + 1, is_empty(payer))]
    if value:
        changes.append(_change(to, value, None, is_empty(payee)))
    starts = bool(tip) and is_empty(reader.account(recipient) or ABSENT)
    changes.append(_change(recipient, tip, None, starts))
    if to < sender:
        sights.reverse()
    changes.sort(key=_address)
    result = ExecutionResult(
        succeeded=True,
        gas_used=gas,
        output=b"",
        created=None,
        failure=None,
        tip=Wei(tip),
        burnt=Wei(burnt),
    )
    touched = tuple(sorted((sender, to, recipient)))
    return result, Outcome(tuple(sights), tuple(changes), (), touched)


def _change(address: Address, delta: int, nonce: int | None, starts: bool) -> Change:
    return Change(
        address,
        delta,
        nonce,
        code_hash=None,
        code=None,
        slots=(),
        is_wiped=False,
        is_destroyed=False,
        starts_or_ends=starts,
    )


def _address(change: Change) -> bytes:
    return change.address
