"""All messages that nodes exchange, in one table.

The order is part of the wire format: new kinds go to the end of their group's table, and groups
keep their order.
"""

from consensus.messages import (
    MESSAGE_TYPES as CONSENSUS_MESSAGES,
    Commit,
    Prepare,
    PrePrepare,
    Proposal,
)
from network.codec import Codec
from network.messages import LIMITS as NETWORK_LIMITS
from primitives.machine import Message
from primitives.params import MAX_BLOCK_BYTES

MESSAGE_TYPES: tuple[type[Message], ...] = (*CONSENSUS_MESSAGES, *NETWORK_LIMITS)
"""Every kind of message, in wire order."""

VOTE_BYTES_MAX = 512
ROOM_BYTES = 1024
"""What a message that carries a block may need beside it."""
PROOF_BYTES_MAX = 16 * 1024 * 1024
"""Longest body of a message that carries certificates of a large committee."""


def node_codec() -> Codec:
    """Return the codec of every message that a node sends or receives."""
    limits = dict.fromkeys(CONSENSUS_MESSAGES, PROOF_BYTES_MAX)
    limits |= dict.fromkeys((Prepare, Commit), VOTE_BYTES_MAX)
    limits |= dict.fromkeys((PrePrepare, Proposal), MAX_BLOCK_BYTES + ROOM_BYTES)
    return Codec(MESSAGE_TYPES, limits | NETWORK_LIMITS)
