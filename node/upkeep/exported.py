"""What `orrery store export` writes: a chain and its state apart from any form of store.

Records stand in archives (`storage.files`), of which only kinds and numbers matter here. Blocks go
by their height. The state goes as rows in the order of their keys, many to a record. What follows
from other things (headers, the trie, what leads back to earlier states) is not in it, nor what is
the node's own: its votes.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol

import msgspec

from node.finality import Count, HexHash
from primitives.codec import decode_canonical, encode_canonical
from primitives.errors import InvalidInput

FORMAT = "orrery.export"
VERSION = 1

BLOCK, CERTIFICATE, RECEIPTS = "block", "certificate", "receipts"
ACCOUNT, SLOT, CODE = "account", "slot", "code"
CLOSING, EPOCH, ANCHOR = "closing", "epoch", "anchor"

CHAIN_KINDS = (BLOCK, CERTIFICATE, RECEIPTS, CLOSING, EPOCH, ANCHOR)
"""Kinds of records about the chain. Numbers: heights; of `closing` the epoch that ends; 0."""
STATE_KINDS = (ACCOUNT, SLOT, CODE)
"""Kinds of records of rows of the state, as flat tables have them, numbered from 0."""

ROWS_IN_RECORD = 512
RECORD_BYTES_MAX = 1 << 28

Row = tuple[bytes, bytes]
"""Key and value."""


class Sink(Protocol):
    """Takes records; an archive does."""

    def append(self, kind: str, number: int, payload: bytes) -> None:
        """Put a record at the end."""
        ...


class Source(Protocol):
    """Gives records; an archive does."""

    def scan(self, kind: str, start: int = 0, end: int = 1 << 64) -> Iterator[tuple[int, bytes]]:
        """Yield (number, payload) in ascending order for start <= number < end."""
        ...


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`manifest.json` of an export."""

    format: str
    version: int
    form: str
    """That the state had in its store, and gets again: "runs" or "flat"."""
    genesis_hash: str | None
    """Hash of block 0, if whoever exported it knew the chain."""
    lowest: Count
    """Height of the first block; 0 without any."""
    blocks: int
    height: Count
    """Of the last block, or of the state's where no block is held."""
    digest: HexHash
    """Its hash."""
    state_height: Count
    """Of the block after which the state is. In form `runs` a checkpoint at or below the last
    block, which a node executes again from there."""
    state_root: HexHash
    accounts: int
    slots: int
    codes: int
    files: dict[str, str] = {}
    """SHA-256 of each file, by its name in the folder."""


def encode_manifest(manifest: Manifest) -> bytes:
    """Return the file: indented JSON with a final newline."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def decode_manifest(content: bytes, where: str) -> Manifest:
    """Return what the file says.

    Raises:
        InvalidInput: it is none, or of a later version.
    """
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(where, "the manifest of an export", str(error)) from error
    if manifest.format != FORMAT or not 1 <= manifest.version <= VERSION:
        expected = f"format {FORMAT}, version {VERSION} at most"
        raise InvalidInput(where, expected, f"{manifest.format}, {manifest.version}")
    return manifest


def write_rows(sink: Sink, kind: str, rows: Iterable[Row]) -> int:
    """Put rows into records, and return how many rows there were."""
    gathered: list[Row] = []
    count = number = 0
    for row in rows:
        gathered.append(row)
        count += 1
        if len(gathered) == ROWS_IN_RECORD:
            sink.append(kind, number, encode_canonical(tuple(gathered)))
            gathered = []
            number += 1
    if gathered:
        sink.append(kind, number, encode_canonical(tuple(gathered)))
    return count


def read_rows(source: Source, kind: str) -> Iterator[Row]:
    """Yield the rows of a kind.

    Raises:
        InvalidEncoding: a record holds none.
    """
    for _, payload in source.scan(kind):
        yield from decode_canonical(payload, tuple[Row, ...], RECORD_BYTES_MAX)
