"""Many positioned reads or writes at once, off the thread that asks.

A disk answers dozens of requests in the time of one, if it has them at the same time. There are
two ways to give them to it, and each is best somewhere (figures: docs/adr/0022):

- Through the page cache the kernel is *told* what will be read (`posix_fadvise`), some requests
  ahead of the one that is read. It starts them all, and one thread is enough.
- Past the page cache (`O_DIRECT`) there is nothing to tell: there a few threads wait at the same
  time, each in a system call that lets go of the interpreter's lock.

Nobody needs asyncio for it, and nobody is kept from it: a `Future` of `submit_read` goes through
`asyncio.wrap_future`.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Lock
from types import TracebackType

import msgspec

from primitives.errors import InvalidInput
from storage.files.batches import GAP_BYTES, Piece, Run, write_runs
from storage.files.direct import AlignedBuffers, check_aligned, read_direct, write_direct
from storage.files.positioned import CAN_ANNOUNCE, Buffer, PositionedFile
from storage.files.reads import Reads
from storage.files.workers import Workers

WORKERS = 8
"""Threads. More of them add little at the disks that were measured."""
BATCHES_MAX = 64
"""Batches under way at most; who submits one more waits."""
WritePiece = tuple[int, bytes | memoryview]


class FileStatistics(msgspec.Struct, frozen=True):
    """What was done so far."""

    read_pieces: int = 0
    """Pieces that were asked for."""
    read_runs: int = 0
    """Reads that they became."""
    read_bytes: int = 0
    """Of those, gaps included."""
    write_pieces: int = 0
    write_runs: int = 0
    write_bytes: int = 0
    direct_bytes: int = 0
    """Of those read and written, the ones that passed the page cache by."""
    refusals: int = 0
    """Batches on files that were to pass the page cache by and could not."""
    refusal: str = ""
    """Why; the last reason."""


class FileIO:
    """Reads and writes batches of pieces. Any thread may use it; close it at the end.

    Args:
        workers: threads; they start when they are needed.
        gap_bytes: the widest gap between two pieces that is read along.
        batches_max: batches under way at most.
    """

    def __init__(
        self,
        workers: int = WORKERS,
        gap_bytes: int = GAP_BYTES,
        batches_max: int = BATCHES_MAX,
    ) -> None:
        if workers < 1 or batches_max < 1:
            raise InvalidInput("files.workers", "1 or more", min(workers, batches_max))
        self._gap_bytes = gap_bytes
        self._workers = Workers(workers, batches_max)
        self._buffers = AlignedBuffers(workers)
        self._lock = Lock()
        self._counts = FileStatistics()

    def read_many(self, file: PositionedFile, pieces: Sequence[Piece]) -> list[memoryview]:
        """Return the bytes of each piece, in the order of the request.

        Neighbours share memory: who keeps one piece for long should copy it.

        Args:
            file: any open file.
            pieces: offset and length of each; they may overlap.

        Raises:
            ShortFile: the file ends before the end of a piece.
            StoreFailed: the disk refuses; it says at which byte.
        """
        batch = Reads(file, pieces, self._gap_bytes)
        if _spreads(file):
            return self._spread(batch).result()
        return self._announced(batch)

    def submit_read(
        self, file: PositionedFile, pieces: Sequence[Piece]
    ) -> "Future[list[memoryview]]":
        """Begin what `read_many` does; the answer, or the error, is in the future.

        It waits only where too many batches are under way.
        """
        batch = Reads(file, pieces, self._gap_bytes)
        if _spreads(file):
            return self._spread(batch)
        return self._workers.submit(lambda: self._announced(batch))

    def write_many(self, file: PositionedFile, pieces: Sequence[WritePiece]) -> int:
        """Write each piece at its offset, and return how many bytes that were.

        `PositionedFile.sync` makes them durable. In a direct file offsets and lengths are
        multiples of `ALIGNMENT`.

        Raises:
            InvalidInput: pieces overlap, or are not aligned where they have to be.
            StoreFull: the disk is; some pieces may have been written.
        """
        return self.submit_write(file, pieces).result()

    def submit_write(self, file: PositionedFile, pieces: Sequence[WritePiece]) -> "Future[int]":
        """Begin what `write_many` does; the count, or the error, is in the future."""
        runs = write_runs(pieces)
        if file.direct:
            for offset, data in pieces:
                check_aligned(file, offset, len(data))
            return self._workers.spread(
                pieces,
                lambda piece: write_direct(file, *piece, self._buffers),
                lambda: self._written(file, pieces, len(pieces)),
            )
        return self._workers.spread(
            runs,
            lambda run: _write_run(file, *run),
            lambda: self._written(file, pieces, len(runs)),
        )

    def statistics(self) -> FileStatistics:
        """Return the counts so far."""
        return self._counts

    def close(self) -> None:
        """Wait for what is under way, and end the threads; a second call does nothing."""
        self._workers.close()

    def __enter__(self) -> "FileIO":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _spread(self, batch: Reads) -> "Future[list[memoryview]]":
        read = self._read_past_the_cache(batch) if batch.file.direct else batch.read
        return self._workers.spread(batch.runs, read, lambda: self._read(batch))

    def _read_past_the_cache(self, batch: Reads) -> Callable[[Run], None]:
        return lambda run: batch.share(run, read_direct(batch.file, run, self._buffers))

    def _announced(self, batch: Reads) -> list[memoryview]:
        batch.read_announced()
        return self._read(batch)

    def _read(self, batch: Reads) -> list[memoryview]:
        """Count a batch that is done, and return what it has found."""
        self._count(
            batch.file,
            sum(run.length for run in batch.runs),
            read_pieces=len(batch.found),
            read_runs=len(batch.runs),
            read_bytes=sum(run.length for run in batch.runs),
        )
        return batch.found

    def _written(self, file: PositionedFile, pieces: Sequence[WritePiece], runs: int) -> int:
        size = sum(len(data) for _, data in pieces)
        self._count(file, size, write_pieces=len(pieces), write_runs=runs, write_bytes=size)
        return size

    def _count(self, file: PositionedFile, size: int, **counts: int) -> None:
        with self._lock:
            now = self._counts
            sums = {name: getattr(now, name) + count for name, count in counts.items()}
            if file.direct:
                sums["direct_bytes"] = now.direct_bytes + size
            if file.refusal:
                sums["refusals"] = now.refusals + 1
            self._counts = msgspec.structs.replace(now, **sums, refusal=file.refusal or now.refusal)


def _spreads(file: PositionedFile) -> bool:
    """Tell whether threads have to wait for the disk at the same time."""
    return file.direct or not CAN_ANNOUNCE


def _write_run(file: PositionedFile, offset: int, buffers: Sequence[Buffer]) -> None:
    file.write(offset, buffers)
