"""What the siblings of this file have in common: a compressor of bodies, and how it refuses.

A compressed body comes from a peer. It says how long it will be, and what it says is compared
with the limit of its kind before memory is taken for it; what then comes out must be exactly
that long. So a bomb costs at most the limit of its kind, as a plain body does. A body that does
not say is refused, and so is one that compression has made longer.
"""

from typing import Protocol

from network.codec import Encoding
from primitives.errors import InvalidEncoding


class BodyCompressor(Protocol):
    """Makes bodies shorter and gets them back; one thread at a time."""

    @property
    def encoding(self) -> Encoding:
        """What the header of a frame says of its bodies."""
        ...

    @property
    def claim_bytes(self) -> int | None:
        """By how many bytes of a body `claimed` can tell; None if it needs the whole body."""
        ...

    def compress(self, body: bytes) -> bytes:
        """Return the compressed body, which may be longer."""
        ...

    def claimed(self, body: bytes | memoryview) -> int:
        """Return how long a body from a peer claims to be when plain.

        Raises:
            InvalidEncoding: it does not say.
        """
        ...

    def decompress(self, body: bytes | memoryview, limit: int) -> bytes:
        """Return the plain body.

        Args:
            body: from a peer.
            limit: longest plain body in bytes.

        Raises:
            InvalidEncoding: not compressed in this way, or longer than the limit, or not as long
                as it says.
        """
        ...


def check_claim(encoding: Encoding, claimed: int, body: bytes | memoryview, limit: int) -> None:
    """Refuse a body by the length that it claims to have when plain.

    Raises:
        InvalidEncoding: that is beyond the limit, or not more than its compressed length.
    """
    if claimed > limit:
        raise InvalidEncoding(_where(encoding), f"at most {limit} bytes when plain", claimed)
    if claimed <= len(body):
        expected = f"more than its {len(body)} compressed bytes when plain"
        raise InvalidEncoding(_where(encoding), expected, claimed)


def check_result(encoding: Encoding, claimed: int, plain: bytes) -> bytes:
    """Return what came out, if it is as long as was claimed.

    Raises:
        InvalidEncoding: it is not.
    """
    if len(plain) != claimed:
        raise InvalidEncoding(_where(encoding), f"the {claimed} bytes it claims", len(plain))
    return plain


def malformed(encoding: Encoding, fault: object) -> InvalidEncoding:
    """Return the refusal of a body that is not what its header says."""
    return InvalidEncoding(_where(encoding), "a well-formed compressed body", fault)


def _where(encoding: Encoding) -> str:
    return f"body.{encoding.name.lower()}"
