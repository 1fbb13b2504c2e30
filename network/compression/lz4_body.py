"""Bodies compressed with LZ4: the cheapest, and the one that saves least.

The plain length stands in the first four bytes, little-endian. A block of LZ4 cannot grow by
more than `GROWTH_MAX` times, so a larger claim is a lie that is seen before memory is taken.

Reference: https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md
"""

from typing import Final

from lz4.block import LZ4BlockError, compress, decompress

from network.codec import Encoding
from network.compression.bodies import check_claim, check_result, malformed

SIZE_BYTES = 4
GROWTH_MAX = 255
"""Each byte of a match's length stands for at most so many."""


class Lz4Bodies:
    """A `BodyCompressor`."""

    __slots__ = ()

    encoding = Encoding.LZ4
    claim_bytes: Final = SIZE_BYTES + 1
    """The length, and a byte of the block."""

    def compress(self, body: bytes) -> bytes:
        """Return the length and one block."""
        packed: bytes = compress(body)
        return packed

    def claimed(self, body: bytes | memoryview) -> int:
        """Return the length in front of the block; see `BodyCompressor`."""
        if len(body) <= SIZE_BYTES:
            raise malformed(self.encoding, f"{len(body)} bytes")
        return int.from_bytes(body[:SIZE_BYTES], "little")

    def decompress(self, body: bytes | memoryview, limit: int) -> bytes:
        """Return the content of one block; see `BodyCompressor`."""
        claimed = self.claimed(body)
        check_claim(self.encoding, claimed, body, limit)
        if claimed > GROWTH_MAX * len(body):
            raise malformed(self.encoding, f"a claim of {claimed} bytes for {len(body)}")
        try:
            plain: bytes = decompress(memoryview(body)[SIZE_BYTES:], uncompressed_size=claimed)
        except LZ4BlockError as error:
            raise malformed(self.encoding, error) from error
        return check_result(self.encoding, claimed, plain)
