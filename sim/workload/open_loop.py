"""An open loop: transactions come at their rate, whether or not the network keeps up.

One limit keeps that honest at the client's side. Nodes admit only so many waiting transactions
of one sender; what came after them would be refused and leave a gap in the nonces, and that
account would stand still. So an account with `in_flight_max` uncommitted transactions passes its
turn to the next one, and when all accounts are full the arrival is counted as withheld.
"""

from collections.abc import Sequence

from primitives.ids import Address, Hash32, Instant, Wei
from sim.workload.minting import Mint
from sim.workload.options import LoopOptions
from sim.workload.outbox import Flight, Outbox
from sim.workload.pace import arrivals, fixed_marks, poisson_marks, rate_pieces
from sim.workload.skew import ZipfDraw
from sim.workload.workload import NetworkView, Submission, WorkloadContext


class OpenLoop:
    """Submits transactions at a given rate over time.

    Args:
        options: rate and times.
        context: the run.
        mint: makes the transactions.
    """

    def __init__(self, options: LoopOptions, context: WorkloadContext, mint: Mint) -> None:
        if options.rate is None:
            raise AssertionError("an open loop needs a rate")
        generator = context.generator
        self._mint = mint
        self._outbox = Outbox(context.nodes, options.resend_after)
        self._senders = ZipfDraw(options.accounts, options.skew).stream(generator)
        self._in_flight = [0] * options.accounts
        self._in_flight_max = options.in_flight_max
        marks = poisson_marks(generator) if options.spacing == "poisson" else fixed_marks()
        stop = context.stop_at if options.stop is None else min(options.stop, context.stop_at)
        pieces = rate_pieces(options.rate, options.start, stop, options.ramp, options.bursts)
        self._arrivals = arrivals(pieces, marks)
        self._next = next(self._arrivals, None)
        self.withheld = 0
        """Arrivals that were not sent: too many in flight, or it was too early."""

    @property
    def alloc(self) -> Sequence[tuple[Address, Wei]]:
        """Accounts that genesis must fund."""
        return self._mint.alloc

    def next_at(self) -> Instant | None:
        """When the next arrival or repetition is due."""
        repeat = self._outbox.next_at()
        if self._next is None or (repeat is not None and repeat < self._next):
            return repeat
        return self._next

    def due(self, now: Instant, view: NetworkView) -> list[Submission]:
        """Take arrivals and repetitions up to `now`, in time order."""
        submissions: list[Submission] = []
        while (at := self.next_at()) is not None and at <= now:
            if at == self._next:
                self._next = next(self._arrivals, None)
                account = self._free_account(next(self._senders))
                if account is not None:
                    submissions.append(self._send(at, account, view))
            else:
                submissions.append(self._outbox.resend(view))
        return submissions

    def postpone(self, until: Instant) -> None:
        """Leave out the arrivals before an instant; they count as withheld."""
        while self._next is not None and self._next < until:
            self._next = next(self._arrivals, None)
            self.withheld += 1

    def on_committed(self, now: Instant, hashes: Sequence[Hash32]) -> None:
        """Make room for the senders of what has committed."""
        for flight in self._outbox.settle(hashes):
            self._in_flight[flight.account] -= 1

    def _send(self, at: Instant, account: int, view: NetworkView) -> Submission:
        raw, digest = self._mint.next(account, view.base_fee())
        self._in_flight[account] += 1
        return self._outbox.send(at, digest, Flight(raw, account, account), view)

    def _free_account(self, drawn: int) -> int | None:
        """Return the first account from `drawn` on that may send; None when there is none."""
        in_flight, limit = self._in_flight, self._in_flight_max
        if in_flight[drawn] < limit:
            return drawn
        count = len(in_flight)
        if self._outbox.in_flight < limit * count:
            for offset in range(1, count):
                account = (drawn + offset) % count
                if in_flight[account] < limit:
                    return account
        self.withheld += 1
        return None
