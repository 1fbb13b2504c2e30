"""Request line and headers of HTTP/1.1, read strictly.

What this module reads are the few facts that decide who may ask and how long the body is.
Leniency is how two readers of one request come to disagree on where it ends, so a head that
breaks a rule is refused, and its connection closed.

Reference: RFC 9112 sections 2.2, 3, 5 and 6; RFC 9110 section 5.6.2.
"""

import re
from dataclasses import dataclass

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_REQUEST_LINE = re.compile(rf"({_TOKEN}) ([!-~]+) HTTP/1\.([01])")
_FIELD = re.compile(rf"({_TOKEN}):[ \t]*([^\x00\r\n]*?)[ \t]*")
_LENGTH = re.compile(r"[0-9]{1,12}")

END = b"\r\n\r\n"
"""What a head ends with."""

_SINGLE = frozenset(
    {"authorization", "content-encoding", "content-length", "content-type", "host", "origin"}
)
_KEPT = _SINGLE | {"connection", "expect", "transfer-encoding", "upgrade"}
_NOT_PLAIN = ("transfer-encoding", "upgrade")


class BadHead(Exception):
    """A head that no answer but an error fits.

    Args:
        status: of HTTP.
        reason: what was expected.
    """

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Head:
    """What matters of one request's head."""

    method: str
    path: str
    """Without the query."""
    length: int
    """Of the body, in bytes; 0 without a Content-Length."""
    plain: bool
    """It is a POST of HTTP/1.1 whose body is the `length` bytes that follow: no chunks, and no
    change of protocol."""
    keeps_alive: bool
    expects_continue: bool
    """The caller sends its body only after an answer of status 100, or after a while."""
    host: str
    origin: str
    authorization: str
    content_type: str
    content_encoding: str


def parse_head(raw: bytes, headers_max: int) -> Head:
    """Read a head, its empty line included.

    Args:
        raw: the bytes up to and including `END`.
        headers_max: how many headers it may have.

    Raises:
        BadHead: it breaks a rule of HTTP/1.1.
    """
    lines = raw[: -len(END)].decode("latin-1").split("\r\n")
    first = _REQUEST_LINE.fullmatch(lines[0])
    if first is None:
        raise BadHead(400, "expected a request line of HTTP/1.1")
    method, target, minor = first.groups()
    if len(lines) - 1 > headers_max:
        raise BadHead(431, f"expected at most {headers_max} headers")
    fields = _fields(lines)
    if minor == "1" and "host" not in fields:
        raise BadHead(400, "expected a Host header")
    connection = fields.get("connection", "").lower()
    chunked = "transfer-encoding" in fields
    if chunked and "content-length" in fields:
        raise BadHead(400, "expected either Content-Length or Transfer-Encoding")
    return Head(
        method=method,
        path=target.split("?", 1)[0],
        length=_length(fields.get("content-length", "0")),
        plain=method == "POST"
        and minor == "1"
        and "content-length" in fields
        and not any(name in fields for name in _NOT_PLAIN),
        keeps_alive="close" not in connection,
        expects_continue=_expects_continue(fields.get("expect", "")),
        host=fields.get("host", ""),
        origin=fields.get("origin", ""),
        authorization=fields.get("authorization", ""),
        content_type=fields.get("content-type", ""),
        content_encoding=fields.get("content-encoding", ""),
    )


def _fields(lines: list[str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in lines[1:]:
        match = _FIELD.fullmatch(line)
        if match is None:
            raise BadHead(400, "expected headers of the form `Name: value`")
        name = match[1].lower()
        if name not in _KEPT:
            continue
        if name not in fields:
            fields[name] = match[2]
        elif name in _SINGLE:
            raise BadHead(400, f"expected one {name} header")
        else:
            fields[name] += f", {match[2]}"
    return fields


def _expects_continue(text: str) -> bool:
    if text.lower() not in ("", "100-continue"):
        raise BadHead(417, "expected no expectation but 100-continue")
    return bool(text)


def _length(text: str) -> int:
    if _LENGTH.fullmatch(text) is None:
        raise BadHead(400, "expected Content-Length to be a number of at most 12 digits")
    return int(text)
