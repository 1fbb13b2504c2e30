"""Why a node did not take a transaction, in words that all nodes share.

The standard fixes the codes of JSON-RPC itself, not those of a refused transaction: each client
has its own words for it. These patterns know those of Orrery, go-ethereum, Nethermind, Besu,
Erigon, reth, anvil and hardhat.
"""

import re
from enum import StrEnum
from http import HTTPStatus

from sim.load.errors import HttpFailed, NodeUnreachable, RequestTimedOut, RpcError, RpcRefusal


class ErrorKind(StrEnum):
    """What kept a transaction from being taken."""

    UNDERPRICED = "underpriced"
    """It offers less than the chain or the pool asks for."""
    NONCE_TOO_LOW = "nonce too low"
    NONCE_GAP = "nonce gap"
    NONCE_TAKEN = "nonce taken"
    """Another transaction has its nonce: somebody else sends from this account."""
    POOL_FULL = "pool full"
    """No room, for anybody or for this sender."""
    INSUFFICIENT_FUNDS = "insufficient funds"
    ALREADY_KNOWN = "already known"
    """The node has this very transaction: no failure."""
    RATE_LIMITED = "rate limited"
    """The node, or what stands before it, wants fewer requests."""
    HTTP = "http error"
    """A status that says that something before the node has failed; it may have been passed on."""
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    OTHER = "other"


_PATTERNS: tuple[tuple[ErrorKind, str], ...] = (
    (ErrorKind.ALREADY_KNOWN, r"already[ _]?(known|imported|exists|in)|known transaction"),
    (
        ErrorKind.NONCE_TOO_LOW,
        r"nonce[ _]?(is )?too[ _]low|old ?nonce|nonce.*(lower|below|already)",
    ),
    (ErrorKind.NONCE_GAP, r"nonce[ _]?(is )?too[ _]high|nonce.*(gap|higher|distant|future)|gapped"),
    (ErrorKind.NONCE_TAKEN, r"replac"),
    (
        ErrorKind.INSUFFICIENT_FUNDS,
        r"insufficient ?(funds|balance)|upfront|account balance|doesn't have enough funds",
    ),
    (
        ErrorKind.UNDERPRICED,
        r"underpriced|fee[ _]?cap|max ?fee|base ?fee|fee ?too ?low|gas ?price|\btip\b|priority",
    ),
    (
        ErrorKind.RATE_LIMITED,
        r"rate[ -]?(limit|exceeded)|request (rate|limit|count)|too many requests|per second",
    ),
    (ErrorKind.OTHER, r"gas[ _]limit|gas too high"),
    (ErrorKind.POOL_FULL, r"full|limit|exceed|too many|overflow|busy"),
)
"""In this order: the first that fits."""


def refusal_kind(message: str) -> ErrorKind:
    """Return the kind of a refusal by the node's words."""
    words = message.lower()
    for kind, pattern in _PATTERNS:
        if re.search(pattern, words):
            return kind
    return ErrorKind.OTHER


def error_kind(error: BaseException) -> ErrorKind:
    """Return the kind of a failed request."""
    match error:
        case RpcRefusal(code=HTTPStatus.TOO_MANY_REQUESTS):
            return ErrorKind.RATE_LIMITED
        case HttpFailed(status=HTTPStatus.TOO_MANY_REQUESTS):
            return ErrorKind.RATE_LIMITED
        case RpcRefusal():
            return refusal_kind(error.message)
        case HttpFailed():
            return ErrorKind.HTTP
        case RequestTimedOut():
            return ErrorKind.TIMEOUT
        case NodeUnreachable():
            return ErrorKind.CONNECTION
        case _:
            return ErrorKind.OTHER


def leaves_open(error: RpcError) -> bool:
    """Tell whether a node may have taken a transaction all the same: its own answer is not known.

    A proxy that wants fewer requests has not passed this one on.
    """
    return not isinstance(error, RpcRefusal) and error_kind(error) is not ErrorKind.RATE_LIMITED
