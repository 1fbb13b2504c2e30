"""What public vectors call the reasons for which a transaction is refused."""

from collections.abc import Mapping
from types import MappingProxyType

from primitives.fork import Fork
from primitives.ids import Address
from primitives.transaction import (
    IntrinsicGas,
    InvalidTransaction,
    Transaction,
    check_static,
    decode_transaction,
    errors,
    recover_sender,
)
from primitives.transaction.decode import FIRST_FORK

MAINNET = 1

Reasons = tuple[type[InvalidTransaction], ...]

MALFORMED: Reasons = (errors.MalformedTransaction,)
SIGNATURE: Reasons = (errors.InvalidSignature,)
ACCESS_LIST: Reasons = (errors.InvalidAccessList,)
FEE: Reasons = (errors.FeeOverflow,)
TIP: Reasons = (errors.PriorityFeeAboveMaxFee,)
TYPE: Reasons = (errors.UnsupportedType,)
GAS: Reasons = (errors.IntrinsicGasTooLow,)

REASONS: Mapping[str, Reasons] = MappingProxyType(
    {
        "ADDRESS_TOO_LONG": (errors.InvalidRecipient,),
        "ADDRESS_TOO_SHORT": (errors.InvalidRecipient,),
        "EC_RECOVERY_FAIL": SIGNATURE,
        "GASLIMIT_OVERFLOW": (errors.GasLimitOverflow, errors.MalformedTransaction),
        "GASLIMIT_PRICE_PRODUCT_OVERFLOW": (errors.CostOverflow,),
        "GASPRICE_OVERFLOW": FEE,
        "GAS_LIMIT_EXCEEDS_MAXIMUM": (errors.GasLimitAboveCap,),
        "INITCODE_SIZE_EXCEEDED": (errors.InitcodeTooLarge,),
        "INTRINSIC_GAS_BELOW_FLOOR_GAS_COST": GAS,
        "INTRINSIC_GAS_TOO_LOW": GAS,
        "INVALID_CHAINID": (errors.WrongChainId, errors.InvalidSignature),
        "INVALID_SIGNATURE_VRS": SIGNATURE,
        "NONCE_IS_MAX": (errors.NonceOverflow,),
        "NONCE_OVERFLOW": (errors.NonceOverflow,),
        "NONCE_TOO_BIG": (errors.NonceOverflow,),
        "PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS": TIP,
        "PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS_2": TIP,
        "PRIORITY_OVERFLOW": FEE,
        "RLP_ERROR_EOF": MALFORMED,
        "RLP_ERROR_SIZE": MALFORMED,
        "RLP_ERROR_SIZE_LEADING_ZEROS": MALFORMED,
        "RLP_INVALID_ACCESS_LIST_ADDRESS_TOO_LONG": ACCESS_LIST,
        "RLP_INVALID_ACCESS_LIST_ADDRESS_TOO_SHORT": ACCESS_LIST,
        "RLP_INVALID_ACCESS_LIST_STORAGE_TOO_LONG": ACCESS_LIST,
        "RLP_INVALID_ACCESS_LIST_STORAGE_TOO_SHORT": ACCESS_LIST,
        "RLP_INVALID_DATA": MALFORMED,
        "RLP_INVALID_GASLIMIT": MALFORMED,
        "RLP_INVALID_HEADER": MALFORMED,
        "RLP_INVALID_NONCE": MALFORMED,
        "RLP_INVALID_SIGNATURE_R": MALFORMED,
        "RLP_INVALID_SIGNATURE_S": MALFORMED,
        "RLP_INVALID_TO": MALFORMED,
        "RLP_INVALID_VALUE": (errors.MalformedTransaction, errors.ValueOverflow),
        "RLP_LEADING_ZEROS_BASEFEE": MALFORMED,
        "RLP_LEADING_ZEROS_DATA_SIZE": MALFORMED,
        "RLP_LEADING_ZEROS_GASLIMIT": MALFORMED,
        "RLP_LEADING_ZEROS_GASPRICE": MALFORMED,
        "RLP_LEADING_ZEROS_NONCE": MALFORMED,
        "RLP_LEADING_ZEROS_NONCE_SIZE": MALFORMED,
        "RLP_LEADING_ZEROS_PRIORITY_FEE": MALFORMED,
        "RLP_LEADING_ZEROS_R": MALFORMED,
        "RLP_LEADING_ZEROS_S": MALFORMED,
        "RLP_LEADING_ZEROS_V": MALFORMED,
        "RLP_LEADING_ZEROS_VALUE": MALFORMED,
        "RLP_TOO_FEW_ELEMENTS": MALFORMED,
        "RLP_TOO_MANY_ELEMENTS": MALFORMED,
        "TYPE_1_TX_PRE_FORK": TYPE,
        "TYPE_2_TX_PRE_FORK": TYPE,
        "TYPE_3_TX_BLOB_COUNT_EXCEEDED": (errors.TooManyBlobs,),
        "TYPE_3_TX_CONTRACT_CREATION": (errors.CreationRefused,),
        "TYPE_3_TX_INVALID_BLOB_VERSIONED_HASH": (errors.InvalidBlobHash,),
        "TYPE_3_TX_PRE_FORK": TYPE,
        "TYPE_3_TX_WITH_FULL_BLOBS": (errors.BlobWrapperRefused,),
        "TYPE_3_TX_ZERO_BLOBS": (errors.NoBlobs,),
        "TYPE_3_TX_ZERO_BLOBS_PRE_FORK": TYPE,
        "TYPE_4_EMPTY_AUTHORIZATION_LIST": (errors.NoAuthorizations,),
        "TYPE_4_INVALID_AUTHORITY_SIGNATURE": (errors.InvalidAuthorization,),
        "TYPE_4_INVALID_AUTHORITY_SIGNATURE_S_TOO_HIGH": (errors.InvalidAuthorization,),
        "TYPE_4_INVALID_AUTHORIZATION_FORMAT": (
            errors.InvalidAuthorization,
            errors.MalformedTransaction,
        ),
        "TYPE_4_TX_CONTRACT_CREATION": (errors.CreationRefused,),
        "TYPE_4_TX_PRE_FORK": TYPE,
        "TYPE_NOT_SUPPORTED": (errors.UnsupportedType, errors.MalformedTransaction),
        "VALUE_OVERFLOW": (errors.ValueOverflow,),
    }
)
"""Each name with the errors that say the same.

Where a vector breaks two rules we may name the other one: a v of 2 is no signature before it is
a wrong chain id, and a number too wide may have leading zeros besides.
"""

