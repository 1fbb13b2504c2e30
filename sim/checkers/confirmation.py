"""Confirmation: what a client was told before the commit is what is committed, whatever follows."""

from typing import Protocol, TypeGuard

from primitives.ids import Hash32, Instant, NodeId
from primitives.transaction import transaction_hash
from sim.checkers.checker import CheckContext, CheckedWorld, Violation
from sim.checkers.events import BLOCK_COMMITTED, STATE_ADOPTED, Observed, is_head

CONFIRMED = "gateway.confirmed"
"""A gateway has told a client that its transaction's result stands."""


class _Confirmed(Protocol):
    """The fields of `gateway.confirmed` that are read."""

    @property
    def sequence(self) -> int:
        """Height of the block."""
        ...

    @property
    def digest(self) -> bytes:
        """Hash of the block, 32 bytes."""
        ...

    @property
    def hash(self) -> bytes:
        """Hash of the transaction, 32 bytes."""
        ...


def _is_confirmed(event: object) -> TypeGuard[_Confirmed]:
    return getattr(event, "name", None) == CONFIRMED


class Confirmation:
    """Compares every confirmation with every commit of its height, before and after.

    Also with the block's transactions: a confirmed one has to be among them.

    Reference: Castro and Liskov (2002), section 5.1: a tentative reply that 2f+1 replicas agree
    on will not be undone.
    """

    name = "confirmation"
    events = (BLOCK_COMMITTED, STATE_ADOPTED, CONFIRMED)

    def __init__(self, context: CheckContext) -> None:
        self._committed: dict[int, Hash32] = {0: context.genesis_hash}
        self._confirmed: dict[int, tuple[Hash32, int]] = {}
        """Block and gateway of the first confirmation, by height."""
        self._last: tuple[Hash32, dict[Hash32, None]] = (context.genesis_hash, {})

    def observe(self, observation: Observed, world: CheckedWorld) -> Violation | None:
        """Object to a confirmation and a commit, or two confirmations, that contradict."""
        event = observation.event
        if _is_confirmed(event):
            return self._judge_confirmed(observation, event, world)
        if not is_head(event):
            return None
        digest = self._committed.setdefault(event.height, Hash32(event.digest))
        confirmed = self._confirmed.get(event.height)
        if confirmed is None or confirmed[0] == event.digest:
            return None
        return self._violation(
            observation,
            f"committed {digest.hex()} at height {event.height}, where gateway {confirmed[1]} "
            f"had confirmed {confirmed[0].hex()}",
        )

    def finish(self, world: CheckedWorld) -> Violation | None:
        """Agree with the end: every event was judged when it happened."""
        return None

    def _judge_confirmed(
        self, observation: Observed, event: _Confirmed, world: CheckedWorld
    ) -> Violation | None:
        height, digest = event.sequence, Hash32(event.digest)
        first, gateway = self._confirmed.setdefault(height, (digest, observation.node))
        if first != digest:
            return self._violation(
                observation,
                f"confirmed {digest.hex()} at height {height}, where gateway {gateway} had "
                f"confirmed {first.hex()}",
            )
        committed = self._committed.get(height, digest)
        if committed != digest:
            return self._violation(
                observation,
                f"confirmed {digest.hex()} at height {height}, where "
                f"{committed.hex()} is committed",
            )
        if event.hash not in self._transactions(digest, world):
            return self._violation(
                observation,
                f"confirmed {event.hash.hex()} in block {digest.hex()}, which does not hold it",
            )
        return None

    def _transactions(self, digest: Hash32, world: CheckedWorld) -> dict[Hash32, None]:
        """Return the hashes of a block's transactions; those of the last block are kept."""
        known, hashes = self._last
        if known == digest:
            return hashes
        raws = world.block(digest).block.transactions
        self._last = digest, dict.fromkeys(transaction_hash(raw) for raw in raws)
        return self._last[1]

    def _violation(self, observation: Observed, detail: str) -> Violation:
        return Violation(self.name, Instant(observation.at_ns), NodeId(observation.node), detail)
