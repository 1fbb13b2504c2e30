"""A node's data directory: one process at a time, one chain, one node.

    lock          held while a process works with it; it says which
    node.json     whose directory this is: the node's number and the hash of its chain's block 0
    genesis.json  the chain's genesis, so that the directory can be checked by itself
    store/        RocksDB
    admin.token   what steering the node over JSON-RPC takes

A node that were started with the store of another chain would take it for damaged, discard it and
begin anew. One that runs twice would vote twice. Both are refused here, before anything is opened.
"""

import contextlib
import fcntl
import os
import secrets
from pathlib import Path

import msgspec
from msgspec.structs import replace

from node.runtime.errors import DirectoryInUse, ForeignDirectory, Refused, reason
from node.settings import write_genesis
from primitives.genesis import Genesis
from primitives.ids import Hash32, NodeId

FORMAT = "orrery data 1"
CLAIM = "node.json"
CURRENT = "CURRENT"
"""Of a store of RocksDB: the file that names its manifest."""
IDENTITY_BYTES = 16


class Belongings(msgspec.Struct, frozen=True):
    """`node.json`."""

    format: str
    node: int
    genesis: str
    """Hash of block 0, in hexadecimal with 0x."""
    identity: str = ""
    """Drawn when the directory was made."""
    begun: bool = False
    """Whether there has been a store."""


class DataDirectory:
    """A data directory whose lock this process holds.

    Args:
        path: of the directory; made if it is not there, with its parents.

    Raises:
        DirectoryInUse: another process holds its lock.
        Refused: it cannot be made, or not be written to.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.identity = ""
        """A number that no other directory has; known once this one is claimed."""
        self._belongings: Belongings | None = None
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            expected = "a directory that can be written to"
            raise Refused("node.data", expected, f"{reason(error)}: {path}") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._lock, 32, 0).decode("ascii", "replace").strip()
            os.close(self._lock)
            expected = "a data directory that no other process works with"
            found = f"process {holder or 'unknown'} at work in {path}"
            raise DirectoryInUse("node.data", expected, found) from error
        with contextlib.suppress(OSError):
            # It holds even where the disk has no room for its number.
            os.ftruncate(self._lock, 0)
            os.pwrite(self._lock, b"%d\n" % os.getpid(), 0)

    @property
    def store(self) -> Path:
        """Directory of the store."""
        return self.path / "store"

    @property
    def token(self) -> Path:
        """File with the token of the steering methods."""
        return self.path / "admin.token"

    def claim(self, node: NodeId, genesis: Genesis, digest: Hash32) -> None:
        """Make sure that the directory is this node's on this chain; a new one becomes so.

        Args:
            node: its number.
            genesis: of the chain.
            digest: of its block 0.

        Raises:
            ForeignDirectory: it is another's.
            Refused: it cannot be written to.
        """
        wanted = Belongings(FORMAT, node, "0x" + digest.hex())
        file = self.path / CLAIM
        try:
            self._claim(file, wanted, genesis)
        except OSError as error:
            expected = "a directory that can be written to"
            raise Refused("node.data", expected, f"{reason(error)}: {self.path}") from error

    def close(self) -> None:
        """Let go of the lock; the file stays, or a third process could lock another one."""
        with contextlib.suppress(OSError):
            os.ftruncate(self._lock, 0)
        os.close(self._lock)

    def _claim(self, file: Path, wanted: Belongings, genesis: Genesis) -> None:
        if not file.exists():
            if self.store.exists():
                expected = f"{file.name} beside the store, which says whose it is"
                raise ForeignDirectory("node.data", expected, f"none in {self.path}")
            _write(self.path / "genesis.json", write_genesis(genesis).encode("ascii"))
            self._identify(file, wanted)
            return
        try:
            found = msgspec.json.decode(file.read_bytes(), type=Belongings)
        except msgspec.DecodeError as error:
            raise ForeignDirectory(str(file), "what a node writes there", str(error)) from error
        if found.format != FORMAT:
            raise ForeignDirectory(str(file), f'"{FORMAT}"', f'"{found.format}"')
        if found.genesis != wanted.genesis:
            expected = f"the data of the chain that chain.genesis begins, {wanted.genesis}"
            raise ForeignDirectory("node.data", expected, f"that of {found.genesis} in {self.path}")
        if found.node != wanted.node:
            expected = f"the data of node {wanted.node}"
            raise ForeignDirectory("node.data", expected, f"that of {found.node} in {self.path}")
        self._identify(file, found)

    def _identify(self, file: Path, belongings: Belongings) -> None:
        """Know the directory's number; draw it, if there is none."""
        if not belongings.identity:
            belongings = replace(belongings, identity=secrets.token_hex(IDENTITY_BYTES))
            _write(file, msgspec.json.encode(belongings))
        self._belongings, self.identity = belongings, belongings.identity

    def require_votes(self) -> None:
        """Make sure that a store which there has been is there.

        Raises:
            ForeignDirectory: it is not.
        """
        belongings = self._belongings
        assert belongings is not None, "a directory is claimed first"
        if belongings.begun and not (self.store / CURRENT).exists():
            expected = (
                "the store with the log of this node's votes; if it is lost, replace the validator "
                "by one with another key, or remove the whole directory"
            )
            raise ForeignDirectory("node.data", expected, f"none in {self.path}")

    def begin(self) -> None:
        """Note that there is a store now, and see to it that a crash of the machine leaves it."""
        belongings = self._belongings
        assert belongings is not None, "a directory is claimed first"
        if not belongings.begun:
            self._belongings = replace(belongings, begun=True)
            _write(self.path / CLAIM, msgspec.json.encode(self._belongings))


def _write(file: Path, content: bytes) -> None:
    """Write a file so that it is whole or not there, also after a crash."""
    new = file.with_name(file.name + ".new")
    with new.open("wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    new.replace(file)
    directory = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
