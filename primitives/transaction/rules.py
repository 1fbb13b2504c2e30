"""Rules that a transaction keeps or breaks whatever the state of the chain is."""

from primitives.fork import LATEST, Fork
from primitives.params import MAX_TRANSACTION_GAS
from primitives.transaction.decode import FIRST_FORK
from primitives.transaction.errors import (
    CostOverflow,
    CreationRefused,
    GasLimitAboveCap,
    GasLimitOverflow,
    InitcodeTooLarge,
    IntrinsicGasTooLow,
    InvalidBlobHash,
    InvalidSignature,
    NoAuthorizations,
    NoBlobs,
    NonceOverflow,
    PriorityFeeAboveMaxFee,
    TooManyBlobs,
    UnsupportedType,
    ValueOverflow,
    WrongChainId,
)
from primitives.transaction.gas import IntrinsicGas, intrinsic_gas
from primitives.transaction.signing import check_signature
from primitives.transaction.types import BlobTransaction, SetCodeTransaction, Transaction

NONCE_MAX = 2**64 - 2
"""So that a nonce can always be counted up (EIP-2681)."""
GAS_MAX = 2**64 - 1
WEI_MAX = 2**256 - 1
INITCODE_BYTES_MAX = 49_152
"""From Shanghai on (EIP-3860)."""
BLOB_HASH_VERSION = 1
BLOBS_MAX = 6
"""From Osaka on (EIP-7594). Before, a transaction may fill a block's blobs, however many its chain
allows: that is for the block to check."""


def check_static(
    tx: Transaction, chain_id: int, fork: Fork = LATEST, gas_cap: int = MAX_TRANSACTION_GAS
) -> IntrinsicGas:
    """Check every rule that needs neither state nor block, the signature's ranges included.

    Args:
        tx: a signed transaction.
        chain_id: the chain it is to be valid on.
        fork: the rules in force.
        gas_cap: most gas of one transaction; applies from Osaka on.

    Returns:
        The intrinsic gas, which had to be computed.

    Raises:
        InvalidTransaction: its leaf says which rule is broken.
    """
    if fork < FIRST_FORK[tx.tx_type]:
        raise UnsupportedType("transaction.type", f"a type of {fork.name}", tx.tx_type)
    _check_chain_id(tx, chain_id, fork)
    check_signature(tx, fork)
    _check_ranges(tx)
    if fork >= Fork.OSAKA and tx.gas_limit > gas_cap:
        raise GasLimitAboveCap("transaction.gas_limit", f"at most {gas_cap}", tx.gas_limit)
    if tx.to is None and fork >= Fork.SHANGHAI and len(tx.data) > INITCODE_BYTES_MAX:
        raise InitcodeTooLarge(
            "transaction.data", f"at most {INITCODE_BYTES_MAX} bytes of creation code", len(tx.data)
        )
    if tx.tx_type >= 3:
        _check_extension(tx, fork)
    gas = intrinsic_gas(tx, fork)
    if tx.gas_limit < gas.minimum:
        raise IntrinsicGasTooLow("transaction.gas_limit", f"at least {gas.minimum}", tx.gas_limit)
    return gas


def _check_chain_id(tx: Transaction, chain_id: int, fork: Fork) -> None:
    if tx.chain_id is None:
        return
    if fork < Fork.SPURIOUS_DRAGON:
        raise InvalidSignature("transaction.v", f"27 or 28 in {fork.name}", "a chain id's")
    if tx.chain_id != chain_id:
        raise WrongChainId("transaction.chain_id", str(chain_id), tx.chain_id)


def _check_ranges(tx: Transaction) -> None:
    if not 0 <= tx.nonce <= NONCE_MAX:
        raise NonceOverflow("transaction.nonce", f"at most {NONCE_MAX}", tx.nonce)
    if not 0 <= tx.gas_limit <= GAS_MAX:
        raise GasLimitOverflow("transaction.gas_limit", f"at most {GAS_MAX}", tx.gas_limit)
    if not 0 <= tx.value <= WEI_MAX:
        raise ValueOverflow("transaction.value", f"at most {WEI_MAX}", tx.value)
    if not 0 <= tx.max_priority_fee_per_gas <= tx.max_fee_per_gas:
        raise PriorityFeeAboveMaxFee(
            "transaction.max_priority_fee_per_gas",
            f"at most the fee cap {tx.max_fee_per_gas}",
            tx.max_priority_fee_per_gas,
        )
    if tx.gas_limit * tx.max_fee_per_gas > WEI_MAX:
        raise CostOverflow("transaction", "gas limit times fee cap below 2**256", "more")


def _check_extension(tx: Transaction, fork: Fork) -> None:
    if tx.to is None:
        raise CreationRefused("transaction.to", f"a recipient in type {tx.tx_type}", "none")
    if isinstance(tx, BlobTransaction):
        _check_blobs(tx, fork)
    elif isinstance(tx, SetCodeTransaction) and not tx.authorizations:
        raise NoAuthorizations("transaction.authorizations", "at least one", "none")


def _check_blobs(tx: BlobTransaction, fork: Fork) -> None:
    where, hashes = "transaction.blob_versioned_hashes", tx.blob_versioned_hashes
    if not hashes:
        raise NoBlobs(where, "at least one", "none")
    if fork >= Fork.OSAKA and len(hashes) > BLOBS_MAX:
        raise TooManyBlobs(where, f"at most {BLOBS_MAX}", len(hashes))
    for name in hashes:
        if len(name) != 32 or name[0] != BLOB_HASH_VERSION:
            raise InvalidBlobHash(where, f"32 bytes with version {BLOB_HASH_VERSION}", name.hex())
