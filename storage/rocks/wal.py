"""Reading RocksDB's write-ahead logs, to tell a torn tail from damage.

RocksDB offers modes that forgive: "tolerate a corrupted tail" and "point in time" go on with what
came before a bad record. But after the second one, a flipped bit in the middle of a log silently
loses every later block that was durable; and neither names the file. So a log is looked at before
RocksDB is: a record that reaches beyond the end of its file is what a crash leaves, anything else
is damage. Only headers are read; checksums are computed where something is wrong already.

Layout: blocks of 32 KiB; in each, records of a header (checksum u32, length u16, type u8, little
endian) and that many bytes; fewer than 7 bytes at the end of a block are padding. A batch is one
record of type FULL, or FIRST, MIDDLE..., LAST. It begins with its first sequence number (u64) and
its count of rows (u32).

Reference: RocksDB wiki, "Write Ahead Log File Format"; RFC 3720 appendix B.4 (CRC-32C).
"""

import mmap
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from struct import Struct

import msgspec

BLOCK_BYTES = 32_768
HEADER = Struct("<IHB")
BATCH = Struct("<QI")
PADDING, FULL, FIRST, MIDDLE, LAST = range(5)
CHECKSUM_MASK_DELTA = 0xA282EAD8


class Fault(Enum):
    """What may be wrong with a log."""

    TORN = "torn"
    """The last write did not reach the disk as a whole: what a crash leaves."""
    CORRUPT = "corrupt"
    """Bytes are not what was written."""
    GAP = "gap"
    """Rows are missing between this log and the one before. A crash leaves that, too, if the
    later log reached the disk and the end of the earlier one did not; but no synced batch is in
    the later one then."""


class Damage(msgspec.Struct, frozen=True):
    """Where a log stops being good."""

    file: str
    fault: Fault
    offset: int
    """Of the first byte that is of no use."""
    lost_bytes: int
    """From there to the end of the file."""


class _Piece(msgspec.Struct, frozen=True, gc=False):
    """A record's header, and where it stands."""

    offset: int
    checksum: int
    length: int
    kind: int

    @property
    def end(self) -> int:
        """Where the next one may begin."""
        return self.offset + HEADER.size + self.length


def log_files(directory: Path) -> list[Path]:
    """Return the logs of a store, oldest first."""
    return sorted(directory.glob("*.log"), key=lambda path: int(path.stem))


def inspect(directory: Path, oldest: int = 0) -> Damage | None:
    """Return the first thing that is wrong with the logs of a store; what follows it is of no use.

    Logs are one sequence of batches over all files, so a gap is seen even if every file is whole.

    Args:
        directory: the store's.
        oldest: number of the first log that is needed. RocksDB deletes older ones in any order, so
            that those which a crash left may have gaps.
    """
    expected: int | None = None
    for path in log_files(directory):
        if int(path.stem) < oldest or not path.stat().st_size:
            continue
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            fault, expected = _walk(path.name, data, expected)
        if fault is not None:
            return fault
    return None


def last_log(directory: Path) -> str:
    """Return the name of the newest log that is not empty, or ""."""
    names = [path.name for path in log_files(directory) if path.stat().st_size]
    return names[-1] if names else ""


def tear_before(directory: Path, file: str) -> None:
    """Make the end of the log before `file` a torn one, so that RocksDB stops reading there."""
    logs = [path for path in log_files(directory) if path.name < file and path.stat().st_size]
    with logs[-1].open("ab") as log:
        log.write(b"\x01")


def first_bad_checksum(directory: Path) -> Damage | None:
    """Return the first record of the logs whose bytes do not match its checksum (slow)."""
    table = crc32c_table()
    for path in log_files(directory):
        data = path.read_bytes()
        for piece in _pieces(data):
            if piece.end > len(data) or not _is_whole(data, piece, table):
                return _damage(path.name, Fault.CORRUPT, piece.offset, len(data))
    return None


def whole_records(data: bytes) -> Iterator[bytes]:
    """Yield the whole records of one log in order, up to where it is torn; checksums are not read.

    RocksDB's manifests are logs, too.
    """
    pieces: list[bytes] = []
    for piece in _pieces(data):
        if piece.length < 0 or piece.end > len(data):
            return
        pieces.append(data[piece.offset + HEADER.size : piece.end])
        if piece.kind in (FULL, LAST):
            yield b"".join(pieces)
            pieces.clear()


def changed_record(data: bytes) -> int | None:
    """Return the offset of the first record of one log that is there, but not as it was written."""
    table = crc32c_table()
    for piece in _pieces(data):
        if piece.length >= 0 and piece.end <= len(data) and not _is_whole(data, piece, table):
            return piece.offset
    return None


