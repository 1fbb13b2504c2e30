"""Turning a checkpoint back into a store."""

import shutil
from pathlib import Path

from storage.rocks.errors import ForeignStore
from storage.rocks.filling import require_empty, settle
from storage.rocks.options import RocksOptions
from storage.rocks.profiles import DEFAULT
from storage.rocks.schema import CHAIN_SCHEMA, Schema
from storage.rocks.store import RocksStore

UNFINISHED = ".restoring"
"""Suffix of a directory that is being filled; one that a crash left is thrown away."""


def restore(
    checkpoint: Path,
    directory: Path,
    options: RocksOptions = DEFAULT,
    schema: Schema = CHAIN_SCHEMA,
) -> None:
    """Copy a checkpoint to `directory`, read all of it there, and only then give it its name.

    The copy shares no file with the checkpoint, which can be restored again.

    Args:
        checkpoint: what `RocksStore.checkpoint` made.
        directory: where the store shall be; must be empty or not exist.
        options: to open it with.
        schema: its tables.

    Raises:
        CorruptStore: the checkpoint is damaged; `directory` is as before.
        ForeignStore: `directory` holds something, or `checkpoint` is none.
    """
    require_empty(directory)
    if not (checkpoint / "CURRENT").exists():
        raise ForeignStore(str(checkpoint), "a checkpoint", "a directory without CURRENT")
    unfinished = directory.with_name(directory.name + UNFINISHED)
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        shutil.copytree(checkpoint, unfinished)
        with RocksStore(unfinished, options, schema) as store:
            for damage in store.verify():
                raise damage
        settle(unfinished, directory)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
