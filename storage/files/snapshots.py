"""A state snapshot as one file: the rows of some tables, in chunks.

It is an archive file whose kinds are the tables and whose records are chunks of rows, so it has
the same checksums, and the same compression. It is written under another name and gets its own
when it is sealed and durable: what has the name is whole.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import msgspec

from storage.files.compression import Compressor
from storage.files.errors import CorruptFile, failure
from storage.files.layout import Seal
from storage.files.positioned import sync_directory
from storage.files.reader import ArchiveReader, PieceReader
from storage.files.walking import Progress
from storage.files.writer import NO_METADATA, ArchiveWriter
from storage.rocks.errors import StoreError

CHUNK_BYTES = 1 << 20
"""Keys and values in one chunk: about as many, and one row at least."""
PARTIAL = ".partial"
"""Behind the name of a file that is being written."""
Row = tuple[bytes, bytes]
Rows = tuple[Row, ...]


def write_snapshot(
    path: Path,
    tables: Sequence[str],
    rows: Callable[[str], Iterable[Row]],
    metadata: Mapping[str, str] = NO_METADATA,
    compressor: Compressor | None = None,
    progress: Callable[[str, int], None] | None = None,
) -> Seal:
    """Write a snapshot; it is durable when this returns.

    Args:
        path: of the file; there is none yet. One that was left half written is replaced.
        tables: in the order in which they are written.
        rows: called once for each table; yields its rows.
        metadata: what the file tells about itself: height and state root, say.
        compressor: of single chunks.
        progress: called after each chunk with the table and the rows written of it.

    Raises:
        StoreFull: the disk is; nothing is left behind.
        StoreError: there is such a file.
    """
    if path.exists():
        raise StoreError(str(path), "a name that is free", "a file")
    partial = path.with_name(path.name + PARTIAL)
    partial.unlink(missing_ok=True)
    try:
        with ArchiveWriter.create(partial, tuple(tables), metadata, compressor) as writer:
            for table in tables:
                _write_table(writer, table, rows(table), progress)
            seal = writer.seal()
        partial.rename(path)
        sync_directory(path.parent)
    except BaseException as error:
        partial.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise failure(path, None, error) from error
        raise
    return seal


def _write_table(
    writer: ArchiveWriter,
    table: str,
    rows: Iterable[Row],
    progress: Callable[[str, int], None] | None,
) -> None:
    done = number = size = 0
    chunk: list[Row] = []

    def put() -> None:
        nonlocal done, number, size, chunk
        writer.append(table, number, msgspec.msgpack.encode(chunk))
        done, number, size = done + len(chunk), number + 1, 0
        chunk = []
        if progress is not None:
            progress(table, done)

    for key, value in rows:
        chunk.append((key, value))
        size += len(key) + len(value)
        if size >= CHUNK_BYTES:
            put()
    if chunk:
        put()


class SnapshotFile:
    """A snapshot, open for reading.

    Args:
        path: of the file.
        pieces: how many chunks are read at once.

    Raises:
        NotSealed: it lacks its end.
        ForeignStore: it is no snapshot.
        CorruptFile: its header or index are not what was written.
    """

    def __init__(self, path: Path, pieces: PieceReader | None = None) -> None:
        self._reader = ArchiveReader(path, pieces)
        self._decoder = msgspec.msgpack.Decoder(Rows)
        self.path = path
        self.tables = self._reader.kinds
        self.metadata = self._reader.metadata
        """What the writer wanted a reader to know."""

    def chunks(self, progress: Progress | None = None) -> Iterator[tuple[str, Rows]]:
        """Yield (table, rows) in the order of writing, each chunk checked.

        Raises:
            CorruptFile: one is not what was written; the iteration never just ends there.
        """
        for entry in self._reader.entries(progress):
            yield entry.kind, self._rows(entry.kind, entry.number, entry.payload)

    def rows(self, table: str) -> Iterator[Row]:
        """Yield the rows of one table in the order of writing."""
        for number in self._reader.numbers(table):
            payload = self._reader.get(table, number)
            assert payload is not None, "the index has it"
            yield from self._rows(table, number, payload)

    def verify(self, progress: Progress | None = None) -> tuple[StoreError, ...]:
        """Read every byte, and return the damage found."""
        return self._reader.verify(progress)

    def close(self) -> None:
        """Let go of the file; a second call does nothing."""
        self._reader.close()

    def __enter__(self) -> "SnapshotFile":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _rows(self, table: str, number: int, payload: bytes) -> Rows:
        try:
            return self._decoder.decode(payload)
        except msgspec.DecodeError as error:
            reason = f"chunk {number} of {table} is not made of rows ({error})"
            raise CorruptFile(self.path, 0, reason) from error
