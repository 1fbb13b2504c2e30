"""A scenario's workload against live nodes: the face that `orrery up` uses.

A `Workload` is pure: it says what is due, and is told what was committed. In virtual time the world
drives it; here the machine's clock does, and submissions go out as JSON-RPC. Each node has one
courier with one request under way: whatever has come due meanwhile goes into the next one, as a
batch. So the transactions of an account arrive in their order, and the dearer a request is, the
fewer are made.
"""

import asyncio
import time
from collections.abc import Callable, Mapping

from primitives.ids import Duration, Hash32, Instant, NodeId, Wei
from primitives.keccak import keccak256
from sim.load.blocks import SeenBlock
from sim.load.courier import Courier
from sim.load.errors import RpcError
from sim.load.fees import ask_base_fee
from sim.load.kinds import ErrorKind, error_kind
from sim.load.ledger import LoadLedger
from sim.load.rpc import RpcClient
from sim.load.tracker import Tracker
from sim.load.urls import socket_url
from sim.load.watch import HeadWatch
from sim.workload import Submission, Workload

FEES_S = 0.1
"""The base fee is asked for at most this often."""
DRAIN_NS = 1_000_000
"""Shortest pause while nothing new is sent."""


def always_live(node: NodeId) -> bool:
    """Say that nobody is known to be down."""
    return True


