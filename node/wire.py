"""All messages that nodes exchange, in one table.

The order is part of the wire format: first the kinds of the consensus protocol, in its order,
then those of `network`, then those of gateways. New kinds go to the end of their group's table.
"""

from consensus.engine import ConsensusEngine
from network.codec import Codec
from network.messages import LIMITS as NETWORK_LIMITS
from node.confirmation_messages import CONFIRMATION_MESSAGES
from primitives.machine import Message


def message_types(engine: ConsensusEngine) -> tuple[type[Message], ...]:
    """Return every kind of message of a network that runs this protocol, in wire order."""
    return (*engine.messages, *NETWORK_LIMITS, *CONFIRMATION_MESSAGES)


def node_codec(engine: ConsensusEngine) -> Codec:
    """Return the codec of every message that a node sends or receives."""
    limits = {**engine.messages, **NETWORK_LIMITS, **CONFIRMATION_MESSAGES}
    return Codec(message_types(engine), limits)
