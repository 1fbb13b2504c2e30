"""What clients have sent and not yet seen committed, and how they insist.

A transaction that only a crashed or cut-off node knew is lost, and with it every later nonce of
its sender: the network may not skip one. Real wallets resubmit, and so do these clients. After
`resend_after` without a commit the same bytes go to the next node, then after twice as long to
the one after it, and so on. The doubling keeps an overloaded network from being buried in
repetitions.
"""

import heapq
from collections.abc import Sequence

import msgspec

from primitives.ids import Duration, Hash32, Instant, NodeId
from sim.workload.workload import NetworkView, Submission


class Flight(msgspec.Struct, gc=False):
    """A transaction on its way."""

    raw: bytes
    account: int
    """Index of the sender; it decides the home node."""
    client: int
    """Who waits for it: an index that only the workload gives meaning to."""
    attempts: int = 1
    """How often it was sent."""


class Outbox:
    """Sends transactions, resends those that do not commit, forgets those that do.

    Args:
        nodes: where submissions may go. Account a is at home at `nodes[a % len(nodes)]`, so that
            its nonces arrive in order.
        resend_after: patience before the first repetition, in ns; 0 means never repeat.
    """

    __slots__ = ("_flights", "_nodes", "_resend_after", "_resends", "_sent")

    def __init__(self, nodes: Sequence[NodeId], resend_after: Duration) -> None:
        self._nodes = tuple(nodes)
        self._resend_after = resend_after
        self._flights: dict[Hash32, Flight] = {}
        self._resends: list[tuple[int, int, Hash32]] = []
        self._sent = 0

    @property
    def in_flight(self) -> int:
        """How many transactions wait for their commit."""
        return len(self._flights)

    def send(self, now: Instant, digest: Hash32, flight: Flight, view: NetworkView) -> Submission:
        """Send a new transaction to its home node, or to the next one that is up."""
        self._flights[digest] = flight
        self._schedule(now, digest, flight)
        return Submission(now, self._entry(flight.account, view), flight.raw)

    def next_at(self) -> Instant | None:
        """When the next repetition is due; None when nothing waits."""
        resends = self._resends
        while resends and resends[0][2] not in self._flights:
            heapq.heappop(resends)
        return Instant(resends[0][0]) if resends else None

    def resend(self, view: NetworkView) -> Submission:
        """Repeat the transaction that `next_at` speaks of, one node further on."""
        at, _, digest = heapq.heappop(self._resends)
        flight = self._flights[digest]
        entry = self._entry(flight.account + flight.attempts, view)
        flight.attempts += 1
        self._schedule(Instant(at), digest, flight)
        return Submission(Instant(at), entry, flight.raw)

    def settle(self, hashes: Sequence[Hash32]) -> list[Flight]:
        """Forget what has committed; return those that waited, in the order of `hashes`."""
        flights = self._flights
        return [flights.pop(digest) for digest in hashes if digest in flights]

    def _schedule(self, now: Instant, digest: Hash32, flight: Flight) -> None:
        if self._resend_after:
            due = now + (self._resend_after << (flight.attempts - 1))
            self._sent += 1
            heapq.heappush(self._resends, (due, self._sent, digest))

    def _entry(self, start: int, view: NetworkView) -> NodeId:
        """Return the first live node from `start` on, or `start` itself when all are down."""
        nodes = self._nodes
        for offset in range(len(nodes)):
            node = nodes[(start + offset) % len(nodes)]
            if view.is_live(node):
                return node
        return nodes[start % len(nodes)]
