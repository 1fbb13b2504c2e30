"""Cutting HTTP/1.1 responses out of the bytes of one connection.

Reference: RFC 9112, sections 4 to 7.
"""

import msgspec

from primitives.errors import InvalidEncoding

BEGINNING = b"HTTP/1."
HEAD_END = b"\r\n\r\n"
LINE_END = b"\r\n"
HEAD_BYTES_MAX = 64 << 10
UNTIL_CLOSE = -1
CHUNKED = -2


class Response(msgspec.Struct, frozen=True, gc=False):
    """One whole answer."""

    status: int
    body: bytes
    keep: bool
    """Whether the connection can take another request."""


class ResponseReader:
    """Takes bytes as they come and returns a response when it is whole.

    Args:
        limit_bytes: largest body.
    """

    __slots__ = ("_buffer", "_keep", "_limit", "_need", "_parts", "_status")

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._buffer = bytearray()
        self._status = 0
        self._need = 0
        self._keep = True
        self._parts = bytearray()

    @property
    def is_fresh(self) -> bool:
        """Whether nothing of a response has come."""
        return not self._status and not self._buffer

    def feed(self, data: bytes) -> Response | None:
        """Take bytes; return the response that they end.

        Raises:
            InvalidEncoding: this is no HTTP/1.1, too long, or more than was asked for.
        """
        self._buffer += data
        if not self._status and not self._read_head():
            return None
        if len(self._buffer) + len(self._parts) > self._limit:
            raise InvalidEncoding("answer", f"at most {self._limit} bytes", "more")
        if self._need == CHUNKED:
            return self._finish() if self._read_chunks() else None
        if self._need == UNTIL_CLOSE or len(self._buffer) < self._need:
            return None
        self._parts += self._buffer[: self._need]
        del self._buffer[: self._need]
        return self._finish()

    def end(self) -> Response | None:
        """The connection is closed: return the response that had no other end."""
        if not self._status or self._need != UNTIL_CLOSE:
            return None
        self._parts += self._buffer
        self._buffer.clear()
        self._keep = False
        return self._finish()

    def _finish(self) -> Response:
        if self._buffer:
            raise InvalidEncoding("answer", "one answer to one request", "bytes after its end")
        response = Response(self._status, bytes(self._parts), self._keep)
        self._parts.clear()
        self._status = 0
        return response

    def _read_head(self) -> bool:
        if not self._buffer.startswith(BEGINNING[: len(self._buffer)]):
            raise InvalidEncoding("answer", "HTTP/1.1", repr(bytes(self._buffer[:40])))
        end = self._buffer.find(HEAD_END)
        if end < 0:
            if len(self._buffer) > HEAD_BYTES_MAX:
                raise InvalidEncoding("answer", "an HTTP head", "64 KiB without its end")
            return False
        lines = bytes(self._buffer[:end]).split(LINE_END)
        del self._buffer[: end + len(HEAD_END)]
        first = lines[0].split(b" ", 2)
        if len(first) < 2 or not first[1].isdigit():
            raise InvalidEncoding("answer", "HTTP/1.1", repr(lines[0][:40]))
        fields = {
            name.strip().lower(): value.strip().lower()
            for name, _, value in (line.partition(b":") for line in lines[1:])
        }
        connection = fields.get(b"connection", b"")
        self._keep = connection != b"close" and (
            first[0] != b"HTTP/1.0" or connection == b"keep-alive"
        )
        self._need = _body_length(fields)
        self._status = int(first[1])
        return True

    def _read_chunks(self) -> bool:
        """Move whole chunks from the buffer to the parts; tell whether the last one was there."""
        buffer = self._buffer
        while (line := buffer.find(LINE_END)) >= 0:
            try:
                size = int(bytes(buffer[:line]).split(b";")[0], 16)
            except ValueError as error:
                raise InvalidEncoding("answer", "the length of a chunk", "other bytes") from error
            if size == 0:
                # Trailers, if any, end with an empty line; without them it follows at once.
                end = buffer.find(HEAD_END, line)
                if end < 0:
                    return False
                del buffer[: end + len(HEAD_END)]
                return True
            after = line + len(LINE_END) + size
            if len(buffer) < after + len(LINE_END):
                return False
            self._parts += buffer[line + len(LINE_END) : after]
            del buffer[: after + len(LINE_END)]
        return False


def _body_length(fields: dict[bytes, bytes]) -> int:
    if fields.get(b"transfer-encoding", b"").endswith(b"chunked"):
        return CHUNKED
    length = fields.get(b"content-length")
    if length is None:
        return UNTIL_CLOSE
    if not length.isdigit():
        raise InvalidEncoding("answer", "a length in digits", repr(length[:40]))
    return int(length)
