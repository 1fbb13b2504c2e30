"""Accounts whose authorization waits in the pool.

Once it is included, their account delegates (EIP-7702), and any call may empty it or use up its
nonces. Were the pool to hold many transactions of such an account, one cheap inclusion would
make all of them void, and they could be sent again, and relayed again, for nothing. So from the
moment that the authorization waits, the account counts as if it delegated.

Several transactions may carry authorizations of one account: whoever copies one out of a pooled
transaction must not be able to keep that one out.

Reference: EIP-7702, transaction propagation; go-ethereum, `legacypool`, has the same limits.
"""

from collections.abc import Mapping

from node.mempool_errors import AuthorityReserved
from node.mempool_sender import SenderQueue
from node.validation import PooledTransaction
from primitives.address import format_address
from primitives.ids import Address, Hash32
from primitives.transaction import SetCodeTransaction, recover_authority


class AuthorityIndex:
    """The authorities of all pooled transactions."""

    __slots__ = ("_by_transaction", "_waiting")

    def __init__(self) -> None:
        self._by_transaction: dict[Hash32, tuple[Address, ...]] = {}
        self._waiting: dict[Address, int] = {}
        """How many pooled transactions have an authorization of each."""

    def __contains__(self, account: Address) -> bool:
        return account in self._waiting

    def add(self, transaction: Hash32, authorities: tuple[Address, ...]) -> None:
        """Take in a transaction that the pool has just listed."""
        if authorities:
            self._by_transaction[transaction] = authorities
            for account in authorities:
                self._waiting[account] = self._waiting.get(account, 0) + 1

    def remove(self, transaction: Hash32) -> None:
        """Forget a transaction that the pool holds no longer."""
        for account in self._by_transaction.pop(transaction, ()):
            if self._waiting[account] == 1:
                del self._waiting[account]
            else:
                self._waiting[account] -= 1


def check_authorities(
    transaction: PooledTransaction, queues: Mapping[Address, SenderQueue]
) -> tuple[Address, ...]:
    """Return who has signed a transaction's authorizations, each once.

    It costs a recovery for each, so this check comes last.

    Raises:
        AuthorityReserved: one of them has more in the pool than an account that delegates may.
    """
    if not isinstance(transaction.transaction, SetCodeTransaction):
        return ()
    recovered = [recover_authority(each) for each in transaction.transaction.authorizations]
    authorities = tuple(dict.fromkeys([each for each in recovered if each is not None]))
    for account in authorities:
        queue = queues.get(account)
        if queue is None:
            continue
        held = len(queue.entries)
        if account == transaction.sender:
            # This transaction is the only one that it may have, but it may replace another.
            held += transaction.nonce not in queue.entries
        if held > 1:
            expected = f"at most one transaction of {format_address(account)}, which delegates"
            raise AuthorityReserved("mempool", expected, held)
    return authorities
