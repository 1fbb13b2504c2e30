"""What a block's header must say before anything is executed.

Fields that Ethereum takes from its beacon chain are derived here: prevRandao is the hash of
parent and height, the parent beacon block root is the parent's hash. What this chain does not
have (ommers, withdrawals, requests, blobs) must be said to be none.
"""

from node.execution_base_fee import next_base_fee
from node.validation_errors import (
    ExtraDataTooLong,
    InvalidBlock,
    TimestampTooEarly,
    TimestampTooLate,
    WrongBaseFee,
    WrongBeaconRoot,
    WrongBlobGasUsed,
    WrongCheckpoint,
    WrongDifficulty,
    WrongExcessBlobGas,
    WrongGasLimit,
    WrongNonce,
    WrongNumber,
    WrongOmmers,
    WrongParent,
    WrongPrevRandao,
    WrongRequestsHash,
    WrongWithdrawalsRoot,
)
from primitives.epoch import Epoch, epoch_commitment, is_checkpoint
from primitives.header import (
    EMPTY_OMMERS_HASH,
    EMPTY_REQUESTS_HASH,
    EMPTY_WITHDRAWALS_ROOT,
    EXTRA_DATA_BYTES_MAX,
    ZERO_NONCE,
    Header,
)
from primitives.ids import Duration, Hash32, Instant
from primitives.keccak import keccak256
from primitives.params import ChainParams

_SECOND_NS = 1_000_000_000


def prev_randao(parent_hash: Hash32, number: int) -> Hash32:
    """Return the block's randomness: keccak-256 of parent hash and height (8 bytes, big-endian)."""
    return keccak256(parent_hash + number.to_bytes(8, "big"))


def earliest_timestamp(parent: Header, params: ChainParams) -> int:
    """Return the lowest timestamp, in seconds, that a block on `parent` may have."""
    return parent.timestamp + (params.timestamp_rule == "strict")


def check_header(header: Header, parent: Header, parent_hash: Hash32, params: ChainParams) -> None:
    """Check a header against its parent and the chain's parameters.

    Raises:
        InvalidBlock: its leaf names the field.
    """
    rules: tuple[tuple[type[InvalidBlock], str, object, object], ...] = (
        (WrongParent, "parent_hash", parent_hash, header.parent_hash),
        (WrongNumber, "number", parent.number + 1, header.number),
        (WrongGasLimit, "gas_limit", params.gas_limit, header.gas_limit),
        (
            WrongBaseFee,
            "base_fee_per_gas",
            next_base_fee(parent, params),
            header.base_fee_per_gas,
        ),
        (
            WrongPrevRandao,
            "prev_randao",
            prev_randao(parent_hash, parent.number + 1),
            header.prev_randao,
        ),
        (
            WrongBeaconRoot,
            "parent_beacon_block_root",
            parent_hash,
            header.parent_beacon_block_root,
        ),
        (WrongOmmers, "ommers_hash", EMPTY_OMMERS_HASH, header.ommers_hash),
        (WrongDifficulty, "difficulty", 0, header.difficulty),
        (WrongNonce, "nonce", ZERO_NONCE, header.nonce),
        (
            WrongWithdrawalsRoot,
            "withdrawals_root",
            EMPTY_WITHDRAWALS_ROOT,
            header.withdrawals_root,
        ),
        (WrongRequestsHash, "requests_hash", EMPTY_REQUESTS_HASH, header.requests_hash),
        (WrongBlobGasUsed, "blob_gas_used", 0, header.blob_gas_used),
        (WrongExcessBlobGas, "excess_blob_gas", 0, header.excess_blob_gas),
    )
    for reason, field, expected, actual in rules:
        require_equal(reason, f"header.{field}", expected, actual)
    earliest = earliest_timestamp(parent, params)
    if header.timestamp < earliest:
        raise TimestampTooEarly("header.timestamp", f"at least {earliest}", header.timestamp)
    if len(header.extra_data) > EXTRA_DATA_BYTES_MAX:
        expected = f"at most {EXTRA_DATA_BYTES_MAX} bytes"
        raise ExtraDataTooLong("header.extra_data", expected, f"{len(header.extra_data)} bytes")


def checkpoint_data(epoch: Epoch, number: int, params: ChainParams) -> bytes:
    """Return what the extra data of a checkpoint must be; empty for a block that is none.

    Args:
        epoch: what the block's child belongs to.
        number: of the block.
        params: the chain's rules.
    """
    if not is_checkpoint(number, params):
        return b""
    return epoch_commitment(params, epoch.committee, epoch.number)


def check_checkpoint(header: Header, epoch: Epoch, params: ChainParams) -> None:
    """Check that a checkpoint commits to the committee of the block after it.

    Raises:
        WrongCheckpoint: it does not.
    """
    expected = checkpoint_data(epoch, header.number, params)
    if expected:
        require_equal(WrongCheckpoint, "header.extra_data", expected, header.extra_data)


def check_timestamp_drift(header: Header, now: Instant, drift_max: Duration) -> None:
    """Check that a proposed block does not come from too far in the future.

    This depends on the node's clock, so it is for proposals only: a certified block is valid
    whenever it is read. Without it one primary could set the chain's clock to the end of time.

    Args:
        header: of the proposed block.
        now: the node's time.
        drift_max: how far clocks may differ.

    Raises:
        TimestampTooLate: it does.
    """
    latest = (now + drift_max) // _SECOND_NS
    if header.timestamp > latest:
        raise TimestampTooLate("header.timestamp", f"at most {latest}", header.timestamp)


def require_equal(reason: type[InvalidBlock], where: str, expected: object, actual: object) -> None:
    """Raise `reason` unless the two values are equal; bytes are shown as hexadecimal text."""
    if actual != expected:
        raise reason(where, _shown(expected), _shown(actual))


def _shown(value: object) -> str:
    return value[:32].hex() if isinstance(value, bytes) else str(value)
