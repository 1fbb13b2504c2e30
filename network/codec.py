"""Frames: how a message becomes bytes, and how hostile bytes become an error and nothing else.

A frame is an 8-byte header and a body::

    length   u32 big-endian   bytes of the body
    version  u8               WIRE_VERSION, or HANDSHAKE_VERSION before the peers know each other
    kind     u8               position of the message type in the codec's table
    flags    u16 big-endian   the body's `Encoding`
    body     length bytes     MessagePack array: type name, then the fields in order

The header alone decides whether a body is welcome: kind, encoding and limit are checked before a
single byte of the body is waited for or kept. The plain body must be the one canonical encoding
of its message, so that two different plain frames never mean the same and a relay cannot grow a
message. A body may be compressed in many ways; so nothing is ever named by the bytes of a frame.
What the encodings are, and who may send which, is the matter of `network.compression`; a codec
by itself reads plain bodies.

A body may be a view of memory that belongs to somebody else, a pool's for instance: nothing in
the decoded message refers to it. Long bodies are not copied on their way to the decoder, nor is
a second copy made to check that they are canonical; short ones are, because a view costs more
than they do (`orrery bench memory`, ADR 23).
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum

import msgspec

from primitives.errors import InvalidEncoding, InvalidInput
from primitives.machine import Message

WIRE_VERSION = 1
"""Version of the frame and of the table of kinds."""

HANDSHAKE_VERSION = 0
"""Version of the frames that peers of all versions understand: those of the handshake."""

HEADER_BYTES = 8
"""Length of a frame's header."""

LIMIT_DEFAULT = 16 * 1024
"""Longest body in bytes of a kind without a limit of its own."""

VIEW_BYTES_MIN = 16 * 1024
"""Shortest body that is cut out of its frame as a view."""

_HEADER = struct.Struct(">IBBH")
_KINDS_MAX = 256
_LENGTH_SHIFT = 32
_WORD_MASK = (1 << _LENGTH_SHIFT) - 1


class Encoding(IntEnum):
    """What was done to a body; the flags of its frame."""

    PLAIN = 0
    GZIP = 1
    ZSTD = 2
    LZ4 = 3
    ZSTD_DICTIONARY = 4
    """With the dictionary that the peers have agreed on for this kind."""


PLAIN_ONLY: tuple[Encoding, ...] = (Encoding.PLAIN,)
"""What may come from a peer with which nothing else was agreed on."""


class Kind(msgspec.Struct, frozen=True):
    """One entry of a codec's table."""

    index: int
    """The number that stands in the header."""
    type: type[Message]
    limit: int
    """Longest body in bytes."""
    decoder: msgspec.msgpack.Decoder[Message]
    version: int = WIRE_VERSION

    def word(self, encoding: Encoding) -> int:
        """Return all of the header behind the length, as one big-endian number."""
        return self.version << 24 | self.index << 16 | encoding


class FrameHeader(msgspec.Struct, frozen=True, gc=False):
    """A header that has passed every check."""

    kind: Kind
    length: int
    """Bytes of the body that follows."""
    encoding: Encoding = Encoding.PLAIN


