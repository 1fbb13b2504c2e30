"""Which web pages may read the answers, and under which names the server may be addressed.

Two accidents are prevented. A page of any site that the user of this machine looks at could talk
to a node on loopback: browsers keep its scripts from the answers unless the server names the
page's origin. And a site could let its own name point to 127.0.0.1, so that the browser takes the
node for that site ("DNS rebinding"): so a request must name a host that this node is known by, or
an address in figures, which no site can own.

Reference: Fetch Standard, section 3.2 (CORS protocol); RFC 9110 section 7.2 (Host).
"""

import ipaddress
from collections.abc import Iterable

ANY = "*"
PREFLIGHT_SECONDS = 600
"""For which a browser may remember that it has asked."""


class Origins:
    """Pages that may read answers: `scheme://host[:port]` each, or `*` for every page."""

    __slots__ = ("_any", "_known")

    def __init__(self, origins: Iterable[str]) -> None:
        known = [origin.rstrip("/").lower() for origin in origins]
        self._any = ANY in known
        self._known = frozenset(known)

    def allow(self, origin: str) -> bool:
        """Tell whether a page of this origin may read answers."""
        return self._any or origin.lower() in self._known

    def headers(self, origin: str) -> dict[str, str]:
        """Return what an answer to a page has beside it; nothing for a page that may not."""
        if not origin or not self.allow(origin):
            return {}
        if self._any:
            return {"Access-Control-Allow-Origin": ANY}
        return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}

    def preflight(self, origin: str) -> dict[str, str]:
        """Return the answer to a browser that asks first; nothing for a page that may not."""
        headers = self.headers(origin)
        if not headers:
            return {}
        return {
            **headers,
            "Access-Control-Allow-Methods": "GET, POST",
            "Access-Control-Allow-Headers": "Authorization, Content-Type",
            "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
        }


class Hosts:
    """Names under which the server may be addressed; figures always may, `*` lets all."""

    __slots__ = ("_any", "_known", "_last")

    def __init__(self, hosts: Iterable[str]) -> None:
        known = [host.lower() for host in hosts]
        self._any = ANY in known
        self._known = frozenset(known)
        self._last = ""
        """The last one that was let in: nearly all requests name the same."""

    def allow(self, host: str) -> bool:
        """Tell whether a request with this Host header is meant for this server."""
        if self._any or (host and host == self._last):
            return True
        name = _without_port(host).lower()
        if name not in self._known and not _is_address(name):
            return False
        self._last = host
        return True


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].split("]", 1)[0]
    return host.rsplit(":", 1)[0] if host.count(":") == 1 else host


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
