"""What can be wrong with a store on disk, each as an error of its own.

rocksdict raises bare `Exception`s whose text is RocksDB's status. They are told apart here, once,
so that a node can stop cleanly on a full disk and a user learns which file is damaged.
"""

import re
from pathlib import Path

from rocksdict import DbClosedError

from primitives.errors import InvalidInput, OrreryError
from storage.store import DamagedStore

DAMAGED_FILE = re.compile(r"([^\s/]+\.(?:sst|log|blob))\b|(MANIFEST-\d+)\b")

DIRECTORIES = re.compile(r"[^\s:'\"]*/(?=[^\s/]+\.(?:sst|log|blob|dbtmp)\b|MANIFEST-\d|CURRENT\b)")
"""What stands before the name of one of a store's files. The store is named beside it."""

NO_ROOM = ("No space left", "Disk quota exceeded", "File too large")
"""How systems say that a disk, a quota or a limit on files is used up."""


class StoreError(InvalidInput):
    """A store that cannot be used as it is. `where` is its directory, or a file in it."""


class CorruptStore(StoreError, DamagedStore):
    """A file of the store does not hold what was written into it; nothing of it is served.

    Args:
        path: the store's directory.
        file: the damaged file's name in it; empty if RocksDB does not tell.
        reason: what was found.
    """

    def __init__(self, path: Path, file: str, reason: str) -> None:
        self.path, self.file, self.reason = path, file, reason
        where = str(path / file) if file else str(path)
        super().__init__(where, "what was written (restore a checkpoint)", reason)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.path, self.file, self.reason)


class ForeignStore(StoreError):
    """A directory that holds something, but no store of this program or of this schema."""


class NewerStore(StoreError):
    """A store that a later version of this program has written."""


class StoreInUse(StoreError):
    """The directory is open already, in this or in another process."""


class StoreFull(StoreError):
    """The disk is full. What was durable stays so; free space and open the store again."""


class StoreFailed(StoreError):
    """The file system refused an operation; the store has to be opened again."""


class StoreClosed(StoreError):
    """The store was closed before this use of it, of a scan of it or of a snapshot of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(str(path), "an open store", "a closed one")

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.path,)


class CommitterStopped(StoreError):
    """A committer that takes no more batches.

    Args:
        path: the store's directory.
        reason: the error of the batch that failed, or that it was closed.
    """

    def __init__(self, path: Path, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(str(path), "a committer at work", reason)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.path, self.reason)


class UnknownTable(StoreError):
    """A table that the schema of the store does not name."""


def translated(path: Path, error: BaseException) -> OrreryError:
    """Return the error of this module that stands for what rocksdict raised.

    Args:
        path: the store's directory.
        error: what was raised by a call of rocksdict.
    """
    text = " ".join(str(error).split())
    if isinstance(error, OrreryError):
        return error
    if isinstance(error, DbClosedError):
        return StoreClosed(path)
    if any(sign in text for sign in NO_ROOM):
        return StoreFull(str(path), "room on the disk", text)
    if "LOCK" in text and ("lock hold" in text or "While lock file" in text):
        return StoreInUse(str(path), "a store that nobody else has open", text)
    if "does not match existing comparator" in text:
        return ForeignStore(str(path), "a store of this program", text)
    if "Corruption" in text or "No such file" in text:
        return CorruptStore(path, _damaged_file(text), DIRECTORIES.sub("", text))
    return StoreFailed(str(path), "what can be read, or written to", text)


def _damaged_file(text: str) -> str:
    """Return the name of the file that a status speaks of, or "".

    RocksDB blames the manifest for tables that it lists, too, but at the end.
    """
    found = DAMAGED_FILE.search(text)
    if found is not None:
        return found[0]
    return "CURRENT" if "CURRENT" in text else ""
