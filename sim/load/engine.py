"""Runs one load from its first transaction to the last block that is waited for."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import msgspec

from sim.load.blocks import SeenBlock
from sim.load.errors import LoadRefused, RpcError
from sim.load.fees import ask_fees
from sim.load.lanes import Lanes
from sim.load.ledger import LoadLedger
from sim.load.limits import Hold, hold_of
from sim.load.pacing import count_of
from sim.load.plan import LoadPlan
from sim.load.remedies import Remedies, receipt_calls
from sim.load.rpc import RpcClient
from sim.load.sender import Sender
from sim.load.signing import Order, Signer, Signing, SigningSetup
from sim.load.urls import socket_url
from sim.load.watch import HeadWatch
from sim.randomness import generator
from sim.workload.pace import SECOND, arrivals, fixed_marks, poisson_marks

ORDER_MAX = 2_000
"""Most transactions that are signed at one time."""
SUPPLY_S = 0.01
LANE_S = 2e-6
"""Pauses between two looks at what has to be signed: looking takes a while for each account."""
AHEAD_S = 10
"""Transactions for so many seconds of the highest rate are kept signed, if that may be so many."""
LANE_AHEAD = 4
"""And so many for each account, and for each client of a closed loop."""
FEES_S = 0.1
"""Fees are asked for at most this often."""
REPEATS_MAX = 1_000
"""Most transactions that are sent again in one second."""
LOOKS_MAX = 50
"""Most accounts that are looked after in one second because others send from them."""
OFFERS_AT_ONCE = 64
"""After so many arrivals the event loop is let run, however late they are."""


class BlockRow(msgspec.Struct, frozen=True):
    """A block of the chain while the load ran."""

    at_ns: int
    number: int
    transactions: int
    """Of everybody."""
    gas_used: int
    gas_limit: int
    base_fee: int


class LoadEngine:
    """One load.

    Args:
        plan: what it is to be.
        urls: of the nodes.
        setup: accounts and what they do.
    """

    def __init__(self, plan: LoadPlan, urls: Sequence[str], setup: SigningSetup) -> None:
        self.plan = plan
        self.ledger = LoadLedger(plan.warm_up)
        self.blocks: list[BlockRow] = []
        self.lanes = Lanes(setup.nonces, plan.in_flight_max)
        self.presigned = 0
        """How many transactions were signed before the first was sent."""
        self.stopped = False
        """Whether it was told to end early."""
        self.offered_ns = 0
        """How long it was offered."""
        self.ended_ns = 0
        """When the last block that was waited for had come."""
        self.looked_at = self.failed = 0
        """Receipts that were read at the end, and those of them that tell of a failure."""
        self.cpu_s = 0.0
        """Processor time of this process from the first transaction to the last block."""
        self.offering_cpu_s = 0.0
        """That of the time in which it was offered."""
        self.held_up: Counter[Hold] = Counter()
        """Seconds in which transactions waited on this side, by what for."""
        self._broken = False
        self._began_ns = time.monotonic_ns()
        self._wake = asyncio.Event()
        self._new_block = asyncio.Event()
        self._senders = [RpcClient(url, plan.connections, plan.timeout_s) for url in urls]
        self._askers = [RpcClient(url, 4, plan.timeout_s) for url in urls]
        signer = Signer(setup)
        self.sender = Sender(
            self._senders,
            self.lanes,
            signer,
            self.ledger,
            self.now,
            plan.batch,
            plan.patience,
        )
        self.sender.on_home = self._go_on
        sockets = [socket_url(url) if plan.sockets else None for url in urls]
        self.watch = HeadWatch(self._askers, self.now, self, sockets)
        self._remedies = Remedies(self.sender, signer, self._askers, plan.tip, self._head)
        self.sender.on_refused = self._remedies.answer
        self.sender.on_late = self._remedies.look_after

    def now(self) -> int:
        """Return ns since the beginning of the load."""
        return time.monotonic_ns() - self._began_ns

    def stop(self) -> None:
        """End early; what is known so far is the result."""
        self.stopped = True
        self._wake.set()

    def _head(self) -> SeenBlock | None:
        return self.watch.head

    async def run(self, signing: Signing, on_signed: Callable[[int, int], None]) -> None:
        """Sign ahead, offer the load, wait for the last blocks.

        Args:
            signing: of the same accounts.
            on_signed: told while transactions are signed ahead: how many, of how many.

        Raises:
            RpcError: no node answers at the beginning.
            LoadRefused: all accounts have run out of money.
        """
        try:
            await self._ask_fees()
            await self._sign_ahead(signing, on_signed)
            await self._offer_all(signing)
        finally:
            await self._remedies.close()
            for client in (*self._senders, *self._askers):
                await client.close()

    # ------------------------------------------------------------------ blocks

    def on_block(self, block: SeenBlock) -> None:
        """Take a block in."""
        self.blocks.append(
            BlockRow(
                block.at_ns,
                block.number,
                len(block.transactions),
                block.gas_used,
                block.gas_limit,
                block.base_fee,
            )
        )
        self.sender.on_block(block)
        self._new_block.set()
        self._wake.set()

    def on_undone(self, block: SeenBlock) -> None:
        """Take a block back."""
        self.blocks = [row for row in self.blocks if row.number < block.number]
        self.sender.on_undone(block)

    def on_final(self, number: int, at_ns: int) -> None:
        """Take finality in."""
        self.sender.on_final(number, at_ns)
        self._wake.set()

    # ------------------------------------------------------------------ signing and fees

    async def _sign_ahead(self, signing: Signing, on_signed: Callable[[int, int], None]) -> None:
        """Sign as many as are kept ahead, or as the whole load needs if that is less."""
        total = self._ahead()
        if self.plan.rate is not None:
            total = min(total, count_of(self.plan.rate.pieces(self.plan.duration)))
        depth = self._depth(total)
        while not self.stopped and (wanted := self.lanes.wanting(depth, ORDER_MAX)):
            await self._sign(signing, wanted)
            on_signed(min(self.lanes.signed, total), total)
        self.presigned = self.lanes.signed

    async def _supply(self, signing: Signing) -> None:
        """Keep so many signed while the load runs."""
        depth = self._depth(self._ahead())
        while True:
            wanted = self.lanes.wanting(depth, ORDER_MAX)
            if wanted or self._remedies.corrections:
                await self._sign(signing, wanted)
                self.sender.push()
            if len(wanted) < ORDER_MAX:
                await asyncio.sleep(SUPPLY_S + LANE_S * len(self.lanes.lanes))

    async def _sign(self, signing: Signing, wanted: list[int]) -> None:
        corrections, self._remedies.corrections = self._remedies.corrections, {}
        quote = self.sender.quote
        order = Order(wanted, quote.tip, quote.max_fee, corrections)
        for signed in await signing.fill(order):
            self.lanes.add(signed)

    def _ahead(self) -> int:
        """Return how many are kept signed: enough for some seconds, of each account a few."""
        plan, least = self.plan, LANE_AHEAD * len(self.lanes.lanes)
        if plan.rate is not None:
            return min(plan.ahead, max(least, math.ceil(AHEAD_S * max(plan.rate.levels))))
        return min(plan.ahead, max(least, LANE_AHEAD * (plan.clients or 0)))

    def _depth(self, total: int) -> int:
        """Return how many of each account make a total."""
        return max(1, -(-total // len(self.lanes.lanes)))

    async def _ask_fees(self) -> None:
        error: RpcError | None = None
        for client in self.watch.clients:
            try:
                self.sender.quote = await ask_fees(client, self.plan.tip)
            except RpcError as failed:
                error = error or failed
            else:
                return
        assert error is not None
        raise error

    async def _follow_fees(self) -> None:
        while True:
            await self._new_block.wait()
            self._new_block.clear()
            # The watch tells of nodes that do not answer; the old offer stands meanwhile.
            with suppress(RpcError):
                await self._ask_fees()
            await asyncio.sleep(FEES_S)

    # ------------------------------------------------------------------ offering

    async def _offer_all(self, signing: Signing) -> None:
        self._began_ns = time.monotonic_ns()
        await self.watch.begin()
        self._began_ns = time.monotonic_ns()
        beside = (self._follow_fees(), self._supply(signing), self._sweep())
        work = (self.watch.follow(), self._remedies.watch(), *beside)
        tasks = [asyncio.create_task(each) for each in work]
        for task in tasks:
            task.add_done_callback(self._on_ended)
        spent_s = time.process_time()
        try:
            await self._offer()
            self.offered_ns = min(self.now(), self.plan.duration)
            self.offering_cpu_s = time.process_time() - spent_s
            await self._drain()
            await self._look_at_receipts()
        finally:
            self.sender.give_up()
            self.offered_ns = self.offered_ns or self.now()
            self.ended_ns = self.now()
            self.cpu_s = time.process_time() - spent_s
            self.offering_cpu_s = self.offering_cpu_s or self.cpu_s
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for outcome in ended:
            if isinstance(outcome, Exception):
                raise outcome
        if self.lanes.all_retired:
            raise LoadRefused("accounts", "money for what they send", "none left on any of them")

    def _on_ended(self, task: "asyncio.Task[None]") -> None:
        """End the load with whatever should have gone on beside it."""
        self._broken = True
        self._wake.set()

    async def _offer(self) -> None:
        if self.plan.clients is not None:
            await self._closed(self.plan.clients)
            return
        for offered, at in enumerate(self._arrivals(), start=1):
            while (wait := at - self.now()) > 0 and not self._is_over():
                await self._sleep(wait)
            if self._is_over():
                return
            self.sender.offer(at)
            if offered % OFFERS_AT_ONCE == 0:
                await asyncio.sleep(0)
        while (wait := self.plan.duration - self.now()) > 0 and not self._is_over():
            await self._sleep(wait)

    def _arrivals(self) -> Iterator[int]:
        assert self.plan.rate is not None
        draws = generator(self.plan.seed, "load.arrivals")
        marks = poisson_marks(draws) if self.plan.spacing == "poisson" else fixed_marks()
        return arrivals(self.plan.rate.pieces(self.plan.duration), marks)

    async def _closed(self, clients: int) -> None:
        loop = asyncio.get_running_loop()
        for client in range(clients):
            due = client * SECOND // clients
            loop.call_later(due / SECOND, self._begin_client, client, due)
        while (wait := self.plan.duration - self.now()) > 0 and not self._is_over():
            await self._sleep(wait)

    def _begin_client(self, client: int, due_ns: int) -> None:
        """Send the next transaction of a client; how late that is counts, as in an open loop."""
        if self.now() < self.plan.duration and not self._is_over():
            self.sender.offer(min(due_ns, self.now()), client)

    def _go_on(self, client: int, at_ns: int) -> None:
        """Let a client of a closed loop think and send again."""
        due = at_ns + self.plan.think
        wait_s = max(0.0, (due - self.now()) / SECOND)
        asyncio.get_running_loop().call_later(wait_s, self._begin_client, client, due)

    async def _sleep(self, span_ns: int) -> None:
        """Sleep, at most so long that an early end is noticed soon."""
        await asyncio.sleep(min(span_ns / SECOND, 0.1))

    def _is_over(self) -> bool:
        return self.stopped or self._broken or self.lanes.all_retired

    async def _drain(self) -> None:
        """Wait until everything is in a block, and final where the nodes know what that is."""
        until = self.now() + self.plan.drain
        while not self._is_over() and self._is_open() and (left := until - self.now()) > 0:
            self._wake.clear()
            try:
                async with asyncio.timeout(min(left / SECOND, 1.0)):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _look_at_receipts(self) -> None:
        """Read the receipts of a sample: a call that fails is included like any other."""
        calls = receipt_calls(self.sender.sample)
        for client in self._askers:
            try:
                replies = await client.batch(calls)
            except RpcError:
                continue
            found = [reply.result for reply in replies if isinstance(reply.result, dict)]
            self.looked_at = len(found)
            self.failed = sum(receipt.get("status") == "0x0" for receipt in found)
            return

    def _is_open(self) -> bool:
        pending = self.watch.has_finality and self.sender.tracker.has_unfinal
        return self.sender.on_their_way > 0 or self.sender.waiting > 0 or pending

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            self.sender.push()
            if self.sender.waiting:
                self.held_up[hold_of(self.lanes)] += 1
            if self.plan.resend_after:
                self.sender.repeat_older(self.plan.resend_after, REPEATS_MAX)
            for lane in self.sender.passed_over()[:LOOKS_MAX]:
                self._remedies.look_after(lane)
