"""Messages of one connection as frames, compressed as its two ends have agreed."""

import math
from collections.abc import Iterable

from network.codec import HEADER_BYTES, Codec, Encoding, frame_of
from network.compression.agreement import PLAIN_AGREEMENT, Agreement
from network.compression.bodies import BodyCompressor
from network.compression.compression import Compression, Route
from network.frames import Frame, FrameReader
from primitives.errors import InvalidEncoding
from primitives.ids import Hash32
from primitives.machine import Message


class LinkCodec:
    """Encodes and decodes the messages of one connection; one thread at a time.

    Args:
        codec: the table of kinds.
        compression: the node's.
        outgoing: what may go to the peer.
        incoming: what may come from it.
    """

    __slots__ = ("_codec", "_compression", "_counted", "_incoming", "_openers", "_routes")

    def __init__(
        self,
        codec: Codec,
        compression: Compression,
        outgoing: Agreement = PLAIN_AGREEMENT,
        incoming: Agreement = PLAIN_AGREEMENT,
    ) -> None:
        self._codec = codec
        self._compression = compression
        self._incoming = incoming
        self._openers = compression.openers(incoming)
        limit_min = compression.bytes_min if self._openers else math.inf
        self._counted = frozenset(kind.type for kind in codec.kinds if kind.limit >= limit_min)
        """Kinds whose plain bodies stand in the statistics too, so that these show a ratio."""
        found = {kind.type: compression.routes(kind, outgoing) for kind in codec.kinds}
        self._routes = {type_: routes for type_, routes in found.items() if routes}

    def reader(self) -> FrameReader:
        """Return a reader for what comes from the peer."""
        return FrameReader(self._codec, self._incoming.encodings)

    def routes(self, message: Message) -> tuple[Route, ...]:
        """Return the ways that the body of a message may take."""
        return self._routes.get(type(message), ())

    def encode(self, message: Message) -> bytes:
        """Return the whole frame.

        Raises:
            InvalidEncoding: the plain body is longer than the limit of its kind.
        """
        routes = self._routes.get(type(message))
        if routes is None:
            return self._codec.encode(message)
        kind, body = self._codec.encode_body(message)
        route, packed = self._compression.compress(kind, body, routes)
        return frame_of(kind, route.encoding if route else Encoding.PLAIN, packed)

    def encode_joined(self, messages: Iterable[Message]) -> bytes:
        """Return the frames of many messages for one write.

        Raises:
            InvalidEncoding: as for `encode`.
        """
        if not self._routes:
            return self._codec.encode_joined(messages)
        return b"".join([self.encode(message) for message in messages])

    def decode(self, frame: Frame) -> Message:
        """Return the message of a frame that this connection's reader has cut.

        Raises:
            InvalidEncoding: it does not decompress to a body within the limit of its kind, or
                that is no canonical message.
        """
        kind, body = frame.kind, frame.body
        if frame.encoding is Encoding.PLAIN:
            if kind.type in self._counted:
                self._compression.count_plain(kind, len(body))
            return self._codec.decode_plain(kind, body)
        plain = self._compression.decompress(kind, body, self._opener(frame))
        return self._codec.decode_plain(kind, plain)

    def size_of(self, frame: Frame) -> int:
        """Return how many bytes a frame has when plain, as far as `decode` may not refuse it."""
        claimed = len(frame.body)
        if frame.encoding is not Encoding.PLAIN:
            try:
                claimed = self._opener(frame).claimed(frame.body)
            except InvalidEncoding:
                claimed = 0
        return HEADER_BYTES + (claimed if claimed <= frame.kind.limit else 0)

    def size_ahead(self, front: Frame, length: int) -> int:
        """Return how many bytes a frame that is not whole yet takes, compressed or plain.

        Args:
            front: the frame, with the beginning of its body.
            length: of the whole frame, in bytes.

        Returns:
            what `size_of` returns when it is whole, and `length` at least; the most that it can be
            if that stands at the end; 0 if a few bytes more will tell.
        """
        try:
            needed = self._opener(front).claim_bytes
        except InvalidEncoding:
            return length
        if needed is None:
            return HEADER_BYTES + front.kind.limit
        return max(length, self.size_of(front)) if len(front.body) >= needed else 0

    def _opener(self, frame: Frame) -> BodyCompressor:
        name = frame.kind.type.__name__
        opener = self._openers.get((frame.encoding, name))
        if opener is None:
            opener = self._openers.get((frame.encoding, ""))
        if opener is None:
            expected = "a dictionary agreed on for it"
            raise InvalidEncoding(f"{name}.body", expected, frame.encoding.name)
        return opener


class SharedMessage:
    """One message on its way to many peers: each form of its frame is made once.

    Args:
        codec: the table of kinds.
        compression: the node's, as that of all the links.
        message: what all of them get.

    Raises:
        InvalidEncoding: its plain body is longer than the limit of its kind.
    """

    __slots__ = ("_body", "_compression", "_frames", "_kind", "_message")

    def __init__(self, codec: Codec, compression: Compression, message: Message) -> None:
        self._compression = compression
        self._message = message
        self._kind, self._body = codec.encode_body(message)
        self._frames: dict[tuple[tuple[Encoding, Hash32], ...], bytes] = {}

    @property
    def size(self) -> int:
        """Length in bytes of the plain frame."""
        return HEADER_BYTES + len(self._body)

    def frame(self, link: LinkCodec) -> bytes:
        """Return the frame for one connection."""
        routes = link.routes(self._message)
        name = tuple([(route.encoding, route.dictionary) for route in routes])
        frame = self._frames.get(name)
        if frame is None:
            frame = self._frames[name] = self._make(routes)
        return frame

    def _make(self, routes: tuple[Route, ...]) -> bytes:
        if not routes:
            return frame_of(self._kind, Encoding.PLAIN, self._body)
        route, packed = self._compression.compress(self._kind, self._body, routes)
        return frame_of(self._kind, route.encoding if route else Encoding.PLAIN, packed)
