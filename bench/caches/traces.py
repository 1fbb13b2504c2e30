"""Traces of requests from elsewhere, as lists of numbers.

Two forms are known. Those of the LIRS paper are text, one block number a line, with empty lines
and lines of `*` that mark phases of the recording and ask for nothing. That of the Corda vault
service is a row of big-endian 64-bit keys. Any other file is an error, not a file to pass over.
"""

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

from primitives.errors import InvalidInput

MARK = b"*"
KEY_BYTES = 8
SUFFIX = ".gz"
TEXT_SUFFIX = ".trace.gz"
BINARY_NAMES = frozenset({"trace_vaultservice.gz"})
ROOT = Path(__file__).resolve().parent.parent.parent


def traces_directory() -> Path:
    """Return where traces are: `caches` below ORRERY_VECTORS or `../shared/vectors`.

    Raises:
        InvalidInput: there is no such directory.
    """
    named = os.environ.get("ORRERY_VECTORS")
    directory = (Path(named) if named else ROOT.parent / "shared" / "vectors") / "caches"
    if not directory.is_dir():
        raise InvalidInput("ORRERY_VECTORS", "a directory with caches/ in it", str(directory))
    return directory


def find_traces(directory: Path) -> Iterator[tuple[str, Path]]:
    """Yield (name, path) of every file below a directory, in order of path."""
    for path in sorted(directory.rglob("*")):
        if path.is_file():
            yield path.name.removesuffix(SUFFIX).removesuffix(".trace"), path


def read_trace(path: Path) -> list[bytes]:
    """Return the keys that a trace asks for, in order; 8 bytes each.

    Raises:
        InvalidInput: the form is unknown, a line is no number, or a key is cut off.
    """
    if path.name in BINARY_NAMES:
        return parse_binary(gzip.decompress(path.read_bytes()), path.name)
    if path.name.endswith(TEXT_SUFFIX):
        return parse_text(gzip.decompress(path.read_bytes()), path.name)
    raise InvalidInput(str(path), f"*{TEXT_SUFFIX} or {sorted(BINARY_NAMES)}", path.name)


def parse_text(content: bytes, name: str) -> list[bytes]:
    """Return the keys of a trace of one number a line.

    Raises:
        InvalidInput: a line is neither a number of 64 bits, nor empty, nor a mark.
    """
    keys: dict[bytes, bytes] = {}
    requests = []
    for number, raw in enumerate(content.split(b"\n"), 1):
        line = raw.strip()
        if not line or line == MARK:
            continue
        key = keys.get(line)
        if key is None:
            if not line.isdigit() or int(line) >> (8 * KEY_BYTES):
                raise InvalidInput(f"{name}:{number}", "a block number, `*` or nothing", line)
            key = keys[line] = int(line).to_bytes(KEY_BYTES, "big")
        requests.append(key)
    return requests


def parse_binary(content: bytes, name: str) -> list[bytes]:
    """Return the keys of a trace of 64-bit numbers.

    Raises:
        InvalidInput: the last key is cut off.
    """
    if len(content) % KEY_BYTES:
        raise InvalidInput(name, f"a multiple of {KEY_BYTES} bytes", len(content))
    keys: dict[bytes, bytes] = {}
    pieces = (content[at : at + KEY_BYTES] for at in range(0, len(content), KEY_BYTES))
    return [keys.setdefault(piece, piece) for piece in pieces]
