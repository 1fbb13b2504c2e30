"""Bodies compressed with gzip: slow, and understood everywhere.

The plain length stands in the last four bytes (ISIZE), so it is known before anything is inflated.

Reference: RFC 1952.
"""

import zlib
from typing import Final

from network.codec import Encoding
from network.compression.bodies import check_claim, check_result, malformed

GZIP_WINDOW: Final = zlib.MAX_WBITS | 16
"""Has zlib write and expect gzip's header and trailer."""
MEMBER_BYTES_MIN = 18
"""Header and trailer of a member without content."""
SIZE_BYTES = 4


class GzipBodies:
    """A `BodyCompressor`.

    Args:
        level: 1 to 9.
    """

    __slots__ = ("_level",)

    encoding = Encoding.GZIP
    claim_bytes: Final = None
    """The length stands at the end."""

    def __init__(self, level: int) -> None:
        self._level = level

    def compress(self, body: bytes) -> bytes:
        """Return one member without a name or a time."""
        return zlib.compress(body, self._level, GZIP_WINDOW)

    def claimed(self, body: bytes | memoryview) -> int:
        """Return what the trailer says; see `BodyCompressor`."""
        if len(body) < MEMBER_BYTES_MIN:
            raise malformed(self.encoding, f"{len(body)} bytes")
        return int.from_bytes(body[-SIZE_BYTES:], "little")

    def decompress(self, body: bytes | memoryview, limit: int) -> bytes:
        """Return the content of one member; see `BodyCompressor`."""
        claimed = self.claimed(body)
        check_claim(self.encoding, claimed, body, limit)
        inflater = zlib.decompressobj(GZIP_WINDOW)
        try:
            # One byte more than is claimed, so that zlib goes on to the trailer.
            plain = inflater.decompress(body, claimed + 1)
        except zlib.error as error:
            raise malformed(self.encoding, error) from error
        if not inflater.eof or inflater.unused_data:
            raise malformed(self.encoding, "another number of bytes than it claims")
        return check_result(self.encoding, claimed, plain)
