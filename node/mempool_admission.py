"""Which transactions the pool takes: rules that look at one sender only."""

from node.mempool_errors import (
    PooledTransactionTooLarge,
    ReplacementUnderpriced,
    SenderLimitReached,
)
from node.mempool_sender import SenderQueue
from node.mempool_types import MempoolLimits
from node.validation import PooledTransaction
from primitives.transaction.errors import (
    BlockGasExceeded,
    InsufficientFunds,
    NonceTooHigh,
    NonceTooLow,
)


def check_admission(
    transaction: PooledTransaction, queue: SenderQueue, limits: MempoolLimits, gas_limit: int
) -> None:
    """Check a transaction against its sender's account and pooled transactions.

    Args:
        transaction: not yet in the pool.
        queue: what the pool holds of its sender; may be empty.
        limits: the pool's policy.
        gas_limit: of a block.

    Raises:
        InvalidTransaction: its leaf says which rule is broken.
    """
    nonce = transaction.nonce
    if nonce < queue.next_nonce:
        raise NonceTooLow("transaction.nonce", f"at least {queue.next_nonce}", nonce)
    if transaction.gas_limit > gas_limit:
        raise BlockGasExceeded(
            "transaction.gas_limit", f"at most {gas_limit}", transaction.gas_limit
        )
    if len(transaction.raw) > limits.transaction_bytes:
        expected = f"at most {limits.transaction_bytes} bytes"
        raise PooledTransactionTooLarge("mempool", expected, len(transaction.raw))
    old = queue.entries.get(nonce)
    if old is not None:
        _check_bump(transaction, old.transaction, limits.price_bump_percent)
    elif nonce >= queue.next_nonce + limits.per_sender:
        expected = f"a nonce below {queue.next_nonce + limits.per_sender}"
        raise NonceTooHigh("mempool", expected, nonce)
    elif len(queue.entries) >= limits.per_sender:
        expected = f"at most {limits.per_sender} transactions of one sender"
        raise SenderLimitReached("mempool", expected, len(queue.entries) + 1)
    freed = 0 if old is None else old.transaction.cost_max
    cost = queue.cost_max - freed + transaction.cost_max
    if cost > queue.balance:
        expected = f"a balance of {cost} wei for what the pool holds of the sender"
        raise InsufficientFunds("mempool", expected, f"{queue.balance} wei")


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
