"""The sealed files of an archive: what each has of which kind, and a few of them open."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from pathlib import Path

from storage.files.errors import CorruptFile, NotSealed
from storage.files.layout import Range, read_header, read_seal
from storage.files.positioned import PositionedFile
from storage.files.reader import NO_KIND, ArchiveReader, PieceReader
from storage.rocks.errors import CorruptStore

SUFFIX = ".archive"
NAME = re.compile(r"\d{8}\.archive")
READERS_MAX = 8
"""Sealed files that are kept open for reading."""


def file_name(number: int) -> str:
    """Return the name of an archive's file; numbers begin at 0."""
    return f"{number:08}{SUFFIX}"


def archive_files(directory: Path) -> list[Path]:
    """Return the files of an archive, in their order.

    Raises:
        CorruptStore: one in between is missing.
    """
    found = sorted(path for path in directory.iterdir() if NAME.fullmatch(path.name))
    for number, path in enumerate(found):
        if path.name != file_name(number):
            raise CorruptStore(directory, file_name(number), "the file is missing")
    return found


class Catalogue:
    """Sealed files, by number.

    Args:
        directory: of the archive.
        pieces: how many records are read at once.
    """

    def __init__(self, directory: Path, pieces: PieceReader) -> None:
        self.sizes: list[int] = []
        """Of each file, in bytes."""
        self._directory = directory
        self._pieces = pieces
        self._ranges: list[Mapping[str, Range]] = []
        self._spans: dict[str, tuple[list[int], list[int]]] = {}
        self._readers: dict[int, ArchiveReader] = {}

    def __len__(self) -> int:
        return len(self.sizes)

    def note(self, ranges: Mapping[str, Range], size: int) -> None:
        """Take in the next file, which was sealed.

        Args:
            ranges: what it has of each kind.
            size: its bytes.
        """
        for kind, found in ranges.items():
            firsts, files = self._spans.setdefault(kind, ([], []))
            firsts.append(found.first)
            files.append(len(self.sizes))
        self._ranges.append(ranges)
        self.sizes.append(size)

    def load(self, path: Path) -> None:
        """Take in the next file from its header and its seal.

        Raises:
            NotSealed: it has no seal that is whole.
            CorruptFile: its numbers do not go on from those of the files before.
        """
        with PositionedFile(path) as file:
            seal, offset = read_seal(file)
            header, _ = read_header(file)
            size = file.size()
        if any(kind >= len(header.kinds) for kind in seal.ranges):
            raise CorruptFile(path, offset, NO_KIND)
        ranges = {header.kinds[kind]: found for kind, found in seal.ranges.items()}
        for kind, found in ranges.items():
            last = self.last(kind)
            if last is not None and found.first <= last:
                reason = f"{kind} {found.first} follows {last}"
                raise CorruptFile(path, size, reason)
        self.note(ranges, size)

    def load_sealed(self, path: Path) -> None:
        """Take in a file that has to be sealed, because others follow it.

        Raises:
            CorruptFile: it is not.
        """
        try:
            self.load(path)
        except NotSealed as error:
            raise CorruptFile(path, path.stat().st_size, str(error.actual)) from error

    def last(self, kind: str) -> int | None:
        """Return the highest number of a kind, or None when there is none."""
        spans = self._spans.get(kind)
        return None if spans is None else self._ranges[spans[1][-1]][kind].last

    def file_of(self, kind: str, number: int) -> int | None:
        """Return the only file that may have an entry, or None when none may."""
        spans = self._spans.get(kind)
        at = -1 if spans is None else bisect_right(spans[0], number) - 1
        if spans is None or at < 0:
            return None
        file = spans[1][at]
        return file if number <= self._ranges[file][kind].last else None

    def files_from(self, kind: str, number: int) -> Iterator[int]:
        """Yield the files that may have entries of a kind from a number on, ascending."""
        firsts, files = self._spans.get(kind, ([], []))
        return iter(files[max(0, bisect_right(firsts, number) - 1) :])

    def reader(self, number: int) -> ArchiveReader:
        """Return a file, open.

        Raises:
            CorruptFile: its header or index are not what was written.
        """
        reader = self._readers.pop(number, None)
        if reader is None:
            if len(self._readers) >= READERS_MAX:
                self._readers.pop(next(iter(self._readers))).close()
            reader = ArchiveReader(self._directory / file_name(number), self._pieces)
        self._readers[number] = reader
        return reader

    def close(self) -> None:
        """Let go of the files that are open."""
        for reader in self._readers.values():
            reader.close()
        self._readers.clear()
