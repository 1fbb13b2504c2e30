"""Nonces: each sender's transactions stand on the chain in order, none missing, none twice."""

from collections.abc import Iterable

from primitives.ids import Address
from primitives.transaction import decode_transaction
from sim.checkers.views import CheckedBlock


class Nonces:
    """Counts the transactions of every sender along the chain.

    Args:
        first: nonces that genesis gives; 0 to everyone else.
    """

    name = "nonces"

    def __init__(self, first: Iterable[tuple[Address, int]] = ()) -> None:
        self._next: dict[Address, int] = dict(first)

    def judge(self, height: int, block: CheckedBlock) -> str | None:
        """Object to the first transaction whose nonce is not its sender's next."""
        transactions = block.block.transactions
        if len(block.senders) != len(transactions):
            return f"{len(transactions)} transactions and {len(block.senders)} senders"
        for index, (raw, sender) in enumerate(zip(transactions, block.senders, strict=True)):
            expected = self._next.get(sender, 0)
            nonce = decode_transaction(raw).nonce
            if nonce != expected:
                return (
                    f"transaction {index} of sender 0x{sender.hex()} has nonce {nonce}, "
                    f"expected {expected}"
                )
            self._next[sender] = expected + 1
        return None

    def finish(self, head: CheckedBlock) -> str | None:
        """Agree with the end: every block was judged in its turn."""
        return None
