"""Transactions on their way: from the instant that was intended to a block, and to finality."""

from collections.abc import Sequence
from typing import Generic, TypeVar

import msgspec

from sim.load.blocks import SeenBlock
from sim.load.ledger import LoadLedger

Payload = TypeVar("Payload")

BLOCKS_MAX = 4_096
"""So many blocks at most wait for their finality: some nodes never tell of it."""


class Flight(msgspec.Struct, Generic[Payload], frozen=True, gc=False):
    """A transaction that has been sent."""

    digest: bytes
    intended_ns: int
    """When it should have been sent: latency counts from here, however late it was sent."""
    payload: Payload
    """What the sender needs to know again."""


class Tracker(Generic[Payload]):
    """Finds one's own transactions in blocks and counts their latencies.

    Args:
        ledger: takes the latencies.
    """

    __slots__ = ("_earlier", "_included", "_ledger", "_successors", "flights")

    def __init__(self, ledger: LoadLedger) -> None:
        self._ledger = ledger
        self.flights: dict[bytes, Flight[Payload]] = {}
        """Sent and in no block, by hash."""
        self._successors: dict[bytes, bytes] = {}
        """What was sent in the place of a transaction that a node had, or may have, taken."""
        self._earlier: dict[bytes, bytes] = {}
        """The same, looked at from the other end."""
        self._included: list[tuple[SeenBlock, list[Flight[Payload]]]] = []
        """Of blocks that are not final, in their order."""

    @property
    def has_unfinal(self) -> bool:
        """Whether a block with one's own transactions is not final, as far as is known."""
        return bool(self._included)

    def began(self, digest: bytes, intended_ns: int, payload: Payload) -> bool:
        """Note a transaction that is sent; tell whether it is new."""
        if digest in self.flights:
            return False
        self.flights[digest] = Flight(digest, intended_ns, payload)
        return True

    def renew(self, digest: bytes, payload: Payload) -> None:
        """Put a transaction that is on its way behind all others, with another payload."""
        old = self.flights.pop(digest)
        self.flights[digest] = Flight(digest, old.intended_ns, payload)

    def replace(self, old: bytes, new: bytes, payload: Payload) -> None:
        """Follow another form of a transaction, at the same nonce: either may be included.

        It may be an earlier form once more, or none but the old one: fees go up and down.
        """
        if new == old:
            self.renew(old, payload)
            return
        flight = self.flights.pop(old)
        if new in self._successors:
            del self._earlier[self._successors.pop(new)]
        self._successors[old] = new
        self._earlier[new] = old
        self.flights[new] = Flight(new, flight.intended_ns, payload)

    def forms(self, digest: bytes) -> list[bytes]:
        """Return a transaction's hash, and those of what it was sent in the place of."""
        found = [digest]
        while found[-1] in self._earlier:
            found.append(self._earlier[found[-1]])
        return found

    def forget(self, digest: bytes) -> None:
        """Drop a transaction that no node has."""
        self.flights.pop(digest, None)

    def on_block(self, block: SeenBlock) -> Sequence[Flight[Payload]]:
        """Return, and count, the transactions that a block has brought home."""
        flights = self.flights
        digests: Sequence[bytes] = block.transactions
        if self._successors:
            digests = [self._last_form(digest) for digest in digests]
        home = [flights.pop(digest) for digest in digests if digest in flights]
        for flight in home:
            self._ledger.on_included(flight.intended_ns, block.at_ns)
        if home:
            self._included.append((block, home))
            del self._included[:-BLOCKS_MAX]
        return home

    def on_final(self, number: int, at_ns: int) -> None:
        """Count what lies in blocks up to `number`: it stays."""
        while self._included and self._included[0][0].number <= number:
            for flight in self._included.pop(0)[1]:
                self._ledger.on_final(flight.intended_ns, at_ns)

    def on_undone(self, block: SeenBlock) -> Sequence[Flight[Payload]]:
        """Take back what a block held that is no longer of the chain."""
        back: list[Flight[Payload]] = []
        for held, flights in self._included:
            if held.digest == block.digest:
                back += flights
        self._included = [each for each in self._included if each[0].digest != block.digest]
        for flight in back:
            self.flights[flight.digest] = flight
        self._ledger.reorganised += len(back)
        return back

    def _last_form(self, digest: bytes) -> bytes:
        while digest in self._successors:
            digest = self._successors[digest]
        return digest
