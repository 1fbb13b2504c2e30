"""Classes of traffic: what goes first when not all can go at once.

The order follows what waits for what. Without votes nothing is decided; without blocks there is
nothing to vote on; transactions fill the block after this one; and whoever fetches old blocks is
late already and has other peers to ask.
"""

from collections.abc import Iterable, Mapping
from enum import IntEnum
from types import MappingProxyType

from network.mesh.messages import MeshGraft, MeshHave, MeshPayload, MeshPrune, MeshSubscribe
from network.mesh.topics import TRANSACTIONS
from network.messages import AnnounceBlock
from primitives.machine import Message


class Traffic(IntEnum):
    """The lower, the more urgent."""

    CONSENSUS = 0
    BLOCKS = 1
    TRANSACTIONS = 2
    SYNC = 3


OF_CORE: Mapping[str, Traffic] = MappingProxyType(
    {
        "compact": Traffic.BLOCKS,
        "confirmation": Traffic.TRANSACTIONS,
        "dissemination": Traffic.BLOCKS,
        "gossip": Traffic.TRANSACTIONS,
        "mesh": Traffic.BLOCKS,
        "reconcile": Traffic.TRANSACTIONS,
        "sync": Traffic.SYNC,
    }
)
"""The class of what each core says; a protocol of consensus need not be listed."""

TOPICAL = frozenset[type[Message]]((MeshPayload, MeshHave, MeshSubscribe, MeshGraft, MeshPrune))
"""Kinds whose class depends on what they are about."""


def traffic_of_kind(kind: type[Message]) -> Traffic:
    """Return the class of a kind of message, and of a `TOPICAL` one as far as it has one.

    What announces a block is as urgent as a block, for nothing else tells a follower of it.
    """
    if kind is AnnounceBlock:
        return Traffic.BLOCKS
    return OF_CORE.get(kind.core, Traffic.CONSENSUS)


def traffic_table(kinds: Iterable[type[Message]]) -> dict[type[Message], Traffic]:
    """Return the classes of those kinds all of whose messages have the same one."""
    return {kind: traffic_of_kind(kind) for kind in kinds if kind not in TOPICAL}


def traffic_of(message: Message) -> Traffic:
    """Return the class of a message: what a mesh carries is as urgent as its topic."""
    kind = message.__class__
    if kind in TOPICAL and getattr(message, "topic", b"") == TRANSACTIONS:
        return Traffic.TRANSACTIONS
    return traffic_of_kind(kind)
