"""Censoring: does as if one sender did not exist, and is correct in everything else.

It never learns that sender's transactions, so its own blocks lack them; it votes for those of
others. Every replica that admitted one of them runs its request timer from it, however many other
blocks are delivered meanwhile, and replaces the primary.
"""

from collections.abc import Sequence as Seq

from msgspec.structs import replace

from network.messages import PooledTransactions
from primitives.ids import Address, Instant
from primitives.machine import NOTHING, Effect, Event, Machine, Received, Submitted
from primitives.transaction import decode_transaction, recover_sender
from primitives.transaction.errors import InvalidTransaction
from sim.liars.context import LiarContext


class Censoring:
    """Ignores the sender of the first transaction that it hears of."""

    def __init__(self, honest: Machine, context: LiarContext) -> None:
        self._honest = honest
        self._victim: Address | None = None

    def step(self, now: Instant, event: Event) -> Seq[Effect]:
        """Run one turn without what the victim sends."""
        if isinstance(event, Submitted) and self._is_banned(event.raw):
            return NOTHING
        if isinstance(event, Received) and isinstance(event.message, PooledTransactions):
            passed = tuple(raw for raw in event.message.transactions if not self._is_banned(raw))
            event = Received(event.sender, replace(event.message, transactions=passed))
        return self._honest.step(now, event)

    def _is_banned(self, raw: bytes) -> bool:
        try:
            sender = recover_sender(decode_transaction(raw))
        except InvalidTransaction:
            return False
        if self._victim is None:
            self._victim = sender
        return sender == self._victim
