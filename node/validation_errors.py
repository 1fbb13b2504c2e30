"""Why a block is refused: one leaf for each rule, each with a stable code."""

from typing import ClassVar

from primitives.errors import InvalidInput
from primitives.transaction import InvalidTransaction


class InvalidBlock(InvalidInput):
    """Root of the reasons. See `InvalidInput` for the data that each carries."""

    code: ClassVar[str] = "invalid_block"


class MalformedBlock(InvalidBlock):
    """Not the canonical encoding of a block."""

    code = "malformed"


class BlockTooLarge(InvalidBlock):
    """More bytes than a block may have (EIP-7934)."""

    code = "too_large"


class WrongDigest(InvalidBlock):
    """Not the block that was announced."""

    code = "wrong_digest"


class WrongParent(InvalidBlock):
    """Built on another block."""

    code = "wrong_parent"


class WrongNumber(InvalidBlock):
    """Not the height after the parent's."""

    code = "wrong_number"


class TimestampTooEarly(InvalidBlock):
    """Before the parent, or in the same second under the strict rule."""

    code = "timestamp_too_early"


class TimestampTooLate(InvalidBlock):
    """Further in the future than clocks can differ."""

    code = "timestamp_too_late"


class WrongHeaderFields(InvalidBlock):
    """A header that lacks a field of its fork, or has one of another."""

    code = "wrong_header_fields"


class WrongGasLimit(InvalidBlock):
    """A gas limit that the chain's rule does not allow after the parent's."""

    code = "wrong_gas_limit"


class GasUsedAboveLimit(InvalidBlock):
    """More gas used than the block's own limit."""

    code = "gas_used_above_limit"


class WrongBaseFee(InvalidBlock):
    """Not the base fee that follows from the parent (EIP-1559, or the chain's fixed one)."""

    code = "wrong_base_fee"


class WrongPrevRandao(InvalidBlock):
    """Not the hash of parent and sequence."""

    code = "wrong_prev_randao"


class WrongBeaconRoot(InvalidBlock):
    """The parent beacon block root is not the parent's hash."""

    code = "wrong_beacon_root"


class WrongOmmers(InvalidBlock):
    """Ommers, which do not exist since Paris (EIP-3675), or before that others than allowed."""

    code = "wrong_ommers"


class WrongDifficulty(InvalidBlock):
    """A difficulty other than 0 (EIP-3675), or before Paris than what follows from the parent."""

    code = "wrong_difficulty"


class WrongNonce(InvalidBlock):
    """A nonce other than eight zero bytes (EIP-3675)."""

    code = "wrong_nonce"


class ExtraDataTooLong(InvalidBlock):
    """More than 32 bytes of extra data."""

    code = "extra_data_too_long"


class WrongWithdrawals(InvalidBlock):
    """Withdrawals in the body of a chain that does not have them."""

    code = "wrong_withdrawals"


class WrongWithdrawalsRoot(InvalidBlock):
    """The header commits to other withdrawals than the body's (EIP-4895)."""

    code = "wrong_withdrawals_root"


class WrongCheckpoint(InvalidBlock):
    """A checkpoint whose extra data does not commit to the committee of the block after it."""

    code = "wrong_checkpoint"


class WrongRequestsHash(InvalidBlock):
    """Execution made other requests (EIP-7685)."""

    code = "wrong_requests_hash"


class WrongDeposit(InvalidBlock):
    """The deposit contract wrote an event of another layout than EIP-6110's."""

    code = "wrong_deposit"


class SystemContractMissing(InvalidBlock):
    """A contract that collects requests has no code (EIP-7002, EIP-7251)."""

    code = "system_contract_missing"


class SystemContractFailed(InvalidBlock):
    """The block's own call to a contract that collects requests failed (EIP-7002, EIP-7251)."""

    code = "system_contract_failed"


class WrongBlobGasUsed(InvalidBlock):
    """Not the blob gas of the blobs that the block's transactions have (EIP-4844)."""

    code = "wrong_blob_gas_used"


class BlobGasAboveLimit(InvalidBlock):
    """More blob gas than a block may use (EIP-4844)."""

    code = "blob_gas_above_limit"


class WrongExcessBlobGas(InvalidBlock):
    """Not the excess blob gas that follows from the parent (EIP-4844, EIP-7918)."""

    code = "wrong_excess_blob_gas"


class WrongAccessListHash(InvalidBlock):
    """Execution accessed something else than the header commits to (EIP-7928)."""

    code = "wrong_access_list_hash"


class AccessListTooLarge(InvalidBlock):
    """More accesses than the block's gas limit allows to list (EIP-7928)."""

    code = "access_list_too_large"


class WrongTransactionsRoot(InvalidBlock):
    """The header commits to other transactions than the body's."""

    code = "wrong_transactions_root"


class WrongGasUsed(InvalidBlock):
    """Execution used another amount of gas."""

    code = "wrong_gas_used"


class WrongReceiptsRoot(InvalidBlock):
    """Execution gave other receipts."""

    code = "wrong_receipts_root"


class WrongLogsBloom(InvalidBlock):
    """Execution wrote other logs."""

    code = "wrong_logs_bloom"


class WrongStateRoot(InvalidBlock):
    """Execution led to another state."""

    code = "wrong_state_root"


class InvalidBlockTransaction(InvalidBlock):
    """A transaction in it may not stand where it stands.

    Args:
        index: position in the block, 0-based.
        reason: why the transaction is refused.
    """

    code = "invalid_transaction"

    def __init__(self, index: int, reason: InvalidTransaction) -> None:
        super().__init__(f"block.transactions[{index}]", reason.expected, reason.actual)
        self.index = index
        self.reason = reason
