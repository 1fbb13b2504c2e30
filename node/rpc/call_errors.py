"""Why a call has failed, in go-ethereum's words: libraries match them.

Reference: go-ethereum core/vm/errors.go, core/error.go, accounts/abi/abi.go (UnpackRevert);
Solidity's documentation, "Panic via assert and Error via require".
"""

from collections.abc import Mapping
from types import MappingProxyType

from node.rpc.errors import RpcError, execution_reverted, server_error
from node.rpc.hexes import data_hex
from primitives.errors import InvalidEncoding
from primitives.transaction import InvalidTransaction, Transaction
from primitives.transaction.errors import (
    InsufficientFunds,
    IntrinsicGasTooLow,
    MaxFeeBelowBaseFee,
    MaxFeeBelowBlobBaseFee,
)

REVERTED = "execution reverted"

HALTS: Mapping[str, str] = MappingProxyType(
    {
        "OutOfGas": "out of gas",
        "StackUnderflow": "stack underflow",
        "StackOverflow": "stack limit reached 1024",
        "InvalidOpcode": "invalid opcode",
        "InvalidJump": "invalid jump destination",
        "WriteInStaticContext": "write protection",
        "ReturnDataOutOfBounds": "return data out of bounds",
        "InitcodeTooLarge": "max initcode size exceeded",
        "CodeTooLarge": "max code size exceeded",
        "InvalidCodePrefix": "invalid code: must not begin with 0xef",
        "AddressCollision": "contract address collision",
        "PrecompileFailure": "precompiled contract failed",
    }
)
"""By the class in `contracts.halts`."""

PANICS: Mapping[int, str] = MappingProxyType(
    {
        0x00: "generic panic",
        0x01: "assert(false)",
        0x11: "arithmetic underflow or overflow",
        0x12: "division or modulo by zero",
        0x21: "enum overflow",
        0x22: "invalid encoded storage byte array accessed",
        0x31: "out-of-bounds array access; popping on an empty array",
        0x32: "out-of-bounds access of an array or bytesN",
        0x41: "out of memory",
        0x51: "uninitialized function",
    }
)
"""By Solidity's panic code."""

ERROR_SELECTOR = bytes.fromhex("08c379a0")
"""Of Error(string)."""
PANIC_SELECTOR = bytes.fromhex("4e487b71")
"""Of Panic(uint256)."""
WORD = 32


def halt_text(failure: str) -> str:
    """Return what an exceptional halt is called.

    Args:
        failure: name of its class.
    """
    return HALTS.get(failure, failure)


def reverted(output: bytes) -> RpcError:
    """Return the error for a call that reverted with some output."""
    reason = revert_reason(output)
    message = REVERTED if reason is None else f"{REVERTED}: {reason}"
    return execution_reverted(message, output)


def failed(failure: str | None, output: bytes) -> RpcError:
    """Return the error for a call that failed.

    Args:
        failure: name of the halt; None if it reverted.
        output: what it returned.
    """
    return reverted(output) if failure is None else server_error(halt_text(failure))


def revert_reason(output: bytes) -> str | None:
    """Return the reason that Solidity's `require`, `revert` or a panic gives; None for any other.

    Args:
        output: what a call reverted with.
    """
    selector, body = output[:4], output[4:]
    if selector == PANIC_SELECTOR and len(body) >= WORD:
        code = int.from_bytes(body[:WORD], "big")
        return PANICS.get(code, f"unknown panic code: {code:#x}")
    if selector != ERROR_SELECTOR or len(body) < 2 * WORD:
        return None
    start = int.from_bytes(body[:WORD], "big")
    if start > len(body) - WORD:
        return None
    size = int.from_bytes(body[start : start + WORD], "big")
    text = body[start + WORD : start + WORD + size]
    if len(text) != size:
        return None
    return text.decode("utf-8", "replace")


def refused(error: InvalidTransaction | InvalidEncoding, transaction: Transaction) -> RpcError:
    """Return the error for a call that could not even begin.

    Args:
        error: why.
        transaction: that was to be executed.
    """
    return server_error(f"err: {_reason(error)} (supplied gas {transaction.gas_limit})")


def insufficient_funds(sender: bytes, have: int, want: int) -> str:
    """Return the words for a balance that does not pay for a call, in wei."""
    return (
        "insufficient funds for gas * price + value: "
        f"address {data_hex(sender)} have {have} want {want}"
    )


def _reason(error: InvalidTransaction | InvalidEncoding) -> str:
    found, expected = error.actual, error.expected
    if isinstance(error, IntrinsicGasTooLow):
        return f"intrinsic gas too low: have {found}, want {expected.removeprefix('at least ')}"
    if isinstance(error, MaxFeeBelowBaseFee):
        base = expected.removeprefix("at least ")
        return f"max fee per gas less than block base fee: maxFeePerGas: {found}, baseFee: {base}"
    if isinstance(error, MaxFeeBelowBlobBaseFee):
        base = expected.removeprefix("at least ")
        return f"max fee per blob gas less than block blob base fee: {found}, need {base}"
    if isinstance(error, InsufficientFunds):
        return f"insufficient funds for gas * price + value: want {expected}"
    return str(error)
