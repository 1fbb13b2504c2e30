"""What a block should contain: best tip first, each sender's transactions in order of nonce."""

from collections.abc import Callable, Mapping
from heapq import heapify, heappop, heapreplace

from consensus.batching.policy import BatchLimits
from node.mempool_sender import SenderQueue
from node.validation import PooledTransaction
from primitives.ids import Address
from storage.account import ABSENT, Account


def select_transactions(
    queues: Mapping[Address, SenderQueue],
    account_of: Callable[[Address], Account | None] | None,
    base_fee: int,
    gas_limit: int,
    limits: BatchLimits,
) -> list[PooledTransaction]:
    """Choose from pending transactions.

    Args:
        queues: by sender.
        account_of: returns accounts of the state that the block is built on; None if that is the
            state of the queues.
        base_fee: of that block, in wei per gas.
        gas_limit: of that block.
        limits: of what to return. The first transaction may exceed its bytes and gas: it
            would never be chosen otherwise.

    Returns:
        Transactions whose gas fits, counting for each the least that it can use. Ties in
        the tip go to what was admitted first.
    """
    heads: list[tuple[int, int, Address, int]] = []
    for sender, queue in queues.items():
        nonce = queue.next_nonce if account_of is None else (account_of(sender) or ABSENT).nonce
        head = _choice(queue, sender, nonce, base_fee)
        if head is not None:
            heads.append(head)
    heapify(heads)
    chosen: list[PooledTransaction] = []
    bytes_left, gas_left = limits.byte_count, limits.gas
    while heads and len(chosen) < limits.count:
        _, _, sender, nonce = heads[0]
        queue = queues[sender]
        transaction = queue.entries[nonce].transaction
        size = len(transaction.raw)
        is_over = size > bytes_left or transaction.gas_limit > gas_left
        if transaction.gas_limit > gas_limit or (is_over and chosen):
            heappop(heads)
            continue
        chosen.append(transaction)
        gas_limit -= transaction.gas_minimum
        gas_left -= transaction.gas_minimum
        bytes_left -= size
        following = _choice(queue, sender, nonce + 1, base_fee)
        if following is None:
            heappop(heads)
        else:
            heapreplace(heads, following)
    return chosen


def _choice(
    queue: SenderQueue, sender: Address, nonce: int, base_fee: int
) -> tuple[int, int, Address, int] | None:
    """Return a sender's next transaction for selection, best first; None when it has none."""
    if not queue.next_nonce <= nonce < queue.pending_end:
        return None
    entry = queue.entries[nonce]
    tip = entry.transaction.effective_tip(base_fee)
    return None if tip < 0 else (-tip, entry.order, sender, nonce)