class WorkloadDriver:
    """Drives one workload over RPC in real time; time 0 is the beginning of `run`.

    It sees by itself which nodes do not answer and passes them over for a while.

    Args:
        workload: made for this chain: `first_nonces` where the chain is not new.
        urls: HTTP address of every node that the workload may submit to.
        is_live: what the caller knows of nodes that are down beside that.
        timeout_s: longest wait for one answer.
    """

    def __init__(
        self,
        workload: Workload,
        urls: Mapping[NodeId, str],
        is_live: Callable[[NodeId], bool] = always_live,
        timeout_s: float = 10.0,
    ) -> None:
        self.ledger = LoadLedger()
        """What is counted; it may be read at any time."""
        self._workload = workload
        self._is_live = is_live
        self._began_ns = 0
        self._base_fee = 0
        self._wake = asyncio.Event()
        self._new_block = asyncio.Event()
        self._stopped = False
        self._ended_ns = 0
        self._unanswered: set[bytes] = set()
        self._too_low: set[bytes] = set()
        self._overtaken: set[bytes] = set()
        self._tracker: Tracker[None] = Tracker(self.ledger)
        self._watchers = [RpcClient(url, 2, timeout_s) for url in urls.values()]
        sockets = [socket_url(url) for url in urls.values()]
        self.watch = HeadWatch(self._watchers, self.now, self, sockets)
        """What is seen of the chain."""
        self._couriers = {
            node: Courier(RpcClient(url, 1, timeout_s), self._on_answer, self.now)
            for node, url in urls.items()
        }

    def now(self) -> int:
        """Return ns since the beginning of `run`."""
        return time.monotonic_ns() - self._began_ns

    @property
    def unconfirmed(self) -> int:
        """How many transactions were sent and are in no block."""
        return len(self._tracker.flights)

    @property
    def overtaken(self) -> int:
        """How many transactions can come into no block any more: others have used their nonces.

        So it is where somebody else sends from the accounts of the load.
        """
        return len(self._overtaken & self._tracker.flights.keys())

    def overdue(self, limit: int) -> int:
        """Return how many of the unconfirmed had waited for more than `limit` ns at the end."""
        flights = self._tracker.flights.values()
        return sum(self._ended_ns - flight.intended_ns > limit for flight in flights)

    def is_live(self, node: NodeId) -> bool:
        """Tell whether a node takes submissions, as far as is known."""
        return self._is_live(node) and not self._couriers[node].is_down(self.now())

    def base_fee(self) -> Wei:
        """Return the base fee of the next block, as the newest block implied it."""
        return Wei(self._base_fee)

    async def run(self, duration: Duration, patience: Duration = Duration(0)) -> None:
        """Drive the workload, then wait for what is on its way.

        Args:
            duration: for how long submissions are taken from the workload, ns.
            patience: most time to wait afterwards for blocks, ns.

        Raises:
            RpcError: no node answers at the beginning.
        """
        self._began_ns = time.monotonic_ns()
        await self.watch.begin()
        await self._ask_fees()
        self._began_ns = time.monotonic_ns()
        tasks = [asyncio.create_task(courier.work()) for courier in self._couriers.values()]
        tasks += [asyncio.create_task(each) for each in (self.watch.follow(), self._follow_fees())]
        try:
            await self._offer(duration)
            await self._drain(duration + patience)
        finally:
            self._ended_ns = self.now()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for client in self._watchers:
                await client.close()
            for courier in self._couriers.values():
                await courier.close()

    def stop(self) -> None:
        """Take nothing more from the workload, and wait for nothing."""
        self._stopped = True
        self._wake.set()

    def on_block(self, block: SeenBlock) -> None:
        """Tell the workload what is in a new block."""
        self._tracker.on_block(block)
        hashes = [Hash32(each) for each in block.transactions]
        self._workload.on_committed(Instant(block.at_ns), hashes)
        self._new_block.set()
        self._wake.set()

    def on_undone(self, block: SeenBlock) -> None:
        """Count again what has left the chain; the workload repeats nothing that was committed."""
        self._tracker.on_undone(block)

    def on_final(self, number: int, at_ns: int) -> None:
        """Count what is final."""
        self._tracker.on_final(number, at_ns)
        self._wake.set()

    async def _offer(self, duration: int) -> None:
        while not self._stopped and self.now() < duration:
            self._wake.clear()
            for submission in self._workload.due(Instant(self.now()), self):
                self._submit(submission)
            at = self._workload.next_at()
            until = duration if at is None else min(at, duration)
            await self._pause(until - self.now())
        if not self._stopped:
            # What was due while this process slept through the end.
            for submission in self._workload.due(Instant(duration), self):
                self._submit(submission)

    async def _drain(self, until: int) -> None:
        """Wait for blocks and finality, and go on repeating what is in no block."""
        while not self._stopped and self._is_open() and (left := until - self.now()) > 0:
            self._wake.clear()
            for submission in self._workload.due(Instant(self.now()), self):
                if keccak256(submission.raw) in self._tracker.flights:
                    self._submit(submission)
            at = self._workload.next_at()
            await self._pause(left if at is None else min(left, max(at - self.now(), DRAIN_NS)))

    def _is_open(self) -> bool:
        unfinal = self.watch.has_finality and self._tracker.has_unfinal
        return bool(self._tracker.flights) or unfinal

    async def _pause(self, span_ns: int) -> None:
        if span_ns <= 0:
            await asyncio.sleep(0)
            return
        try:
            async with asyncio.timeout(span_ns / 1e9):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _follow_fees(self) -> None:
        """Ask after each block, beside the load, which no silent node must hold up."""
        while True:
            await self._new_block.wait()
            self._new_block.clear()
            await self._ask_fees()
            await asyncio.sleep(FEES_S)

    async def _ask_fees(self) -> None:
        for client in self.watch.clients:
            try:
                self._base_fee = await ask_base_fee(client)
            except RpcError:
                continue
            return

    def _submit(self, submission: Submission) -> None:
        digest = keccak256(submission.raw)
        ledger, now = self.ledger, self.now()
        if self._tracker.began(digest, submission.at_ns, None):
            ledger.intended.add(submission.at_ns, 1)
            ledger.sent.add(now, 1)
            self._unanswered.add(digest)
        else:
            ledger.resent.add(now, 1)
        self._couriers[submission.node].take(submission.raw, digest, submission.at_ns)

    def _on_answer(self, digest: bytes, intended_ns: int, error: BaseException | None) -> None:
        """Count an answer. What was refused stays in the workload's hands: it may repeat it."""
        kind = None if error is None else error_kind(error)
        if kind is not None and kind is not ErrorKind.ALREADY_KNOWN:
            self.ledger.on_error(kind, self.now())
            if kind is ErrorKind.NONCE_TOO_LOW:
                self._on_too_low(digest)
        elif digest in self._unanswered:
            self._unanswered.discard(digest)
            self.ledger.on_accepted(intended_ns, self.now())

    def _on_too_low(self, digest: bytes) -> None:
        """Note whose nonce is used up, and when it is repeated, that its own block never came."""
        (self._overtaken if digest in self._too_low else self._too_low).add(digest)
