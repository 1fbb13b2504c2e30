"""Certificates: a node's Ed25519 key is its identity, in TLS as everywhere else.

Python's `ssl` asks a peer for its certificate only where it also verifies the chain, and knows no
callback that could decide instead. So each network has an authority whose key follows from the
genesis hash: everybody can compute it, everybody signs his own certificate with it, and its
signature says "of this network", nothing more. Who a peer is, is the key in its certificate. TLS
proves that the peer holds it; the handshake compares it with what is known (ADR 27).

Certificates do not run out. What ends a key's use is the committee, and a clock that is wrong
must not separate a node from its network.

Reference: RFC 8410 (Ed25519 in X.509); RFC 8446, 4.4.3 (what the signature in TLS 1.3 covers).
"""

from datetime import UTC, datetime

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from primitives.errors import CryptoError
from primitives.ids import Hash32
from primitives.keccak import keccak256

_DOMAIN = b"orrery network authority 1"
_FROM = datetime(1970, 1, 1, tzinfo=UTC)
_UNTIL = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
_SERIAL_BYTES = 16
_SEED_BYTES = 32


class Credentials(msgspec.Struct, frozen=True):
    """What a node shows, and what it verifies by."""

    authority: str
    """The network's certificate, PEM."""
    chain: bytes
    """The node's private key and its certificate, PEM. A secret."""

    def __repr__(self) -> str:
        return "Credentials(...)"


def make_credentials(seed: bytes, genesis: Hash32) -> Credentials:
    """Return the credentials of the node whose Ed25519 key comes from this seed.

    The same arguments give the same bytes.

    Raises:
        CryptoError: the seed has another length than 32 bytes.
    """
    if len(seed) != _SEED_BYTES:
        raise CryptoError("transport seed", f"{_SEED_BYTES} bytes", f"{len(seed)} bytes")
    issuer = Ed25519PrivateKey.from_private_bytes(keccak256(_DOMAIN + genesis))
    network = f"network {genesis.hex()}"
    key = Ed25519PrivateKey.from_private_bytes(seed)
    subject = key.public_key().public_bytes_raw().hex()
    authority = _certificate(issuer, network, issuer.public_key(), network)
    own = _certificate(issuer, network, key.public_key(), subject)
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Credentials(
        authority.public_bytes(Encoding.PEM).decode(), secret + own.public_bytes(Encoding.PEM)
    )


def key_of(certificate: bytes) -> bytes:
    """Return the 32-byte Ed25519 key of a DER certificate.

    Raises:
        CryptoError: it is no certificate, or one with another kind of key.
    """
    try:
        key = x509.load_der_x509_certificate(certificate).public_key()
    except ValueError as error:
        raise CryptoError("certificate", "X.509 in DER", str(error)) from error
    if not isinstance(key, Ed25519PublicKey):
        raise CryptoError("certificate.key", "an Ed25519 key", type(key).__name__)
    return key.public_bytes_raw()


def _certificate(
    issuer: Ed25519PrivateKey, issuer_name: str, key: Ed25519PublicKey, name: str
) -> x509.Certificate:
    is_authority = name == issuer_name
    serial = int.from_bytes(keccak256(name.encode())[:_SERIAL_BYTES], "big")
    usage = x509.KeyUsage(
        digital_signature=not is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    path = x509.BasicConstraints(ca=is_authority, path_length=0 if is_authority else None)
    own_id = x509.SubjectKeyIdentifier.from_public_key(key)
    issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer_name))
        .public_key(key)
        .serial_number(serial)
        .not_valid_before(_FROM)
        .not_valid_after(_UNTIL)
        .add_extension(path, critical=True)
        .add_extension(usage, critical=True)
        .add_extension(own_id, critical=False)
        .add_extension(issuer_id, critical=False)
        .sign(issuer, None)
    )


def _name(text: str) -> x509.Name:
    """Return a name; X.509 allows 64 characters for each of its parts."""
    parts = [text[start : start + 64] for start in range(0, len(text), 64)]
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, part) for part in parts])