class Codec:
    """Encodes and decodes the messages of one network; one thread at a time.

    Args:
        message_types: the table of kinds; all nodes of a network must use the same order.
        limits: longest body in bytes for some of them, `LIMIT_DEFAULT` for the others.
        version: what stands in the header of every frame.
    """

    __slots__ = (
        "_by_type",
        "_by_word",
        "_encode",
        "_encoder",
        "_kinds",
        "_scratch",
        "_version",
        "_words",
    )

    def __init__(
        self,
        message_types: Iterable[type[Message]],
        limits: Mapping[type[Message], int] | None = None,
        version: int = WIRE_VERSION,
    ) -> None:
        table = tuple(message_types)
        if len(table) > _KINDS_MAX or len(set(table)) != len(table):
            raise ValueError(f"expected at most {_KINDS_MAX} distinct message types, got {table}")
        limit = limits or {}
        decoder = msgspec.msgpack.Decoder
        self._version = version
        self._kinds = tuple(
            Kind(index, kind, limit.get(kind, LIMIT_DEFAULT), decoder(kind), version)
            for index, kind in enumerate(table)
        )
        self._by_type = {kind.type: (kind, kind.word(Encoding.PLAIN)) for kind in self._kinds}
        self._by_word = {kind.word(Encoding.PLAIN): kind for kind in self._kinds}
        self._encoder = msgspec.msgpack.Encoder()
        self._encode = self._encoder.encode
        self._scratch = bytearray()
        """The encoding of the last body that was checked through a view."""
        self._words: dict[tuple[Encoding, ...], Mapping[int, tuple[Kind, Encoding]]] = {}
        """Made when first asked for; as many as there are different agreements of peers."""

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The table, in wire order."""
        return self._kinds

    def words(self, welcome: tuple[Encoding, ...]) -> Mapping[int, tuple[Kind, Encoding]]:
        """Return what may stand behind the length of a header, shared by all connections."""
        known = self._words.get(welcome)
        if known is None:
            known = self._words[welcome] = {
                kind.word(encoding): (kind, encoding) for kind in self.kinds for encoding in welcome
            }
        return known

    def encode(self, message: Message) -> bytes:
        """Return the whole frame.

        Raises:
            InvalidEncoding: the body is longer than the limit of its kind. A sender checks its
                own messages so that it never earns a peer's refusal.
        """
        kind, word = self._by_type[type(message)]
        body = self._encode(message)
        length = len(body)
        if length > kind.limit:
            raise oversized(kind, length)
        return (length << _LENGTH_SHIFT | word).to_bytes(HEADER_BYTES, "big") + body

    def encode_body(self, message: Message) -> tuple[Kind, bytes]:
        """Return the kind and the plain body, for who makes something else of it.

        Raises:
            InvalidEncoding: as for `encode`.
        """
        kind, _ = self._by_type[type(message)]
        body = self._encode(message)
        if len(body) > kind.limit:
            raise oversized(kind, len(body))
        return kind, body

    def encode_joined(self, messages: Iterable[Message]) -> bytes:
        """Return the frames of many messages, one behind the other, for one write.

        Raises:
            InvalidEncoding: one of them is longer than the limit of its kind.
        """
        table, encode = self._by_type, self._encode
        parts: list[bytes] = []
        append = parts.append
        for message in messages:
            kind, word = table[type(message)]
            body = encode(message)
            length = len(body)
            if length > kind.limit:
                raise oversized(kind, length)
            append((length << _LENGTH_SHIFT | word).to_bytes(HEADER_BYTES, "big"))
            append(body)
        return b"".join(parts)

    def size(self, message: Message) -> int:
        """Return the length of the message's frame in bytes, without limits."""
        return HEADER_BYTES + len(self._encode(message))

    def decode_header(
        self, data: bytes | memoryview, welcome: Sequence[Encoding] = PLAIN_ONLY
    ) -> FrameHeader:
        """Check the first `HEADER_BYTES` of a frame.

        Args:
            data: begins with a header.
            welcome: the encodings that may stand in it.

        Raises:
            InvalidEncoding: too short, another version, an unknown kind, an encoding that is not
                welcome, or a length beyond the limit of the kind.
        """
        if len(data) < HEADER_BYTES:
            raise InvalidEncoding("frame.header", f"{HEADER_BYTES} bytes", f"{len(data)} bytes")
        length, version, index, flags = _HEADER.unpack_from(data)
        if version != self._version:
            raise InvalidEncoding("frame.version", str(self._version), version)
        if index >= len(self._kinds):
            raise InvalidEncoding("frame.kind", f"a number below {len(self._kinds)}", index)
        for encoding in welcome:
            if encoding == flags:
                break
        else:
            expected = " or ".join(str(int(encoding)) for encoding in welcome)
            raise InvalidEncoding("frame.flags", expected, flags)
        kind = self._kinds[index]
        if length > kind.limit:
            raise oversized(kind, length)
        return FrameHeader(kind, length, encoding)

    def decode_body(self, header: FrameHeader, body: bytes | memoryview) -> Message:
        """Return the message of a plain body whose header was checked before.

        Args:
            header: of the frame.
            body: not referred to by the message; whoever lent a view may take it back.

        Raises:
            InvalidEncoding: the length differs from the header's, or see `decode_plain`.
        """
        if len(body) != header.length:
            where = f"{header.kind.type.__name__}.body"
            raise InvalidEncoding(where, f"{header.length} bytes", f"{len(body)} bytes")
        return self.decode_plain(header.kind, body)

    def decode_plain(self, kind: Kind, body: bytes | memoryview) -> Message:
        """Return the message of a plain body within the limit of its kind.

        Raises:
            InvalidEncoding: the bytes are no message of that kind, or not its canonical encoding.
        """
        try:
            message = kind.decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, InvalidInput, RecursionError) as error:
            raise _malformed(kind, error) from error
        if isinstance(body, bytes):
            canonical = self._encode(message) == body
        else:
            # With a view on the left, or with bytes, they would be compared item by item.
            self._encoder.encode_into(message, self._scratch)
            canonical = self._scratch == body
        if not canonical:
            name = kind.type.__name__
            raise InvalidEncoding(name, "the canonical encoding", "another encoding of it")
        return message

    def decode(self, frame: bytes) -> Message:
        """Return the message of one whole plain frame.

        Raises:
            InvalidEncoding: see `decode_header` and `decode_body`.
        """
        word = int.from_bytes(frame[:HEADER_BYTES], "big")
        length = word >> _LENGTH_SHIFT
        kind = self._by_word.get(word & _WORD_MASK)
        fits = length < VIEW_BYTES_MIN and len(frame) == HEADER_BYTES + length
        if kind is not None and fits and length <= kind.limit:
            return self.decode_plain(kind, frame[HEADER_BYTES:])
        return self.decode_body(self.decode_header(frame), memoryview(frame)[HEADER_BYTES:])


def frame_of(kind: Kind, encoding: Encoding, body: bytes) -> bytes:
    """Return the frame of a body that is encoded already and within its limit."""
    word = len(body) << _LENGTH_SHIFT | kind.word(encoding)
    return word.to_bytes(HEADER_BYTES, "big") + body


def oversized(kind: Kind, length: int) -> InvalidEncoding:
    """Return the refusal of a body that is longer than its kind may be."""
    return InvalidEncoding(
        f"{kind.type.__name__}.body", f"at most {kind.limit} bytes", f"{length} bytes"
    )


def _malformed(kind: Kind, error: Exception) -> InvalidEncoding:
    name = kind.type.__name__
    if isinstance(error, InvalidInput):
        return InvalidEncoding(name, "values that keep their own rules", str(error))
    if isinstance(error, RecursionError):
        return InvalidEncoding(name, "a well-formed message", "too deep a nesting")
    return InvalidEncoding(name, "a well-formed message", str(error))
