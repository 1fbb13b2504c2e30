"""The archive to which old rows of a store have moved, looked at without changing it."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from node.upkeep.finding import Finding, Watch, note
from node.upkeep.rows import damage
from primitives.errors import InvalidInput
from storage.files.catalogue import archive_files
from storage.files.frozen import MARK_KEY, MARK_TABLE, FrozenStore
from storage.rocks.store import RocksStore
from storage.rocks.view import PREFIX
from storage.store import Store

NAME_IT = "its directory: name it with --archive"


class ArchiveFile(msgspec.Struct, frozen=True):
    """One file of an archive."""

    file: str
    bytes: int


def require_archive(archive: Path | None) -> None:
    """Refuse an archive that is named and is not there.

    Raises:
        InvalidInput: there is no such directory.
    """
    if archive is not None and not archive.is_dir():
        raise InvalidInput("--archive", "a directory of archive files", str(archive))


@contextmanager
def with_archive(store: RocksStore, archive: Path | None) -> Iterator[FrozenStore | None]:
    """Join a view of a store with its archive; without one there is nothing to join.

    Opening an archive cuts off what a crash has torn. So, as for the store (`storage.rocks.view`),
    a stand-in is opened: links to sealed files, and a copy of the last one, which may grow.

    Raises:
        InvalidInput: there is no such directory.
        CorruptStore: a file of the archive is damaged or missing.
    """
    require_archive(archive)
    if archive is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix=PREFIX) as name:
        stand_in = Path(name)
        files = archive_files(archive)
        for file in files[:-1]:
            (stand_in / file.name).symlink_to(file.resolve())
        for file in files[-1:]:
            shutil.copyfile(file, stand_in / file.name)
        with FrozenStore(store, stand_in, freezes=False) as joined:
            yield joined


def check_archive(
    store: Store, joined: FrozenStore | None, seen: list[ArchiveFile], watch: Watch
) -> Iterator[Finding]:
    """Read every byte of the archive, and yield where it is not what was written.

    Args:
        store: in front of it.
        joined: the two together; None without an archive.
        seen: gets an entry for each file.
        watch: told of the progress.
    """
    if joined is None:
        if store.get(MARK_TABLE, MARK_KEY) is not None:
            yield note("archive", NAME_IT, "old rows that have moved there; not looked at")
        return
    torn = joined.torn
    if torn is not None:
        lost = f"{torn.reason} at byte {torn.offset}: opening it drops {torn.lost_bytes} bytes"
        yield note(torn.file, "an archive file that is whole", f"{lost}, which the store still has")
    seen += [ArchiveFile(name, size) for name, size in joined.synced_sizes().items()]

    def told(done: int, _: int) -> None:
        watch("bytes of the archive", done)

    for fault in joined.verify(told):
        yield damage(fault)
