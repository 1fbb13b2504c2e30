"""An archive: a directory of files, of which only the last one grows.

A file that has enough in it is sealed before the next one is begun, so at most one file is open
at any time, and only it can be torn by a crash. Reads go through the indexes; what each file holds
of which kind is known from the seals, so opening an archive reads two records of each file.

One thread puts records in, and any may read meanwhile. A lock keeps them apart, but not for as
long as the disk takes to sync: who reads an old block must not wait for a new one.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from threading import RLock
from types import TracebackType

import msgspec

from primitives.errors import InvalidInput
from storage.files.catalogue import Catalogue, archive_files, file_name
from storage.files.compression import Compressor
from storage.files.errors import CorruptFile, EmptyFile, NotSealed, OutOfOrder, failure
from storage.files.positioned import PositionedFile, make_directory, sync_directory
from storage.files.reader import ArchiveReader, InThread, PieceReader, read_entries
from storage.files.recovery import Tear
from storage.files.walking import Fault, Progress, Window, walk
from storage.files.writer import NO_METADATA, ArchiveWriter
from storage.rocks.errors import CorruptStore, StoreClosed, StoreError, UnknownTable

SCAN_RECORDS = 64
"""Records that a scan reads at once."""


class ArchiveLimits(msgspec.Struct, frozen=True):
    """When a file has enough in it: at the first of these."""

    records_max: int = 32_768
    bytes_max: int = 256 << 20


class Mark(msgspec.Struct, frozen=True):
    """How far an archive is durable."""

    file: str
    """The last file's name; "" where there is none."""
    size: int
    """Its bytes that had been synced."""


LIMITS = ArchiveLimits()


