"""Looking at a store without changing it.

Opening a store writes: what the logs hold is moved into tables, a torn end is dropped, old files
are deleted. Whoever only wants to look opens a stand-in: a directory with links to the tables,
which are never written again, and copies of the small files, which are. The recovery that runs
there is the one that a node would go through, so what it says is what a restart would find.
"""

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from storage.rocks.errors import CorruptStore, ForeignStore, StoreError, StoreInUse
from storage.rocks.options import Durability, RocksOptions
from storage.rocks.profiles import DEFAULT
from storage.rocks.schema import CHAIN_SCHEMA, Schema
from storage.rocks.store import RocksStore

LOOKING = replace(
    DEFAULT, map_tables=False, compact_by_itself=False, durability=Durability.WAL, statistics=False
)
"""Tables are read and checked block by block, and none is merged."""
LOCK = "LOCK"
LINKED = (".sst", ".blob")
"""Suffixes of the files that RocksDB never writes again."""
LEFT = (LOCK, "LOG")
"""Beginnings of the names of files that a stand-in does without."""
PREFIX = "orrery-view-"
PLACE = re.compile(rf"\S*{PREFIX}[^/\s]+/?")
"""A stand-in's directory in a status of RocksDB."""


@contextmanager
def view(
    path: Path, options: RocksOptions = LOOKING, schema: Schema = CHAIN_SCHEMA
) -> Iterator[RocksStore]:
    """Open a store for reading and leave its directory as it is, to the byte.

    Nobody else can open it meanwhile. The process must not have it open itself: the lock is the
    process's, and would be let go with this look at it.

    Args:
        path: the store's directory.
        options: how the stand-in is opened; with a durability below FSYNC, all that a crash of
            any store explains is passed over and stands in `RocksStore.torn`.
        schema: its tables.

    Raises:
        StoreError: as opening it would, under the names of the directory itself.
    """
    require_store(path)
    with _locked(path), tempfile.TemporaryDirectory(prefix=PREFIX) as name:
        stand_in = Path(name)
        _fill(stand_in, path)
        try:
            store = RocksStore(stand_in, options, schema, named=path)
        except StoreError as error:
            raise renamed(error, stand_in, path) from None
        store.path = path
        try:
            yield store
        except StoreError as error:
            raise renamed(error, stand_in, path) from None
        finally:
            store.close()


def require_store(path: Path) -> None:
    """Refuse a directory in which no store lies.

    Raises:
        CorruptStore: there is one without the file that names its parts.
        ForeignStore: there is none.
    """
    if not path.is_dir():
        found = "a file" if path.exists() else "nothing there"
        raise ForeignStore(str(path), "the directory of a store", found)
    if (path / "CURRENT").exists():
        return
    if any(path.glob("*.sst")):
        raise CorruptStore(path, "CURRENT", "the file is missing")
    found = "one without CURRENT, which every store has"
    if inside := sorted([*path.glob("*/CURRENT"), *path.glob("*/*/CURRENT")]):
        found = f"one that holds stores, as {inside[0].parent}"
    raise ForeignStore(str(path), "the directory of a store", found)


def renamed(error: StoreError, stand_in: Path, path: Path) -> StoreError:
    """Return an error as if the store itself, and not its stand-in, had been opened."""

    def said(text: object) -> str:
        return str(text).replace(str(stand_in), str(path))

    if isinstance(error, CorruptStore):
        return CorruptStore(path, error.file, said(error.reason))
    if type(error).__init__ is not StoreError.__init__:
        return error
    return type(error)(said(error.where), error.expected, said(error.actual))


def unplaced(text: str) -> str:
    """Return a status of RocksDB without the directories of stand-ins."""
    return PLACE.sub("", text)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep all others from opening the store; a store that was never opened has no lock file."""
    try:
        lock = os.open(path / LOCK, os.O_RDONLY)
    except FileNotFoundError:
        yield
        return
    except OSError as error:
        raise StoreError(str(path / LOCK), "a file that can be read", error.strerror) from error
    try:
        # RocksDB's own lock is one for writing: the two exclude one another.
        fcntl.lockf(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise StoreInUse(str(path), "a store that nobody else has open", error.strerror) from error
    finally:
        os.close(lock)


def _fill(stand_in: Path, path: Path) -> None:
    for each in sorted(path.iterdir()):
        if not each.is_file() or each.name.startswith(LEFT):
            continue
        if each.suffix in LINKED:
            (stand_in / each.name).symlink_to(each.resolve())
        else:
            shutil.copyfile(each, stand_in / each.name)
