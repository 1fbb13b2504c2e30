"""How much may wait for one peer, and what happens to that which finds no room."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from network.outbox.traffic import Traffic
from primitives.errors import InvalidInput
from primitives.ids import Duration

MEBIBYTE = 1 << 20
SECOND = 1_000_000_000


class DropRule(Enum):
    """What happens when something has to wait in a full queue."""

    OLDEST = "oldest"
    """It takes the place of what has waited longest: news that newer news overtake."""
    NEWEST = "newest"
    """It is dropped: who asked asks again, or somebody else."""
    PEER = "peer"
    """The peer is dropped: what it would miss, nothing repeats."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What may wait for one peer in one class of traffic."""

    messages: int
    bytes: int
    """A single message may be longer, if nothing else waits."""
    rule: DropRule


BOUNDS: Mapping[Traffic, Bound] = MappingProxyType(
    {
        Traffic.CONSENSUS: Bound(16_384, 32 * MEBIBYTE, DropRule.PEER),
        Traffic.BLOCKS: Bound(1_024, 32 * MEBIBYTE, DropRule.OLDEST),
        Traffic.TRANSACTIONS: Bound(4_096, 16 * MEBIBYTE, DropRule.OLDEST),
        Traffic.SYNC: Bound(256, 32 * MEBIBYTE, DropRule.NEWEST),
    }
)


@dataclass(frozen=True, slots=True)
class OutboxConfig:
    """Limits for one peer.

    Raises:
        InvalidInput: a class has no bound.
    """

    bounds: Mapping[Traffic, Bound] = field(default_factory=lambda: BOUNDS)
    bytes_max: int = 64 * MEBIBYTE
    """Of all classes together; for what is more urgent, the less urgent makes room."""
    hold: Duration = Duration(10 * SECOND)
    """What has waited longer is not worth sending; votes only while the peer is not connected."""

    def __post_init__(self) -> None:
        """Refuse to leave a class without a bound."""
        missing = [traffic.name for traffic in Traffic if traffic not in self.bounds]
        if missing:
            raise InvalidInput("network.outbox.bounds", "a bound for every class", missing)
