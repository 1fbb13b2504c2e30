"""Compression of single records with zstandard, where it makes them smaller."""

from typing import Protocol

import zstandard

from storage.files.records import PAYLOAD_BYTES_MAX, Flags

LEVEL = 3
"""Of zstandard: its default."""
WORTH_BYTES = 64
"""Shorter payloads are stored as they are: a frame alone takes a dozen bytes."""


class Compressor(Protocol):
    """Makes a payload smaller, or leaves it."""

    def compress(self, payload: bytes) -> tuple[bytes, Flags]:
        """Return what is stored for a payload, and the flags that say how."""
        ...


class Plain:
    """Stores payloads as they are."""

    def compress(self, payload: bytes) -> tuple[bytes, Flags]:
        """Return the payload."""
        return payload, Flags.NONE


class Zstandard:
    """Stores payloads as zstandard frames where those are smaller. For one thread at a time."""

    def __init__(self, level: int = LEVEL) -> None:
        # The record has a checksum of its own.
        self._compressor = zstandard.ZstdCompressor(level=level, write_checksum=False)

    def compress(self, payload: bytes) -> tuple[bytes, Flags]:
        """Return a frame, or the payload where that is not longer."""
        if len(payload) >= WORTH_BYTES:
            frame = self._compressor.compress(payload)
            if len(frame) < len(payload):
                return frame, Flags.ZSTD
        return payload, Flags.NONE


def decompress(frame: bytes | memoryview) -> bytes | str:
    """Return what a frame holds, or what is wrong with it.

    How much it will be is read first, so that no file makes us take more memory than a record
    may have.
    """
    try:
        size = zstandard.frame_content_size(frame)
        if not 0 <= size <= PAYLOAD_BYTES_MAX:
            return f"a compressed record that claims {size} bytes"
        return zstandard.ZstdDecompressor().decompress(frame, max_output_size=PAYLOAD_BYTES_MAX)
    except zstandard.ZstdError as error:
        return f"a compressed record that does not open ({error})"
