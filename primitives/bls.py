"""BLS signatures over BLS12-381: those of many keys over the same bytes add up to one.

A public key is g^x, a signature h^x, where h is the payload hashed to the curve. The sum of the
signatures verifies under the sum of the keys, with two pairings however many have signed.

The danger is the **rogue key**. Who may name any point as his key names g^x less the sum of all
others' keys. The sum of all keys is then g^x, and he signs alone for everybody. He does not know
the secret of such a key, so each key comes with a **proof of possession**: a signature over the
key itself, under a tag that no other signature uses. The sums here are sound only for keys whose
proof was checked, and only if no key occurs twice: a proof can be copied together with its key.

The curve is arkworks'. It checks that points lie on the curve and in the subgroup, and lets
through the identity, in any spelling; that is refused here, for keys, signatures and sums. Its
arithmetic does not hide secrets from whoever can time it. That is no harm in a simulation; a
validator with money behind it should sign elsewhere.

Reference: draft-irtf-cfrg-bls-signature-05, minimal public keys, proof of possession; RFC 9380.
"""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from py_arkworks_bls12381 import GT, G1Point, G2Point, Scalar

from primitives.errors import CryptoError

CIPHERSUITE = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_"
POSSESSION_TAG = b"BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_"
PUBLIC_KEY_BYTES = 48
"""A compressed point of G1."""
SIGNATURE_BYTES = 96
"""A compressed point of G2; proofs of possession and sums are of the same size."""
SEED_BYTES_MIN = 32
KEYS_KEPT = 4_096
"""Decompressed public keys that a `BlsVerifier` remembers."""

_SALT = b"BLS-SIG-KEYGEN-SALT-"
_IDENTITY = 0x40
"""The bit in a compressed point's first byte that says: the identity."""


class AggregateSigner(Protocol):
    """Signs for one validator, so that its signatures can be added to others'."""

    @property
    def public_key(self) -> bytes:
        """The 48-byte key that its signatures verify under."""
        ...

    @property
    def possession(self) -> bytes:
        """The proof that it holds the key's secret, 96 bytes."""
        ...

    def sign(self, payload: bytes) -> bytes:
        """Return a 96-byte signature over `payload`."""
        ...


class AggregateScheme(Protocol):
    """Checks such signatures, and adds them up."""

    def verify(self, public_key: bytes, payload: bytes, signature: bytes) -> bool:
        """Tell whether `signature` over `payload` is that of `public_key`."""
        ...

    def verify_aggregate(
        self, public_keys: Sequence[bytes], payload: bytes, signature: bytes
    ) -> bool:
        """Tell whether `signature` is the sum of one by each key over `payload`."""
        ...

    def aggregate(self, signatures: Sequence[bytes]) -> bytes:
        """Return the sum of signatures.

        Raises:
            CryptoError: there is none, or one of them is no signature at all.
        """
        ...


class BlsKey:
    """A key pair, from a seed of at least 32 bytes.

    Raises:
        CryptoError: the seed is shorter.
    """

    __slots__ = ("_secret", "possession", "public_key")

    def __init__(self, seed: bytes) -> None:
        self._secret = Scalar.from_be_bytes(secret_key(seed))
        self.public_key = (G1Point() * self._secret).to_compressed_bytes()
        self.possession = self._sign(self.public_key, POSSESSION_TAG)

    def sign(self, payload: bytes) -> bytes:
        """Return the 96-byte signature over `payload`; the same payload gives the same one."""
        return self._sign(payload, CIPHERSUITE)

    def _sign(self, payload: bytes, tag: bytes) -> bytes:
        return (G2Point.hash_to_curve(payload, tag) * self._secret).to_compressed_bytes()

    def __repr__(self) -> str:
        return f"BlsKey(public_key={self.public_key.hex()})"


