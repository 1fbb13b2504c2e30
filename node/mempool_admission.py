"""Which transactions the pool takes: rules that look at one sender only."""

from node.mempool_errors import (
    BlobsNotPooled,
    DelegatedLimitReached,
    PooledTransactionTooLarge,
    ReplacementUnderpriced,
    SenderLimitReached,
)
from node.mempool_sender import SenderQueue
from node.mempool_types import MempoolLimits
from node.validation import PooledTransaction
from primitives.params import ChainParams
from primitives.transaction.errors import (
    BlockGasExceeded,
    InsufficientFunds,
    MaxFeeBelowBaseFee,
    NonceTooHigh,
    NonceTooLow,
)


def check_admission(
    transaction: PooledTransaction,
    queue: SenderQueue,
    delegates: bool,
    limits: MempoolLimits,
    params: ChainParams,
) -> None:
    """Check a transaction against its sender's account and pooled transactions.

    Args:
        transaction: not yet in the pool.
        queue: what the pool holds of its sender; may be empty.
        delegates: whether the sender delegates, or may do so soon.
        limits: the pool's policy.
        params: the chain's rules.

    Raises:
        InvalidTransaction: its leaf says which rule is broken.
    """
    if transaction.blob_gas:
        raise BlobsNotPooled("transaction", "a transaction without blobs", "a blob transaction")
    nonce = transaction.nonce
    if nonce < queue.next_nonce:
        raise NonceTooLow("transaction.nonce", f"at least {queue.next_nonce}", nonce)
    if transaction.gas_limit > params.gas_limit:
        raise BlockGasExceeded(
            "transaction.gas_limit", f"at most {params.gas_limit}", transaction.gas_limit
        )
    if len(transaction.raw) > limits.transaction_bytes:
        expected = f"at most {limits.transaction_bytes} bytes"
        raise PooledTransactionTooLarge("mempool", expected, len(transaction.raw))
    if params.base_fee_rule == "fixed" and transaction.max_fee_per_gas < params.base_fee_initial:
        expected = f"at least {params.base_fee_initial}, the fee of every block"
        raise MaxFeeBelowBaseFee(
            "transaction.max_fee_per_gas", expected, transaction.max_fee_per_gas
        )
    old = queue.entries.get(nonce)
    if old is not None:
        _check_bump(transaction, old.transaction, limits.price_bump_percent)
    elif delegates and (queue.entries or nonce != queue.next_nonce):
        raise DelegatedLimitReached(
            "mempool", "one transaction at a time of an account that delegates", f"nonce {nonce}"
        )
    elif nonce >= queue.next_nonce + limits.per_sender:
        _refuse_beyond_window(nonce, queue, limits.per_sender)
    freed = 0 if old is None else old.transaction.cost_max
    cost = queue.cost_max - freed + transaction.cost_max
    if cost > queue.balance:
        expected = f"a balance of {cost} wei for what the pool holds of the sender"
        raise InsufficientFunds("mempool", expected, f"{queue.balance} wei")


def _refuse_beyond_window(nonce: int, queue: SenderQueue, per_sender: int) -> None:
    """Raise for a nonce that is `per_sender` or more ahead of the account.

    Nonces inside this window also bound how many transactions of the sender there can be.
    """
    if nonce == queue.pending_end:
        expected = f"at most {per_sender} transactions of one sender"
        raise SenderLimitReached("mempool", expected, queue.pending + 1)
    raise NonceTooHigh("mempool", f"a nonce below {queue.next_nonce + per_sender}", nonce)


def _check_bump(new: PooledTransaction, old: PooledTransaction, percent: int) -> None:
    """Raise unless both fee fields rise by the required percentage.

    Were one field enough, a sender could have nodes relay endless versions of a transaction
    while what it pays stays the same.
    """
    for name, offered, current in (
        ("max_fee_per_gas", new.max_fee_per_gas, old.max_fee_per_gas),
        (
            "max_priority_fee_per_gas",
            new.max_priority_fee_per_gas,
            old.max_priority_fee_per_gas,
        ),
    ):
        required = max(current + 1, -(-current * (100 + percent) // 100))
        if offered < required:
            raise ReplacementUnderpriced(
                f"transaction.{name}", f"at least {required} wei to replace", offered
            )
