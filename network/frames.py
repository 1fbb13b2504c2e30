"""Frames out of a stream: bytes arrive in pieces of any size, and leave as whole frames.

A connection's reads cut frames anywhere, and one read may hold thousands of them. `FrameReader`
keeps the beginning of the frame that is not whole yet, and nothing else. What a peer can make it
keep is bounded by the limit of the kind that the header announces, and grows only with what has
really arrived: a header that claims nine megabytes costs eight bytes until they come.

A body that is long and lies whole in what was fed is handed out as a view of it. So is one that
was pieced together, of the reader's memory, which the reader then lets go. Short bodies are
copied, because a view costs more than they do (ADR 23).

A fault of the peer is a value here: the frames before it are returned, and `fault` says what was
wrong. Nothing that comes after a bad header can be understood, so the reader takes no more.

Where another codec is to take over after some frame, as after the handshake, feed no more than
`missing` bytes at a time: then nothing of what follows is in the reader.
"""

import struct
from collections.abc import Sequence

import msgspec

from network.codec import (
    HEADER_BYTES,
    PLAIN_ONLY,
    VIEW_BYTES_MIN,
    Codec,
    Encoding,
    FrameHeader,
    Kind,
)
from primitives.errors import InvalidEncoding

FRONT_BYTES = 32
"""Shown of a body that is not whole yet: there compressed ones say how long they become."""

_HEADER = struct.Struct(">II")


class Frame(msgspec.Struct, frozen=True, gc=False):
    """A whole frame whose header has passed every check; its body has not been looked at."""

    kind: Kind
    encoding: Encoding
    body: bytes | memoryview
    """Within the limit of the kind. A view is good as long as the memory that was fed is."""


class FrameReader:
    """Cuts what arrives on one connection into frames.

    Args:
        codec: whose table and limits hold.
        welcome: the encodings that this peer may send.
    """

    __slots__ = ("_codec", "_pending", "_target", "_welcome", "_words", "fault")

    def __init__(self, codec: Codec, welcome: Sequence[Encoding] = PLAIN_ONLY) -> None:
        self._codec = codec
        self._welcome = tuple(welcome)
        self._words = codec.words(self._welcome)
        self._pending = bytearray()
        self._target = HEADER_BYTES
        """Bytes that `_pending` needs for the next step: a header, or a whole frame."""
        self.fault: InvalidEncoding | None = None
        """What the peer has done wrong, if anything."""

    @property
    def buffered(self) -> int:
        """Bytes kept of the frame that is not whole yet."""
        return len(self._pending)

    @property
    def missing(self) -> int:
        """Bytes without which the next step cannot be made: of the header, or of the body."""
        return self._target - len(self._pending)

    @property
    def begun(self) -> tuple[Frame, int] | None:
        """The frame that is not whole yet, and its whole length; None without a whole header.

        Of the body it has no more than the first `FRONT_BYTES`.
        """
        if len(self._pending) < HEADER_BYTES:
            return None
        kind, encoding = self._words[_HEADER.unpack_from(self._pending)[1]]
        front = bytes(self._pending[HEADER_BYTES : HEADER_BYTES + FRONT_BYTES])
        return Frame(kind, encoding, front), self._target

    def feed(self, data: bytes | bytearray | memoryview) -> list[Frame]:
        """Return the frames that are whole with `data`, in order; then see `fault`.

        Args:
            data: what has arrived, as bytes. It is not kept, but frames may be views of it: if
                its memory is used again, they must be done with before.
        """
        if self.fault is not None:
            return []
        frames: list[Frame] = []
        try:
            start = self._complete(data, frames) if self._pending else 0
            self._cut(data, start, frames)
        except InvalidEncoding as error:
            self.fault = error
            self._pending = bytearray()
        return frames

    def _complete(self, data: bytes | bytearray | memoryview, frames: list[Frame]) -> int:
        """Go on with the frame that has begun; return how much of `data` went into it."""
        start = 0
        pending = self._pending
        while len(pending) < self._target:
            piece = data[start : start + self._target - len(pending)]
            if not piece:
                return start
            pending += piece
            start += len(piece)
            if len(pending) == self._target == HEADER_BYTES:
                self._target += self._header(pending).length
        kind, encoding = self._words[_HEADER.unpack_from(pending)[1]]
        self._pending, self._target = bytearray(), HEADER_BYTES
        with memoryview(pending) as whole:
            body = whole[HEADER_BYTES:]
        frames.append(Frame(kind, encoding, body if len(body) >= VIEW_BYTES_MIN else bytes(body)))
        return start

    def _cut(self, data: bytes | bytearray | memoryview, start: int, frames: list[Frame]) -> None:
        """Cut `data` from `start` on, and keep what is left over."""
        words, append, unpack = self._words, frames.append, _HEADER.unpack_from
        end = len(data)
        while end - start >= HEADER_BYTES:
            length, word = unpack(data, start)
            found = words.get(word)
            if found is None or length > found[0].limit:
                self._header(data[start : start + HEADER_BYTES])
            assert found is not None
            kind, encoding = found
            begin = start + HEADER_BYTES
            stop = begin + length
            if stop > end:
                self._target = HEADER_BYTES + length
                break
            if length < VIEW_BYTES_MIN:
                append(Frame(kind, encoding, bytes(data[begin:stop])))
            else:
                append(Frame(kind, encoding, memoryview(data)[begin:stop]))
            start = stop
        if start < end:
            self._pending += data[start:]

    def _header(self, data: bytes | bytearray | memoryview) -> FrameHeader:
        return self._codec.decode_header(bytes(data[:HEADER_BYTES]), self._welcome)