class BlsVerifier:
    """The `AggregateScheme` of this curve. Remembers the points of keys, a pure result."""

    __slots__ = ("_points",)

    def __init__(self) -> None:
        self._points: dict[bytes, G1Point] = {}

    def verify(self, public_key: bytes, payload: bytes, signature: bytes) -> bool:
        """Tell whether `signature` over `payload` is that of `public_key`. Never raises."""
        return self.verify_aggregate((public_key,), payload, signature)

    def verify_aggregate(
        self, public_keys: Sequence[bytes], payload: bytes, signature: bytes
    ) -> bool:
        """Tell whether `signature` is the sum of one by each key over `payload`. Never raises.

        The keys' possession must have been proven, and the caller sees to it that none occurs
        twice. The draft calls this FastAggregateVerify.
        """
        try:
            keys, mark = self.add_keys(public_keys), parse_signature(signature)
        except CryptoError:
            return False
        return keys != G1Point.identity() and _fits(keys, payload, mark, CIPHERSUITE)

    def verify_possession(self, public_key: bytes, possession: bytes) -> bool:
        """Tell whether `possession` is the key's signature over itself. Never raises."""
        try:
            key, mark = self._point(public_key), parse_signature(possession)
        except CryptoError:
            return False
        return _fits(key, public_key, mark, POSSESSION_TAG)

    def aggregate(self, signatures: Sequence[bytes]) -> bytes:
        """Return the sum of signatures.

        Raises:
            CryptoError: there is none, one is malformed, or they cancel out.
        """
        total = G2Point.identity()
        for signature in signatures:
            total = total + parse_signature(signature)
        if total == G2Point.identity():
            raise CryptoError("bls aggregate", "signatures that add up to one", len(signatures))
        return total.to_compressed_bytes()

    def add_keys(self, public_keys: Sequence[bytes]) -> G1Point:
        """Return the sum of public keys; the identity for none, or if they cancel out.

        Raises:
            CryptoError: one of them is malformed.
        """
        total = G1Point.identity()
        for public_key in public_keys:
            total = total + self._point(public_key)
        return total

    def _point(self, public_key: bytes) -> G1Point:
        point = self._points.get(public_key)
        if point is None:
            point = parse_public_key(public_key)
            if len(self._points) >= KEYS_KEPT:
                self._points.clear()
            self._points[public_key] = point
        return point


def secret_key(seed: bytes) -> bytes:
    """Return the secret number that a seed stands for, 32 bytes big-endian.

    Raises:
        CryptoError: the seed is shorter than 32 bytes.

    Reference: KeyGen of the draft, without key info.
    """
    if len(seed) < SEED_BYTES_MIN:
        raise CryptoError("bls seed", f"at least {SEED_BYTES_MIN} bytes", f"{len(seed)} bytes")
    salt, secret = _SALT, Scalar(0)
    while secret.is_zero():
        salt = hashlib.sha256(salt).digest()
        extracted = hmac.digest(salt, seed + b"\0", "sha256")
        first = hmac.digest(extracted, b"\x00\x30\x01", "sha256")
        second = hmac.digest(extracted, first + b"\x00\x30\x02", "sha256")
        secret = Scalar.from_be_bytes_mod_order((first + second)[:48])
    return secret.to_be_bytes()


def parse_public_key(data: bytes) -> G1Point:
    """Return the point of a public key.

    Raises:
        CryptoError: another size, not on the curve, not in the subgroup, or the identity, under
            which an empty signature would be valid for everything.
    """
    return _parse("bls public key", data, PUBLIC_KEY_BYTES, G1Point.from_compressed_bytes)


def parse_signature(data: bytes) -> G2Point:
    """Return the point of a signature.

    Raises:
        CryptoError: as `parse_public_key`.
    """
    return _parse("bls signature", data, SIGNATURE_BYTES, G2Point.from_compressed_bytes)


AnyPoint = TypeVar("AnyPoint", G1Point, G2Point)


def _parse(where: str, data: bytes, size: int, parse: Callable[[bytes], AnyPoint]) -> AnyPoint:
    if len(data) != size:
        raise CryptoError(where, f"{size} bytes", f"{len(data)} bytes")
    if data[0] & _IDENTITY:
        raise CryptoError(where, "a point other than the identity", "the identity")
    try:
        return parse(data)
    except ValueError as error:
        raise CryptoError(where, "a point of the subgroup", data.hex()) from error


def _fits(key: G1Point, payload: bytes, mark: G2Point, tag: bytes) -> bool:
    """Check e(key, H(payload)) = e(g, mark)."""
    return bool(GT.pairing_check([key, -G1Point()], [G2Point.hash_to_curve(payload, tag), mark]))
