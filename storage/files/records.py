"""The records of an archive file: how they lie in it, and how each is checked.

A file is a sequence of records and nothing else: one HEADER, then ENTRY after ENTRY; once it is
closed, an INDEX and a SEAL. All integers are little endian.

    record   head (26 bytes), payload
    head     magic u16, part u8, flags u8, kind u16, payload length u32, number u64,
             checksum of the payload u32, checksum of the head u32

Checksums are CRC-32. That of the head also covers the head's own position, so a record that lies
in the wrong place, or one that stands inside of a payload, is none. Two checksums, because a
damaged length must not send the reader to a wrong place, and a damaged payload need not keep it
from going on.

Everything but the numbers is opaque: an archive knows no blocks.

Reference: e2store (types, lengths and an index at the end of a closed file), era files of
Ethereum's consensus clients. Ours adds checksums, kinds by name and a rule for open files.
"""

from enum import IntEnum, IntFlag
from struct import Struct
from zlib import crc32

import msgspec

MAGIC = b"\xa2\x72"
HEAD = Struct("<2sBBHIQII")
CHECKED_BYTES = HEAD.size - 4
"""Of the head's bytes, those that its checksum covers."""
POSITION = Struct("<Q")
KIND_MAX = 0xFFFF
NUMBER_MAX = (1 << 64) - 1
PAYLOAD_BYTES_MAX = 1 << 28
"""A head with a larger length is not ours. Memory is taken only for what is below."""


class Part(IntEnum):
    """What a record is."""

    HEADER = 1
    """The first one: format, version, names of the kinds."""
    ENTRY = 2
    """What somebody has put in."""
    INDEX = 3
    """Where the entries are."""
    SEAL = 4
    """The last one: digest of all bytes before it."""


class Flags(IntFlag):
    """What a reader has to know about a record."""

    NONE = 0
    ZSTD = 1
    """The payload is one zstandard frame."""
    SYNCED = 128
    """When this record was written, every byte before it had been synced. So what is damaged
    before it was damaged later, and not left behind by a crash."""


FLAGS = int(Flags.ZSTD | Flags.SYNCED)
PARTS = frozenset(int(part) for part in Part)


class Head(msgspec.Struct, frozen=True, gc=False):
    """The head of a record, decoded and checked."""

    part: int
    flags: int
    kind: int
    """Index into the names of the file's header."""
    length: int
    """Bytes of the payload as it is stored."""
    number: int
    """Of the entry, ascending within its kind."""
    checksum: int
    """CRC-32 of the payload as it is stored."""

    def fault(self, payload: bytes | memoryview) -> str:
        """Return what is wrong with the payload, or "" if nothing is."""
        return "" if crc32(payload) == self.checksum else "the payload does not match its checksum"


def encode_head(
    offset: int, part: Part, payload: bytes, *, flags: int = 0, kind: int = 0, number: int = 0
) -> bytes:
    """Return the head of a record whose first byte stands at `offset` of its file."""
    front = HEAD.pack(MAGIC, part, flags, kind, len(payload), number, crc32(payload), 0)
    checked = front[:CHECKED_BYTES]
    return checked + crc32(checked, crc32(POSITION.pack(offset))).to_bytes(4, "little")


def decode_head(data: bytes | memoryview, offset: int) -> Head | str:
    """Return the head that `data` begins with, or what is wrong with it.

    Args:
        data: at least `HEAD.size` bytes.
        offset: where they stand in the file.
    """
    magic, part, flags, kind, length, number, checksum, own = HEAD.unpack_from(data)
    if magic != MAGIC:
        return "no record begins here"
    if crc32(data[:CHECKED_BYTES], crc32(POSITION.pack(offset))) != own:
        return "the record's head does not match its checksum"
    if part not in PARTS or flags & ~FLAGS or length > PAYLOAD_BYTES_MAX:
        return f"a record of part {part}, flags {flags}, length {length} is not known"
    return Head(part, flags, kind, length, number, checksum)
