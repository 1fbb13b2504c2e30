"""States as runs of changes: the batch of each checkpoint has what changed since the one before.

It also deletes the blocks that are too old to keep, so a crash finds either all of that or
nothing.
"""

from dataclasses import dataclass

import msgspec

from node.checkpoints import Checkpoint, Checkpoints
from node.execution import ExecutedBlock
from node.snapshot import Closing, Manifest, SnapshotLibrary
from primitives.codec import decode_canonical, encode_canonical
from primitives.errors import InvalidEncoding
from primitives.machine import Record, Work
from storage.changes import StateChanges
from storage.state import StateLayer
from storage.store import Store

SNAPSHOT = "chain.snapshot"
"""Table of one row: which runs make the state, and the block that it belongs to."""

RUNS = "chain.accounts"
"""Table of runs of changes, by the height of the newest block in each."""

LATEST = b"latest"
"""Key of the row of `SNAPSHOT`."""

LEAPT = b"whole"
"""Sets the run of a whole state apart from that of the blocks up to the same checkpoint."""


class StoredSnapshot(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The row of `SNAPSHOT`."""

    manifest: Manifest
    """With the ends of all epochs since genesis."""
    over_genesis: bool
    """Whether accounts that stand in no run are those of genesis; else there are none."""
    runs: tuple[int, ...]
    """Heights that name them, the newest first."""


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run that stands in the store, or is about to."""

    height: int
    count: int
    """Cells in it."""
    rows: bytes


class DurableRuns:
    """The durable states of one node, as runs.

    Args:
        interval: blocks from one checkpoint to the next.
        library: what the process shares.
        genesis: the first state.
    """

    __slots__ = (
        "_changes",
        "_genesis",
        "_library",
        "_over_genesis",
        "_runs",
        "_written",
        "checkpoints",
    )

    def __init__(self, interval: int, library: SnapshotLibrary, genesis: StateLayer) -> None:
        self.checkpoints = Checkpoints(interval)
        """Which states it serves."""
        self._genesis = genesis
        self._library = library
        self._changes: list[StateChanges] = []
        """Of the final blocks above the last checkpoint."""
        self._over_genesis = True
        self._runs: tuple[StoredRun, ...] = ()
        """The newest first."""
        self._written: dict[int, bytes] = {}
        """Runs that the store holds, by height."""

    def append(
        self, parent: ExecutedBlock, block: ExecutedBlock, certificate: bytes
    ) -> tuple[Record, ...]:
        """Take in the next final block; return the rows of its snapshot if it is a checkpoint."""
        self._changes.append(block.state.all_changes)
        checkpoint = self.checkpoints.append(block, certificate)
        if checkpoint is None:
            return ()
        rows = self._library.run(block.digest, self._changes)
        self._changes = []
        self._runs = self._compacted(StoredRun(block.number, self._library.count(rows), rows))
        return self._write(checkpoint)

    def leap(
        self, block: ExecutedBlock, certificate: bytes, closings: tuple[Closing, ...]
    ) -> tuple[Record, ...]:
        """Begin anew from a state that was fetched; return the rows that make it durable."""
        rows = self._library.run(block.digest + LEAPT, [block.state.everything()])
        self._changes = []
        self._over_genesis = False
        self._runs = (StoredRun(block.number, self._library.count(rows), rows),)
        return self._write(self.checkpoints.leap(block, certificate, closings))

    def droppable(self, height: int) -> int:
        """Return the older checkpoint that is served, if the node can restart from this block."""
        checkpoints = self.checkpoints
        return checkpoints.served[0].block.number if checkpoints.is_checkpoint(height) else 0

    def dropped(self, height: int, payload: bytes) -> tuple[Record, ...]:
        """Return nothing: there are no rows for single blocks."""
        return ()

    def work(self, records: tuple[Record, ...]) -> tuple[Work, ...]:
        """Return nothing: most batches have but two rows, which are there already."""
        return ()

    def held(self, block: ExecutedBlock) -> ExecutedBlock:
        """Return the block: its state is in memory, and shared."""
        return block

    def stacked(self, parent: ExecutedBlock, block: ExecutedBlock) -> ExecutedBlock:
        """Return the block, likewise."""
        return block

    def persisted(self, height: int) -> None:
        """Learn that the batch of a block is durable. Nothing waits for that."""

    def restored(self, checkpoint: Checkpoint, found: StoredSnapshot, store: Store) -> None:
        """Go on from a snapshot that was read from the store."""
        self._over_genesis = found.over_genesis
        self.checkpoints.restored((checkpoint,), checkpoint.closings)
        self._runs = tuple(
            StoredRun(height, self._library.count(rows), rows)
            for height in found.runs
            if (rows := store.get(RUNS, _key(height))) is not None
        )

    def note_stored(self, store: Store) -> None:
        """Remember which rows the store holds, so that stale ones are replaced or deleted."""
        self._written = {int.from_bytes(key, "big"): rows for key, rows in store.scan(RUNS)}

    def _compacted(self, newest: StoredRun) -> tuple[StoredRun, ...]:
        """Put a run before the others, merged into them until it is less than half of the next."""
        rest = self._runs
        while rest and 2 * newest.count >= rest[0].count:
            below = self._genesis if self._over_genesis else None
            rows = self._library.merged(
                rest[0].rows, newest.rows, is_bottom=len(rest) == 1, genesis=below
            )
            newest = StoredRun(newest.height, self._library.count(rows), rows)
            rest = rest[1:]
        return (newest, *rest)

    def _write(self, checkpoint: Checkpoint) -> tuple[Record, ...]:
        runs = {run.height: run.rows for run in self._runs}
        records = [Record(RUNS, _key(old), None) for old in self._written if old not in runs]
        records += [
            Record(RUNS, _key(height), rows)
            for height, rows in runs.items()
            if self._written.get(height) is not rows
        ]
        self._written = runs
        stored = StoredSnapshot(checkpoint.manifest(0), self._over_genesis, tuple(runs))
        records.append(Record(SNAPSHOT, LATEST, encode_canonical(stored)))
        return tuple(records)


def stored_snapshot(store: Store) -> StoredSnapshot | None:
    """Return the snapshot that the store holds, or None if there is none that can be read."""
    row = store.get(SNAPSHOT, LATEST)
    if row is None:
        return None
    try:
        return decode_canonical(row, StoredSnapshot)
    except InvalidEncoding:
        return None


def stored_state(
    store: Store, found: StoredSnapshot, genesis: StateLayer, library: SnapshotLibrary
) -> StateLayer | None:
    """Return the state that the store's runs make, or None if one is missing or damaged."""
    runs = [store.get(RUNS, _key(height)) for height in found.runs]
    whole = tuple(rows for rows in runs if rows is not None)
    if len(whole) < len(runs):
        return None
    try:
        return library.state(genesis if found.over_genesis else None, whole)
    except InvalidEncoding:
        return None


def _key(height: int) -> bytes:
    return height.to_bytes(8, "big")
