"""A key that votes belongs to one data directory: the one with the log of its votes.

A validator whose directory was removed, "so that it fetches the chain anew", has forgotten what it
voted for and might vote for something else. One that is started twice, each time with a directory
of its own, certainly does. Neither looks wrong to the node itself. So beside a key stands a file
that names the directory which it has begun to vote with, and with another one the node does not
start. The name is a number drawn when the directory was made: it may be moved.

This holds against mistakes on one machine. It does not see a copy of key and directory, be it
elsewhere or of an earlier day.
"""

import contextlib
import os
from pathlib import Path

import msgspec

from node.runtime.errors import ForeignDirectory
from node.runtime.keys import OWNER_ONLY
from node.settings import OwnSettings

SUFFIX = ".used"


class Bond(msgspec.Struct, frozen=True):
    """What stands beside a key."""

    identity: str
    """Of the data directory."""
    path: str
    """Where that was, for whoever looks for it."""


def voting_keys(own: OwnSettings) -> tuple[tuple[str, str], ...]:
    """Return the files with the keys that a node may vote with, each behind what names it."""
    first = (("node.key", own.key),) if own.role == "validator" else ()
    spare = [(f"node.spare_keys[{n}]", name) for n, name in enumerate(own.spare_keys)]
    return (*first, *spare)


def bind(where: str, key: Path, data: Path, identity: str) -> None:
    """Make sure that a key votes with this data directory and no other one.

    Args:
        where: what names the key, for errors.
        key: file of the key.
        data: directory.
        identity: its number.

    Raises:
        ForeignDirectory: it has begun with another one.
        OSError: beside the key nothing can be written or read.
    """
    file = key.with_name(key.name + SUFFIX)
    wanted = Bond(identity, str(data.resolve()))
    with contextlib.suppress(FileExistsError):
        _write(file, msgspec.json.encode(wanted))
        return
    try:
        found = msgspec.json.decode(file.read_bytes(), type=Bond)
    except msgspec.DecodeError as error:
        raise ForeignDirectory(str(file), "what a node writes there", str(error)) from error
    if found.identity != identity:
        expected = (
            f"the data directory that {where} votes with, which was {found.path}; if that is lost, "
            f"replace the validator by one with another key, or remove {file} once nothing that "
            f"it may have voted for is still undecided"
        )
        is_new = found.path == wanted.path
        actual = "one made anew in its place" if is_new else f"another one, {wanted.path}"
        raise ForeignDirectory("node.data", expected, actual)


def _write(file: Path, content: bytes) -> None:
    """Write a file as a whole, unless there is one.

    Raises:
        FileExistsError: there is.
    """
    new = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_ONLY)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        os.link(new, file)
    finally:
        new.unlink(missing_ok=True)
    directory = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
