"""Refusals in the words of several clients."""

import pytest

from sim.load.errors import (
    HttpFailed,
    NodeUnreachable,
    RequestTimedOut,
    RpcRefusal,
    UnusableAnswer,
)
from sim.load.kinds import ErrorKind, error_kind, refusal_kind

WORDS = {
    ErrorKind.ALREADY_KNOWN: [
        "already known",
        "AlreadyKnown",
        "Known transaction",
        "transaction already imported",
        "known transaction: 0xab",
    ],
    ErrorKind.NONCE_TOO_LOW: [
        "nonce too low: next nonce 4, tx nonce 3",
        "nonce too low",
        "OldNonce, Current nonce: 4, nonce of rejected tx: 3",
        "Nonce too low. Expected nonce to be 4 but got 3.",
        "transaction nonce is too low",
    ],
    ErrorKind.NONCE_GAP: [
        "nonce too high: next nonce 4, tx nonce 9",
        "Nonce too high. Expected nonce to be 4 but got 9.",
        "Transaction nonce is too distant from current sender nonce",
        "transaction nonce is not consistent with next nonces: gapped-nonce tx",
    ],
    ErrorKind.NONCE_TAKEN: [
        "replacement transaction underpriced",
        "Replacement transaction underpriced. A gasPrice/maxFeePerGas of at least 11 is necessary",
        "ReplacementNotAllowed",
        "could not replace existing tx",
    ],
    ErrorKind.RATE_LIMITED: [
        "project ID request rate exceeded",
        "15/second request limit reached",
        "daily request count exceeded, request rate limited",
        "Your app has exceeded its compute units per second capacity",
        "Too Many Requests",
    ],
    ErrorKind.UNDERPRICED: [
        "transaction underpriced",
        "max fee per gas less than block base fee: address 0x00, maxFeePerGas: 1, baseFee: 7",
        "FeeTooLow, MaxFeePerGas too low",
        "Gas price below configured minimum gas price",
        "transaction gas price below minimum: gas tip cap 0, minimum needed 1",
        "Transaction maxFeePerGas (1) is too low for the next block, which has a baseFeePerGas",
    ],
    ErrorKind.POOL_FULL: [
        "txpool is full",
        "txpool is full: too many transactions wait to be checked",
        "account limit exceeded",
        "in-flight transaction limit reached for delegated accounts",
        "Transaction pool is full",
    ],
    ErrorKind.INSUFFICIENT_FUNDS: [
        "insufficient funds for gas * price + value: balance 0, tx cost 1",
        "InsufficientFunds, Balance is zero, cannot pay gas",
        "Upfront cost exceeds account balance",
        "Sender doesn't have enough funds to send tx. The max upfront cost is: 1",
    ],
    ErrorKind.OTHER: [
        "exceeds block gas limit",
        "intrinsic gas too high -- tx.gas_limit > env.block.gas_limit",
        "Transaction gas limit is 1000000000 and exceeds transaction gas cap of 16777216",
        "invalid sender",
        "intrinsic gas too low",
        "",
    ],
}


@pytest.mark.parametrize(
    ("kind", "message"), [(kind, each) for kind, messages in WORDS.items() for each in messages]
)
def test_each_client_has_its_own_words(kind: ErrorKind, message: str) -> None:
    assert refusal_kind(message) is kind


def test_requests_without_an_answer_have_their_kinds() -> None:
    assert error_kind(RequestTimedOut("url", 1.0)) is ErrorKind.TIMEOUT
    assert error_kind(NodeUnreachable("url", "gone")) is ErrorKind.CONNECTION
    assert error_kind(UnusableAnswer("url", "html")) is ErrorKind.OTHER
    assert error_kind(RpcRefusal("url", -32000, "txpool is full")) is ErrorKind.POOL_FULL
    assert error_kind(RpcRefusal("url", 429, "slow down")) is ErrorKind.RATE_LIMITED
    assert error_kind(HttpFailed("url", 429, "html")) is ErrorKind.RATE_LIMITED
    assert error_kind(HttpFailed("url", 502, "html")) is ErrorKind.HTTP
