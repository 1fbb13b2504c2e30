"""The directory of a live network: where everything lies, and which chain it belongs to.

DIR/network.json        which scenario, seed and chain this is; a second `up` must agree
    lock                held while an `up` works here; it says which
    scenario.toml       resolved
    genesis.json        what all nodes share
    node-0/config.toml  and node.key, node.log, data/ ...
    events.jsonl        what happened to the network, one `up` after another
    summary.json        what the last one came to
    prometheus.yml, targets.json, dashboard.json
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from primitives.errors import InvalidInput, OrreryError

PRIVATE = 0o600
NETWORK = "network.json"
GENESIS = "genesis.json"
SUMMARY = "summary.json"
EVENTS = "events.jsonl"
SCENARIO = "scenario/scenario.toml"
CONFIG = "config.toml"
TOKEN = "admin.token"
DATA = "data"
LOCK = "lock"
GENESIS_HASH = "genesis hash"
"""What `OtherNetwork` calls it."""
BEGUN = frozenset({LOCK, f"{NETWORK}.new"})
"""All that is there where an `up` has come no further."""


class OtherNetwork(OrreryError):
    """A directory that holds the chain of something else.

    Args:
        directory: which.
        what: the part that differs: "scenario", "seed" ...
        expected: what it holds.
        actual: what was asked for.
    """

    def __init__(self, directory: Path, what: str, expected: object, actual: object) -> None:
        self.directory = directory
        self.what, self.expected, self.actual = what, expected, actual
        super().__init__(
            f"{directory}: expected the {what} {expected}, whose chain it holds, got {actual}; "
            "name another directory with --dir"
        )


class NetworkIdentity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which chain a directory holds."""

    scenario: str
    """Its name."""
    seed: int
    nodes: int
    genesis: str
    """Hash of block 0, with 0x."""


class Layout:
    """Names the files of one network.

    Args:
        directory: of the network.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._lock: int | None = None

    def file(self, name: str) -> Path:
        """Return a file that the nodes share."""
        return self.directory / name

    def node(self, number: int) -> Path:
        """Return a node's own directory."""
        return self.directory / f"node-{number}"

    def config(self, number: int) -> Path:
        """Return a node's configuration."""
        return self.node(number) / CONFIG

    def log(self, number: int) -> Path:
        """Return what a node has written."""
        return self.node(number) / "node.log"

    def token(self, number: int) -> Path:
        """Return where a node that runs has put the token of its owner."""
        return self.node(number) / DATA / TOKEN

    def look(self, identity: NetworkIdentity) -> bool:
        """Tell whether the directory is this network's, and write nothing.

        Raises:
            OtherNetwork: it is another one's.
            InvalidInput: it is not empty and no network's, or an `up` is at work here.
        """
        with self.writing():
            known = self._is_known(identity)
            has_lock = self.file(LOCK).exists()
            lock = os.open(self.file(LOCK), os.O_RDWR | os.O_CLOEXEC) if has_lock else None
        if lock is not None:
            try:
                self._hold(lock)
            finally:
                os.close(lock)
        return known

    def claim(self, identity: NetworkIdentity) -> bool:
        """Make the directory this network's and hold it; tell whether it was the network's already.

        Raises:
            OtherNetwork: it is another one's.
            InvalidInput: it cannot be written, is not empty and no network's, or an `up` is at
                work here.
        """
        with self.writing():
            self._is_known(identity)
            self.directory.mkdir(parents=True, exist_ok=True)
            self.hold()
            # Somebody may have been faster until now.
            try:
                known = self._is_known(identity)
                if not known:
                    text = msgspec.json.format(msgspec.json.encode(identity), indent=2)
                    write(self.file(NETWORK), text)
            except BaseException:
                self.release()
                raise
        return known

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Turn what the system says against writing here into words for the user.

        Raises:
            InvalidInput: it does.
        """
        try:
            yield
        except OSError as error:
            raise self._unwritable(error) from error

    def hold(self) -> None:
        """Keep every other `up` from this directory, until `release` or the end of this process.

        Raises:
            InvalidInput: one is at work here.
        """
        if self._lock is not None:
            return
        with self.writing():
            lock = os.open(self.file(LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            self._hold(lock)
        except InvalidInput:
            os.close(lock)
            raise
        self._lock = lock
        with contextlib.suppress(OSError):  # It holds even where there is no room for a number.
            os.ftruncate(lock, 0)
            os.pwrite(lock, b"%d\n" % os.getpid(), 0)

    def release(self) -> None:
        """Let others work here."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _hold(self, lock: int) -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(lock, 32, 0).decode("ascii", "replace").strip() or "unknown"
            expected = "a directory that no other `orrery up` works with"
            raise InvalidInput(str(self.directory), expected, f"process {holder}") from error

    def _is_known(self, identity: NetworkIdentity) -> bool:
        """Tell whether the directory is this network's; it has to be, or nobody's."""
        file = self.file(NETWORK)
        try:
            held = msgspec.json.decode(file.read_bytes(), type=NetworkIdentity)
        except FileNotFoundError:
            if self.directory.is_dir() and {each.name for each in self.directory.iterdir()} - BEGUN:
                expected = f"an empty directory, or one with a {NETWORK}"
                raise InvalidInput(str(self.directory), expected, "neither") from None
            return False
        except msgspec.DecodeError as error:
            raise InvalidInput(str(file), "what `orrery up` has written there", error) from error
        self._compare(held, identity)
        return True

    def _unwritable(self, error: OSError) -> InvalidInput:
        expected = "a directory that can be written; name another one with --dir"
        return InvalidInput(str(self.directory), expected, error.strerror or error)

    def _compare(self, held: NetworkIdentity, asked: NetworkIdentity) -> None:
        for name in NetworkIdentity.__struct_fields__:
            expected, actual = getattr(held, name), getattr(asked, name)
            if expected != actual:
                what = {"nodes": "number of nodes", "genesis": GENESIS_HASH}.get(name, name)
                raise OtherNetwork(self.directory, what, expected, actual)


def write(file: Path, content: str | bytes, mode: int = 0o644) -> None:
    """Write a file whole or not at all, with the rights that it is to have.

    Args:
        file: which.
        content: what it holds then.
        mode: of a new file.
    """
    data = content.encode() if isinstance(content, str) else content
    fresh = file.with_name(file.name + ".new")
    fresh.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as opened:
            opened.write(data)
        fresh.replace(file)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
