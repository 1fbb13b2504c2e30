"""Nonces: each sender's transactions stand on the chain in order, none missing, none twice.

An account that has signed an authorization also uses up nonces without a transaction: by the
authorization, and by contracts that the code which it delegates to creates (EIP-7702). Of such
an account only the order is judged.
"""

from collections.abc import Iterable

from primitives.ids import Address
from primitives.transaction import SetCodeTransaction, decode_transaction, recover_authority
from sim.checkers.views import CheckedBlock


class Nonces:
    """Counts the transactions of every sender along the chain.

    Args:
        first: nonces that genesis gives; 0 to everyone else.
    """

    name = "nonces"

    def __init__(self, first: Iterable[tuple[Address, int]] = ()) -> None:
        self._next: dict[Address, int] = dict(first)
        self._authorities: dict[Address, None] = {}

    def judge(self, height: int, block: CheckedBlock) -> str | None:
        """Object to the first transaction whose nonce is not its sender's next."""
        transactions = block.block.transactions
        if len(block.senders) != len(transactions):
            return f"{len(transactions)} transactions and {len(block.senders)} senders"
        for index, (raw, sender) in enumerate(zip(transactions, block.senders, strict=True)):
            expected = self._next.get(sender, 0)
            transaction = decode_transaction(raw)
            nonce = transaction.nonce
            if nonce < expected or (nonce > expected and sender not in self._authorities):
                return (
                    f"transaction {index} of sender 0x{sender.hex()} has nonce {nonce}, "
                    f"expected {expected}"
                )
            self._next[sender] = nonce + 1
            if isinstance(transaction, SetCodeTransaction):
                for authorization in transaction.authorizations:
                    authority = recover_authority(authorization)
                    if authority is not None:
                        self._authorities[authority] = None
        return None

    def finish(self, head: CheckedBlock) -> str | None:
        """Agree with the end: every block was judged in its turn."""
        return None
