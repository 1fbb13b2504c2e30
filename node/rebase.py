"""States in memory stand on the store, and move up on it as the chain grows.

A node that reads its store keeps in memory what the last blocks have changed, over a base on disk
(`storage.flat.DiskState`). From time to time a newer base takes its place: a snapshot of the store
has the changes of all blocks that were durable by then, and they are let go. Which block that is
says the snapshot itself; it is at or below the head, and at or above what is known to be durable.

Blocks above the head move with it; those being executed meanwhile follow when the head moves next.
So what is in memory is bounded by how far the store lags behind, and not by the chain's length.
"""

from collections import deque
from contextlib import AbstractContextManager

from msgspec import structs

from node.execution import ExecutedBlock
from storage.changes import StateChanges, merged_all
from storage.flat import DiskState, StateCaches, read_head
from storage.state import StateLayer
from storage.store import SnapshotStore


class Rebase:
    """The base of one node's states.

    Args:
        store: the node's own.
        blocks: how many more have to be durable before the base is renewed.
        height: of the block whose state is the first; `base` is the state after it.
        base: where the first state stands on the store already.
        caches: what is kept decoded of it.
        lock: taken for each read, where others read its states while it moves.
    """

    __slots__ = ("_blocks", "_caches", "_changes", "_durable", "_height", "_lock", "_store", "base")

    def __init__(
        self,
        store: SnapshotStore,
        blocks: int,
        height: int,
        base: DiskState | None = None,
        caches: StateCaches | None = None,
        lock: AbstractContextManager[object] | None = None,
    ) -> None:
        self._store = store
        self._blocks = blocks
        self._height = height
        """Of the state on which those in memory stand."""
        self._caches = caches
        self._lock = lock
        self._durable = height if base is not None else -1
        """Height up to which the store is known to have everything."""
        self._changes: deque[tuple[int, StateChanges]] = deque()
        """Of the final blocks above `_height`, with their heights."""
        self.base = base
        """The newest one; None while the first state is in memory."""

    @property
    def layers(self) -> int:
        """Blocks whose changes are kept."""
        return len(self._changes)

    def persisted(self, height: int) -> None:
        """Learn that the batch of a block is durable."""
        self._durable = height

    def head(self, parent: ExecutedBlock, block: ExecutedBlock) -> ExecutedBlock:
        """Return a block that becomes the head, over the newest base.

        Args:
            parent: the head before, over the newest base so far.
            block: its child, or the block of a state that was fetched.
        """
        if block.number != parent.number + 1 or not block.payload:
            self._begin(block)
            return block
        if self._durable - self._height >= self._blocks:
            parent = self._renewed(parent)
        self._changes.append((block.number, block.state.all_changes))
        return stacked(parent, block)

    def _begin(self, block: ExecutedBlock) -> None:
        """Begin with a state that is in memory as a whole, and in the store only later."""
        self._height = block.number
        self._changes.clear()
        self.base = None

    def _renewed(self, head: ExecutedBlock) -> ExecutedBlock:
        """Take a new base, and return the head over it."""
        snapshot = self._store.snapshot()
        found = read_head(snapshot)
        assert found is not None, "a store that has acknowledged a block has its head row"
        assert self._height <= found.height <= head.number, f"a store of another chain: {found}"
        changes = self._release(found.height)
        if self.base is None:
            self.base = DiskState(snapshot, self._caches, self._lock)
        else:
            self.base = self.base.advanced(snapshot, changes)
        above = merged_all(tuple([changes for _, changes in reversed(self._changes)]))
        return structs.replace(head, state=StateLayer(None, above, self.base))

    def _release(self, height: int) -> StateChanges:
        """Let go of the changes up to a block; return them as one."""
        gone: list[StateChanges] = []
        while self._changes and self._changes[0][0] <= height:
            gone.append(self._changes.popleft()[1])
        self._height = height
        return merged_all(tuple(reversed(gone)))


def stacked(parent: ExecutedBlock, block: ExecutedBlock) -> ExecutedBlock:
    """Return a block over what its parent stands on; itself, if it does already."""
    if block.state.below is parent.state.below:
        return block
    return structs.replace(block, state=StateLayer(parent.state, block.state.all_changes))
