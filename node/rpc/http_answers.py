"""Answers of HTTP/1.1 as bytes, for the lane that writes them itself."""

from collections.abc import Mapping
from email.utils import formatdate
from http import HTTPStatus

SERVER = "orrery"
"""What the server calls itself; its libraries and their versions are nobody's business."""

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def header_lines(headers: Mapping[str, str]) -> bytes:
    """Encode headers, each with its line end."""
    return "".join([f"{name}: {value}\r\n" for name, value in headers.items()]).encode("latin-1")


def refusal(status: int, reason: str, headers: Mapping[str, str]) -> bytes:
    """Encode an answer without calls, after which the connection ends."""
    body = f"{reason}\n".encode()
    phrase = HTTPStatus(status).phrase
    head = (
        f"HTTP/1.1 {status} {phrase}\r\nServer: {SERVER}\r\nConnection: close\r\n"
        f"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
    )
    return b"".join((head.encode(), header_lines(headers), b"\r\n", body))


class AnswerHeads:
    """First lines of answers, renewed with the date.

    Reference: RFC 9110 section 6.6.1: a server with a clock says when it has answered.
    """

    __slots__ = ("empty", "json")

    def __init__(self, seconds: float) -> None:
        self.renew(seconds)

    def renew(self, seconds: float) -> None:
        """Take over the time, in seconds since 1970."""
        date = formatdate(seconds, usegmt=True)
        common = f"Server: {SERVER}\r\nDate: {date}\r\n"
        kind = "Content-Type: application/json\r\nContent-Length: "
        self.json = f"HTTP/1.1 200 OK\r\n{common}{kind}".encode()
        """Up to where the length goes."""
        self.empty = f"HTTP/1.1 204 No Content\r\n{common}".encode()
        """Up to where further headers go."""
