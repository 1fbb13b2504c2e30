"""Every kind of work that a node can ask for, from the packages that ask."""

from consensus.costs import COSTS as CONSENSUS_COSTS
from network.costs import COSTS as NETWORK_COSTS
from node.costs import COSTS as NODE_COSTS
from primitives.costs import CostKind

KINDS: tuple[CostKind, ...] = (*CONSENSUS_COSTS, *NETWORK_COSTS, *NODE_COSTS)
"""In the order in which tables show them. A profile must price each of them."""
