"""Reading an archive file that was sealed: at random through its index, or from end to end."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol

import msgspec

from storage.files.batches import Piece
from storage.files.compression import decompress
from storage.files.errors import CorruptFile
from storage.files.index import Index, decode_index
from storage.files.layout import Seal, checked_payload, ranges, read_header, read_seal
from storage.files.positioned import PositionedFile
from storage.files.reads import Reads
from storage.files.records import HEAD, Flags, Head, Part, decode_head
from storage.files.walking import Digest, Fault, Progress, Stored, Window, new_digest, walk
from storage.rocks.errors import StoreError, UnknownTable

NO_KIND = "the record is of a kind that the file does not name"


class PieceReader(Protocol):
    """Reads many pieces of a file at once; `FileIO` does."""

    def read_many(self, file: PositionedFile, pieces: Sequence[Piece]) -> list[memoryview]:
        """Return the bytes of each piece, in the order of the request."""
        ...


class InThread:
    """Reads in the thread that asks, announced to the kernel."""

    def read_many(self, file: PositionedFile, pieces: Sequence[Piece]) -> list[memoryview]:
        """Return the bytes of each piece, in the order of the request."""
        return Reads(file, pieces).read_announced()


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A record that somebody has put in."""

    kind: str
    number: int
    payload: bytes


class ArchiveReader:
    """A sealed file, open for reading.

    Args:
        path: of the file.
        pieces: how many records are read at once; None reads in the calling thread.

    Raises:
        NotSealed: the file was not closed, or lacks its end.
        ForeignStore: it is no archive file.
        CorruptFile: header or index are not what was written.
    """

    def __init__(self, path: Path, pieces: PieceReader | None = None) -> None:
        self.path = path
        self._pieces = pieces or InThread()
        self._file = PositionedFile(path)
        try:
            header, self.start = read_header(self._file)
            self.seal: Seal
            self.seal, self.seal_offset = read_seal(self._file)
            self.index = self._read_index(len(header.kinds))
        except BaseException:
            self._file.close()
            raise
        self.kinds = header.kinds
        self.metadata = header.metadata
        """What the writer wanted a reader to know."""
        self._kinds = {name: kind for kind, name in enumerate(header.kinds)}

    def get(self, kind: str, number: int) -> bytes | None:
        """Return the payload of a record, or None when there is none.

        Raises:
            CorruptFile: it is not what was written.
        """
        found = self._kind(kind)
        place = self.index.find(found, number)
        if place is None:
            return None
        data = self._file.read(*place)
        return opened_entry(self.path, place[0], data, (found, number))

    def get_many(self, kind: str, numbers: Sequence[int]) -> list[bytes | None]:
        """Return what `get` would for each number, read in one batch."""
        found = self._kind(kind)
        return read_entries(self._file, self._pieces, self.index, found, numbers)

    def numbers(
        self, kind: str, start: int = 0, end: int = 1 << 64, count_max: int | None = None
    ) -> list[int]:
        """Return the numbers of a kind with start <= number < end, ascending, `count_max` at most.

        A kind that this file does not name has none.
        """
        found = self._kinds.get(kind)
        return [] if found is None else self.index.numbers(found, start, end, count_max)

    def entries(self, progress: Progress | None = None) -> Iterator[Entry]:
        """Yield all records in the order in which they were put in, checking each.

        Raises:
            CorruptFile: one is not what was written.
        """
        for found in walk(Window(self._file), self.start):
            if isinstance(found, Fault):
                raise CorruptFile(self.path, found.offset, found.reason)
            if found.head.part == Part.ENTRY:
                if found.head.kind >= len(self.kinds):
                    raise CorruptFile(self.path, found.offset, NO_KIND)
                payload = opened(self.path, found.offset, found.head, found.payload)
                yield Entry(self.kinds[found.head.kind], found.head.number, payload)
            if progress is not None:
                progress(found.end, self.seal_offset)

    def verify(self, progress: Progress | None = None) -> tuple[StoreError, ...]:
        """Read every byte, and return the damage found: records, the digest, the index.

        Where the file system allows it, what is read is on the disk: the page cache may have kept
        what the disk has lost, and what is read once need not push out what is read often.
        """
        faults: list[StoreError] = []
        digest, index = new_digest(), Index()
        with PositionedFile(self.path, direct=True) as file:
            window = Window(file)
            for found in walk(window):
                if isinstance(found, Fault):
                    faults.append(CorruptFile(self.path, found.offset, found.reason))
                    continue
                self._check(found, digest, index, faults)
                if progress is not None:
                    progress(found.end, window.size)
        if not faults and index.encode() != self.index.encode():
            reason = "the index does not say where the records are"
            faults.append(CorruptFile(self.path, self.seal.index_offset, reason))
        if not faults and digest.digest() != self.seal.digest:
            reason = "the digest of the file is not that of its seal"
            faults.append(CorruptFile(self.path, self.seal_offset, reason))
        return tuple(faults)

    def close(self) -> None:
        """Let go of the file; a second call does nothing."""
        self._file.close()

    def __enter__(self) -> "ArchiveReader":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _check(self, found: Stored, digest: Digest, index: Index, faults: list[StoreError]) -> None:
        head = found.head
        if found.offset != self.seal_offset:
            digest.update(found.data)
        if head.part == Part.ENTRY:
            last = index.last(head.kind)
            if head.kind >= len(self.kinds):
                faults.append(CorruptFile(self.path, found.offset, NO_KIND))
            elif last is not None and head.number <= last:
                reason = f"number {head.number} follows {last}"
                faults.append(CorruptFile(self.path, found.offset, reason))
            index.add(head.kind, head.number, found.offset, len(found.data))
            try:
                opened(self.path, found.offset, head, found.payload)
            except CorruptFile as error:
                faults.append(error)

    def _read_index(self, kinds: int) -> Index:
        offset = self.seal.index_offset
        if offset + HEAD.size > self.seal_offset:
            raise CorruptFile(self.path, self.seal_offset, "the seal names no index")
        head = decode_head(self._file.read(offset, HEAD.size), offset)
        if isinstance(head, str) or head.part != Part.INDEX:
            raise CorruptFile(self.path, offset, "the seal names no index")
        index = decode_index(checked_payload(self._file, offset, head, self.seal_offset))
        if isinstance(index, str):
            raise CorruptFile(self.path, offset, index)
        if fault := index.fault(kinds, offset):
            raise CorruptFile(self.path, offset, fault)
        if (self.seal.ranges, self.seal.entries) != (ranges(index), len(index)):
            # An archive goes by the seals: what they do not tell of it would pass over.
            raise CorruptFile(self.path, self.seal_offset, "the seal tells of other entries")
        return index

    def _kind(self, name: str) -> int:
        found = self._kinds.get(name)
        if found is None:
            raise UnknownTable(str(self.path), f"one of {', '.join(self.kinds)}", repr(name))
        return found