NEED_STATE = frozenset(
    {
        "GAS_ALLOWANCE_EXCEEDED",
        "INSUFFICIENT_ACCOUNT_FUNDS",
        "INSUFFICIENT_MAX_FEE_PER_BLOB_GAS",
        "INSUFFICIENT_MAX_FEE_PER_GAS",
        "NONCE_MISMATCH_TOO_HIGH",
        "NONCE_MISMATCH_TOO_LOW",
        "SENDER_NOT_EOA",
        "TYPE_3_TX_MAX_BLOB_GAS_ALLOWANCE_EXCEEDED",
    }
)
"""Reasons that only state or the block's header can give: not decided here."""

OF_THE_BLOCK = frozenset({"TYPE_3_TX_BLOB_COUNT_EXCEEDED"})
"""Those that come from the block before Osaka, and from the transaction alone since (EIP-7594)."""


class Accepted(tuple[Transaction, IntrinsicGas, Address]):
    """A valid transaction, its intrinsic gas, its sender."""

    __slots__ = ()


def judge(raw: bytes, fork: Fork, chain_id: int = MAINNET) -> Accepted | InvalidTransaction:
    """Take a transaction through all checks that need no state, as a node does."""
    try:
        tx = decode_transaction(raw, fork)
        sender = recover_sender(tx, raw, fork)
        return Accepted((tx, check_static(tx, chain_id, fork), sender))
    except InvalidTransaction as error:
        return error


def wrong_reason(
    named: str, outcome: Accepted | InvalidTransaction, raw: bytes, fork: Fork
) -> str | None:
    """Say what is wrong with an outcome, given the reasons that a vector names (A|B|...).

    A type that comes with a later fork may always be refused for that: the vectors' own client
    reads its payload first and names what it finds there, we do not read it.
    """
    names = [name.removeprefix("TransactionException.") for name in named.split("|")]
    unknown = [name for name in names if name not in REASONS and name not in NEED_STATE]
    if unknown:
        return f"unknown reason {unknown}"
    if isinstance(outcome, Accepted):
        needs_state = NEED_STATE if fork >= Fork.OSAKA else NEED_STATE | OF_THE_BLOCK
        return None if any(name in needs_state for name in names) else f"accepted, not {names}"
    if any(isinstance(outcome, REASONS.get(name, ())) for name in names):
        return None
    if isinstance(outcome, errors.UnsupportedType) and is_later_type(raw, fork):
        return None
    return f"{type(outcome).__name__} ({outcome}) instead of {names}"


def is_later_type(raw: bytes, fork: Fork) -> bool:
    return raw[0] < len(FIRST_FORK) and fork < FIRST_FORK[raw[0]]
