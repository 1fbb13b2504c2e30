"""eth_sendRawTransaction, and what a refused sender is told.

Wallets and libraries look for go-ethereum's words in the message of an error, so these are used
wherever it has the same reason for refusing. The code is -32000 for all of them, as there.

Reference: go-ethereum core/txpool/errors.go, core/txpool/validation.go, core/error.go.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from node.rpc.arguments import data, required
from node.rpc.backend import Backend, SubmitOutcome
from node.rpc.errors import RpcError, server_error
from node.rpc.hexes import data_hex
from node.rpc.methods import Method, Parameters, UnderWay
from node.validation import PooledTransaction, check_transaction
from primitives.errors import InvalidEncoding
from primitives.ids import Address
from primitives.transaction import InvalidTransaction, Transaction, decode_transaction
from storage.account import ABSENT

PLAIN: Mapping[str, str] = MappingProxyType(
    {
        "already_known": "already known",
        "replacement_underpriced": "replacement transaction underpriced",
        "pool_full": "txpool is full",
        "queue_full": "txpool is full",
        "intake_full": "txpool is full: too many transactions wait to be checked",
        "sender_limit_reached": "account limit exceeded",
        "delegated_limit": "in-flight transaction limit reached for delegated accounts",
        "authority_reserved": "authority already reserved",
        "blobs_not_pooled": "missing sidecar in blob transaction: this node pools no blobs",
        "blob_wrapper": "transaction type not supported: this node pools no blobs",
        "type_not_supported": "transaction type not supported",
        "nonce_overflow": "nonce has max value",
        "block_gas_exceeded": "exceeds block gas limit",
        "invalid_signature": "invalid sender",
        "no_blobs": "blobless blob transaction",
        "no_authorizations": "EIP-7702 transaction with empty auth list",
        "creation_refused": "transaction type cannot be used to create a contract",
        "sender_has_code": "sender not an eoa",
    }
)
"""Whole messages, by the code of the error."""


class TransactionMethods:
    """Methods that send transactions."""

    def methods(self) -> tuple[Method, ...]:
        """Return them."""
        return (Method("eth_sendRawTransaction", self.send, 1, cost=3, overlaps=True),)

    def send(self, backend: Backend, parameters: Parameters) -> UnderWay:
        """eth_sendRawTransaction."""
        raw = required(parameters, 0, data)

        def told(outcome: SubmitOutcome) -> str:
            if outcome.refusal:
                raise refusal(backend, outcome.refusal, raw)
            return "0x" + outcome.hash.hex()

        return UnderWay(backend.submit(raw), told)


def refusal(backend: Backend, code: str, raw: bytes) -> RpcError:
    """Return the error for a transaction that the node has refused.

    Args:
        backend: the node.
        code: of the error.
        raw: what was refused.
    """
    explain = EXPLAINED.get(code)
    if explain is None:
        return server_error(PLAIN.get(code) or _unknown(backend, code, raw))
    try:
        return server_error(explain(backend, raw))
    except (InvalidTransaction, InvalidEncoding) as error:
        return server_error(str(error))


def _unknown(backend: Backend, code: str, raw: bytes) -> str:
    """Return the node's own words for a reason that go-ethereum does not have."""
    try:
        check_transaction(raw, backend.environment.genesis.params)
    except (InvalidTransaction, InvalidEncoding) as error:
        return f"{code.replace('_', ' ')}: {error}"
    return code.replace("_", " ")


def _checked(backend: Backend, raw: bytes) -> PooledTransaction:
    return check_transaction(raw, backend.node.pool.rules)


def _nonce(backend: Backend, sender: Address) -> int:
    return (backend.node.ledger.tip.state.account(sender) or ABSENT).nonce


def _nonce_too_low(backend: Backend, raw: bytes) -> str:
    found = _checked(backend, raw)
    expected = _nonce(backend, found.sender)
    return f"nonce too low: next nonce {expected}, tx nonce {found.nonce}"


