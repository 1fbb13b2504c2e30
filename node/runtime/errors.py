"""Why a node's process does not start, or cannot go on; and the exit codes."""

from enum import IntEnum
from pathlib import Path

from primitives.errors import InvalidInput, OrreryError


class ExitCode(IntEnum):
    """What the process says to whoever has started it."""

    STOPPED = 0
    """It was asked to stop, by a signal or by `orrery_stop`, and did."""
    FAILED = 1
    """It has met an error of its own; the log has it."""
    REFUSED = 2
    """It has not started: what it was given cannot be used. Nothing was changed."""
    STORE = 3
    """Its store is full, cannot be written to, or is damaged where no peer can help."""
    KILLED = 128
    """Plus the signal's number: it was asked a second time, and ended at once."""


class Refused(InvalidInput):
    """The process cannot start with what it was given."""


class DirectoryInUse(Refused):
    """Another process works with the data directory."""


class ForeignDirectory(Refused):
    """The data directory belongs to another chain or another node, or to something else."""


class UnusableKey(Refused):
    """A key file that is not there, that others may read, or that holds no key."""


class AddressInUse(Refused):
    """The node cannot listen where it is told to."""


class Panicked(OrreryError):
    """A library has given up in the middle of something, and not by an ordinary error.

    Rust code does so by an exception that is no `Exception`. Whatever waits for an error must not
    miss it, or the node goes on without a worker, or with half a turn.
    """


def ordinary(error: BaseException) -> Exception:
    """Return an error as one that can be passed on like any other."""
    if isinstance(error, Exception):
        return error
    panicked = Panicked(f"{type(error).__name__}: {error}")
    panicked.__cause__ = error
    return panicked


def reason(error: Exception) -> str:
    """Say what the operating system or a decoder said, without its numbers."""
    return getattr(error, "strerror", None) or str(error)


def read_text(path: Path, where: str) -> str:
    """Return the text of a file that the configuration names.

    Args:
        path: of the file.
        where: the key that names it.

    Raises:
        Refused: it is not there, or no text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(where, "a file that can be read", f"{reason(error)}: {path}") from error
