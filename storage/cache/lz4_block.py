"""LZ4 for the second level of a cache that holds contract code over a slow disk.

`orrery bench memory` packs what a chain stores: mainnet's contract code comes down to 0.54 of its
size, for 14 us down and 3 us up at 9.5 kB. Accounts (18 bytes) and nodes of tries (hashes) grow.
All that is let go from the first level is packed, read again or not. So even for code it pays only
where a load costs some 200 us more than from RocksDB's own cache, and `Plain` is the default.

What does not get shorter is kept as it is, behind a byte that says so; short values are not tried.

Reference: LZ4 block format, https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md.
"""

from lz4.block import LZ4BlockError, compress, decompress

from primitives.errors import InvalidEncoding, InvalidInput

PLAIN, PACKED = b"\x00", b"\x01"
TRY_BYTES_MIN = 256
"""Shorter values are not compressed; hashes fill most of them."""


class Lz4:
    """A `Compressor`.

    Args:
        try_bytes_min: values below this length are kept as they are.

    Raises:
        InvalidInput: a negative length.
    """

    __slots__ = ("_try_bytes_min",)

    def __init__(self, try_bytes_min: int = TRY_BYTES_MIN) -> None:
        if try_bytes_min < 0:
            raise InvalidInput("cache.lz4.try_bytes_min", "0 or more", try_bytes_min)
        self._try_bytes_min = try_bytes_min

    def compress(self, data: bytes) -> bytes:
        """Return the data in at most one byte more than it had."""
        if len(data) >= self._try_bytes_min:
            packed: bytes = compress(data)
            if len(packed) < len(data):
                return PACKED + packed
        return PLAIN + data

    def decompress(self, data: bytes) -> bytes:
        """Return what was given to `compress`.

        Raises:
            InvalidEncoding: the data did not come from there.
        """
        if data[:1] == PLAIN:
            return data[1:]
        if data[:1] != PACKED:
            raise InvalidEncoding("cache.lz4", "a value of this cache", data[:1])
        try:
            # The length stands in front of the block; it came from `compress`, not from a peer.
            plain: bytes = decompress(memoryview(data)[1:])
        except (LZ4BlockError, ValueError) as error:
            raise InvalidEncoding("cache.lz4", "an LZ4 block", str(error)) from error
        return plain