class Archive:
    """An open archive. One thread writes to it, any may read; one process has it.

    Args:
        directory: of its files; made if there is none.
        kinds: names of the kinds of records that may be put in.
        limits: when a new file is begun.
        metadata: what new files tell about themselves.
        compressor: of single payloads.
        mark: how far it is known to be durable; None if nobody knows. What is damaged before it is
            never taken for a torn tail.
        pieces: how many records are read at once; None reads in the calling thread.

    Raises:
        CorruptStore: a file is damaged or missing; the error names it.
    """

    def __init__(
        self,
        directory: Path,
        kinds: Sequence[str],
        limits: ArchiveLimits = LIMITS,
        metadata: Mapping[str, str] = NO_METADATA,
        compressor: Compressor | None = None,
        mark: Mark | None = None,
        pieces: PieceReader | None = None,
    ) -> None:
        if limits.records_max < 1 or limits.bytes_max < 1:
            raise InvalidInput("archive.limits", "1 or more", limits)
        self.directory = directory
        self.kinds = tuple(kinds)
        self.torn: Tear | None = None
        """What the last crash has left at the end, and was cut off."""
        self._lock = RLock()
        self._limits = limits
        self._metadata = metadata
        self._compressor = compressor
        self._pieces = pieces or InThread()
        self._sealed = Catalogue(directory, self._pieces)
        self._writer: ArchiveWriter | None = None
        self._tail: PositionedFile | None = None
        self._closed = False
        try:
            self._open(mark)
        except BaseException:
            self._let_go()
            raise

    def append(self, kind: str, number: int, payload: bytes) -> None:
        """Put a record at the end; it is durable after the next `sync`.

        Raises:
            OutOfOrder: the number is not above all others of its kind.
            StoreFull: the disk is.
        """
        with self._lock:
            last = self.last(kind)
            if last is not None and number <= last:
                raise OutOfOrder(str(self.directory), f"a number of {kind} above {last}", number)
            if self._writer is not None and self._is_full(self._writer):
                self.roll_over()
            (self._writer or self._begin()).append(kind, number, payload)

    def sync(self) -> Mark:
        """Make all that was put in durable, and say how far that is.

        Raises:
            StoreFull: the disk is; try again when there is room.
        """
        with self._lock:
            self._usable()
            writer = self._writer
            if writer is not None:
                writer.flush()
        if writer is not None:
            writer.sync()
        return self.mark()

    def mark(self) -> Mark:
        """Return how far the archive is durable now."""
        with self._lock:
            self._usable()
            if self._writer is not None:
                return Mark(self._writer.path.name, self._writer.durable)
            sizes = self._sealed.sizes
            return Mark(file_name(len(sizes) - 1), sizes[-1]) if sizes else Mark("", 0)

    def synced_sizes(self) -> dict[str, int]:
        """Return how many bytes of each file survive the end of the machine, by its name."""
        with self._lock:
            self._usable()
            sizes = {file_name(number): size for number, size in enumerate(self._sealed.sizes)}
            if self._writer is not None:
                sizes[self._writer.path.name] = self._writer.durable
            return sizes

    def roll_over(self) -> None:
        """Seal the last file, if it is open; the next record begins a new one.

        Raises:
            StoreFull: the disk is; nothing has changed.
        """
        with self._lock:
            self._usable()
            writer = self._writer
            if writer is None:
                return
            seal = writer.seal()
            self._let_go()
            ranges = {writer.kinds[kind]: found for kind, found in seal.ranges.items()}
            self._sealed.note(ranges, writer.size)

    def last(self, kind: str) -> int | None:
        """Return the highest number of a kind, or None when there is none.

        Raises:
            UnknownTable: the archive has no such kind.
        """
        if kind not in self.kinds:
            expected = f"one of {', '.join(self.kinds)}"
            raise UnknownTable(str(self.directory), expected, repr(kind))
        with self._lock:
            found = None if self._writer is None else self._writer.last(kind)
            return self._sealed.last(kind) if found is None else found

    def get(self, kind: str, number: int) -> bytes | None:
        """Return the payload of a record, or None when there is none.

        Raises:
            CorruptFile: it is not what was written.
        """
        return self.get_many(kind, (number,))[0]

    def get_many(self, kind: str, numbers: Sequence[int]) -> list[bytes | None]:
        """Return what `get` would for each number, read in one batch for each file."""
        self.last(kind)
        found: list[bytes | None] = [None] * len(numbers)
        with self._lock:
            self._usable()
            by_file: dict[int | None, list[int]] = {}
            for at, number in enumerate(numbers):
                by_file.setdefault(self._sealed.file_of(kind, number), []).append(at)
            for file, places in by_file.items():
                payloads = self._read(file, kind, [numbers[at] for at in places])
                for at, payload in zip(places, payloads, strict=True):
                    found[at] = payload
        return found

    def scan(self, kind: str, start: int = 0, end: int = 1 << 64) -> Iterator[tuple[int, bytes]]:
        """Yield (number, payload) in ascending order for start <= number < end.

        The records are those at the time of the call.

        Raises:
            CorruptFile: one is not what was written; the iteration never just ends there.
        """
        self._usable()
        last = self.last(kind)
        return iter(()) if last is None else self._scan(kind, start, min(end, last + 1))

    def verify(self, progress: Progress | None = None) -> tuple[StoreError, ...]:
        """Read every byte that is durable, and return the damage found."""
        sizes = self.synced_sizes()
        total, done = sum(sizes.values()), 0
        faults: list[StoreError] = []
        for name, size in sizes.items():
            report = None if progress is None else _shifted(progress, done, total)
            writer = self._writer
            if writer is not None and name == writer.path.name:
                faults += _verify_open(writer.path, size, report)
            else:
                faults += _verify_sealed(self.directory / name, report)
            done += size
        return tuple(faults)

    def close(self) -> None:
        """Make everything durable and let go of the files; a second call does nothing."""
        if self._closed:
            return
        try:
            self.sync()
        finally:
            with self._lock:
                self._closed = True
                self._let_go()
                self._sealed.close()

    def __enter__(self) -> "Archive":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open(self, mark: Mark | None) -> None:
        try:
            make_directory(self.directory)
            files = archive_files(self.directory)
        except OSError as error:
            raise failure(self.directory, None, error) from error
        names = [path.name for path in files]
        if mark is not None and mark.file and mark.file not in names:
            raise CorruptStore(self.directory, mark.file, "the file is missing")
        for path in files[:-1]:
            self._sealed.load_sealed(path)
        if files:
            self._open_last(files[-1], mark)
        if mark is not None and mark.file and mark.size > self.synced_sizes().get(mark.file, 0):
            reason = f"the file ends before byte {mark.size}, the last one synced"
            raise CorruptStore(self.directory, mark.file, reason)

    def _open_last(self, path: Path, mark: Mark | None) -> None:
        try:
            self._sealed.load(path)
        except NotSealed:
            pass
        else:
            return
        durable = None
        if mark is not None:
            durable = mark.size if mark.file == path.name else 0
        try:
            self._writer = ArchiveWriter.resume(path, durable, self._compressor)
        except EmptyFile as error:
            self.torn = Tear(path.name, 0, str(error.actual), path.stat().st_size)
            path.unlink()
            sync_directory(self.directory)
            return
        self.torn = self._writer.torn
        if self._writer.kinds != self.kinds:
            self.roll_over()

    def _begin(self) -> ArchiveWriter:
        self._usable()
        path = self.directory / file_name(len(self._sealed))
        self._writer = ArchiveWriter.create(path, self.kinds, self._metadata, self._compressor)
        return self._writer

    def _read(self, file: int | None, kind: str, numbers: list[int]) -> list[bytes | None]:
        """Read entries of one sealed file, or of the last one where `file` is None."""
        if file is not None:
            return self._sealed.reader(file).get_many(kind, numbers)
        writer = self._writer
        known = None if writer is None else writer.kind(kind)
        if writer is None or known is None:
            return [None] * len(numbers)
        writer.flush_for(known, numbers)
        if self._tail is None:
            self._tail = PositionedFile(writer.path)
        return read_entries(self._tail, self._pieces, writer.index, known, numbers)

    def _scan(self, kind: str, start: int, end: int) -> Iterator[tuple[int, bytes]]:
        while start < end:
            numbers = self._next_numbers(kind, start, end)
            if not numbers:
                return
            for number, payload in zip(numbers, self.get_many(kind, numbers), strict=True):
                assert payload is not None, "the index has it"
                yield number, payload
            start = numbers[-1] + 1

    def _next_numbers(self, kind: str, start: int, end: int) -> list[int]:
        """Return the next few numbers of a kind from `start` on."""
        with self._lock:
            self._usable()
            for file in self._sealed.files_from(kind, start):
                found = self._sealed.reader(file).numbers(kind, start, end, SCAN_RECORDS)
                if found:
                    return found
            writer = self._writer
            known = None if writer is None else writer.kind(kind)
            if writer is None or known is None:
                return []
            return writer.index.numbers(known, start, end, SCAN_RECORDS)

    def _is_full(self, writer: ArchiveWriter) -> bool:
        limits = self._limits
        return len(writer.index) >= limits.records_max or writer.size >= limits.bytes_max

    def _let_go(self) -> None:
        for each in (self._writer, self._tail):
            if each is not None:
                each.close()
        self._writer = self._tail = None

    def _usable(self) -> None:
        if self._closed:
            raise StoreClosed(self.directory)


def _shifted(progress: Progress, done: int, total: int) -> Progress:
    return lambda inside, _: progress(done + inside, total)


def _verify_sealed(path: Path, progress: Progress | None) -> tuple[StoreError, ...]:
    try:
        with ArchiveReader(path) as reader:
            return reader.verify(progress)
    except StoreError as error:
        return (error,)


def _verify_open(path: Path, size: int, progress: Progress | None) -> tuple[StoreError, ...]:
    faults = []
    with PositionedFile(path, direct=True) as file:
        window = Window(file, size)
        for found in walk(window):
            if isinstance(found, Fault):
                faults.append(CorruptFile(path, found.offset, found.reason))
            elif progress is not None:
                progress(found.end, window.size)
    return tuple(faults)