def _walk(
    name: str, data: bytes | mmap.mmap, expected: int | None
) -> tuple[Damage | None, int | None]:
    """Return the fault of one log, and the sequence number that has to follow it."""
    size = len(data)
    inside = False
    start = 0
    before: _Piece | None = None
    for piece in _pieces(data):
        if not inside:
            start = piece.offset
        if piece.length >= 0 and (
            inside != (piece.kind in (MIDDLE, LAST)) or piece.end > _block_end(piece.offset)
        ):
            return _damage(name, Fault.CORRUPT, piece.offset, size), expected
        if piece.length < 0 or piece.end > size:
            if _goes_on(data, piece) or _was_whole(data, piece) or not _is_good(data, before):
                return _damage(name, Fault.CORRUPT, start, size), expected
            return _damage(name, Fault.TORN, start, size), expected
        if piece.kind in (FULL, FIRST):
            if piece.length < BATCH.size:
                expected = None  # its beginning is spread over two blocks
            else:
                sequence, count = BATCH.unpack_from(data, piece.offset + HEADER.size)
                if expected is not None and sequence > expected:
                    return _damage(name, Fault.GAP, piece.offset, size), expected
                expected = sequence + count
        inside = piece.kind in (FIRST, MIDDLE)
        before = piece
    if not inside:
        return None, expected
    fault = Fault.TORN if _is_good(data, before) else Fault.CORRUPT
    return _damage(name, fault, start, size), expected


def _pieces(data: bytes | mmap.mmap) -> Iterator[_Piece]:
    """Yield the records of a log; the last one may reach beyond its end (then length may be -1).

    A header that is cut off has the length -1. Zeros are room that was set aside.
    """
    offset, size = 0, len(data)
    while offset < size:
        room = _block_end(offset) - offset
        if room < HEADER.size:
            offset += room
            continue
        if size - offset < HEADER.size:
            yield _Piece(offset, 0, -1, FULL)
            return
        checksum, length, kind = HEADER.unpack_from(data, offset)
        if kind == PADDING and not length:
            offset += room
            continue
        piece = _Piece(offset, checksum, length, kind)
        yield piece
        offset = piece.end


def _goes_on(data: bytes | mmap.mmap, torn: _Piece) -> bool:
    """Tell whether a whole record stands behind one that claims to be the last.

    A flipped bit in a length looks like a torn write; but behind a torn write there is nothing.
    """
    table = crc32c_table()
    size = min(len(data), _block_end(torn.offset))
    for offset in range(torn.offset + HEADER.size, size - HEADER.size - BATCH.size):
        checksum, length, kind = HEADER.unpack_from(data, offset)
        piece = _Piece(offset, checksum, length, kind)
        if FULL <= kind <= LAST and piece.end <= size and _is_whole(data, piece, table):
            return True
    return False


def _was_whole(data: bytes | mmap.mmap, torn: _Piece) -> bool:
    """Tell whether a record that claims to be longer than what is left is whole without that.

    Then it is the length that has changed, and the batch had been there.
    """
    end = min(len(data), _block_end(torn.offset))
    if torn.length < 0:
        return False
    length = end - torn.offset - HEADER.size
    piece = _Piece(torn.offset, torn.checksum, length, torn.kind)
    return _is_whole(data, piece, crc32c_table())


def _is_good(data: bytes | mmap.mmap, before: _Piece | None) -> bool:
    """Check the record before a torn one: a length that has become shorter would show there."""
    return before is None or _is_whole(data, before, crc32c_table())


def _block_end(offset: int) -> int:
    return offset - offset % BLOCK_BYTES + BLOCK_BYTES


def _damage(name: str, fault: Fault, offset: int, size: int) -> Damage:
    return Damage(name, fault, offset, size - offset)


def _is_whole(data: bytes | mmap.mmap, piece: _Piece, table: tuple[int, ...]) -> bool:
    """Check a record's checksum, which covers its type and its bytes, and is stored masked."""
    start = piece.offset + HEADER.size
    found = crc32c(data[start - 1 : start + piece.length], table)
    masked = (((found >> 15) | (found << 17)) + CHECKSUM_MASK_DELTA) & 0xFFFFFFFF
    return masked == piece.checksum


def crc32c_table() -> tuple[int, ...]:
    """Return the table of the byte-wise CRC-32C, polynomial 0x82F63B78 (reflected)."""
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return tuple(table)


def crc32c(data: bytes, table: tuple[int, ...]) -> int:
    """Return the CRC-32C of some bytes."""
    value = 0xFFFFFFFF
    for byte in data:
        value = table[(value ^ byte) & 0xFF] ^ (value >> 8)
    return value ^ 0xFFFFFFFF
