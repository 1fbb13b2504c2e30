"""What a node compresses, with what, and when it is not worth it: one node's own choice."""

from enum import StrEnum

import msgspec

from primitives.errors import InvalidInput
from primitives.ids import Hash32
from primitives.keccak import keccak256

ZSTD_LEVELS = (1, 22)
GZIP_LEVELS = (1, 9)
PERCENT = 100


class Algorithm(StrEnum):
    """A way to compress that peers can agree on, by the name that the handshake uses."""

    GZIP = "gzip"
    ZSTD = "zstd"
    LZ4 = "lz4"


class Dictionary(msgspec.Struct, frozen=True):
    """Bytes that bodies of one kind often contain, for zstandard to refer to."""

    kind: str
    """Name of the message type."""
    content: bytes
    """As `train` makes it."""

    @property
    def id(self) -> Hash32:
        """What peers agree on it by: the hash of its content."""
        return keccak256(self.content)


class CompressionPolicy(msgspec.Struct, frozen=True):
    """The choice. The default is to send everything plain, and to understand all algorithms.

    Raises:
        InvalidInput: a level that the library does not have, or a value below zero.
    """

    prefer: tuple[Algorithm, ...] = ()
    """What to send with, the best first; the first that the peer understands is taken."""
    accept: tuple[Algorithm, ...] = tuple(Algorithm)
    """What a peer may send with."""
    zstd_level: int = 3
    gzip_level: int = 6
    bytes_min: int = 1_024
    """Shorter bodies are sent plain: signatures and hashes fill most of them."""
    dictionary_bytes_min: int = 96
    """The same for a kind with a dictionary."""
    dictionary_bytes_max: int = 32 * 1_024
    """Longer bodies have enough in common with themselves, and go without the dictionary."""
    saving_percent_min: int = 5
    """A body that gets shorter by less is sent plain, which spares the receiver the work."""
    dictionaries: tuple[Dictionary, ...] = ()
    """Those to use and to understand, for each kind the best first."""

    def __post_init__(self) -> None:
        _check("zstd_level", self.zstd_level, *ZSTD_LEVELS)
        _check("gzip_level", self.gzip_level, *GZIP_LEVELS)
        _check("saving_percent_min", self.saving_percent_min, 1, PERCENT)
        for name in ("bytes_min", "dictionary_bytes_min", "dictionary_bytes_max"):
            if getattr(self, name) < 0:
                raise InvalidInput(f"compression.{name}", "0 or more", getattr(self, name))


def _check(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise InvalidInput(f"compression.{name}", f"{low} to {high}", value)
