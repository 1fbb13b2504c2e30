"""A closed loop: each client waits for its commit, thinks, and sends again.

The number of transactions in the network can never exceed the number of clients, so the load
follows what the network can bear; throughput is then clients / (latency + think time).
"""

import heapq
from collections.abc import Iterator, Sequence

from primitives.ids import Address, Hash32, Instant, Wei
from sim.workload.minting import Mint
from sim.workload.options import LoopOptions
from sim.workload.outbox import Flight, Outbox
from sim.workload.pace import SECOND, fixed_marks, poisson_marks
from sim.workload.workload import NetworkView, Submission, WorkloadContext

SPREAD = SECOND
"""First transactions of all clients spread evenly over this long, so that none marches in step."""


class ClosedLoop:
    """Submits what `clients` clients do; client c sends from account c modulo accounts.

    Args:
        options: clients and times.
        context: the run.
        mint: makes the transactions.
    """

    def __init__(self, options: LoopOptions, context: WorkloadContext, mint: Mint) -> None:
        if options.clients is None:
            raise AssertionError("a closed loop needs clients")
        self._mint = mint
        self._outbox = Outbox(context.nodes, options.resend_after)
        self._accounts = options.accounts
        self._think_time = options.think_time
        self._marks: Iterator[float] = (
            poisson_marks(context.generator) if options.spacing == "poisson" else fixed_marks()
        )
        self._stop = context.stop_at if options.stop is None else min(options.stop, context.stop_at)
        clients = options.clients
        first = ((options.start + SPREAD * c // clients, c) for c in range(clients))
        # In time order already, hence a heap.
        self._ready: list[tuple[int, int]] = [entry for entry in first if entry[0] < self._stop]

    @property
    def alloc(self) -> Sequence[tuple[Address, Wei]]:
        """Accounts that genesis must fund."""
        return self._mint.alloc

    def next_at(self) -> Instant | None:
        """When the next client is ready or a repetition is due."""
        repeat = self._outbox.next_at()
        if not self._ready or (repeat is not None and repeat < self._ready[0][0]):
            return repeat
        return Instant(self._ready[0][0])

    def due(self, now: Instant, view: NetworkView) -> list[Submission]:
        """Take what ready clients send, and repetitions, up to `now`, in time order."""
        submissions: list[Submission] = []
        while (at := self.next_at()) is not None and at <= now:
            if self._ready and at == self._ready[0][0]:
                client = heapq.heappop(self._ready)[1]
                submissions.append(self._send(at, client, view))
            else:
                submissions.append(self._outbox.resend(view))
        return submissions

    def postpone(self, until: Instant) -> None:
        """Let clients that were ready before an instant wait for it, and spread from there."""
        shift = until - self._ready[0][0] if self._ready else 0
        if shift > 0:
            self._ready = [(at + shift, c) for at, c in self._ready if at + shift < self._stop]

    def on_committed(self, now: Instant, hashes: Sequence[Hash32]) -> None:
        """Let the clients whose transactions these are think and then send again."""
        for flight in self._outbox.settle(hashes):
            at = now + round(self._think_time * next(self._marks))
            if at < self._stop:
                heapq.heappush(self._ready, (at, flight.client))

    def _send(self, at: Instant, client: int, view: NetworkView) -> Submission:
        account = client % self._accounts
        raw, digest = self._mint.next(account, view.base_fee())
        return self._outbox.send(at, digest, Flight(raw, account, client), view)
