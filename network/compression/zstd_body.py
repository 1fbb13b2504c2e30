"""Bodies compressed with zstandard, with or without a dictionary.

The frame of zstandard must carry its content size; ours always does. It carries neither a
checksum (TLS has a better one) nor the number of its dictionary, which the peers have agreed on.

Reference: RFC 8878.
"""

from typing import Final

import zstandard

from network.codec import Encoding
from network.compression.bodies import check_claim, check_result, malformed

WINDOW_BYTES_MAX = 1 << 27
"""Largest window that a frame may ask for; one of known size never takes more than that size."""


class ZstdBodies:
    """A `BodyCompressor`.

    Args:
        level: 1 to 22.
        dictionary: as `train` makes it; empty for none.
    """

    __slots__ = ("_compressor", "_decompressor", "encoding")

    claim_bytes: Final = 18
    """The longest header of a frame (RFC 8878, 3.1.1)."""

    def __init__(self, level: int, dictionary: bytes = b"") -> None:
        self.encoding = Encoding.ZSTD_DICTIONARY if dictionary else Encoding.ZSTD
        known = zstandard.ZstdCompressionDict(dictionary) if dictionary else None
        if known is not None:
            known.precompute_compress(level=level)
        self._compressor = zstandard.ZstdCompressor(
            level=level, dict_data=known, write_checksum=False, write_dict_id=False
        )
        self._decompressor = zstandard.ZstdDecompressor(
            dict_data=known, max_window_size=WINDOW_BYTES_MAX
        )

    def compress(self, body: bytes) -> bytes:
        """Return one frame."""
        return self._compressor.compress(body)

    def claimed(self, body: bytes | memoryview) -> int:
        """Return what the frame's header says; see `BodyCompressor`."""
        try:
            claimed: int = zstandard.frame_content_size(body)
        except zstandard.ZstdError as error:
            raise malformed(self.encoding, error) from error
        if claimed < 0:
            raise malformed(self.encoding, "no content size")
        return claimed

    def decompress(self, body: bytes | memoryview, limit: int) -> bytes:
        """Return the content of one frame; see `BodyCompressor`."""
        claimed = self.claimed(body)
        try:
            check_claim(self.encoding, claimed, body, limit)
            plain = self._decompressor.decompress(body, allow_extra_data=False)
        except zstandard.ZstdError as error:
            raise malformed(self.encoding, error) from error
        return check_result(self.encoding, claimed, plain)
