"""Whether a transaction may stand where it stands: the rules that need state and block."""

from contracts.context import BlockContext
from contracts.delegation import designated
from contracts.evm import Evm
from contracts.gas import BLOB
from contracts.state import State
from primitives.ids import Address
from primitives.transaction import BlobTransaction, IntrinsicGas, Transaction, intrinsic_gas
from primitives.transaction.errors import (
    BlobGasExceeded,
    BlockGasExceeded,
    InsufficientFunds,
    IntrinsicGasTooLow,
    MaxFeeBelowBaseFee,
    MaxFeeBelowBlobBaseFee,
    NonceTooHigh,
    NonceTooLow,
    SenderHasCode,
)


def worst_cost(tx: Transaction) -> int:
    """Return the most that a transaction can take from its sender, in wei: gas, blobs, value."""
    cost = tx.gas_limit * tx.max_fee_per_gas + tx.value
    if isinstance(tx, BlobTransaction):
        cost += BLOB * len(tx.blob_versioned_hashes) * tx.max_fee_per_blob_gas
    return cost


def take_worst_cost(
    evm: Evm,
    state: State,
    tx: Transaction,
    sender: Address,
    block: BlockContext,
    gas_left: int,
    blob_gas_left: int,
    *,
    checks_sender: bool = True,
) -> IntrinsicGas:
    """Check all rules and take the `worst_cost` from the sender, which nobody has seen then.

    Args:
        evm: as for `execute_transaction`, as all but the last are.
        state: likewise.
        tx: likewise.
        sender: likewise.
        block: likewise.
        gas_left: likewise.
        blob_gas_left: likewise.
        checks_sender: whether nonce and code of the sender matter, as they do in a block.

    Returns:
        The transaction's intrinsic gas.

    Raises:
        InvalidTransaction: its leaf says which rule is broken; the state is unchanged.
    """
    gas = intrinsic_gas(tx, evm.fork)
    if tx.gas_limit < gas.minimum:
        raise IntrinsicGasTooLow("transaction.gas_limit", f"at least {gas.minimum}", tx.gas_limit)
    if tx.gas_limit > gas_left:
        raise BlockGasExceeded("transaction.gas_limit", f"at most {gas_left}", tx.gas_limit)
    if tx.max_fee_per_gas < block.base_fee:
        raise MaxFeeBelowBaseFee(
            "transaction.max_fee_per_gas", f"at least {block.base_fee}", tx.max_fee_per_gas
        )
    if isinstance(tx, BlobTransaction):
        _check_blobs(tx, block, blob_gas_left)
    if checks_sender:
        _check_sender(evm, state, tx, sender)
    if not state.take_balance(sender, worst_cost(tx)):
        raise InsufficientFunds("transaction.sender", f"{worst_cost(tx)} wei", "less")
    return gas


def _check_blobs(tx: BlobTransaction, block: BlockContext, blob_gas_left: int) -> None:
    blob_gas = BLOB * len(tx.blob_versioned_hashes)
    if blob_gas > blob_gas_left:
        raise BlobGasExceeded(
            "transaction.blob_versioned_hashes", f"at most {blob_gas_left} blob gas", blob_gas
        )
    if tx.max_fee_per_blob_gas < block.blob_base_fee:
        raise MaxFeeBelowBlobBaseFee(
            "transaction.max_fee_per_blob_gas",
            f"at least {block.blob_base_fee}",
            tx.max_fee_per_blob_gas,
        )


def _check_sender(evm: Evm, state: State, tx: Transaction, sender: Address) -> None:
    nonce = state.nonce(sender)
    if tx.nonce != nonce:
        leaf = NonceTooLow if tx.nonce < nonce else NonceTooHigh
        raise leaf("transaction.nonce", str(nonce), tx.nonce)
    code = state.code(sender)
    if code and not (evm.rules.has_delegation and designated(code) is not None):
        raise SenderHasCode("transaction.sender", "an account without code", "a contract")
