"""What a family of metrics is: its name, kind, unit, labels, and where its numbers come from."""

from enum import StrEnum

import msgspec

SECOND_NS = 1_000_000_000

COMMON_LABELS = ("node", "shard")
"""Labels of every series, before a family's own."""

SHARD = "0"
"""The shard of a chain that has only one."""

Labels = tuple[tuple[str, str], ...]


class Kind(StrEnum):
    """How a family's numbers behave."""

    COUNTER = "counter"
    """Only grows while the node runs."""
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class World(StrEnum):
    """Where a family has numbers."""

    VIRTUAL = "virtual"
    """`metrics.om` of a run in virtual time."""
    LIVE = "live"
    """`/metrics` of a node in real time."""
    STORE = "store"
    """`orrery store stats --openmetrics`, of a store that no node has open."""


BOTH = (World.VIRTUAL, World.LIVE)
VIRTUAL = (World.VIRTUAL,)
LIVE = (World.LIVE,)


class Family(msgspec.Struct, frozen=True):
    """One family of metrics, the same wherever it is written."""

    name: str
    """As OpenMetrics calls it: a counter's without the `_total` that its samples carry."""
    kind: Kind
    meaning: str
    """One sentence, the HELP of the family."""
    source: str
    """The trace event that it is counted from, or what else is asked."""
    unit: str = ""
    """"seconds" or "bytes"; the name ends in it."""
    labels: tuple[str, ...] = ()
    """Beside `node` and `shard`."""
    worlds: tuple[World, ...] = BOTH
    bounds: tuple[int, ...] = ()
    """Of a histogram: inclusive upper ends of its buckets, in ns or bytes, ascending."""

    @property
    def scale(self) -> int:
        """Return what a number counted in ns or bytes is divided by."""
        return SECOND_NS if self.unit == "seconds" else 1

    @property
    def sample(self) -> str:
        """Return the name of a counter's or gauge's samples, as queries use it."""
        return f"{self.name}_total" if self.kind is Kind.COUNTER else self.name

    @property
    def ends(self) -> tuple[str, ...]:
        """Return the `le` labels of a histogram's buckets: the same text in both worlds."""
        return (*(repr(bound / self.scale) for bound in self.bounds), "+Inf")


def node_labels(node: int, shard: str = SHARD) -> Labels:
    """Return the labels that every series of a node carries."""
    return (("node", str(node)), ("shard", shard))
