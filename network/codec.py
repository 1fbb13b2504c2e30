"""Frames: how a message becomes bytes, and how hostile bytes become an error and nothing else.

A frame is an 8-byte header and a body::

    length   u32 big-endian   bytes of the body
    version  u8               WIRE_VERSION
    kind     u8               position of the message type in the codec's table
    flags    u16 big-endian   0; reserved for the encoding of the body
    body     length bytes     MessagePack array: type name, then the fields in order

The header alone decides whether a body is welcome: kind and limit are checked before a single
byte of the body is waited for or kept. The body must be the one canonical encoding of its
message, so that two different frames never mean the same and a relay cannot grow a message.

A body may be a view of memory that belongs to somebody else, a pool's for instance: nothing in
the decoded message refers to it. Long bodies are not copied on their way to the decoder, nor is
a second copy made to check that they are canonical; short ones are, because a view costs more
than they do (`orrery bench memory`, ADR 23).
"""

import struct
from collections.abc import Iterable, Mapping

import msgspec

from primitives.errors import InvalidEncoding, InvalidInput
from primitives.machine import Message

WIRE_VERSION = 1
"""Version of the frame and of the table of kinds."""

HEADER_BYTES = 8
"""Length of a frame's header."""

LIMIT_DEFAULT = 16 * 1024
"""Longest body in bytes of a kind without a limit of its own."""

VIEW_BYTES_MIN = 16 * 1024
"""Shortest body that is cut out of its frame as a view."""

_HEADER = struct.Struct(">IBBH")
_KINDS_MAX = 256


class Kind(msgspec.Struct, frozen=True):
    """One entry of a codec's table."""

    index: int
    """The number that stands in the header."""
    type: type[Message]
    limit: int
    """Longest body in bytes."""
    decoder: msgspec.msgpack.Decoder[Message]


class FrameHeader(msgspec.Struct, frozen=True, gc=False):
    """A header that has passed every check."""

    kind: Kind
    length: int
    """Bytes of the body that follows."""


class Codec:
    """Encodes and decodes the messages of one network; one thread at a time.

    Args:
        message_types: the table of kinds; all nodes of a network must use the same order.
        limits: longest body in bytes for some of them, `LIMIT_DEFAULT` for the others.
    """

    __slots__ = ("_encoder", "_indexes", "_kinds", "_scratch")

    def __init__(
        self,
        message_types: Iterable[type[Message]],
        limits: Mapping[type[Message], int] | None = None,
    ) -> None:
        table = tuple(message_types)
        if len(table) > _KINDS_MAX or len(set(table)) != len(table):
            raise ValueError(f"expected at most {_KINDS_MAX} distinct message types, got {table}")
        limit = limits or {}
        self._kinds = tuple(
            Kind(index, kind, limit.get(kind, LIMIT_DEFAULT), msgspec.msgpack.Decoder(kind))
            for index, kind in enumerate(table)
        )
        self._indexes = {kind.type: kind for kind in self._kinds}
        self._encoder = msgspec.msgpack.Encoder()
        self._scratch = bytearray()
        """The encoding of the last body that was checked through a view."""

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The table, in wire order."""
        return self._kinds

    def encode(self, message: Message) -> bytes:
        """Return the whole frame.

        Raises:
            InvalidEncoding: the body is longer than the limit of its kind. A sender checks its
                own messages so that it never earns a peer's refusal.
        """
        kind = self._indexes[type(message)]
        body = self._encoder.encode(message)
        if len(body) > kind.limit:
            raise _oversized(kind, len(body))
        return _HEADER.pack(len(body), WIRE_VERSION, kind.index, 0) + body

    def size(self, message: Message) -> int:
        """Return the length of the message's frame in bytes, without limits."""
        return HEADER_BYTES + len(self._encoder.encode(message))

    def decode_header(self, data: bytes) -> FrameHeader:
        """Check the first `HEADER_BYTES` of a frame.

        Raises:
            InvalidEncoding: too short, another version, an unknown kind or flag, or a length
                beyond the limit of the kind.
        """
        if len(data) < HEADER_BYTES:
            raise InvalidEncoding("frame.header", f"{HEADER_BYTES} bytes", f"{len(data)} bytes")
        length, version, index, flags = _HEADER.unpack_from(data)
        if version != WIRE_VERSION:
            raise InvalidEncoding("frame.version", str(WIRE_VERSION), version)
        if index >= len(self._kinds):
            raise InvalidEncoding("frame.kind", f"a number below {len(self._kinds)}", index)
        if flags:
            raise InvalidEncoding("frame.flags", "0", flags)
        kind = self._kinds[index]
        if length > kind.limit:
            raise _oversized(kind, length)
        return FrameHeader(kind, length)

    def decode_body(self, header: FrameHeader, body: bytes | memoryview) -> Message:
        """Return the message of a body whose header was checked before.

        Args:
            header: of the frame.
            body: not referred to by the message; whoever lent a view may take it back.

        Raises:
            InvalidEncoding: the length differs from the header's, the bytes are no message of
                that kind, or not its canonical encoding.
        """
        name = header.kind.type.__name__
        if len(body) != header.length:
            raise InvalidEncoding(f"{name}.body", f"{header.length} bytes", f"{len(body)} bytes")
        try:
            message = header.kind.decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InvalidEncoding(name, "a well-formed message", str(error)) from error
        except InvalidInput as error:
            raise InvalidEncoding(name, "values that keep their own rules", str(error)) from error
        except RecursionError as error:
            raise InvalidEncoding(name, "a well-formed message", "too deep a nesting") from error
        if not self._is_encoding(body, message):
            raise InvalidEncoding(name, "the canonical encoding", "another encoding of it")
        return message

    def decode(self, frame: bytes) -> Message:
        """Return the message of one whole frame.

        Raises:
            InvalidEncoding: see `decode_header` and `decode_body`.
        """
        header = self.decode_header(frame)
        if header.length < VIEW_BYTES_MIN:
            return self.decode_body(header, frame[HEADER_BYTES:])
        return self.decode_body(header, memoryview(frame)[HEADER_BYTES:])

    def _is_encoding(self, body: bytes | memoryview, message: Message) -> bool:
        if isinstance(body, bytes):
            return self._encoder.encode(message) == body
        # With a view on the left, or with bytes, they would be compared one item at a time.
        self._encoder.encode_into(message, self._scratch)
        return self._scratch == body


def _oversized(kind: Kind, length: int) -> InvalidEncoding:
    return InvalidEncoding(
        f"{kind.type.__name__}.body", f"at most {kind.limit} bytes", f"{length} bytes"
    )
