"""What is done about a transaction that a node has not taken.

Each kind of error has its remedy. A transaction that offers too little is signed anew with more;
one whose nonce is out of step makes its account ask the chain where it stands; a full pool makes
the account pause; where the answer was lost, the same bytes go to the next node. What was taken and
cannot be in a block any more, because somebody else has used its nonce, is taken back. The arrival
keeps its intended instant through all of it, until its patience ends.

An arrival must not be sent twice. Once an answer was lost, a node may have the transaction, and
whatever another node says of it proves nothing. So from then on its arrival gets no other one: the
same bytes are repeated, or its account goes on and leaves it to blocks what becomes of it.
"""

import asyncio
import math
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

from primitives.address import format_address
from sim.load.blocks import SeenBlock
from sim.load.chain import Call, ask_nonces, ask_numbers
from sim.load.errors import RpcError
from sim.load.fees import ask_fees
from sim.load.kinds import ErrorKind
from sim.load.lanes import Lane
from sim.load.nodes import Attempt
from sim.load.rpc import Reply, RpcClient, result_of
from sim.load.sender import Sender
from sim.load.signing import Signer

PAUSE_S = 0.1
PAUSE_S_MAX = 2.0
"""Pause of an account after refusals in a row: it doubles from the first to the second."""


class Remedies:
    """Answers refusals.

    Args:
        sender: whose transactions were refused.
        signer: signs anew.
        clients: to the nodes.
        tip: what is given beside the base fee; as the node suggests if None.
        head: returns the newest block that was read.
    """

    def __init__(
        self,
        sender: Sender,
        signer: Signer,
        clients: Sequence[RpcClient],
        tip: int | None,
        head: Callable[[], SeenBlock | None],
    ) -> None:
        self._head = head
        self._sender = sender
        self._signer = signer
        self._clients = clients
        self._tip = tip
        self._tasks: set[asyncio.Task[None]] = set()
        self._broken = asyncio.Event()
        self._failure: BaseException | None = None
        self._looked_after: set[int] = set()
        self.corrections: dict[int, int] = {}
        """Nonces with which accounts go on: whoever signs must be told."""

    def answer(self, attempt: Attempt, kind: ErrorKind) -> None:
        """Do what helps against a refusal."""
        match kind:
            case ErrorKind.UNDERPRICED:
                self._begin(self._offer_more(attempt))
            case ErrorKind.NONCE_TAKEN if len(self._forms(attempt)) > 1:
                # It is an earlier form of this very transaction that has the nonce.
                self._begin(self._offer_more(attempt))
            case (
                ErrorKind.NONCE_TOO_LOW
                | ErrorKind.NONCE_GAP
                | ErrorKind.NONCE_TAKEN
                | ErrorKind.OTHER
            ):
                self._begin(self._ask_nonce(attempt, kind))
            case ErrorKind.POOL_FULL | ErrorKind.RATE_LIMITED if attempt.is_unsure:
                self._later(attempt.lane, partial(self._repeat, attempt))
            case ErrorKind.POOL_FULL | ErrorKind.RATE_LIMITED:
                self._sender.withdraw(attempt)
                self._sender.lanes.put_back(attempt.lane, attempt.signed)
                self._pause(attempt.lane)
            case ErrorKind.INSUFFICIENT_FUNDS:
                self._sender.lanes.retire(attempt.lane)
                if attempt.is_unsure:
                    self._sender.leave(self._sender.let_go(attempt))
                else:
                    self._sender.withdraw(attempt)
                self._sender.release(attempt.lane)
            case ErrorKind.TIMEOUT | ErrorKind.CONNECTION | ErrorKind.HTTP:
                attempt.lane.shift += 1
                self._later(attempt.lane, partial(self._repeat, attempt))
            case ErrorKind.ALREADY_KNOWN:
                self._sender.release(attempt.lane)

    def look_after(self, lane: Lane) -> None:
        """Find out what an account has on its way that no block can hold any more."""
        if lane.index not in self._looked_after:
            self._looked_after.add(lane.index)
            self._begin(self._take_back(lane))

    async def watch(self) -> None:
        """Wait until a remedy breaks, and raise what it broke with: its account would wait on."""
        await self._broken.wait()
        assert self._failure is not None
        raise self._failure

    async def close(self) -> None:
        """End what is being asked."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._on_ended)

    def _on_ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            self._failure = failure
            self._broken.set()

    def _client(self, lane: Lane) -> RpcClient:
        return self._clients[(lane.index + lane.shift) % len(self._clients)]

    async def _offer_more(self, attempt: Attempt) -> None:
        sender, lane = self._sender, attempt.lane
        try:
            sender.quote = await ask_fees(self._client(lane), self._tip)
        except RpcError:
            lane.shift += 1
        if self._is_over(attempt):
            return
        if lane.tries > 1:
            await asyncio.sleep(self._span(lane))
        if sender.is_late(attempt):
            # A node may have it: it goes on as it is, and drives no fees up.
            self._repeat(attempt)
            return
        quote = sender.quote
        if lane.tries == 1:
            signed = self._signer.again(attempt.signed, quote.tip, quote.max_fee)
        else:
            signed = self._signer.outbid(attempt.signed, quote)
        sender.exchange(attempt, signed)

    async def _ask_nonce(self, attempt: Attempt, kind: ErrorKind) -> None:
        sender, lane = self._sender, attempt.lane
        address = self._signer.address(lane.index)
        try:
            if kind is ErrorKind.NONCE_TOO_LOW and await self._is_included(attempt):
                sender.accept(attempt)
                self.look_after(lane)
                return
            nonce = (await ask_nonces(self._client(lane), [address]))[address]
        except RpcError:
            lane.shift += 1
            self._later(lane, partial(self._repeat, attempt))
            return
        if sender.is_home(attempt):
            sender.accept(attempt)
            return
        if sender.repeat_from(lane, nonce, attempt):
            # The node has lost what it had taken; this one follows once it has that again.
            nonce = attempt.signed.nonce
        if attempt.is_unsure and nonce == attempt.signed.nonce and not sender.is_late(attempt):
            lane.shift += kind is ErrorKind.OTHER
            self._later(lane, partial(self._repeat, attempt))
            return
        self._begin_at(attempt, nonce, again=kind is not ErrorKind.OTHER)
        if kind in (ErrorKind.NONCE_TOO_LOW, ErrorKind.NONCE_TAKEN):
            self.look_after(lane)

    def _begin_at(self, attempt: Attempt, nonce: int, *, again: bool) -> None:
        """Let an account go on with another nonce, without a transaction that was not taken."""
        sender, lane = self._sender, attempt.lane
        if attempt.is_unsure:
            sender.leave(sender.let_go(attempt) if sender.is_late(attempt) else attempt)
        else:
            sender.withdraw(attempt, again=again)
        sender.lanes.restart(lane, nonce)
        self.corrections[lane.index] = nonce
        self._pause(lane)

    async def _is_included(self, attempt: Attempt) -> bool:
        """Tell whether a nonce is too low because this very transaction has used it.

        So it is where a node took it, the answer was lost, and a block came before the repetition.
        """
        if self._sender.is_home(attempt):
            return True
        client = self._client(attempt.lane)
        replies = await client.batch(receipt_calls(self._forms(attempt)))
        return any(result_of(client.url, reply) is not None for reply in replies)

    async def _take_back(self, lane: Lane) -> None:
        """Take back what an account has sent under nonces that blocks have used otherwise.

        And take home what a block holds that was read before: somebody else had sent the very same.
        """
        sender = self._sender
        sent = [each for each in sender.sent_by(lane) if each.signed.digest != lane.asked]
        try:
            receipts = await self._receipts(lane, sent)
        except RpcError:
            receipts = []
        finally:
            self._looked_after.discard(lane.index)
        for attempt, found in receipts:
            if sender.is_home(attempt):
                continue
            if all(reply.error is None and reply.result is None for reply in found):
                sender.on_overtaken(attempt)
            elif (block := self._head()) is not None and block.number >= max(map(block_of, found)):
                sender.on_found(attempt, block)

    async def _receipts(
        self, lane: Lane, sent: Sequence[Attempt]
    ) -> list[tuple[Attempt, list[Reply]]]:
        """Return those of an account's transactions whose nonce is used, with their receipts."""
        client = self._client(lane)
        address = format_address(self._signer.address(lane.index))
        (done,) = await ask_numbers(client, [("eth_getTransactionCount", (address, "latest"))])
        late = [attempt for attempt in sent if attempt.signed.nonce < done]
        forms = [(attempt, form) for attempt in late for form in self._forms(attempt)]
        replies = await client.batch(receipt_calls([form for _, form in forms]))
        found: dict[bytes, list[Reply]] = {attempt.signed.digest: [] for attempt in late}
        for (attempt, _), reply in zip(forms, replies, strict=True):
            found[attempt.signed.digest].append(reply)
        return [(attempt, found[attempt.signed.digest]) for attempt in late]

    def _forms(self, attempt: Attempt) -> list[bytes]:
        return self._sender.tracker.forms(attempt.signed.digest)

    def _repeat(self, attempt: Attempt) -> None:
        if self._sender.is_home(attempt):
            self._sender.accept(attempt)
        elif not self._is_over(attempt):
            self._sender.hand_again(attempt)

    def _is_over(self, attempt: Attempt) -> bool:
        """Give up an arrival whose patience has ended; its account begins the nonce anew.

        But not what a node may have.
        """
        sender = self._sender
        if attempt.is_unsure or sender.is_home(attempt) or not sender.is_late(attempt):
            return False
        sender.withdraw(attempt, again=False)
        sender.lanes.put_back(attempt.lane, attempt.signed)
        sender.release(attempt.lane)
        return True

    def _pause(self, lane: Lane) -> None:
        self._later(lane, partial(self._sender.release, lane))

    def _later(self, lane: Lane, action: "partial[None]") -> None:
        self._begin(self._after(self._span(lane), action))

    async def _after(self, seconds: float, action: "partial[None]") -> None:
        await asyncio.sleep(seconds)
        action()

    def _span(self, lane: Lane) -> float:
        return min(PAUSE_S * 2.0 ** max(lane.tries - 1, 0), PAUSE_S_MAX)


def block_of(reply: Reply) -> float:
    """Return the block that a receipt names; one beyond all if it names none."""
    try:
        return int(reply.result["blockNumber"], 16)
    except (KeyError, TypeError, ValueError):
        return -1 if reply.error is None and reply.result is None else math.inf


def receipt_calls(digests: Sequence[bytes]) -> list[Call]:
    """Return the questions for some receipts."""
    return [("eth_getTransactionReceipt", ("0x" + digest.hex(),)) for digest in digests]
