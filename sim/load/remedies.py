"""What is done about a transaction that a node has not taken.

Each kind of error has its remedy. A transaction that offers too little is signed anew with more;
one whose nonce is out of step makes its account ask the chain where it stands; a full pool makes
the account pause; where the answer was lost, the same bytes go to the next node. The arrival keeps
its intended instant through all of it, until its patience ends.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from functools import partial
from typing import Any

from sim.load.chain import ask_nonces
from sim.load.errors import RpcError
from sim.load.fees import ask_fees
from sim.load.kinds import ErrorKind
from sim.load.lanes import Lane
from sim.load.nodes import Attempt
from sim.load.rpc import RpcClient
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
    """

    def __init__(
        self, sender: Sender, signer: Signer, clients: Sequence[RpcClient], tip: int | None
    ) -> None:
        self._sender = sender
        self._signer = signer
        self._clients = clients
        self._tip = tip
        self._tasks: set[asyncio.Task[None]] = set()
        self.corrections: dict[int, int] = {}
        """Nonces with which accounts go on: whoever signs must be told."""

    def answer(self, attempt: Attempt, kind: ErrorKind) -> None:
        """Do what helps against a refusal."""
        match kind:
            case ErrorKind.UNDERPRICED:
                self._begin(self._offer_more(attempt))
            case ErrorKind.NONCE_TOO_LOW | ErrorKind.NONCE_GAP | ErrorKind.OTHER:
                self._begin(self._ask_nonce(attempt, kind))
            case ErrorKind.POOL_FULL:
                self._sender.withdraw(attempt)
                self._sender.lanes.put_back(attempt.lane, attempt.signed)
                self._pause(attempt.lane)
            case ErrorKind.INSUFFICIENT_FUNDS:
                self._sender.lanes.retire(attempt.lane)
                self._sender.withdraw(attempt)
                self._sender.release(attempt.lane)
            case ErrorKind.TIMEOUT | ErrorKind.CONNECTION:
                attempt.lane.shift += 1
                self._later(attempt.lane, partial(self._repeat, attempt))
            case ErrorKind.ALREADY_KNOWN:
                self._sender.release(attempt.lane)

    async def close(self) -> None:
        """End what is being asked."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

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
                return
            nonce = (await ask_nonces(self._client(lane), [address]))[address]
        except RpcError:
            lane.shift += 1
            sender.withdraw(attempt)
            sender.lanes.put_back(lane, attempt.signed)
        else:
            if kind is ErrorKind.NONCE_GAP and sender.repeat_from(lane, nonce, attempt):
                # The node has lost what it had taken; this one follows once it has that again.
                sender.withdraw(attempt)
                sender.lanes.put_back(lane, attempt.signed)
                self._pause(lane)
                return
            sender.withdraw(attempt, again=kind is not ErrorKind.OTHER)
            sender.lanes.restart(lane, nonce)
            self.corrections[lane.index] = nonce
        self._pause(lane)

    async def _is_included(self, attempt: Attempt) -> bool:
        """Tell whether a nonce is too low because this very transaction has used it.

        So it is where a node took it, the answer was lost, and a block came before the repetition.
        """
        if self._sender.is_home(attempt):
            return True
        digest = "0x" + attempt.signed.digest.hex()
        client = self._client(attempt.lane)
        return await client.call("eth_getTransactionReceipt", digest) is not None

    def _repeat(self, attempt: Attempt) -> None:
        if self._sender.is_home(attempt):
            self._sender.accept(attempt)
        elif not self._is_over(attempt):
            self._sender.hand_again(attempt)

    def _is_over(self, attempt: Attempt) -> bool:
        """Give up an arrival whose patience has ended; its account begins the nonce anew."""
        sender = self._sender
        if sender.clock() - attempt.intended_ns <= sender.patience_ns:
            return False
        sender.withdraw(attempt, again=False)
        sender.lanes.put_back(attempt.lane, attempt.signed)
        sender.release(attempt.lane)
        return True

    def _pause(self, lane: Lane) -> None:
        self._later(lane, partial(self._sender.release, lane))

    def _later(self, lane: Lane, action: "partial[None]") -> None:
        asyncio.get_running_loop().call_later(self._span(lane), action)

    def _span(self, lane: Lane) -> float:
        return min(PAUSE_S * 2.0 ** max(lane.tries - 1, 0), PAUSE_S_MAX)