def read_entries(
    file: PositionedFile, pieces: PieceReader, index: Index, kind: int, numbers: Sequence[int]
) -> list[bytes | None]:
    """Return the payloads of entries by number, checked; None where there is none."""
    places = [index.find(kind, number) for number in numbers]
    found: list[bytes | None] = [None] * len(numbers)
    wanted = [(at, place) for at, place in enumerate(places) if place is not None]
    blocks = pieces.read_many(file, [place for _, place in wanted])
    for (at, place), data in zip(wanted, blocks, strict=True):
        found[at] = opened_entry(file.path, place[0], data, (kind, numbers[at]))
    return found


def opened_entry(
    path: Path, offset: int, data: bytes | memoryview, wanted: tuple[int, int]
) -> bytes:
    """Check an entry that was read with its head, and return its payload.

    Args:
        path: the file.
        offset: where the entry stands in it.
        data: head and payload.
        wanted: the kind and number that it has to have.

    Raises:
        CorruptFile: it is not what was written, or another one.
    """
    head = decode_head(data, offset)
    if isinstance(head, str):
        raise CorruptFile(path, offset, head)
    if head.part != Part.ENTRY or (head.kind, head.number) != wanted:
        raise CorruptFile(path, offset, "the index leads to another record")
    payload = data[HEAD.size :]
    if fault := "" if len(payload) == head.length else "the index has another length":
        raise CorruptFile(path, offset, fault)
    if fault := head.fault(payload):
        raise CorruptFile(path, offset, fault)
    return opened(path, offset, head, payload)


def opened(path: Path, offset: int, head: Head, payload: bytes | memoryview) -> bytes:
    """Return the payload as it was put in; its checksum was right.

    Raises:
        CorruptFile: it does not decompress.
    """
    if not head.flags & Flags.ZSTD:
        return bytes(payload)
    found = decompress(payload)
    if isinstance(found, str):
        raise CorruptFile(path, offset, found)
    return found
