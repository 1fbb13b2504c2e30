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


class WrongGasLimit(InvalidBlock):
    """Another gas limit than the chain's."""

    code = "wrong_gas_limit"


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
    """Ommers, which do not exist since the merge (EIP-3675)."""

    code = "wrong_ommers"


class WrongDifficulty(InvalidBlock):
    """A difficulty other than 0 (EIP-3675)."""

    code = "wrong_difficulty"


class WrongNonce(InvalidBlock):
    """A nonce other than eight zero bytes (EIP-3675)."""

    code = "wrong_nonce"


class ExtraDataTooLong(InvalidBlock):
    """More than 32 bytes of extra data."""

    code = "extra_data_too_long"


class WrongWithdrawals(InvalidBlock):
    """Withdrawals in the body, which this chain does not have."""

    code = "wrong_withdrawals"


class WrongWithdrawalsRoot(InvalidBlock):
    """A withdrawals root other than that of none."""

    code = "wrong_withdrawals_root"


class WrongCheckpoint(InvalidBlock):
    """A checkpoint whose extra data does not commit to the committee of the block after it."""

    code = "wrong_checkpoint"


class WrongRequestsHash(InvalidBlock):
    """A requests hash other than that of none (EIP-7685)."""

    code = "wrong_requests_hash"


class WrongBlobGasUsed(InvalidBlock):
    """Blob gas used, without blobs (EIP-4844)."""

    code = "wrong_blob_gas_used"


class WrongExcessBlobGas(InvalidBlock):
    """Excess blob gas, without blobs (EIP-4844)."""

    code = "wrong_excess_blob_gas"


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
