"""What `ssl` calls "tls-unique" names one connection of TLS 1.3, the same at both of its ends."""

import datetime
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from network.handshake import BINDING_BYTES_MIN

STEPS = 4
"""Flights of a handshake, and one more."""


@pytest.fixture
def contexts(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    key = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "node")])
    since = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, since, since.replace(2100))
    pem = builder.sign(key, None).public_bytes(serialization.Encoding.PEM)
    pem += key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = tmp_path / "node.pem"
    path.write_bytes(pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.minimum_version = ssl.TLSVersion.TLSv1_3
    server.load_cert_chain(path)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.load_verify_locations(path)
    return client, server


def bindings(client: ssl.SSLContext, server: ssl.SSLContext) -> tuple[bytes | None, bytes | None]:
    to_client, from_client, to_server, from_server = (ssl.MemoryBIO() for _ in range(4))
    dialler = client.wrap_bio(to_client, from_client)
    listener = server.wrap_bio(to_server, from_server, server_side=True)
    for _ in range(STEPS):
        for end in (dialler, listener):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
        to_server.write(from_client.read())
        to_client.write(from_server.read())
    assert dialler.version() == listener.version() == "TLSv1.3"
    return dialler.get_channel_binding(), listener.get_channel_binding()


def test_both_ends_have_the_same_and_no_other_connection_has_it(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    seen = set()
    for _ in range(3):
        ours, theirs = bindings(*contexts)
        assert ours is not None
        assert ours == theirs
        assert len(ours) >= BINDING_BYTES_MIN
        seen.add(ours)
    assert len(seen) == 3
