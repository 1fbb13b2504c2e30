"""The one table of metrics: every family of both worlds, with its name, unit and meaning.

Whoever writes a number takes its family from here: `sim.report.metrics` for runs in virtual time,
`node.observe.metrics` for live nodes, `orrery store stats`. So the same question has the same
answer in both worlds, and a dashboard made for one reads the other.
"""

from node.observe.families.family import (
    BOTH,
    COMMON_LABELS,
    LIVE,
    SHARD,
    Family,
    Kind,
    Labels,
    World,
    node_labels,
)
from node.observe.families.table import BY_NAME, FAMILIES, in_world

__all__ = [
    "BOTH",
    "BY_NAME",
    "COMMON_LABELS",
    "FAMILIES",
    "LIVE",
    "SHARD",
    "Family",
    "Kind",
    "Labels",
    "World",
    "in_world",
    "node_labels",
]
