"""What a block's header must say before anything is executed.

Fields that Ethereum takes from its beacon chain are derived here unless the chain's parameters
say that they are given: prevRandao is the hash of parent and height, the parent beacon block root
is the parent's hash. What depends on the body or on execution is compared where that is known
(`node.validation_block`).
"""

from node.execution_base_fee import next_base_fee
from node.execution_blob_gas import blob_gas_max, next_excess_blob_gas
from node.execution_difficulty import next_difficulty
from node.execution_gas_limit import gas_limit_range
from node.validation_errors import (
    BlobGasAboveLimit,
    ExtraDataTooLong,
    GasUsedAboveLimit,
    InvalidBlock,
    TimestampTooEarly,
    TimestampTooLate,
    WrongBaseFee,
    WrongBeaconRoot,
    WrongCheckpoint,
    WrongDifficulty,
    WrongExcessBlobGas,
    WrongGasLimit,
    WrongHeaderFields,
    WrongNonce,
    WrongNumber,
    WrongOmmers,
    WrongParent,
    WrongPrevRandao,
)
from primitives.epoch import Epoch, epoch_commitment, is_checkpoint
from primitives.fork import Fork
from primitives.header import (
    EMPTY_OMMERS_HASH,
    EXTRA_DATA_BYTES_MAX,
    FIELDS_OF_FORK,
    FIELDS_WITH_ACCESS_LIST,
    ZERO_NONCE,
    Header,
    field_count,
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

    Args:
        header: of the block.
        parent: the header below.
        parent_hash: its hash.
        params: in force for the block.

    Raises:
        InvalidBlock: its leaf names the field.
    """
    _check_fields(header, params)
    require_equal(WrongParent, "header.parent_hash", parent_hash, header.parent_hash)
    require_equal(WrongNumber, "header.number", parent.number + 1, header.number)
    _check_gas(header, parent, params)
    if params.fork >= Fork.PARIS:
        require_equal(WrongOmmers, "header.ommers_hash", EMPTY_OMMERS_HASH, header.ommers_hash)
        require_equal(WrongDifficulty, "header.difficulty", 0, header.difficulty)
        require_equal(WrongNonce, "header.nonce", ZERO_NONCE, header.nonce)
    else:
        difficulty = next_difficulty(header.timestamp, parent)
        require_equal(WrongDifficulty, "header.difficulty", difficulty, header.difficulty)
    if params.fork >= Fork.CANCUN:
        _check_blob_gas(header, parent, params)
    if params.beacon_rule == "derived":
        _check_derived(header, parent_hash, params)
    earliest = earliest_timestamp(parent, params)
    if header.timestamp < earliest:
        raise TimestampTooEarly("header.timestamp", f"at least {earliest}", header.timestamp)
    if len(header.extra_data) > EXTRA_DATA_BYTES_MAX:
        expected = f"at most {EXTRA_DATA_BYTES_MAX} bytes"
        raise ExtraDataTooLong("header.extra_data", expected, f"{len(header.extra_data)} bytes")


def _check_fields(header: Header, params: ChainParams) -> None:
    """Check that a header has the fields of its fork and no other, so that none of them is None."""
    expected = FIELDS_OF_FORK[params.fork]
    if params.block_access_list:
        expected = FIELDS_WITH_ACCESS_LIST
    actual = field_count(header)
    if actual != expected:
        wanted = f"the {expected} fields of {params.fork.name}"
        raise WrongHeaderFields("header", wanted, f"{actual} fields")


def _check_gas(header: Header, parent: Header, params: ChainParams) -> None:
    least, greatest = gas_limit_range(parent, params)
    if not least <= header.gas_limit <= greatest:
        expected = str(least) if least == greatest else f"a value from {least} to {greatest}"
        raise WrongGasLimit("header.gas_limit", expected, header.gas_limit)
    if header.gas_used > header.gas_limit:
        expected = f"at most the limit {header.gas_limit}"
        raise GasUsedAboveLimit("header.gas_used", expected, header.gas_used)
    base_fee = next_base_fee(parent, params)
    require_equal(WrongBaseFee, "header.base_fee_per_gas", base_fee, header.base_fee_per_gas)


def _check_blob_gas(header: Header, parent: Header, params: ChainParams) -> None:
    excess = next_excess_blob_gas(parent, params)
    require_equal(WrongExcessBlobGas, "header.excess_blob_gas", excess, header.excess_blob_gas)
    most, used = blob_gas_max(params), header.blob_gas_used or 0
    if used > most:
        raise BlobGasAboveLimit("header.blob_gas_used", f"at most {most}", used)


def _check_derived(header: Header, parent_hash: Hash32, params: ChainParams) -> None:
    """Check what Ethereum's headers have from the beacon chain, and ours from the parent."""
    randao = prev_randao(parent_hash, header.number)
    require_equal(WrongPrevRandao, "header.prev_randao", randao, header.prev_randao)
    if params.fork >= Fork.CANCUN:
        where = "header.parent_beacon_block_root"
        require_equal(WrongBeaconRoot, where, parent_hash, header.parent_beacon_block_root)


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
