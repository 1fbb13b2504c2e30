"""`[execution]`: how each node executes blocks."""

from typing import Annotated

import msgspec
from msgspec import Meta

from node.demand import BuildingName, SchedulerName


class ExecutionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What nodes do unless their class says otherwise. No rule of the chain: results are equal."""

    scheduler: SchedulerName = "serial"
    """What plans the transactions of a block on the node's cores: "serial", one after another;
    "level-groups" and "critical-path", by dependency graph; "optimistic", repairing what went
    wrong (Block-STM); "all-at-once", from a block access list."""
    building: BuildingName = "serial"
    """How a primary executes what it builds a block of, knowing no accesses beforehand."""
    hints: bool = True
    """Whether a primary whose scheduler plans by graph ships a schedule hint with its blocks."""


class NodeExecutionSettings(ExecutionSettings, frozen=True, forbid_unknown_fields=True):
    """What one live node does. Virtual time gives each node cores instead of threads."""

    workers: Annotated[int, Meta(ge=0, le=64)] = 1
    """Threads that compute beside the one that the protocol runs on; 0 to compute there, between
    turns."""
    processes: Annotated[int, Meta(ge=0, le=64)] = 0
    """Processes that share out the transactions of a block, as `scheduler` plans; 0 to execute
    them one after another. For contracts on a machine with idle cores; plain transfers cost more
    to hand over than to execute."""
