"""A store that comes up as a whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.rocks.errors import ForeignStore
from storage.rocks.options import RocksOptions
from storage.rocks.schema import CHAIN_SCHEMA, Schema
from storage.rocks.store import RocksStore

UNFINISHED = ".filling"
"""Suffix of a directory that is being filled; one that a crash left is thrown away."""


@contextmanager
def filling(
    directory: Path, options: RocksOptions, schema: Schema = CHAIN_SCHEMA
) -> Iterator[RocksStore]:
    """Let a new store be filled beside its place; give it its name if all went well.

    An exception leaves nothing behind, and `directory` as it was.

    Args:
        directory: where the store shall be; must be empty or not exist.
        options: how it is opened while it is filled.
        schema: its tables.

    Raises:
        ForeignStore: `directory` holds something.
    """
    require_empty(directory)
    unfinished = directory.with_name(directory.name + UNFINISHED)
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.parent.mkdir(parents=True, exist_ok=True)
    try:
        with RocksStore(unfinished, options, schema) as store:
            yield store
            store.sync()
        settle(unfinished, directory)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def settle(unfinished: Path, directory: Path) -> None:
    """Give a directory that is whole its name, once all of it is on the disk.

    Args:
        unfinished: holds files only, which nobody has open.
        directory: must be empty or not exist.
    """
    for path in unfinished.iterdir():
        _sync(path)
    _sync(unfinished)
    if directory.exists():
        directory.rmdir()
    unfinished.rename(directory)
    _sync(directory.parent)


def require_empty(directory: Path) -> None:
    """Refuse a directory that holds something.

    Raises:
        ForeignStore: it does, or it is a file, or its path does not end with its name.
    """
    if directory.name in ("", ".."):
        raise ForeignStore(str(directory), "a directory by its name", "one by its place")
    if directory.exists() and not directory.is_dir():
        raise ForeignStore(str(directory), "an empty directory, or none", "a file")
    if directory.exists() and any(directory.iterdir()):
        raise ForeignStore(str(directory), "an empty directory, or none", "one with files")


def _sync(path: Path) -> None:
    """Make a file, or the names in a directory, survive the end of the machine."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
