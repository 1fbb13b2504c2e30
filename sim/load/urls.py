"""Addresses of nodes, checked before anything is sent to them."""

from base64 import b64encode
from urllib.parse import SplitResult, unquote, urlsplit

from primitives.errors import InvalidInput

EXPECTED = 'the address of a node, as in "http://127.0.0.1:8545"'


def split_url(url: str) -> SplitResult:
    """Take an HTTP address apart.

    Raises:
        InvalidInput: it is of another kind, has no host to be looked up, or an impossible port.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        (parts.hostname or "").encode("idna")  # As whoever looks the host up will.
    except ValueError as error:
        raise InvalidInput("URL", EXPECTED, url) from error
    if not usable or not url.isascii() or any(letter.isspace() for letter in url):
        raise InvalidInput("URL", EXPECTED, url)
    return parts


def shown_url(url: str) -> str:
    """Return an address as it may be shown: without a user's name and password."""
    parts = split_url(url)
    host = parts.netloc.rpartition("@")[2]
    return url if host == parts.netloc else parts._replace(netloc=host).geturl()


def authorization(parts: SplitResult) -> str:
    """Return the header line that a name and a password in an address ask for, or nothing.

    Reference: RFC 7617.
    """
    if parts.username is None:
        return ""
    words = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return f"Authorization: Basic {b64encode(words.encode()).decode()}\r\n"


def socket_url(url: str) -> str:
    """Return the WebSocket address that a node has beside an HTTP one: the same port and path."""
    parts = split_url(url)
    scheme = "wss" if parts.scheme == "https" else "ws"
    return parts._replace(scheme=scheme, path=parts.path or "/").geturl()
