"""What two nodes tell each other before anything else on a new connection.

These messages have a table of their own and frames of version `HANDSHAKE_VERSION`, which never
changes: nodes that have no wire version in common can still tell each other so.
"""

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Annotated

import msgspec

from network.codec import HANDSHAKE_VERSION, Codec
from network.compression.agreement import CompressionOffer, Name
from network.messages import Digest, Natural
from primitives.machine import Message

FEATURES_MAX = 32
TEXT_MAX = 160
"""Longest text of a refusal, in characters."""
HELLO_BYTES_MAX = 16 * 1_024
PROOF_BYTES_MAX = 256
REFUSAL_BYTES_MAX = 2 * 1_024

Version = Annotated[int, msgspec.Meta(ge=1, le=255)]
"""A wire version: one byte in the header of a frame, and not that of the handshake."""

Text = Annotated[str, msgspec.Meta(max_length=TEXT_MAX)]


class PeerRole(IntEnum):
    """What the sender is in its network."""

    VALIDATOR = 1
    FOLLOWER = 2
    GATEWAY = 3


class Feature(StrEnum):
    """Names of what peers may have in common beside the messages that all nodes know."""

    COMPACT_BLOCKS = "compact"
    RECONCILIATION = "reconcile"
    MESH = "mesh"


class FeatureVersion(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A feature that a node speaks, up to this version."""

    name: Name
    """A `Feature`, or a name of a newer version, which is passed over."""
    version: Natural


class Hello(Message, frozen=True, gc=False):
    """Who the sender is and what it can do."""

    core = "handshake"

    version_min: Version
    version_max: Version
    """The wire versions that it speaks."""
    genesis: Digest
    """Hash of its genesis block."""
    node: Natural
    """Its number in the network."""
    role: PeerRole
    key: Annotated[bytes, msgspec.Meta(max_length=32)]
    """Its Ed25519 public key; only those that are no validators may have none."""
    nonce: Digest
    """Drawn for this connection."""
    compression: CompressionOffer
    features: Annotated[tuple[FeatureVersion, ...], msgspec.Meta(max_length=FEATURES_MAX)]


class Proof(Message, frozen=True, gc=False):
    """The sender has seen both `Hello`s on this very channel, and holds its key."""

    core = "handshake"

    binding: Digest
    """Hash of `network.handshake.proof_payload`."""
    signature: Annotated[bytes, msgspec.Meta(max_length=64)]
    """Over that payload; empty for a sender without a key."""


class Refusal(Message, frozen=True, gc=False):
    """Why the sender closes the connection. Nothing answers it."""

    core = "handshake"

    reason: Natural
    """A `Reason`, or the number of one that a newer version knows."""
    expected: Text
    actual: Text


class Reason(IntEnum):
    """Why a connection is refused. The numbers are part of the wire format."""

    OTHER = 0
    """One that this version does not know."""
    MALFORMED = 1
    """Bytes that are no frame of the handshake."""
    ORDER = 2
    """A message that was not due."""
    VERSION = 3
    """No wire version in common."""
    GENESIS = 4
    """Another chain."""
    SELF = 5
    """The node has reached itself, or something that repeats what it says."""
    NODE = 6
    """Another node than was dialled."""
    ROLE = 7
    """A validator that is none, or one that pretends not to be."""
    KEY = 8
    """Another key than is known of that validator, or than that of the peer's certificate."""
    CHANNEL = 9
    """A proof that was made on another connection: a replay, or somebody in between."""
    SIGNATURE = 10
    """The peer does not hold the key."""
    SLOTS = 11
    """No place for one more peer of this role."""
    BANNED = 12
    """The peer has misbehaved."""
    SILENCE = 13
    """The handshake took too long."""


HANDSHAKE_LIMITS: Mapping[type[Message], int] = MappingProxyType(
    {Hello: HELLO_BYTES_MAX, Proof: PROOF_BYTES_MAX, Refusal: REFUSAL_BYTES_MAX}
)
"""Every kind, in wire order, with its longest body in bytes."""


def handshake_codec() -> Codec:
    """Return the codec of these messages."""
    return Codec(HANDSHAKE_LIMITS, HANDSHAKE_LIMITS, HANDSHAKE_VERSION)
