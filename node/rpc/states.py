"""The state after a block that a caller names.

The newest one, and those of blocks that the store is not known to have, are in the node's memory.
Earlier ones are read from a snapshot of the store: the blocks above are undone, as far back as the
node keeps what that takes (`StorageConfig.state_history`).
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from node.rpc.backend import ChainBackend
from node.rpc.block_id import BlockId, ByHash
from node.rpc.chain import ChainReader
from node.rpc.errors import server_error
from primitives.header import Header
from storage.cache import CacheOptions, Limits
from storage.commitment import StateTrie
from storage.flat import NoFlatState, StateCaches, StateNotKept
from storage.flat.historic import HistoricState
from storage.reader import StateReader
from storage.store import SnapshotStore

Result = TypeVar("Result")

STATES_KEPT = 2
"""Earlier states that are remembered, each with its snapshot of the store."""
KEPT_SECONDS = 30.0
"""For which one is remembered."""
MEBIBYTE = 1 << 20
CACHES = StateCaches(
    CacheOptions(Limits(4_096, MEBIBYTE)),
    CacheOptions(Limits(8_192, 2 * MEBIBYTE)),
    CacheOptions(Limits(256, MEBIBYTE)),
)
"""Of each of them; the node's own state has much larger ones."""


class ProvenState(StateReader, Protocol):
    """A state that has its trie, too."""

    def trie(self) -> StateTrie:
        """Return the state as a Merkle Patricia trie, keyed by hashed address."""
        ...


class States:
    """The states of one node.

    Args:
        chain: reads its blocks.
        kept: earlier states that are remembered.
    """

    def __init__(self, chain: ChainReader, kept: int = STATES_KEPT) -> None:
        self._chain = chain
        self._kept = kept
        self._historic: OrderedDict[int, HistoricState] = OrderedDict()
        self._store: SnapshotStore | None = None
        """The one that these are of."""

    def ask(
        self, backend: ChainBackend, block: BlockId, answer: Callable[[ProvenState], Result]
    ) -> Result | Awaitable[Result]:
        """Answer from the state after a block: at once, if it is in memory.

        Raises:
            RpcError: there is no such block, or its state is not kept.
        """
        height = self._height(backend, block)
        state = self._in_memory(backend, height)
        if state is not None:
            return answer(state)
        return self._answer_later(backend, height, answer)

    async def at(self, backend: ChainBackend, block: BlockId) -> tuple[Header, ProvenState]:
        """Return a block's header and the state after it.

        Raises:
            RpcError: there is no such block, or its state is not kept.
        """
        height = self._height(backend, block)
        header = self._chain.header(backend, height)
        assert header is not None, "a height that was found"
        return header, await self.after(backend, height)

    async def after(self, backend: ChainBackend, height: int) -> ProvenState:
        """Return the state after a final block.

        Raises:
            RpcError: it is not kept.
        """
        state = self._in_memory(backend, height)
        return await self._earlier(backend, height) if state is None else state

    def _height(self, backend: ChainBackend, block: BlockId) -> int:
        height = self._chain.height(backend, block)
        if height is None:
            by_hash = isinstance(block, ByHash)
            raise server_error(f"header{' for hash' if by_hash else ''} not found")
        return height

    def _in_memory(self, backend: ChainBackend, height: int) -> ProvenState | None:
        ledger = backend.node.ledger
        if height == ledger.height:
            return ledger.tip.state
        executed = ledger.unsettled.get(height)
        if executed is not None:
            return executed.state
        return backend.environment.genesis_block.state if height == 0 else None

    async def _answer_later(
        self, backend: ChainBackend, height: int, answer: Callable[[ProvenState], Result]
    ) -> Result:
        return answer(await self._earlier(backend, height))

    async def _earlier(self, backend: ChainBackend, height: int) -> ProvenState:
        if backend.store is not self._store:
            # A node that has met damage goes on with its store opened anew.
            self._historic.clear()
            self._store = backend.store
        known = self._historic.get(height)
        if known is not None:
            self._historic.move_to_end(height)
            return known
        snapshot = backend.store.snapshot()
        try:
            # Undoing many large blocks takes long; nobody else uses the snapshot meanwhile.
            state = await asyncio.to_thread(HistoricState, snapshot, height, CACHES)
        except (StateNotKept, NoFlatState):
            snapshot.release()
            raise self._missing(backend, height) from None
        self._historic[height] = state
        while len(self._historic) > self._kept:
            self._historic.popitem(last=False)
        asyncio.get_running_loop().call_later(KEPT_SECONDS, self._forget, height, state)
        return state

    def _forget(self, height: int, state: HistoricState) -> None:
        """Let go of a state, and so of its snapshot: that holds back room on the disk."""
        if self._historic.get(height) is state:
            del self._historic[height]

    def _missing(self, backend: ChainBackend, height: int) -> Exception:
        """Return the error of go-ethereum, which libraries know, for a state that is not kept."""
        header = self._chain.header(backend, height)
        assert header is not None, "a height that was found"
        root = header.state_root.hex()
        return server_error(
            f"missing trie node {root} (path ) state 0x{root} is not available, not found"
        )
