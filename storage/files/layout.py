"""What the first and the last record of an archive file say."""

from collections.abc import Mapping
from pathlib import Path
from struct import Struct
from types import MappingProxyType

import msgspec

from storage.files.errors import CorruptFile, NotSealed
from storage.files.index import Index
from storage.files.positioned import PositionedFile
from storage.files.records import HEAD, Head, Part, decode_head, encode_head
from storage.rocks.errors import ForeignStore, NewerStore

FORMAT = "orrery.archive"
VERSION = 1
TAIL_BYTES = 4_096
"""Read from the end of a file first; a seal is mostly shorter."""

SEAL = Struct("<QQ32s")
"""Offset of the index, number of entries, SHA-256 of all bytes before the seal."""
RANGE = Struct("<HIQQ")
"""Kind, number of entries, lowest and highest number; one for each kind that there is."""
LENGTH = Struct("<I")
"""Of the seal's payload; the last bytes of the file, so that the seal is found from there."""


class Header(msgspec.Struct, frozen=True):
    """The payload of a HEADER record, as JSON: a person can read it."""

    format: str
    version: int
    kinds: tuple[str, ...]
    """Names of the kinds; a record's kind is an index into it."""
    metadata: Mapping[str, str] = MappingProxyType({})
    """What the writer wants a reader to know: a chain's identity, say."""


class Range(msgspec.Struct, frozen=True, gc=False):
    """The entries of one kind in a file."""

    count: int
    first: int
    """Their lowest number."""
    last: int
    """Their highest number."""


class Seal(msgspec.Struct, frozen=True):
    """The payload of a SEAL record."""

    index_offset: int
    entries: int
    digest: bytes
    """SHA-256 of the file up to the seal."""
    ranges: dict[int, Range]
    """By kind."""


def encode_header(kinds: tuple[str, ...], metadata: Mapping[str, str]) -> bytes:
    """Return the HEADER record of a new file."""
    header = Header(FORMAT, VERSION, kinds, dict(metadata))
    payload = msgspec.json.encode(header, order="deterministic")
    return encode_head(0, Part.HEADER, payload) + payload


def decode_header(path: Path, payload: bytes) -> Header:
    """Return what a HEADER record says; its checksum was right.

    Raises:
        ForeignStore: it is not one of ours.
        NewerStore: a later version of this program has written it.
    """
    try:
        header = msgspec.json.decode(payload, type=Header)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ForeignStore(str(path), "an archive file of this program", str(error)) from error
    if header.format != FORMAT:
        raise ForeignStore(str(path), f"format {FORMAT}", repr(header.format))
    if header.version > VERSION:
        raise NewerStore(str(path), f"version {VERSION} at most", header.version)
    return header


def read_header(file: PositionedFile) -> tuple[Header, int]:
    """Return the header of a file, and where the first entry begins.

    Raises:
        ForeignStore: the file does not begin like an archive.
        CorruptFile: it does, but its header is damaged.
    """
    size = file.size()
    if size < HEAD.size:
        raise ForeignStore(str(file.path), "an archive file", f"{size} bytes")
    data = file.read(0, HEAD.size)
    head = decode_head(data, 0)
    if isinstance(head, str):
        raise ForeignStore(str(file.path), "an archive file", head)
    payload = checked_payload(file, 0, head, size)
    return decode_header(file.path, payload), HEAD.size + head.length


def checked_payload(file: PositionedFile, offset: int, head: Head, size: int) -> bytes:
    """Read the payload of a record and check it.

    Args:
        file: the file.
        offset: of the record.
        head: its head, checked.
        size: of the file.

    Raises:
        CorruptFile: it is not what was written, or not there as a whole.
    """
    if offset + HEAD.size + head.length > size:
        raise CorruptFile(file.path, offset, "the record reaches beyond the end of the file")
    payload = file.read(offset + HEAD.size, head.length)
    if fault := head.fault(payload):
        raise CorruptFile(file.path, offset, fault)
    return payload


def encode_seal(index: Index, index_offset: int, digest: bytes) -> bytes:
    """Return the payload of a SEAL record."""
    parts = [SEAL.pack(index_offset, len(index), digest)]
    for kind, found in ranges(index).items():
        parts.append(RANGE.pack(kind, found.count, found.first, found.last))
    length = sum(len(part) for part in parts) + LENGTH.size
    return b"".join([*parts, LENGTH.pack(length)])


def ranges(index: Index) -> dict[int, Range]:
    """Return what an index has of each kind, by kind, ascending."""
    columns = ((kind, index.columns[kind].numbers) for kind in sorted(index.columns))
    return {kind: Range(len(found), found[0], found[-1]) for kind, found in columns}


def decode_seal(payload: bytes) -> Seal | None:
    """Return what the payload of a SEAL record says, or None if it is none."""
    room = len(payload) - SEAL.size - LENGTH.size
    if room < 0 or room % RANGE.size:
        return None
    index_offset, entries, digest = SEAL.unpack_from(payload)
    ranges = {
        kind: Range(count, first, last)
        for kind, count, first, last in RANGE.iter_unpack(payload[SEAL.size : -LENGTH.size])
    }
    return Seal(index_offset, entries, digest, ranges)


def read_seal(file: PositionedFile) -> tuple[Seal, int]:
    """Return the seal of a closed file, found from the file's end, and where it stands.

    Raises:
        NotSealed: the file does not end with a seal that is whole.
    """
    size = file.size()
    tail = file.read(size - min(size, TAIL_BYTES), min(size, TAIL_BYTES))
    length = LENGTH.unpack(tail[-LENGTH.size :])[0] if size >= LENGTH.size else 0
    offset = size - length - HEAD.size
    if not SEAL.size + LENGTH.size <= length <= size - HEAD.size:
        raise _not_sealed(file, "its last bytes are not those of a seal")
    data = tail[offset - size :] if size - offset <= len(tail) else file.read(offset, size - offset)
    head = decode_head(data, offset)
    if isinstance(head, str) or head.part != Part.SEAL or head.length != length:
        raise _not_sealed(file, "its last record is not a seal")
    payload = data[HEAD.size :]
    seal = None if head.fault(payload) else decode_seal(payload)
    if seal is None:
        raise _not_sealed(file, "its seal does not match its checksum")
    return seal, offset


def is_sealed(file: PositionedFile) -> bool:
    """Tell whether a file ends with a seal that is whole."""
    try:
        read_seal(file)
    except NotSealed:
        return False
    return True


def _not_sealed(file: PositionedFile, reason: str) -> NotSealed:
    return NotSealed(str(file.path), "a file that was closed", reason)
