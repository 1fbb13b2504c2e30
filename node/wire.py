"""All messages that nodes exchange, in one table.

The order is part of the wire format: first the kinds of the consensus protocol, in its order,
then those of `network`, of compact blocks and proposals, of gateways, of meshes and trees, and of
reconciliation. New kinds go to the end of their group's table.
"""

from collections.abc import Mapping
from types import MappingProxyType

from consensus.engine import ConsensusEngine
from network.codec import Codec
from network.compact.messages import LIMITS as COMPACT_LIMITS
from network.dissemination import LIMITS as DISSEMINATION_LIMITS
from network.mesh import LIMITS as MESH_LIMITS
from network.messages import LIMITS as NETWORK_LIMITS
from network.reconcile import LIMITS as RECONCILE_LIMITS
from node.confirmation_messages import CONFIRMATION_MESSAGES
from node.relay_messages import RELAY_MESSAGES
from primitives.machine import Message

BLOCK_RELAY: Mapping[type[Message], int] = MappingProxyType({**COMPACT_LIMITS, **RELAY_MESSAGES})
"""Kinds that only nodes which understand compact blocks send."""

SPREAD: Mapping[type[Message], int] = MappingProxyType({**DISSEMINATION_LIMITS, **MESH_LIMITS})
"""Kinds of meshes and coded trees."""

RECONCILIATION: Mapping[type[Message], int] = MappingProxyType(RECONCILE_LIMITS)
"""Kinds that only nodes which announce by reconciling send."""


def message_types(
    engine: ConsensusEngine,
    *,
    compact_blocks: bool = True,
    spread: bool = True,
    reconciles: bool = True,
) -> tuple[type[Message], ...]:
    """Return every kind of message of a network that runs this protocol, in wire order.

    Args:
        engine: the protocol.
        compact_blocks: whether any of its nodes understands those.
        spread: whether they have meshes or coded trees.
        reconciles: whether they announce by reconciling.
    """
    relay = BLOCK_RELAY if compact_blocks else ()
    meshes = SPREAD if spread else ()
    rounds = RECONCILIATION if reconciles else ()
    return (*engine.messages, *NETWORK_LIMITS, *relay, *CONFIRMATION_MESSAGES, *meshes, *rounds)


def node_codec(engine: ConsensusEngine) -> Codec:
    """Return the codec of every message that a node sends or receives."""
    relay, answers = BLOCK_RELAY, CONFIRMATION_MESSAGES
    groups = (engine.messages, NETWORK_LIMITS, relay, answers, SPREAD, RECONCILIATION)
    limits = {kind: limit for group in groups for kind, limit in group.items()}
    return Codec(message_types(engine), limits)
