"""Which message goes first, and what happens to those that find no room.

The order follows what waits for what. Without votes nothing is decided; without blocks there is
nothing to vote on; transactions fill the block after this one; and whoever fetches old blocks is
late already and has other peers to ask.
"""

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from types import MappingProxyType

import msgspec

from network.messages import AnnounceBlock
from primitives.machine import Message

MEBIBYTE = 1 << 20


class Priority(IntEnum):
    """Classes of traffic; a lower number goes first."""

    CONSENSUS = 0
    BLOCK = 1
    TRANSACTION = 2
    SYNC = 3


class DropRule(StrEnum):
    """What a full class does with a new message."""

    OLDEST = "the oldest is dropped"
    """For blocks: a newer one is worth more, and an old one is fetched by sync."""
    NEWEST = "the new one is dropped"
    """For announcements, which are repeated, and answers, which are asked for elsewhere."""
    DISCONNECT = "the peer is dropped"
    """For consensus, which counts on links that lose nothing while they stand: a peer that does
    not take its votes is better off with a new link and a catch-up."""


class ClassLimits(msgspec.Struct, frozen=True):
    """How much of one class may wait for one peer."""

    messages_max: int
    bytes_max: int
    rule: DropRule


CLASS_LIMITS: Mapping[Priority, ClassLimits] = MappingProxyType(
    {
        Priority.CONSENSUS: ClassLimits(8_192, 16 * MEBIBYTE, DropRule.DISCONNECT),
        Priority.BLOCK: ClassLimits(1_024, 32 * MEBIBYTE, DropRule.OLDEST),
        Priority.TRANSACTION: ClassLimits(4_096, 16 * MEBIBYTE, DropRule.NEWEST),
        Priority.SYNC: ClassLimits(64, 32 * MEBIBYTE, DropRule.NEWEST),
    }
)
"""Defaults, for one peer."""

CORES: Mapping[str, Priority] = MappingProxyType(
    {
        "handshake": Priority.CONSENSUS,
        "transport": Priority.CONSENSUS,
        "consensus": Priority.CONSENSUS,
        "compact": Priority.BLOCK,
        "dissemination": Priority.BLOCK,
        "mesh": Priority.BLOCK,
        "gossip": Priority.TRANSACTION,
        "reconcile": Priority.TRANSACTION,
        "confirmation": Priority.TRANSACTION,
        "sync": Priority.SYNC,
    }
)
"""The class of what each core says. A core that is not listed waits behind all others."""


def priority_of(message: Message) -> Priority:
    """Return the class of a message.

    The announcement of a block is as urgent as a block: nothing else tells a follower of it.
    """
    if isinstance(message, AnnounceBlock):
        return Priority.BLOCK
    return CORES.get(message.core, Priority.SYNC)
