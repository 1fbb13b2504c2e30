"""Classes of traffic: what goes first when not all can go at once."""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType

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
        "gossip": Traffic.TRANSACTIONS,
        "mesh": Traffic.TRANSACTIONS,
        "reconcile": Traffic.TRANSACTIONS,
        "sync": Traffic.SYNC,
    }
)
"""The class of what each core says; a protocol of consensus need not be listed."""


def traffic_of(kind: type[Message]) -> Traffic:
    """Return the class of a kind of message.

    What announces a block is as urgent as a block, for nothing else tells a follower of it.
    """
    if kind is AnnounceBlock:
        return Traffic.BLOCKS
    return OF_CORE.get(kind.core, Traffic.CONSENSUS)
