"""Following the chain: every block once, and how far it is final.

One node is followed at a time: another one, if it does not answer or falls behind the others.

A subscription to new heads says when there is something to fetch; where there is none, the number
of the newest block is asked for, some times between two blocks. Either way a block is fetched
once, and no transaction is ever asked for by itself. A block whose parent is not the one that was
seen before it means that the chain has been reorganised: what was seen is undone, newest first.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from sim.load.blocks import HASHES_ONLY, HeadListener, SeenBlock, read_block
from sim.load.chain import read_number
from sim.load.errors import RequestTimedOut, RpcError, RpcRefusal
from sim.load.heads_socket import HeadsSocket
from sim.load.rpc import RpcClient, result_of

Answer = TypeVar("Answer")

POLL_S_MIN, POLL_S_MAX = 0.02, 0.5
WITH_SOCKET_S = 1.0
"""Pause between polls while new heads are announced."""
AT_ONCE = 16
"""Most blocks of one request."""
FINAL_AGAIN_NS = 1_000_000_000
"""Finality that comes between two blocks is asked for this often."""
DEPTH = 256
"""So many blocks that are not final are remembered for reorganisations."""
RETRY_S = 0.2
PATIENCE_S = 1.0
"""Where there are several nodes, longest wait for one; twice as long after each that was in vain,
until one answers."""


class HeadWatch:
    """Follows the chain at the first of some nodes that answers.

    Args:
        clients: to the nodes, at least one.
        clock: ns since the beginning of the load.
        listener: is told of blocks.
        sockets: WebSocket addresses of the nodes; None where polls must do.
    """

    def __init__(
        self,
        clients: Sequence[RpcClient],
        clock: Callable[[], int],
        listener: HeadListener,
        sockets: Sequence[str | None] = (),
    ) -> None:
        self._clients = clients
        self._clock = clock
        self._listener = listener
        self._sockets = sockets
        self._at = 0
        self._chain: list[SeenBlock] = []
        self._next = 0
        self._final = self._told_final = -1
        self._has_final = True
        self._final_first = False
        self._ask_final_ns = 0
        self._gap_s = POLL_S_MAX
        self._compare_ns = 0
        self._patience_s = PATIENCE_S
        self._wake = asyncio.Event()
        self._socket: HeadsSocket | None = None
        self._socket_at = -1
        self._listening: asyncio.Task[None] | None = None
        self.failures = 0
        """How often a node did not answer."""

    @property
    def head(self) -> SeenBlock | None:
        """The newest block."""
        return self._chain[-1] if self._chain else None

    @property
    def clients(self) -> list[RpcClient]:
        """All nodes, the one that is followed first."""
        return [*self._clients[self._at :], *self._clients[: self._at]]

    @property
    def has_finality(self) -> bool:
        """Whether the nodes know the tag `finalized`."""
        return self._has_final

    async def begin(self) -> None:
        """Find the newest block, which counts as old.

        Raises:
            RpcError: no node answers.
        """
        error: RpcError | None = None
        for _ in self._clients:
            try:
                client = self._clients[self._at]
                found = await client.call("eth_getBlockByNumber", "latest", HASHES_ONLY)
                block = read_block(client.url, found, self._clock())
            except RpcError as failed:
                error = error or failed
                self._turn()
            else:
                self._chain = [block]
                self._next = block.number + 1
                return
        assert error is not None
        raise error

    async def follow(self) -> None:
        """Tell the listener of every block from now on, until cancelled."""
        if not self._chain:
            await self.begin()
        async with asyncio.TaskGroup() as group:
            while True:
                self._listen(group)
                try:
                    await self.advance()
                except RpcError:
                    self.failures += 1
                    self._turn()
                    await asyncio.sleep(RETRY_S)
                announced = self._socket is not None and self._socket.is_open
                await self._pause(WITH_SOCKET_S if announced else self._interval())

    async def advance(self) -> None:
        """Fetch what is new, once.

        Raises:
            RpcError: the node does not answer, or not with blocks.
        """
        newest = await self._newest()
        client = self._clients[self._at]
        if newest == self._next and self._final_first and await self._take_final(client):
            return
        news = newest >= self._next
        while self._next <= newest:
            await self._fetch(client, min(newest, self._next + AT_ONCE - 1))
        self._tell_final()
        if self._has_final and (news or self._clock() >= self._ask_final_ns):
            await self._take_final(client)

    async def _newest(self) -> int:
        """Return the height of the node that is followed; of another one if that is behind it.

        A node that is cut off, or starts again, goes on answering with an old block. So where none
        has come for a while the others are asked, and the highest of them is followed from then on.
        """
        newest = await self._height(self._clients[self._at])
        if newest >= self._next:
            self._compare_ns = self._clock() + self._late_ns()
        elif len(self._clients) > 1 and self._clock() >= self._compare_ns:
            self._compare_ns = self._clock() + self._late_ns()
            newest = await self._compare(newest)
        return newest

    async def _compare(self, newest: int) -> int:
        """Follow the highest node; return its height."""
        found = await asyncio.gather(*map(self._height, self._clients), return_exceptions=True)
        for at, height in enumerate(found):
            if isinstance(height, int) and height > newest:
                newest, self._at = height, at
        return newest

    async def _height(self, client: RpcClient) -> int:
        return read_number(client.url, await self._soon(client, client.call("eth_blockNumber")))

    async def _soon(self, client: RpcClient, asked: Coroutine[Any, Any, Answer]) -> Answer:
        """Wait for an answer: not for long, if there is another node to ask."""
        if len(self._clients) == 1:
            return await asked
        patience_s = self._patience_s
        try:
            # Not wait_for: before Python 3.12 it goes on if it is cancelled as its answer comes.
            async with asyncio.timeout(patience_s):
                answer = await asked
        except TimeoutError as error:
            self._patience_s = 2 * patience_s
            raise RequestTimedOut(client.url, patience_s) from error
        self._patience_s = PATIENCE_S
        return answer

    def _late_ns(self) -> int:
        return int(max(PATIENCE_S, 4 * self._gap_s) * 1e9)

    def _listen(self, group: asyncio.TaskGroup) -> None:
        """Listen to the node that is followed, if it announces blocks."""
        if self._socket_at == self._at:
            return
        self._socket_at = self._at
        if self._listening is not None:
            self._listening.cancel()
        self._socket = self._listening = None
        url = self._sockets[self._at] if self._at < len(self._sockets) else None
        if url is not None:
            self._socket = HeadsSocket(self._wake.set)
            self._listening = group.create_task(self._socket.listen(url))

    def _interval(self) -> float:
        return min(max(self._gap_s / 4, POLL_S_MIN), POLL_S_MAX)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()

    def _turn(self) -> None:
        self._at = (self._at + 1) % len(self._clients)

    async def _fetch(self, client: RpcClient, last: int) -> None:
        numbers = range(self._next, last + 1)
        asked = [("eth_getBlockByNumber", (hex(number), HASHES_ONLY)) for number in numbers]
        replies = await self._soon(client, client.batch(asked))
        for reply in replies:
            found = result_of(client.url, reply)
            if found is None:
                return
            if not self._append(read_block(client.url, found, self._clock())):
                return

    def _append(self, block: SeenBlock) -> bool:
        """Take a block that follows; else undo the newest one and tell that it does not."""
        if self._chain and block.parent != self._chain[-1].digest:
            undone = self._chain.pop()
            self._next = undone.number
            self._listener.on_undone(undone)
            return False
        if self._chain:
            gap_s = (block.at_ns - self._chain[-1].at_ns) / 1e9
            self._gap_s += (gap_s - self._gap_s) / 8
        self._chain.append(block)
        del self._chain[:-DEPTH]
        self._next = block.number + 1
        self._listener.on_block(block)
        return True

    async def _take_final(self, client: RpcClient) -> bool:
        """Ask for the final block; tell whether it has joined the chain as its newest one."""
        self._ask_final_ns = self._clock() + FINAL_AGAIN_NS
        try:
            asked = client.call("eth_getBlockByNumber", "finalized", HASHES_ONLY)
            found = await self._soon(client, asked)
        except RpcRefusal:
            self._has_final = self._final_first = False
            return False
        if found is None:
            return False
        block = read_block(client.url, found, self._clock())
        self._final_first = block.number >= self._next - 1
        joined = block.number == self._next and self._append(block)
        self._final = max(self._final, block.number)
        self._tell_final()
        return joined

    def _tell_final(self) -> None:
        """Tell of what is final and was seen: a node may call final what is still to be fetched."""
        number = min(self._final, self._next - 1)
        if number > self._told_final:
            self._told_final = number
            self._listener.on_final(number, self._clock())
