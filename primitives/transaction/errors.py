"""Why a transaction is refused: one leaf for each reason, each with a stable code.

The code is what goes into traces, metrics and answers to clients; the message is for people.
Reasons that depend on one node's policy (a full pool, a price bump) belong to that node.
"""

from typing import ClassVar

from primitives.errors import InvalidEncoding, InvalidInput


class InvalidTransaction(InvalidInput):
    """Root of the reasons. See `InvalidInput` for the data that each carries."""

    code: ClassVar[str] = "invalid_transaction"


class MalformedTransaction(InvalidTransaction, InvalidEncoding):
    """Not the canonical encoding of a transaction."""

    code = "malformed"


class TransactionTooLarge(InvalidTransaction):
    """More bytes than the reader accepts."""

    code = "too_large"


class UnsupportedType(InvalidTransaction):
    """A type byte that is unknown, or comes with a later fork."""

    code = "type_not_supported"


class BlobWrapperRefused(InvalidTransaction):
    """A blob transaction in its network form (with blobs), where a block's form is due."""

    code = "blob_wrapper"


class NonceOverflow(InvalidTransaction):
    """A nonce of 2**64 - 1 or more (EIP-2681)."""

    code = "nonce_overflow"


class GasLimitOverflow(InvalidTransaction):
    """A gas limit of 2**64 or more."""

    code = "gas_limit_overflow"


class FeeOverflow(InvalidTransaction):
    """A gas price or fee cap of 2**256 or more."""

    code = "fee_overflow"


class ValueOverflow(InvalidTransaction):
    """A value of 2**256 or more."""

    code = "value_overflow"


class CostOverflow(InvalidTransaction):
    """Gas limit times fee cap, in wei, reaches 2**256."""

    code = "cost_overflow"


class NotGovernance(InvalidTransaction):
    """A committee change that is not from the chain's governance account."""

    code = "not_governance"


class MalformedCommitteeChange(InvalidTransaction):
    """A committee change whose calldata is no list of changes, or that carries value."""

    code = "malformed_committee_change"


class InvalidRecipient(InvalidTransaction):
    """A recipient that is neither empty nor 20 bytes."""

    code = "invalid_recipient"


class CreationRefused(InvalidTransaction):
    """A type that cannot create a contract, without a recipient."""

    code = "creation_refused"


class InvalidAccessList(InvalidTransaction):
    """An access list of another shape than [[address, [key, ...]], ...]."""

    code = "invalid_access_list"


class InvalidSignature(InvalidTransaction):
    """v, r or s out of range, s in the upper half, or no public key fits."""

    code = "invalid_signature"


class WrongChainId(InvalidTransaction):
    """Signed for another chain."""

    code = "wrong_chain_id"


class IntrinsicGasTooLow(InvalidTransaction):
    """A gas limit below what the transaction costs before it runs (EIP-7623 included)."""

    code = "intrinsic_gas_too_low"


class GasLimitAboveCap(InvalidTransaction):
    """A gas limit above the cap for one transaction (EIP-7825)."""

    code = "gas_limit_above_cap"


class PriorityFeeAboveMaxFee(InvalidTransaction):
    """A priority fee above the fee cap."""

    code = "priority_fee_above_max_fee"


class InitcodeTooLarge(InvalidTransaction):
    """Creation code above 49,152 bytes (EIP-3860)."""

    code = "initcode_too_large"


class NoBlobs(InvalidTransaction):
    """A blob transaction without blobs."""

    code = "no_blobs"


class TooManyBlobs(InvalidTransaction):
    """More blobs than one transaction may carry."""

    code = "too_many_blobs"


class InvalidBlobHash(InvalidTransaction):
    """A versioned hash that is not 32 bytes with version 1."""

    code = "invalid_blob_hash"


class NoAuthorizations(InvalidTransaction):
    """A set-code transaction without authorizations."""

    code = "no_authorizations"


class InvalidAuthorization(InvalidTransaction):
    """An authorization with a field out of its range."""

    code = "invalid_authorization"


class NonceTooLow(InvalidTransaction):
    """A nonce that the sender has used."""

    code = "nonce_too_low"


class NonceTooHigh(InvalidTransaction):
    """A nonce that leaves a gap."""

    code = "nonce_too_high"


class InsufficientFunds(InvalidTransaction):
    """A balance below value plus the most that gas may cost."""

    code = "insufficient_funds"


class MaxFeeBelowBaseFee(InvalidTransaction):
    """A fee cap below the block's base fee."""

    code = "max_fee_below_base_fee"


class MaxFeeBelowBlobBaseFee(InvalidTransaction):
    """A fee cap for blob gas below the block's blob base fee (EIP-4844)."""

    code = "max_fee_below_blob_base_fee"


class BlockGasExceeded(InvalidTransaction):
    """A gas limit above what is left in the block."""

    code = "block_gas_exceeded"


class BlobGasExceeded(InvalidTransaction):
    """More blobs than the block has room for (EIP-4844)."""

    code = "blob_gas_exceeded"


class SenderHasCode(InvalidTransaction):
    """A sender that is a contract (EIP-3607)."""

    code = "sender_has_code"
