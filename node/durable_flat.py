"""The state durable after every block: its rows stand in the block's own batch.

So the head row, the state, its trie, the block and what leads back to the block before are always
of one height, and a restart goes on from there. `node.flat_rows` says which rows there are.
"""

from node.checkpoints import Checkpoints
from node.costs import STORE_ROW
from node.execution import ExecutedBlock
from node.flat_library import FlatLibrary
from node.flat_rows import HEADERS, RECEIPTS, anchor_row, closing_row, height_key
from node.rebase import Rebase, stacked
from node.snapshot import Closing
from node.transaction_index import place_rows, unplaced_rows
from primitives.header import decode_header
from primitives.machine import Record, Work
from storage.flat import HISTORY, expired_records


class DurableFlat:
    """The durable states of one node, as flat rows.

    Args:
        checkpoints: which states it serves; it stands at `base`.
        library: what the process shares.
        base: the block whose state the store holds, or is about to.
        kept: blocks below the head whose state stays readable; None for all.
        rebase: lets go of states in memory; None where they are shared there.
        indexes: whether transactions can be found by their hash.
    """

    __slots__ = ("_base", "_indexes", "_kept", "_library", "_rebase", "checkpoints")

    def __init__(
        self,
        checkpoints: Checkpoints,
        library: FlatLibrary,
        base: ExecutedBlock,
        kept: int | None,
        rebase: Rebase | None = None,
        *,
        indexes: bool = False,
    ) -> None:
        self.checkpoints = checkpoints
        """Which states it serves."""
        self._library = library
        self._base = base
        self._kept = kept
        self._rebase = rebase
        self._indexes = indexes

    def append(
        self, parent: ExecutedBlock, block: ExecutedBlock, certificate: bytes
    ) -> tuple[Record, ...]:
        """Take in the next final block; return the rows that it makes."""
        self.checkpoints.append(block, certificate)
        rows = self._library.block(parent, block, archive=self._kept is None)
        if self._kept is not None:
            rows = (*rows, *expired_records(block.number, self._kept))
        if self._indexes:
            hashes = [each.hash for each in block.transactions]
            rows = (*rows, *place_rows(block.number, block.digest, hashes))
        if not block.closing:
            return rows
        return (*rows, closing_row(block.number, self.checkpoints.closings[-1]))

    def leap(
        self, block: ExecutedBlock, certificate: bytes, closings: tuple[Closing, ...]
    ) -> tuple[Record, ...]:
        """Begin anew from a state that was fetched; return the rows that make it durable.

        They are one batch, as those of a block are: a crash finds the old state or the new one.
        """
        known = len(self.checkpoints.closings)
        self.checkpoints.leap(block, certificate, closings)
        fresh = self.checkpoints.closings[known:]
        return (
            *self._library.replacing(self._base, block, archive=self._kept is None),
            *self._unreachable(),
            anchor_row(block, certificate),
            *[closing_row(decode_header(each.header).number, each) for each in fresh],
        )

    def _unreachable(self) -> list[Record]:
        """Return what deletes the rows that lead back from the head, which no state has any more.

        An archive's are not in the way of later ones.
        """
        head, kept = self._base.number, self._kept
        lowest = head + 1 if kept is None else max(1, head - kept + 1)
        return [Record(HISTORY, height_key(n), None) for n in range(lowest, head + 1)]

    def droppable(self, height: int) -> int:
        """Return what lies below the older checkpoint that is served: a restart needs its proof."""
        served = self.checkpoints.served
        return served[0].block.number - 1 if served else 0

    def dropped(self, height: int, payload: bytes) -> tuple[Record, ...]:
        """Return what deletes header and receipts, and the places of the transactions."""
        key = height_key(height)
        places = unplaced_rows(payload) if self._indexes else ()
        return Record(HEADERS, key, None), Record(RECEIPTS, key, None), *places

    def work(self, records: tuple[Record, ...]) -> tuple[Work, ...]:
        """Return what it takes to make rows of the state, the trie and the receipts.

        With many changes it is half as much as executing transfers.
        """
        return (Work(STORE_ROW, len(records)),)

    def held(self, block: ExecutedBlock) -> ExecutedBlock:
        """Return a block that becomes the head, over what the store is known to hold."""
        self._base = block if self._rebase is None else self._rebase.head(self._base, block)
        return self._base

    def stacked(self, parent: ExecutedBlock, block: ExecutedBlock) -> ExecutedBlock:
        """Return an executed block above the head, over the same as its parent."""
        return block if self._rebase is None else stacked(parent, block)

    def persisted(self, height: int) -> None:
        """Learn that the batch of a block is durable."""
        if self._rebase is not None:
            self._rebase.persisted(height)
