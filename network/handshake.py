"""The handshake: two nodes find out whether and how they can talk, before they do.

The dialler says `Hello`. Who was dialled answers with its own `Hello` and a `Proof`; the dialler
with a `Proof`. So a stranger who only knocks learns nothing, and one round trip is enough.

A proof covers both `Hello`s, with both nonces, and a value that is the channel's own (of TLS: see
`Channel`). A handshake that was recorded elsewhere therefore proves nothing here, and neither does
one that is passed on by somebody with a connection to each side. It also covers who dialled, so
that nobody gets his own proof back. A validator signs it; its key is known beforehand.

Every mismatch has a `Reason`. The peer is told, and so is the log: two nodes that do not talk to
each other should not leave their owners guessing why.

What follows the last message has other frames, and may come in the same read: see `missing` of
`network.frames`. The dialler is done when it has sent its proof, so a refusal of that one may come
after; its frame has `HANDSHAKE_VERSION`, and is to be read as such wherever it stands.

The machine is pure: nonces are handed in, and whoever owns the clock calls `refuse` when it takes
too long.

Reference: RFC 5056 (channel bindings); RFC 9266 says why those of TLS 1.3 need care.
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Protocol

import msgspec

from network.codec import WIRE_VERSION
from network.compression.agreement import Agreement, CompressionOffer, agree
from network.handshake_messages import (
    TEXT_MAX,
    FeatureVersion,
    Hello,
    PeerRole,
    Proof,
    Reason,
    Refusal,
)
from primitives.codec import encode_canonical
from primitives.errors import InvalidEncoding, InvalidInput
from primitives.ids import Hash32, NodeId
from primitives.keccak import keccak256
from primitives.keys import Signer, Verifier
from primitives.machine import Message

DOMAIN = b"orrery handshake 1"
"""Keeps a signature of the handshake from meaning anything elsewhere."""
NONCE_BYTES = 32
BINDING_BYTES_MIN = 32


class Side(Enum):
    """Who has begun."""

    DIALLER = b"\x01"
    LISTENER = b"\x02"

    @property
    def other(self) -> "Side":
        """The peer's."""
        return Side.LISTENER if self is Side.DIALLER else Side.DIALLER


class Channel(msgspec.Struct, frozen=True):
    """What the transport knows of the connection.

    Raises:
        InvalidInput: a binding that is too short to be one.
    """

    side: Side
    binding: bytes
    """The same at both ends, and of no other connection. Of TLS 1.3 in Python the first Finished
    message, `SSLObject.get_channel_binding("tls-unique")`."""
    key: bytes = b""
    """Ed25519 key of the peer's certificate, if that has one; empty otherwise."""

    def __post_init__(self) -> None:
        if len(self.binding) < BINDING_BYTES_MIN:
            expected = f"at least {BINDING_BYTES_MIN} bytes"
            raise InvalidInput("handshake.binding", expected, f"{len(self.binding)} bytes")


class HandshakeConfig(msgspec.Struct, frozen=True):
    """Who this node is, what it can do, and whom it knows."""

    genesis: Hash32
    node: NodeId
    role: PeerRole
    validators: Mapping[NodeId, bytes]
    """Keys of those that this node knows, now or soon. Looked into anew for each connection, so it
    may grow; a node that finds its own key there calls itself a validator, whatever `role` is."""
    compression: CompressionOffer = CompressionOffer()
    features: tuple[FeatureVersion, ...] = ()
    version_min: int = WIRE_VERSION
    version_max: int = WIRE_VERSION


class Session(msgspec.Struct, frozen=True):
    """What two nodes have agreed on."""

    node: NodeId
    """The peer."""
    role: PeerRole
    key: bytes
    """The peer's, proven; empty if it has none."""
    version: int
    outgoing: Agreement
    incoming: Agreement
    """How bodies may be compressed, each way."""
    features: tuple[FeatureVersion, ...]
    """What both speak, in the highest version that both do."""

    def version_of(self, feature: str) -> int:
        """Return the version of a feature, 0 if it is not shared."""
        return next((each.version for each in self.features if each.name == feature), 0)


class Tell(msgspec.Struct, frozen=True):
    """Send this to the peer."""

    message: Message


class Established(msgspec.Struct, frozen=True):
    """The handshake is done; frames of the agreed version follow."""

    session: Session


