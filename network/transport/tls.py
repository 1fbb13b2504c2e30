"""TLS contexts: version 1.3 and nothing else, both ends with a certificate, no resumption."""

import os
import ssl
import tempfile
from pathlib import Path
from typing import Protocol

from network.transport.certificates import Credentials, key_of
from primitives.errors import CryptoError

BINDING = "tls-unique"
"""The first Finished message. RFC 9266 warns of it for TLS 1.3 where sessions are resumed or keys
exported; here neither happens, and CPython offers nothing else."""


class TlsSession(Protocol):
    """What is asked of a connection's `SSLObject`."""

    def getpeercert(self, binary_form: bool = False) -> object:
        """Return the peer's certificate."""
        ...

    def get_channel_binding(self, cb_type: str = BINDING) -> bytes | None:
        """Return what is this channel's own."""
        ...


def listening_context(credentials: Credentials) -> ssl.SSLContext:
    """Return the context of who is dialled."""
    context = _context(ssl.PROTOCOL_TLS_SERVER, credentials)
    context.num_tickets = 0
    return context


def dialling_context(credentials: Credentials) -> ssl.SSLContext:
    """Return the context of who dials."""
    return _context(ssl.PROTOCOL_TLS_CLIENT, credentials)


def identity_of(session: TlsSession) -> tuple[bytes, bytes]:
    """Return the key of a peer's certificate, and what binds a handshake to this channel.

    Raises:
        CryptoError: the certificate has another kind of key, or there is none.
    """
    certificate = session.getpeercert(binary_form=True)
    if not isinstance(certificate, bytes):
        raise CryptoError("certificate", "one from the peer", certificate)
    binding = session.get_channel_binding(BINDING)
    if binding is None:
        raise CryptoError("tls.binding", "a finished TLS handshake", None)
    return key_of(certificate), binding


def _context(protocol: int, credentials: Credentials) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.load_verify_locations(cadata=credentials.authority)
    _load_chain(context, credentials.chain)
    return context


def _load_chain(context: ssl.SSLContext, chain: bytes) -> None:
    """Hand over a key: `ssl` reads it from a file only. Where it can, that is one in memory."""
    if hasattr(os, "memfd_create"):
        file = os.memfd_create("orrery-key", os.MFD_CLOEXEC)
        try:
            os.write(file, chain)
            context.load_cert_chain(f"/proc/self/fd/{file}")
        finally:
            os.close(file)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chain.pem"
        path.touch(mode=0o600)
        path.write_bytes(chain)
        context.load_cert_chain(path)
