"""A batch of positioned reads: which runs it takes, and what its pieces are then."""

from collections.abc import Sequence
from itertools import zip_longest

from storage.files.batches import GAP_BYTES, Piece, Run, read_runs
from storage.files.positioned import PositionedFile

AHEAD = 128
"""Runs that the kernel is told of before they are read."""


class Reads:
    """A batch under way.

    Args:
        file: that is read.
        pieces: offset and length of each.
        gap_bytes: the widest gap between two pieces that is read along.
    """

    def __init__(
        self, file: PositionedFile, pieces: Sequence[Piece], gap_bytes: int = GAP_BYTES
    ) -> None:
        self.file = file
        self.runs = read_runs(pieces, gap_bytes)
        self.found = [memoryview(b"")] * len(pieces)
        """The bytes of each piece, in the order of the request, once its run was read."""

    def share(self, run: Run, data: memoryview) -> None:
        """Give each piece of a run its bytes; they share the run's memory."""
        pieces = run.pieces
        if len(pieces) == 1:
            self.found[pieces[0].number] = data
            return
        for piece in pieces:
            self.found[piece.number] = data[piece.start : piece.start + piece.length]

    def read(self, run: Run) -> None:
        """Read one run through the page cache.

        Raises:
            ShortFile: the file ends before.
        """
        self.share(run, memoryview(self.file.read(run.offset, run.length)))

    def read_announced(self) -> list[memoryview]:
        """Read all runs through the page cache, each some time after the kernel was told of it.

        Raises:
            ShortFile: the file ends before the end of a piece.
        """
        runs, read, share = self.runs, self.file.read, self.share
        will_need = self.file.will_need
        if len(runs) > 1:
            for run in runs[:AHEAD]:
                will_need(run.offset, run.length)
        for run, later in zip_longest(runs, runs[AHEAD:]):
            if later is not None:
                will_need(later.offset, later.length)
            share(run, memoryview(read(run.offset, run.length)))
        return self.found
