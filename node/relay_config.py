"""One node's choices about compact blocks."""

from dataclasses import dataclass, field

from network.compact.state import CompactConfig
from primitives.ids import NodeId


@dataclass(frozen=True, slots=True)
class RelayConfig:
    """How a node that understands compact blocks uses them."""

    compact: CompactConfig = field(default_factory=CompactConfig)
    """Limits and delays; `high_bandwidth_max` is how many peers are asked to push."""
    proposes: bool = True
    """Whether this node's own proposals leave in compact form."""
    peers: tuple[NodeId, ...] = ()
    """Who understands compact blocks from the beginning, where no handshake says so later."""
