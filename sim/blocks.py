"""Executed blocks by their digest, for those who look at a run from outside.

Nodes find executed blocks through their parents, by content. Checkers and reports know a block
by the digest that a trace event names. This cache does for nodes what `ComputeCache` does, and
keeps an index beside it.
"""

from collections.abc import Sequence

import msgspec

from node.builder import BuildContext
from node.execution import ExecutedBlock
from node.executors.executor import NO_HINTS, BlockHints
from node.shared import ComputeCache, Memo
from node.validation import PooledTransaction
from node.validation_errors import InvalidBlock
from primitives.ids import Hash32
from primitives.params import ChainParams
from sim.crew import Crew, lone_crew
from storage.state import StateLayer

BLOCKS_KEPT = 1_024
"""How far below the highest block all executed blocks are kept, and how many older ones beside."""

TRANSACTIONS_KEPT = 32_768
EXECUTIONS_KEPT = 512
"""What the shared cache remembers, as `ComputeCache` does."""


class BlockIndex:
    """Executed blocks by digest: all of the last heights, and the latest to come of older ones.

    The older ones stand apart, because a node that restarts executes its whole chain again; that
    must not drive out what the others are about to commit.

    Args:
        genesis: block 0; never leaves.
    """

    def __init__(self, genesis: ExecutedBlock) -> None:
        self._genesis = genesis
        self._highest = 0
        self._by_height: dict[int, list[Hash32]] = {}
        self._recent: dict[Hash32, ExecutedBlock] = {}
        self._older: Memo[Hash32, ExecutedBlock] = Memo(BLOCKS_KEPT)

    def add(self, block: ExecutedBlock) -> None:
        """Take a block in; one that was taken in lately changes nothing."""
        if block.state.below is not None:
            block = self._independent(block)
        if self._recent.get(block.digest) is block:
            return
        height = block.number
        if height <= self._highest - BLOCKS_KEPT:
            self._older.put(block.digest, block)
            return
        if block.digest not in self._recent:
            self._by_height.setdefault(height, []).append(block.digest)
        self._recent[block.digest] = block
        while self._highest < height:
            self._highest += 1
            for digest in self._by_height.pop(self._highest - BLOCKS_KEPT, ()):
                del self._recent[digest]

    def _independent(self, block: ExecutedBlock) -> ExecutedBlock:
        """Return a block whose state does not stand on one node's store.

        That node may crash, and its disk may be damaged, while others look at the block.
        """
        known = self._find(block.digest)
        if known is not None and known.state.below is None:
            return known
        try:
            parent = self.block(block.block.header.parent_hash)
        except KeyError:
            return block
        if parent.state.below is not None:
            return block
        state = StateLayer(parent.state, block.state.all_changes)
        state.trie()  # Lets go of the parent.
        return msgspec.structs.replace(block, state=state)

    def byte_count(self) -> int:
        """Return the bytes of all payloads that are kept; looks at every recent block."""
        recent = sum(len(block.payload) for block in self._recent.values())
        return recent + self._older.byte_count

    def _find(self, digest: Hash32) -> ExecutedBlock | None:
        return self._recent.get(digest) or self._older.get(digest)

    def block(self, digest: Hash32) -> ExecutedBlock:
        """Return a block.

        Raises:
            KeyError: nobody has executed it, or it has left.
        """
        if digest == self._genesis.digest:
            return self._genesis
        block = self._find(digest)
        if block is None:
            raise KeyError(digest.hex())
        return block

    def transaction_hashes(self, digest: bytes) -> Sequence[bytes]:
        """Return the hashes of a block's transactions; empty for a block that is not known."""
        block = self._find(Hash32(digest))
        return () if block is None else tuple(t.hash for t in block.transactions)


class IndexedCache(ComputeCache):
    """The nodes' shared cache, which also fills an index of executed blocks.

    Args:
        params: the chain.
        index: filled.
        transactions: how many checked transactions are kept.
        blocks: how many executed blocks are kept.
        crew: who computes; this process alone if None.
    """

    __slots__ = ("_index",)

    def __init__(
        self,
        params: ChainParams,
        index: BlockIndex,
        transactions: int = TRANSACTIONS_KEPT,
        blocks: int = EXECUTIONS_KEPT,
        crew: Crew | None = None,
    ) -> None:
        crew = crew or lone_crew()
        super().__init__(params, transactions, blocks, crew.pool, crew.executor)
        self._index = index

    def execute(
        self, parent: ExecutedBlock, payload: bytes, hints: BlockHints = NO_HINTS
    ) -> ExecutedBlock | InvalidBlock:
        """Return the executed block, or the reason why it is refused."""
        result = super().execute(parent, payload, hints)
        if isinstance(result, ExecutedBlock):
            self._index.add(result)
        return result

    def build(
        self,
        parent: ExecutedBlock,
        candidates: tuple[PooledTransaction, ...],
        context: BuildContext,
    ) -> ExecutedBlock:
        """Build a block, and keep it for those who will execute it."""
        built = super().build(parent, candidates, context)
        self._index.add(built)
        return built
