"""Sends what is due: the heart of a load client.

Each arrival has an intended instant and keeps it. If no account can take a turn at that instant,
the arrival waits in a backlog and is sent late; its latency counts from the intended instant all
the same. A client that waited politely and measured from the moment it got round to sending would
leave out just those transactions that a slow node made late (G. Tene's "coordinated omission").
"""

from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice

import msgspec

from sim.load.blocks import SeenBlock
from sim.load.errors import RpcError
from sim.load.fees import FeeQuote
from sim.load.kinds import ErrorKind, error_kind, leaves_open
from sim.load.lanes import Lane, Lanes
from sim.load.ledger import LoadLedger
from sim.load.nodes import Attempt, Nodes
from sim.load.rpc import RpcClient
from sim.load.signing import Signed, Signer
from sim.load.tracker import Tracker

OPEN = -1
"""The client of an arrival in an open loop: nobody waits for it."""
SAMPLE_MAX = 200
"""Most transactions whose receipts are looked at."""

Refused = Callable[[Attempt, ErrorKind], None]
"""Decides what becomes of a transaction that was not taken; its account is busy until then."""


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """A transaction that should be sent."""

    intended_ns: int
    client: int
    was_sent: bool = False
    """Whether it has been handed to a node, and taken back."""
    was_taken: bool = False
    """Whether a node had taken it then."""


def nobody(client: int, at_ns: int) -> None:
    """In an open loop, nobody waits for a block."""


def none_late(lane: Lane) -> None:
    """Leave what is on its way alone."""


