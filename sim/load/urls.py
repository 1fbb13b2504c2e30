"""Addresses of nodes, checked before anything is sent to them."""

from urllib.parse import SplitResult, urlsplit

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


def socket_url(url: str) -> str:
    """Return the WebSocket address that a node has beside an HTTP one: the same port and path."""
    parts = split_url(url)
    scheme = "wss" if parts.scheme == "https" else "ws"
    return parts._replace(scheme=scheme, path=parts.path or "/").geturl()