class Refused(msgspec.Struct, frozen=True):
    """The handshake has failed; close the connection when all is sent."""

    reason: Reason
    expected: str
    actual: str
    by_peer: bool
    """Whether the peer says so. Then the texts are its own; they are printable, and no more."""

    def __str__(self) -> str:
        who = "refused by the peer" if self.by_peer else "refused"
        return f"{who} ({self.reason.name.lower()}): expected {self.expected}, got {self.actual}"


HandshakeEffect = Tell | Established | Refused

Mismatch = tuple[Reason, str, object]
"""A reason, what was expected, and what was there."""


class Doorkeeper(Protocol):
    """Decides whether a peer is let in now; the transport does, which counts slots."""

    def mismatch(self, hello: Hello) -> Mismatch | None:
        """Return why a peer that says so is not let in. Nothing is proven yet."""
        ...


class Handshake:
    """One end of one handshake.

    Args:
        config: of this node.
        channel: the connection.
        nonce: fresh random bytes.
        signer: holds this node's key; None for a node without one.
        verifier: checks the peer's signature.
        expected: who was dialled, if that is known.
        doorkeeper: asked about a peer with which all else is well.

    Raises:
        InvalidInput: a nonce of another length, or a validator without a key.
    """

    __slots__ = (
        "_channel", "_config", "_doorkeeper", "_expected", "_over", "_own", "_peer", "_signer",
        "_verifier",
    )  # fmt: skip

    def __init__(
        self,
        config: HandshakeConfig,
        channel: Channel,
        nonce: bytes,
        signer: Signer | None,
        verifier: Verifier,
        expected: NodeId | None = None,
        doorkeeper: Doorkeeper | None = None,
    ) -> None:
        if len(nonce) != NONCE_BYTES:
            raise InvalidInput("handshake.nonce", f"{NONCE_BYTES} bytes", f"{len(nonce)} bytes")
        if signer is None and config.role is PeerRole.VALIDATOR:
            raise InvalidInput("handshake.signer", "the key of a validator", None)
        self._config = config
        self._channel = channel
        self._signer = signer
        self._verifier = verifier
        self._expected = expected
        self._doorkeeper = doorkeeper
        known = config.validators.get(config.node)
        is_known = signer is not None and known == signer.public_key
        self._own = Hello(
            config.version_min,
            config.version_max,
            config.genesis,
            config.node,
            PeerRole.VALIDATOR if is_known else config.role,
            signer.public_key if signer else b"",
            nonce,
            config.compression,
            config.features,
        )
        self._peer: Hello | None = None
        self._over = False

    @property
    def over(self) -> bool:
        """Whether it has ended, either way."""
        return self._over

    def start(self) -> Sequence[HandshakeEffect]:
        """Begin: the dialler speaks first."""
        return (Tell(self._own),) if self._channel.side is Side.DIALLER else ()

    def on_message(self, message: Message) -> Sequence[HandshakeEffect]:
        """Take what the peer has sent."""
        if self._over:
            return ()
        match message:
            case Hello() if self._peer is None:
                return self.on_hello(message)
            case Proof() if self._peer is not None:
                return self.on_proof(message, self._peer)
            case Refusal():
                return self.on_refusal(message)
            case _:
                pass
        due = "Hello" if self._peer is None else "Proof"
        return self.refuse(Reason.ORDER, due, type(message).__name__)

    def on_hello(self, hello: Hello) -> Sequence[HandshakeEffect]:
        """Take the peer's `Hello`; who was dialled answers it."""
        fault = self._fault(hello)
        if fault is None and self._doorkeeper is not None:
            fault = self._doorkeeper.mismatch(hello)
        if fault is not None:
            return self.refuse(*fault)
        self._peer = hello
        if self._channel.side is Side.DIALLER:
            return ()
        return Tell(self._own), self._prove(hello)

    def on_proof(self, proof: Proof, peer: Hello) -> Sequence[HandshakeEffect]:
        """Take the peer's `Proof`; the dialler answers it."""
        payload = self._payload(self._channel.side.other, peer)
        if proof.binding != keccak256(payload):
            return self.refuse(Reason.CHANNEL, "a proof made on this connection", "another")
        if peer.key:
            if not self._verifier.verify(peer.key, payload, proof.signature):
                return self.refuse(Reason.SIGNATURE, "one by the key of the Hello", "another")
        elif proof.signature:
            return self.refuse(Reason.SIGNATURE, "none, as there is no key", "one")
        self._over = True
        established = Established(self._session(peer))
        if self._channel.side is Side.DIALLER:
            return self._prove(peer), established
        return (established,)

    def on_refusal(self, refusal: Refusal) -> Sequence[HandshakeEffect]:
        """Take the peer's reason for the log."""
        self._over = True
        known = refusal.reason in tuple(Reason)
        reason = Reason(refusal.reason) if known else Reason.OTHER
        expected, actual = _printable(refusal.expected), _printable(refusal.actual)
        return (Refused(reason, expected, actual, by_peer=True),)

    def on_malformed(self, error: InvalidEncoding) -> Sequence[HandshakeEffect]:
        """The peer has sent something else."""
        return self.refuse(Reason.MALFORMED, f"{error.where}: {error.expected}", error.actual)

    def refuse(self, reason: Reason, expected: str, actual: object) -> Sequence[HandshakeEffect]:
        """End it: for a mismatch, or for a reason of the caller's, silence or want of slots."""
        if self._over:
            return ()
        self._over = True
        told = Refusal(reason, _printable(expected), _printable(str(actual)))
        return Tell(told), Refused(reason, told.expected, told.actual, by_peer=False)

    def _fault(self, hello: Hello) -> Mismatch | None:
        """Return the first thing in a `Hello` that does not fit."""
        own = self._own
        if max(hello.version_min, own.version_min) > min(hello.version_max, own.version_max):
            ours, theirs = _span(own), _span(hello)
            return Reason.VERSION, f"a wire version within {ours}", theirs
        if hello.genesis != own.genesis:
            return Reason.GENESIS, own.genesis.hex(), hello.genesis.hex()
        if hello.nonce == own.nonce or hello.node == own.node:
            return Reason.SELF, f"another node than {own.node}", hello.node
        if self._expected is not None and hello.node != self._expected:
            return Reason.NODE, f"node {self._expected}", hello.node
        return self._key_fault(hello)

    def _key_fault(self, hello: Hello) -> Mismatch | None:
        known = self._config.validators.get(NodeId(hello.node))
        if (hello.role is PeerRole.VALIDATOR) != (known is not None):
            expected = "a validator" if known is not None else "no validator"
            return Reason.ROLE, f"node {hello.node} to be {expected}", hello.role.name.lower()
        if known is not None and hello.key != known:
            return Reason.KEY, known.hex(), hello.key.hex()
        if hello.key and len(hello.key) != NONCE_BYTES:
            return Reason.KEY, f"{NONCE_BYTES} bytes or none", f"{len(hello.key)} bytes"
        if self._channel.key and hello.key != self._channel.key:
            return Reason.KEY, f"{self._channel.key.hex()}, its certificate's", hello.key.hex()
        return None

    def _payload(self, side: Side, peer: Hello) -> bytes:
        dialled = self._channel.side is Side.DIALLER
        first, second = (self._own, peer) if dialled else (peer, self._own)
        return proof_payload(side, self._channel.binding, first, second)

    def _prove(self, peer: Hello) -> Tell:
        payload = self._payload(self._channel.side, peer)
        signature = self._signer.sign(payload) if self._signer else b""
        return Tell(Proof(keccak256(payload), signature))

    def _session(self, peer: Hello) -> Session:
        own = self._own
        theirs = {each.name: each.version for each in peer.features}
        shared = [
            FeatureVersion(each.name, min(each.version, theirs[each.name]))
            for each in own.features
            if each.name in theirs
        ]
        return Session(
            NodeId(peer.node),
            peer.role,
            peer.key,
            min(own.version_max, peer.version_max),
            agree(own.compression, peer.compression),
            agree(peer.compression, own.compression),
            tuple(shared),
        )


def proof_payload(side: Side, binding: bytes, first: Hello, second: Hello) -> bytes:
    """Return what a proof covers.

    Args:
        side: whose proof it is.
        binding: of the channel.
        first: the dialler's.
        second: the other's.
    """
    return DOMAIN + side.value + keccak256(encode_canonical((binding, first, second)))


def _span(hello: Hello) -> str:
    return f"{hello.version_min} to {hello.version_max}"


def _printable(text: str) -> str:
    """Return a text that fits a refusal and does nothing to a terminal."""
    return "".join([each if each.isprintable() else "?" for each in text[:TEXT_MAX]])
