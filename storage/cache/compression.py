"""What a level of encoded bytes asks of a compressor; `Lz4` is one, others can be handed in."""

from typing import Protocol


class Compressor(Protocol):
    """Makes bytes smaller, and the same again."""

    def compress(self, data: bytes) -> bytes:
        """Return a shorter form, if there is one."""
        ...

    def decompress(self, data: bytes) -> bytes:
        """Return what was given to `compress`."""
        ...


class Plain:
    """No compression: what pays for values of a hundred bytes."""

    __slots__ = ()

    def compress(self, data: bytes) -> bytes:
        """Return the bytes themselves."""
        return data

    def decompress(self, data: bytes) -> bytes:
        """Return the bytes themselves."""
        return data