def _nonce_too_high(backend: Backend, raw: bytes) -> str:
    found = _checked(backend, raw)
    expected = _nonce(backend, found.sender)
    return f"nonce too high: next nonce {expected}, tx nonce {found.nonce}"


def _insufficient_funds(backend: Backend, raw: bytes) -> str:
    found = _checked(backend, raw)
    balance = (backend.node.ledger.tip.state.account(found.sender) or ABSENT).balance
    queue = backend.node.pool.queue(found.sender)
    queued = 0 if queue is None else queue.cost_max
    cost = found.cost_max
    parts = f"balance {balance}, tx cost {cost}, overshot {cost - balance}"
    if cost <= balance:
        over = queued + cost - balance
        parts = f"balance {balance}, queued cost {queued}, tx cost {cost}, overshot {over}"
    return f"insufficient funds for gas * price + value: {parts}"


def _underpriced(backend: Backend, raw: bytes) -> str:
    found = decode_transaction(raw)
    needed = backend.environment.genesis.params.base_fee_initial
    cap = found.max_fee_per_gas
    return f"transaction underpriced: gas fee cap {cap}, minimum needed {needed}"


def _tip_above_cap(backend: Backend, raw: bytes) -> str:
    found = decode_transaction(raw)
    tip, cap = found.max_priority_fee_per_gas, found.max_fee_per_gas
    return (
        "max priority fee per gas higher than max fee per gas: "
        f"maxPriorityFeePerGas: {tip}, maxFeePerGas: {cap}"
    )


def _wrong_chain(backend: Backend, raw: bytes) -> str:
    have, want = decode_transaction(raw).chain_id, backend.environment.genesis.params.chain_id
    return f"invalid sender: invalid chain id for signer: have {have} want {want}"


def _gas_too_low(backend: Backend, raw: bytes) -> str:
    error = _first_error(backend, raw)
    needed = "" if error is None else error.expected.removeprefix("at least ")
    return f"intrinsic gas too low: gas {_gas(raw)}, minimum needed {needed}"


def _gas_above_cap(backend: Backend, raw: bytes) -> str:
    cap = backend.environment.genesis.params.max_transaction_gas
    return f"transaction gas limit too high (cap: {cap}, tx: {_gas(raw)})"


def _too_large(backend: Backend, raw: bytes) -> str:
    limit = backend.config.mempool.transaction_bytes
    return f"oversized data: transaction size {len(raw)}, limit {limit}"


def _initcode_too_large(backend: Backend, raw: bytes) -> str:
    size = len(decode_transaction(raw).data)
    return f"max initcode size exceeded: code size {size}, limit 49152"


def _malformed(backend: Backend, raw: bytes) -> str:
    error = _first_error(backend, raw)
    reason = "" if error is None else f": {error.where}: expected {error.expected}"
    return f"rlp: not a canonical transaction{reason}, got {data_hex(raw[:8])}..."


def _first_error(backend: Backend, raw: bytes) -> InvalidTransaction | InvalidEncoding | None:
    try:
        check_transaction(raw, backend.node.pool.rules)
    except (InvalidTransaction, InvalidEncoding) as error:
        return error
    return None


def _gas(raw: bytes) -> int:
    transaction: Transaction = decode_transaction(raw)
    return transaction.gas_limit


EXPLAINED: Mapping[str, Callable[[Backend, bytes], str]] = MappingProxyType(
    {
        "nonce_too_low": _nonce_too_low,
        "nonce_too_high": _nonce_too_high,
        "insufficient_funds": _insufficient_funds,
        "max_fee_below_base_fee": _underpriced,
        "priority_fee_above_max_fee": _tip_above_cap,
        "wrong_chain_id": _wrong_chain,
        "intrinsic_gas_too_low": _gas_too_low,
        "gas_limit_above_cap": _gas_above_cap,
        "too_large": _too_large,
        "too_large_for_pool": _too_large,
        "initcode_too_large": _initcode_too_large,
        "malformed": _malformed,
    }
)
"""Messages with numbers, by the code of the error."""
