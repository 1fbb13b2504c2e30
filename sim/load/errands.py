"""What has to be on the chain before a load begins: payments and contracts, one after another.

One account sends all of it in order, a window of transactions at a time, and waits for each window
to be in blocks. A receipt that says "failed" ends it: a load on a half-built contract would
measure nothing.
"""

import asyncio
from collections.abc import Callable, Sequence

from primitives.account_key import AccountKey
from primitives.address import format_address
from sim.load.chain import ask_numbers
from sim.load.errors import LoadRefused, RpcRefusal
from sim.load.fees import FeeQuote, ask_fees
from sim.load.kinds import ErrorKind, refusal_kind
from sim.load.rpc import RpcClient, result_of
from sim.workload.calls import Call
from sim.workload.minting import Purse

WINDOW = 16
"""Transactions that are sent before the first of them need be in a block."""
POLL_S = 0.1
PATIENCE_S = 60.0
"""Longest wait for the next of them to be in a block."""


class Errands:
    """One account that does something before the load.

    Args:
        client: to a node.
        key: of the account.
        chain_id: of the chain.
        nonce: with which it goes on.
        tip: what is given beside the base fee; as the node suggests if None.
    """

    def __init__(
        self, client: RpcClient, key: AccountKey, chain_id: int, nonce: int, tip: int | None
    ) -> None:
        self._client = client
        self._purse = Purse([key], chain_id)
        self._address = format_address(key.address)
        self._nonce = nonce
        self._tip = tip

    async def do(self, calls: Sequence[Call], on_done: Callable[[int], None]) -> None:
        """Send calls in order, and wait until all of them have succeeded.

        Args:
            calls: what to do.
            on_done: told how many are done.

        Raises:
            LoadRefused: one is refused, fails, or is in no block for a long time.
            RpcError: the node does not answer.
        """
        for start in range(0, len(calls), WINDOW):
            part = calls[start : start + WINDOW]
            quote = await ask_fees(self._client, self._tip)
            hashes = [await self._send(call, quote) for call in part]
            await self._wait()
            await self._judge(hashes)
            on_done(start + len(part))

    async def _send(self, call: Call, quote: FeeQuote) -> str:
        raw, digest = self._purse.sign_at(0, self._nonce, call, quote.tip, quote.max_fee)
        try:
            await self._client.call("eth_sendRawTransaction", "0x" + raw.hex())
        except RpcRefusal as refusal:
            if refusal_kind(refusal.message) is not ErrorKind.ALREADY_KNOWN:
                expected = f"a node that takes what {self._address} sends before the load"
                raise LoadRefused(self._client.url, expected, refusal.message) from refusal
        self._nonce += 1
        return "0x" + digest.hex()

    async def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        seen, deadline = -1, loop.time() + PATIENCE_S
        while True:
            (done,) = await ask_numbers(
                self._client, [("eth_getTransactionCount", (self._address, "latest"))]
            )
            if done >= self._nonce:
                return
            if done > seen:
                seen, deadline = done, loop.time() + PATIENCE_S
            if loop.time() > deadline:
                expected = f"nonce {done} of {self._address} in a block within {PATIENCE_S:g} s"
                raise LoadRefused(self._client.url, expected, "no such block")
            await asyncio.sleep(POLL_S)

    async def _judge(self, hashes: Sequence[str]) -> None:
        replies = await self._client.batch(
            [("eth_getTransactionReceipt", (each,)) for each in hashes]
        )
        for digest, reply in zip(hashes, replies, strict=True):
            receipt = result_of(self._client.url, reply)
            if not isinstance(receipt, dict) or receipt.get("status") != "0x1":
                expected = f"success of {digest}, which prepares the load"
                found = "no receipt" if receipt is None else f"status {receipt.get('status')}"
                raise LoadRefused(self._client.url, expected, found)
