"""The archive files beside a store's tables."""

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from node.upkeep.finding import Finding, Watch, note
from node.upkeep.rows import damage
from storage.files import ArchiveReader, NotSealed
from storage.files.catalogue import SUFFIX
from storage.rocks.errors import StoreError


class ArchiveSeen(msgspec.Struct, frozen=True):
    """One archive file."""

    file: str
    entries: int
    bytes: int


def archive_files(path: Path) -> list[Path]:
    """Return the archive files of a store, oldest first."""
    return sorted(path.glob(f"**/*{SUFFIX}"))


def read_archives(path: Path, seen: list[ArchiveSeen], watch: Watch) -> Iterator[Finding]:
    """Read every byte of all archive files, and yield where they are not what was written.

    Args:
        path: the store's directory.
        seen: gets an entry for each file.
        watch: told of the progress.
    """
    for file in archive_files(path):
        watch(file.name, 0)
        try:
            with ArchiveReader(file) as reader:
                faults = reader.verify(_progress(watch, file.name))
                seen.append(ArchiveSeen(file.name, reader.seal.entries, file.stat().st_size))
        except NotSealed as error:
            yield note(file.name, error.expected, f"one that may still grow ({error.actual})")
            continue
        except StoreError as error:
            yield damage(error)
            continue
        for fault in faults:
            yield damage(fault)


def _progress(watch: Watch, name: str) -> Callable[[int, int], None]:
    def told(done: int, _: int) -> None:
        watch(name, done)

    return told
