"""What the members of a mesh say to one another.

Reference: libp2p gossipsub v1.0 to v1.2 (SUBSCRIBE, IHAVE, IWANT, IDONTWANT, GRAFT, PRUNE).
There several of them travel in one envelope; here each is a message, and frames are batched.
"""

from typing import Annotated

import msgspec

from network.messages import Natural
from primitives.machine import Message

IDENTITY_BYTES = 20
"""Length of a message id; Ethereum's consensus layer has the same."""

TOPIC_BYTES_MAX = 64

IDS_PER_MESSAGE = 1024
"""Most ids in one `MeshHave` or `MeshWant`."""

IDS_PER_REFUSAL = 32
"""Most ids in one `MeshDontWant`."""

PAYLOAD_BYTES_MAX = 10 * 1024 * 1024
"""Longest payload; the limit of Ethereum's consensus layer, whose messages are blocks too."""

Topic = Annotated[bytes, msgspec.Meta(min_length=1, max_length=TOPIC_BYTES_MAX)]
"""What the messages of one mesh are about; compared, never read."""

Identity = Annotated[bytes, msgspec.Meta(min_length=IDENTITY_BYTES, max_length=IDENTITY_BYTES)]
"""Names a payload under its topic, by its content."""

Identities = Annotated[tuple[Identity, ...], msgspec.Meta(max_length=IDS_PER_MESSAGE)]


class MeshSubscribe(Message, frozen=True, gc=False):
    """The sender wants to hear of a topic, or no more."""

    core = "mesh"

    topic: Topic
    joined: bool


class MeshPayload(Message, frozen=True, gc=False):
    """One message of a topic, in full."""

    core = "mesh"

    topic: Topic
    payload: Annotated[bytes, msgspec.Meta(max_length=PAYLOAD_BYTES_MAX)]


class MeshHave(Message, frozen=True, gc=False):
    """IHAVE: the sender holds these messages of a topic and gives them away on demand."""

    core = "mesh"

    topic: Topic
    ids: Identities


class MeshWant(Message, frozen=True, gc=False):
    """IWANT: asks for messages in full."""

    core = "mesh"

    ids: Identities


class MeshDontWant(Message, frozen=True, gc=False):
    """IDONTWANT: the sender holds these messages and need not get them."""

    core = "mesh"

    ids: Annotated[tuple[Identity, ...], msgspec.Meta(max_length=IDS_PER_REFUSAL)]


class MeshGraft(Message, frozen=True, gc=False):
    """GRAFT: the sender has taken the receiver into its mesh of the topic."""

    core = "mesh"

    topic: Topic


class MeshPrune(Message, frozen=True, gc=False):
    """PRUNE: the sender has taken the receiver out of its mesh, or refuses a `MeshGraft`."""

    core = "mesh"

    topic: Topic
    backoff_ns: Natural
    """How long the receiver must not try again."""


_IDS_BYTES = 24 * 1024

LIMITS: dict[type[Message], int] = {
    MeshSubscribe: 128,
    MeshPayload: PAYLOAD_BYTES_MAX + 128,
    MeshHave: _IDS_BYTES,
    MeshWant: _IDS_BYTES,
    MeshDontWant: 1024,
    MeshGraft: 128,
    MeshPrune: 128,
}
"""Longest body of each kind in bytes."""
