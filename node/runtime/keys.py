"""Files that hold secrets: keys, and the token of the steering methods.

Each belongs to who runs the node, and only he may read it. A key that others can read is as good
as published, so the node does not start with one.
"""

import os
import secrets
import stat
from pathlib import Path

from node.runtime.errors import UnusableKey, reason

SEED_BYTES = 32
OWNER_ONLY = 0o600
OTHERS = 0o077
"""Rights of the group and of everybody."""
TOKEN_BYTES = 32
KEY_FILE_BYTES_MAX = 1_024


def read_seed(path: Path, where: str) -> bytes:
    """Return the seed of a key: 32 bytes.

    Args:
        path: of a file with 64 hexadecimal digits.
        where: what names the file, for errors.

    Raises:
        UnusableKey: it cannot be read, others may read it, or it holds no seed.
    """
    try:
        with path.open("rb") as file:
            state = os.fstat(file.fileno())
            content = file.read(KEY_FILE_BYTES_MAX)
    except OSError as error:
        expected = "a file with a key"
        raise UnusableKey(where, expected, f"{reason(error)}: {path}") from error
    if stat.S_IMODE(state.st_mode) & OTHERS:
        expected = f"a key that only its owner may read (chmod 600 {path})"
        raise UnusableKey(where, expected, f"mode {stat.S_IMODE(state.st_mode):03o}")
    try:
        seed = bytes.fromhex(content.decode("ascii").strip())
    except ValueError:
        seed = b""
    if len(seed) != SEED_BYTES:
        expected = f"{2 * SEED_BYTES} hexadecimal digits, the seed of a key"
        raise UnusableKey(where, expected, f"something else in {path}")
    return seed


def write_secret(path: Path, text: str, *, replace: bool = False) -> None:
    """Write a file that only its owner may read.

    Args:
        path: of the file.
        text: what it shall hold; a line end is added.
        replace: whether a file that is there gives way.

    Raises:
        FileExistsError: there is one, and it shall stay.
        OSError: it cannot be written.
    """
    if replace:
        path.unlink(missing_ok=True)
    # Made with its rights: between making it and changing them somebody could open it.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text + "\n")


def new_token(path: Path) -> str:
    """Make a token anew, write it, and return it; the one before is worth nothing any more."""
    token = secrets.token_hex(TOKEN_BYTES)
    write_secret(path, token, replace=True)
    return token
