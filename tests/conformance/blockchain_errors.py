"""What public blockchain tests call the reasons for which a block is refused."""

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType

from node import validation_errors as invalid
from node.validation_errors import InvalidBlock, InvalidBlockTransaction
from tests.conformance.state_runs import STATE_REASONS

Leaves = tuple[type[InvalidBlock], ...]

MALFORMED: Leaves = (invalid.MalformedBlock,)
PARENT: Leaves = (invalid.WrongParent,)
OMMERS: Leaves = (invalid.WrongOmmers,)
SHAPE: Leaves = (invalid.WrongHeaderFields, invalid.MalformedBlock)
GAS_LIMIT: Leaves = (invalid.WrongGasLimit, invalid.MalformedBlock)

BLOCK_REASONS: Mapping[str, Leaves] = MappingProxyType(
    {
        "BLOB_GAS_USED_ABOVE_LIMIT": (invalid.BlobGasAboveLimit,),
        "BLOCK_ACCESS_LIST_GAS_LIMIT_EXCEEDED": (invalid.AccessListTooLarge,),
        "EXTRA_DATA_TOO_BIG": (invalid.ExtraDataTooLong, invalid.MalformedBlock),
        "GASLIMIT_TOO_BIG": GAS_LIMIT,
        "GAS_ALLOWANCE_EXCEEDED": (invalid.GasUsedAboveLimit,),
        "GAS_USED_OVERFLOW": (invalid.GasUsedAboveLimit, invalid.InvalidBlockTransaction),
        "IMPORT_IMPOSSIBLE_DIFFICULTY_OVER_PARIS": (invalid.WrongDifficulty,),
        "IMPORT_IMPOSSIBLE_LEGACY": SHAPE,
        "IMPORT_IMPOSSIBLE_LEGACY_WRONG_PARENT": SHAPE,
        "IMPORT_IMPOSSIBLE_LONDON_OVER_PARIS": (*SHAPE, invalid.WrongDifficulty),
        "IMPORT_IMPOSSIBLE_LONDON_WRONG_PARENT": SHAPE,
        "IMPORT_IMPOSSIBLE_PARIS_OVER_SHANGHAI": SHAPE,
        "IMPORT_IMPOSSIBLE_PARIS_WRONG_POS": (*SHAPE, invalid.WrongDifficulty),
        "IMPORT_IMPOSSIBLE_PARIS_WRONG_POW": (*SHAPE, invalid.WrongDifficulty),
        "IMPORT_IMPOSSIBLE_SHANGHAI": SHAPE,
        "IMPORT_IMPOSSIBLE_UNCLES_OVER_PARIS": OMMERS,
        "INCORRECT_BLOB_GAS_USED": (invalid.WrongBlobGasUsed, invalid.BlobGasAboveLimit),
        "INCORRECT_BLOCK_FORMAT": SHAPE,
        "INCORRECT_EXCESS_BLOB_GAS": (invalid.WrongExcessBlobGas,),
        "INVALID_BASEFEE_PER_GAS": (invalid.WrongBaseFee,),
        "INVALID_BLOCK_ACCESS_LIST": (invalid.WrongAccessListHash,),
        "INVALID_BLOCK_HASH": PARENT,
        "INVALID_BLOCK_NUMBER": (invalid.WrongNumber, invalid.MalformedBlock),
        "INVALID_BLOCK_TIMESTAMP_OLDER_THAN_PARENT": (invalid.TimestampTooEarly,),
        "INVALID_DEPOSIT_EVENT_LAYOUT": (invalid.WrongDeposit,),
        "INVALID_DIFFICULTY": (invalid.WrongDifficulty,),
        "INVALID_GASLIMIT": GAS_LIMIT,
        "INVALID_GAS_USED": (invalid.WrongGasUsed, invalid.GasUsedAboveLimit),
        "INVALID_GAS_USED_ABOVE_LIMIT": (invalid.GasUsedAboveLimit,),
        "INVALID_LOG_BLOOM": (invalid.WrongLogsBloom,),
        "INVALID_RECEIPTS_ROOT": (invalid.WrongReceiptsRoot,),
        "INVALID_REQUESTS": (invalid.WrongRequestsHash,),
        "INVALID_STATE_ROOT": (invalid.WrongStateRoot,),
        "INVALID_TRANSACTIONS_ROOT": (invalid.WrongTransactionsRoot,),
        "INVALID_UNCLES_HASH": OMMERS,
        "INVALID_VERSIONED_HASHES": (invalid.InvalidBlockTransaction,),
        "INVALID_WITHDRAWALS_ROOT": (invalid.WrongWithdrawalsRoot,),
        "RLP_BLOCK_LIMIT_EXCEEDED": (invalid.BlockTooLarge,),
        "RLP_INVALID_ADDRESS": MALFORMED,
        "RLP_INVALID_FIELD_OVERFLOW_64": MALFORMED,
        "RLP_STRUCTURES_ENCODING": SHAPE,
        "RLP_WITHDRAWALS_NOT_READ": SHAPE,
        "SYSTEM_CONTRACT_CALL_FAILED": (invalid.SystemContractFailed,),
        "SYSTEM_CONTRACT_EMPTY": (invalid.SystemContractMissing,),
        "TOO_MANY_UNCLES": OMMERS,
        "TYPE_3_TX_BLOB_COUNT_EXCEEDED": (invalid.BlobGasAboveLimit,),
        "TYPE_3_TX_MAX_BLOB_GAS_ALLOWANCE_EXCEEDED": (invalid.BlobGasAboveLimit,),
        "UNCLE_IN_CHAIN": OMMERS,
        "UNCLE_IS_ANCESTOR": OMMERS,
        "UNCLE_IS_BROTHER": OMMERS,
        "UNCLE_PARENT_INCORRECT": OMMERS,
        "UNCLE_UNKNOWN_PARENT": OMMERS,
        "UNKNOWN_PARENT": PARENT,
        "UNKNOWN_PARENT_ZERO": PARENT,
    }
)
"""Each name of execution-spec-tests with the leaves that say the same.

A header that is wrong in two ways may be refused for either, and numbers too wide for their field
never become a header. Where transactions use too much gas, the header's own figure may show it
before they do.
"""


def unknown_names(names: Iterable[str]) -> list[str]:
    """Return the names that stand for nothing known."""
    return [name for name in names if name not in BLOCK_REASONS and name not in STATE_REASONS]


def is_expected(error: InvalidBlock, names: Collection[str]) -> bool:
    """Whether a block was refused for one of the reasons that a test names."""
    if isinstance(error, InvalidBlockTransaction):
        reasons = [each for name in names for each in STATE_REASONS.get(name, ())]
        if isinstance(error.reason, tuple(reasons)):
            return True
    leaves = [each for name in names for each in BLOCK_REASONS.get(name, ())]
    return isinstance(error, tuple(leaves))
