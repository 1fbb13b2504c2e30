"""From the bytes of a transaction to one that only the state can still refuse.

`check_transaction` does what is the same on every node and at every height: decode canonically,
check the rules that need no state, recover the sender. The result keeps the few numbers that the
pool, the builder and the executor read again and again.

All five types are executed. A blob transaction is in the form that blocks have, without its blobs:
pools do not take it (`node.mempool`).
"""

import msgspec

from primitives.blob_schedule import GAS_PER_BLOB
from primitives.committee_change import COMMITTEE_ADDRESS, CommitteeChange, decode_changes
from primitives.errors import InvalidEncoding
from primitives.fork import LATEST, Fork
from primitives.ids import Address, Gas, Hash32, Wei
from primitives.params import ChainParams
from primitives.possession import UnprovenKey, check_possession
from primitives.transaction import (
    BlobTransaction,
    Transaction,
    check_static,
    decode_transaction,
    recover_sender,
    transaction_hash,
)
from primitives.transaction.errors import MalformedCommitteeChange, NotGovernance

_COMMITTEE_CHANGE_TYPE_MAX = 2
"""A committee change has neither blobs nor authorizations."""


class PooledTransaction(msgspec.Struct, frozen=True, gc=False):
    """A decoded transaction with its sender: valid as far as can be told without state."""

    transaction: Transaction
    raw: bytes
    """Canonical encoding (EIP-2718)."""
    hash: Hash32
    sender: Address
    to: Address | None
    """None: it creates a contract."""
    nonce: int
    value: Wei
    gas_limit: Gas
    gas_minimum: Gas
    """The least gas that it uses: intrinsic gas or calldata floor (EIP-7623)."""
    max_fee_per_gas: Wei
    max_priority_fee_per_gas: Wei
    cost_max: int
    """What the sender must own, in wei: value, and all gas and blob gas at their fee caps. May be
    2**256 or more."""
    blob_gas: Gas = Gas(0)
    """That its blobs take."""
    fork: Fork = LATEST
    """Whose rules it keeps."""

    def effective_tip(self, base_fee: int) -> int:
        """Return the tip in wei per gas; negative if the fee cap is below `base_fee`."""
        return min(self.max_priority_fee_per_gas, self.max_fee_per_gas - base_fee)


class Prepared(msgspec.Struct, frozen=True, gc=False):
    """A decoded transaction that has passed every check but the one of its signature."""

    transaction: Transaction
    raw: bytes
    gas_minimum: Gas
    """The least gas that it uses: intrinsic gas or calldata floor (EIP-7623)."""


def check_transaction(raw: bytes, params: ChainParams) -> PooledTransaction:
    """Decode a transaction, check what needs no state, and recover its sender.

    Args:
        raw: encoding (EIP-2718), not trusted.
        params: the chain it is for.

    Raises:
        InvalidTransaction: its leaf says which rule is broken.
    """
    prepared = prepare_transaction(raw, params)
    sender = recover_sender(prepared.transaction, raw, params.fork)
    return finish_transaction(prepared, sender, params)


def prepare_transaction(raw: bytes, params: ChainParams) -> Prepared:
    """Do the part of `check_transaction` that comes before recovering the sender.

    Raises:
        InvalidTransaction: its leaf says which rule is broken.
    """
    transaction = decode_transaction(raw, params.fork)
    gas = check_static(transaction, params.chain_id, params.fork, params.max_transaction_gas)
    return Prepared(transaction, raw, gas.minimum)


def finish_transaction(
    prepared: Prepared, sender: Address, params: ChainParams
) -> PooledTransaction:
    """Do the part of `check_transaction` that comes after recovering the sender.

    Raises:
        InvalidTransaction: the sender may not send this.
    """
    transaction = prepared.transaction
    if transaction.to == COMMITTEE_ADDRESS:
        _check_committee_change(transaction, sender, params)
    fee_cap = transaction.max_fee_per_gas
    cost_max = transaction.gas_limit * fee_cap + transaction.value
    blob_gas = 0
    if isinstance(transaction, BlobTransaction):
        blob_gas = GAS_PER_BLOB * len(transaction.blob_versioned_hashes)
        cost_max += blob_gas * transaction.max_fee_per_blob_gas
    return PooledTransaction(
        transaction,
        prepared.raw,
        transaction_hash(prepared.raw),
        sender,
        transaction.to,
        transaction.nonce,
        transaction.value,
        transaction.gas_limit,
        prepared.gas_minimum,
        fee_cap,
        transaction.max_priority_fee_per_gas,
        cost_max,
        Gas(blob_gas),
        params.fork,
    )


def recheck_transaction(transaction: PooledTransaction, params: ChainParams) -> PooledTransaction:
    """Return a checked transaction as the rules of `params` see it; its sender stays.

    Raises:
        InvalidTransaction: its leaf says which rule it breaks now.
    """
    if transaction.fork == params.fork:
        return transaction
    prepared = prepare_transaction(transaction.raw, params)
    return finish_transaction(prepared, transaction.sender, params)


def _check_committee_change(transaction: Transaction, sender: Address, params: ChainParams) -> None:
    """Check what is wrong with a committee change at every height."""
    if sender != params.governance:
        expected = f"the governance account {params.governance.hex()}"
        raise NotGovernance("transaction.sender", expected, sender.hex())
    if transaction.tx_type > _COMMITTEE_CHANGE_TYPE_MAX:
        expected = f"at most {_COMMITTEE_CHANGE_TYPE_MAX}"
        raise MalformedCommitteeChange("transaction.type", expected, transaction.tx_type)
    if transaction.value:
        raise MalformedCommitteeChange("transaction.value", "0", transaction.value)
    try:
        changes = decode_changes(transaction.data)
        if params.certificates == "bls":
            _check_possessions(changes)
    except (InvalidEncoding, UnprovenKey) as error:
        where = f"transaction.data: {error.where}"
        raise MalformedCommitteeChange(where, error.expected, error.actual) from error


def _check_possessions(changes: tuple[CommitteeChange, ...]) -> None:
    for index, change in enumerate(changes):
        if change.kind != "remove":
            check_possession(change.aggregate_key, change.possession, f"changes[{index}]")
