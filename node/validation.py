"""From the bytes of a transaction to one that only the state can still refuse.

`check_transaction` does what is the same on every node and at every height: decode canonically,
check the rules that need no state, refuse the kinds that cannot be executed yet, recover the
sender. The result keeps the few numbers that the pool, the builder and the executor read again
and again.

Kinds: value transfers and committee changes of the types 0, 1 and 2 are executed. A transaction
that creates a contract, calls code or a precompiled contract, carries blobs or sets code is
refused by name.
"""

import msgspec

from primitives.committee_change import COMMITTEE_ADDRESS, CommitteeChange, decode_changes
from primitives.errors import InvalidEncoding
from primitives.fork import Fork
from primitives.ids import Address, Gas, Hash32, Wei
from primitives.params import ChainParams
from primitives.possession import UnprovenKey, check_possession
from primitives.transaction import (
    Transaction,
    check_static,
    decode_transaction,
    recover_sender,
    transaction_hash,
)
from primitives.transaction.errors import (
    KindNotExecutable,
    MalformedCommitteeChange,
    NotGovernance,
)
from storage.account import has_code
from storage.state import StateReader

_PRECOMPILES_FROM = (
    (Fork.FRONTIER, 4),
    (Fork.BYZANTIUM, 8),
    (Fork.ISTANBUL, 9),
    (Fork.CANCUN, 10),
    (Fork.PRAGUE, 17),
)
"""From which fork on the addresses 1 to n are precompiled contracts."""
_P256_VERIFY = 0x100
"""Precompiled from Osaka on (EIP-7951)."""


class PooledTransaction(msgspec.Struct, frozen=True, gc=False):
    """A decoded transaction with its sender: valid as far as can be told without state."""

    transaction: Transaction
    raw: bytes
    """Canonical encoding (EIP-2718)."""
    hash: Hash32
    sender: Address
    to: Address
    nonce: int
    value: Wei
    gas_limit: Gas
    gas_minimum: Gas
    """The least gas that it uses: intrinsic gas or calldata floor (EIP-7623)."""
    max_fee_per_gas: Wei
    max_priority_fee_per_gas: Wei
    cost_max: int
    """Gas limit times fee cap, plus value, in wei: what the sender must own. May be 2**256."""

    def effective_tip(self, base_fee: int) -> int:
        """Return the tip in wei per gas; negative if the fee cap is below `base_fee`."""
        return min(self.max_priority_fee_per_gas, self.max_fee_per_gas - base_fee)


class Prepared(msgspec.Struct, frozen=True, gc=False):
    """A decoded transaction that has passed every check but the one of its signature."""

    transaction: Transaction
    raw: bytes
    to: Address
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
    return Prepared(transaction, raw, _executable_recipient(transaction, params.fork), gas.minimum)


def finish_transaction(
    prepared: Prepared, sender: Address, params: ChainParams
) -> PooledTransaction:
    """Do the part of `check_transaction` that comes after recovering the sender.

    Raises:
        InvalidTransaction: the sender may not send this.
    """
    transaction, to = prepared.transaction, prepared.to
    if to == COMMITTEE_ADDRESS:
        _check_committee_change(transaction, sender, params)
    fee_cap = transaction.max_fee_per_gas
    return PooledTransaction(
        transaction,
        prepared.raw,
        transaction_hash(prepared.raw),
        sender,
        to,
        transaction.nonce,
        transaction.value,
        transaction.gas_limit,
        prepared.gas_minimum,
        fee_cap,
        transaction.max_priority_fee_per_gas,
        transaction.gas_limit * fee_cap + transaction.value,
    )


def _check_committee_change(transaction: Transaction, sender: Address, params: ChainParams) -> None:
    """Check what is wrong with a committee change at every height."""
    if sender != params.governance:
        expected = f"the governance account {params.governance.hex()}"
        raise NotGovernance("transaction.sender", expected, sender.hex())
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


def check_recipient(transaction: PooledTransaction, state: StateReader) -> None:
    """Check that the recipient has no code to run.

    Raises:
        KindNotExecutable: it has.
    """
    recipient = state.account(transaction.to)
    if recipient is not None and has_code(recipient):
        raise _refused(f"a call to the contract {transaction.to.hex()}")


def is_precompile(address: Address, fork: Fork) -> bool:
    """Whether a precompiled contract stands at `address` under the rules of `fork`."""
    if any(address[:18]):
        return False
    number = int.from_bytes(address, "big")
    last = max(count for first, count in _PRECOMPILES_FROM if fork >= first)
    return 1 <= number <= last or (number == _P256_VERIFY and fork >= Fork.OSAKA)


def _executable_recipient(transaction: Transaction, fork: Fork) -> Address:
    """Return the recipient of a value transfer; refuse every other kind by its name."""
    if transaction.blob_versioned_hashes:
        raise _refused("a blob transaction (type 3)")
    if transaction.authorizations:
        raise _refused("a set-code transaction (type 4)")
    if transaction.to is None:
        raise _refused("a contract creation")
    if is_precompile(transaction.to, fork):
        raise _refused(f"a call to the precompiled contract {transaction.to.hex()}")
    return transaction.to


def _refused(kind: str) -> KindNotExecutable:
    return KindNotExecutable("transaction", "a value transfer of type 0, 1 or 2", kind)
