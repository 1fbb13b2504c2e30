"""Who may ask over HTTP, decided from a request's head alone; the same for both lanes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from node.rpc.auth import Admins
from node.rpc.cors import Hosts, Origins
from node.rpc.http_head import Head

JSON_TYPES = frozenset({"application/json", "application/json-rpc", "application/jsonrequest"})
"""What a body may be declared as: a browser sends none of these to another site unasked."""

PATHS = frozenset({"/", "/ws"})
"""Where JSON-RPC is answered, over HTTP and over WebSocket."""

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Admission:
    """What becomes of a request, before its body is looked at."""

    status: int = 200
    """Of the refusal; 200 if it is let in."""
    reason: str = ""
    """Of the refusal, for a human."""
    admin: bool = False
    headers: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    """What goes with the answer, whichever it is."""


class Access:
    """Judges heads."""

    __slots__ = ("_admins", "_hosts", "_origins")

    def __init__(self, hosts: Hosts, origins: Origins, admins: Admins) -> None:
        self._hosts = hosts
        self._origins = origins
        self._admins = admins

    def enter(self, head: Head) -> Admission:
        """Judge what is common to all requests: whom it is addressed to, and the token."""
        if not self._hosts.allow(head.host):
            return Admission(403, "invalid host specified")
        headers = self._origins.headers(head.origin)
        if not head.authorization:
            return Admission(headers=headers)
        if self._admins.admits(head.authorization):
            return Admission(headers=headers, admin=True)
        headers = {**headers, "WWW-Authenticate": "Bearer"}
        return Admission(401, "expected the token of this node, or none", headers=headers)

    def call(self, head: Head) -> Admission:
        """Judge a POST that carries calls."""
        admission = self.enter(head)
        if admission.status != 200:
            return admission
        if head.path not in PATHS:
            return Admission(404, "expected the path /", headers=admission.headers)
        if head.content_encoding.lower() not in ("", "identity"):
            reason = "expected a body that is not compressed"
            return Admission(415, reason, headers=admission.headers)
        if head.content_type.split(";", 1)[0].strip().lower() not in JSON_TYPES:
            reason = "invalid content type, only application/json is supported"
            return Admission(415, reason, headers=admission.headers)
        return admission

    def upgrade(self, head: Head) -> Admission:
        """Judge the request for a WebSocket, which browsers do not keep from any page."""
        admission = self.enter(head)
        if admission.status != 200:
            return admission
        if head.origin and not self._origins.allow(head.origin):
            return Admission(403, "origin not allowed")
        return admission

    def preflight(self, head: Head) -> Admission:
        """Judge a browser's question whether a page may call."""
        if not self._hosts.allow(head.host):
            return Admission(403, "invalid host specified")
        headers = self._origins.preflight(head.origin)
        return Admission(204 if headers else 403, "origin not allowed", headers=headers)