class Sender:
    """Sends arrivals by accounts that take turns.

    Args:
        clients: to the nodes.
        lanes: the accounts.
        signer: for what has to be signed anew.
        ledger: counts.
        clock: ns since the beginning of the load.
        batch: most transactions of one request.
        patience_ns: an arrival that nobody has taken is given up after so long.
    """

    def __init__(
        self,
        clients: Sequence[RpcClient],
        lanes: Lanes,
        signer: Signer,
        ledger: LoadLedger,
        clock: Callable[[], int],
        batch: int,
        patience_ns: int,
    ) -> None:
        self.lanes = lanes
        self.ledger = ledger
        self.clock = clock
        self.patience_ns = patience_ns
        self.quote = FeeQuote(0, 0)
        """What to offer now; whoever follows the chain keeps it up to date."""
        self.repriced = 0
        """Transactions that were signed once more because fees had risen since."""
        self.on_home: Callable[[int, int], None] = nobody
        """Told that a client's transaction is in a block, or given up, and when."""
        self.on_refused: Refused = self._leave
        self.on_late: Callable[[Lane], None] = none_late
        """Told of an account whose nonce a block has used, maybe for somebody else."""
        self.tracker: Tracker[Attempt] = Tracker(ledger)
        self.sample: list[bytes] = []
        """Hashes of some transactions that are in blocks, spread over the whole load."""
        self._sample_step, self._home = 1, 0
        self._signer = signer
        self._nodes = Nodes(clients, batch, self._on_answer)
        self._backlog: deque[Arrival] = deque()

    @property
    def waiting(self) -> int:
        """Arrivals that no account could take yet."""
        return len(self._backlog)

    @property
    def on_their_way(self) -> int:
        """Transactions that have been handed over and are in no block."""
        return len(self.tracker.flights)

    def offer(self, intended_ns: int, client: int = OPEN) -> None:
        """Send one more transaction, now or as soon as there is somebody to send it."""
        self.ledger.intended.add(intended_ns, 1)
        self.ledger.lag.add(self.clock() - intended_ns)
        self._backlog.append(Arrival(intended_ns, client))
        self.push()

    def push(self) -> None:
        """Send what waits, as far as accounts are free; give up what has waited too long."""
        now = self.clock()
        backlog = self._backlog
        while backlog:
            arrival = backlog[0]
            if now - arrival.intended_ns > self.patience_ns:
                self._drop(backlog.popleft(), now)
                continue
            taken = self.lanes.take()
            if taken is None:
                return
            backlog.popleft()
            lane, signed = taken
            if not self.quote.is_enough(signed.max_fee):
                signed = self._signer.again(signed, self.quote.tip, self.quote.max_fee)
                self.repriced += 1
            if arrival.was_sent:
                self.ledger.resent.add(now, 1)
            else:
                self.ledger.sent.add(now, 1)
                self.ledger.lateness.add(now - arrival.intended_ns)
            place = arrival.intended_ns, arrival.client, now
            self.hand(Attempt(lane, signed, *place, was_taken=arrival.was_taken))

    def hand(self, attempt: Attempt) -> None:
        """Give a transaction of a busy account to a node."""
        if self.tracker.began(attempt.signed.digest, attempt.intended_ns, attempt):
            attempt.lane.in_flight += 1
        if not attempt.is_repeat:
            attempt.lane.asked = attempt.signed.digest
        self._nodes.hand(attempt)

    def hand_again(self, attempt: Attempt) -> None:
        """Give a transaction that was handed over before to a node."""
        self.ledger.resent.add(self.clock(), 1)
        self.hand(self.let_go(attempt) if self.is_late(attempt) else attempt)

    def is_late(self, attempt: Attempt) -> bool:
        """Tell whether no node has said for too long that it has taken a transaction."""
        return not attempt.is_repeat and self.clock() - attempt.intended_ns > self.patience_ns

    def let_go(self, attempt: Attempt) -> Attempt:
        """Let the client of a transaction that may still be included go on without it."""
        if attempt.client == OPEN:
            return attempt
        alone = msgspec.structs.replace(attempt, client=OPEN)
        self.tracker.renew(attempt.signed.digest, alone)
        self.on_home(attempt.client, self.clock())
        return alone

    def leave(self, attempt: Attempt) -> None:
        """Wait no more for an answer about a transaction that a node may have: blocks will tell."""
        left = msgspec.structs.replace(attempt, is_left=True)
        self.tracker.renew(attempt.signed.digest, left)
        attempt.lane.asked = b""

    def accept(self, attempt: Attempt) -> None:
        """Count a transaction of a busy account as taken, and let the account go on."""
        if not attempt.was_taken:
            self.ledger.on_accepted(attempt.intended_ns, self.clock())
        attempt.lane.tries = 0
        attempt.lane.asked = b""
        self.release(attempt.lane)

    def is_home(self, attempt: Attempt) -> bool:
        """Tell whether a block holds a transaction that was handed over."""
        return attempt.signed.digest not in self.tracker.flights

    def exchange(self, attempt: Attempt, signed: Signed) -> None:
        """Hand over another form of a transaction, at the same nonce.

        A node whose answer was lost may have taken the old form: either may be included.
        """
        if self.is_home(attempt):
            self.accept(attempt)
            return
        again = msgspec.structs.replace(attempt, signed=signed, handed_ns=self.clock())
        self.tracker.replace(attempt.signed.digest, signed.digest, again)
        self.hand_again(again)

    def withdraw(self, attempt: Attempt, *, again: bool = True) -> None:
        """Take back a transaction that no block will hold; its arrival waits, or is given up."""
        assert not self.is_home(attempt)
        self.tracker.forget(attempt.signed.digest)
        attempt.lane.in_flight -= 1
        place = attempt.intended_ns, attempt.client
        arrival = Arrival(*place, was_sent=True, was_taken=attempt.was_taken)
        if again:
            self._backlog.appendleft(arrival)
        else:
            self._drop(arrival, self.clock())

    def on_overtaken(self, attempt: Attempt) -> None:
        """Take back a transaction that no block can hold any more; its arrival waits once more."""
        self.ledger.on_error(ErrorKind.NONCE_TAKEN, self.clock())
        was_taken = attempt.was_taken or not attempt.is_left
        self.withdraw(msgspec.structs.replace(attempt, was_taken=was_taken))
        self.lanes.settle(attempt.lane)
        self.push()

    def on_found(self, attempt: Attempt, newest: SeenBlock) -> None:
        """Take home what a block before the newest one holds, as if the newest one did."""
        digests = (attempt.signed.digest,)
        found = msgspec.structs.replace(newest, transactions=digests, at_ns=self.clock())
        self.on_block(found)

    def release(self, lane: Lane) -> None:
        """Let an account take turns again."""
        self.lanes.release(lane)
        self.push()

    def give_up(self) -> None:
        """Drop what waits: the load is over."""
        now = self.clock()
        while self._backlog:
            self._drop(self._backlog.popleft(), now)

    def repeat_older(self, than_ns: int, most: int) -> None:
        """Hand transactions over once more, to the next node, that no block has held for so long.

        Args:
            than_ns: how long ago they were handed over.
            most: so many at one time.
        """
        now = self.clock()
        attempts = (flight.payload for flight in self.tracker.flights.values())
        late = (each for each in attempts if each.handed_ns < now - than_ns and not each.lane.busy)
        for attempt in list(islice(late, most)):
            attempt.lane.shift += 1
            self._repeat(attempt, now)

    def repeat_from(self, lane: Lane, nonce: int, but: Attempt) -> bool:
        """Hand over once more what an account has sent from a nonce on, but for one transaction.

        Returns:
            Whether there was anything at that nonce.
        """
        found = [
            each for each in self.sent_by(lane) if nonce <= each.signed.nonce < but.signed.nonce
        ]
        for each in found:
            self._repeat(each, self.clock())
        return bool(found) and found[0].signed.nonce == nonce

    def sent_by(self, lane: Lane) -> list[Attempt]:
        """Return what an account has on its way, by nonce."""
        flights = self.tracker.flights.values()
        found = [flight.payload for flight in flights if flight.payload.lane is lane]
        return sorted(found, key=lambda each: each.signed.nonce)

    def passed_over(self) -> list[Lane]:
        """Return accounts of which a block has held a later transaction than one on its way."""
        found = [
            flight.payload.lane
            for flight in self.tracker.flights.values()
            if flight.payload.signed.nonce < flight.payload.lane.home
        ]
        return list(dict.fromkeys(found))

    def on_block(self, block: SeenBlock) -> None:
        """Take home what a block holds."""
        for flight in self.tracker.on_block(block):
            attempt = flight.payload
            attempt.lane.in_flight -= 1
            attempt.lane.home = max(attempt.lane.home, attempt.signed.nonce)
            if attempt.is_left and not attempt.was_taken:
                self.ledger.on_accepted(attempt.intended_ns, block.at_ns)
            self.lanes.settle(attempt.lane)
            self._choose(flight.digest)
            if attempt.client != OPEN:
                self.on_home(attempt.client, block.at_ns)
        self.push()

    def on_undone(self, block: SeenBlock) -> None:
        """Count what has left the chain as on its way again; its client has gone on already."""
        for flight in self.tracker.on_undone(block):
            attempt = flight.payload
            attempt.lane.in_flight += 1
            back = msgspec.structs.replace(attempt, client=OPEN, is_left=False)
            self.tracker.renew(flight.digest, back)

    def on_final(self, number: int, at_ns: int) -> None:
        """Count what is final."""
        self.tracker.on_final(number, at_ns)

    def _repeat(self, attempt: Attempt, now: int) -> None:
        """Hand a transaction over once more; with a better offer if fees have outgrown its own."""
        old, signed = attempt.signed, attempt.signed
        again = msgspec.structs.replace(attempt, handed_ns=now, is_repeat=True)
        if self.quote.is_enough(old.max_fee):
            self.tracker.renew(old.digest, again)
        else:
            signed = self._signer.outbid(old, self.quote)
            again = msgspec.structs.replace(again, signed=signed)
            self.tracker.replace(old.digest, signed.digest, again)
            self.repriced += 1
        self.hand_again(again)

    def _choose(self, digest: bytes) -> None:
        """Keep every n-th for the sample, and every second of these when there are too many."""
        self._home += 1
        if self._home % self._sample_step == 0:
            self.sample.append(digest)
        if len(self.sample) > SAMPLE_MAX:
            del self.sample[::2]
            self._sample_step *= 2

    def _on_answer(self, attempt: Attempt, error: RpcError | None) -> None:
        kind = None if error is None else error_kind(error)
        now, lane = self.clock(), attempt.lane
        is_home = self.is_home(attempt)
        is_open = error is not None and leaves_open(error)
        if kind is not None and is_home and is_open:
            self.ledger.on_error(kind, now)
        if kind is None or kind is ErrorKind.ALREADY_KNOWN or is_home:
            if attempt.is_repeat:
                return
            self.accept(attempt)
            return
        if attempt.is_repeat and kind is ErrorKind.NONCE_TOO_LOW:
            self.on_late(lane)
            return
        self.ledger.on_error(kind, now)
        if not attempt.is_repeat:
            lane.tries += 1
            is_unsure = attempt.is_unsure or is_open
            self.on_refused(msgspec.structs.replace(attempt, is_unsure=is_unsure), kind)

    def _leave(self, attempt: Attempt, kind: ErrorKind) -> None:
        self.withdraw(attempt, again=False)
        self.release(attempt.lane)

    def _drop(self, arrival: Arrival, now: int) -> None:
        self.ledger.dropped.add(arrival.intended_ns, 1)
        if arrival.client != OPEN:
            self.on_home(arrival.client, now)
