"""Scenario files: one TOML text that says everything about a run, decoded strictly.

`load_scenario` is the way in, `format_scenario` the way back, `place_nodes` the answer to "what
is node 17?".
"""

from sim.scenario.consensus import Chain, Consensus
from sim.scenario.decode import decode_scenario, decode_table, load_scenario, locate_mistake
from sim.scenario.errors import ScenarioError
from sim.scenario.events import (
    BitRot,
    ChangeCommittee,
    Churn,
    Clog,
    Crash,
    Duplicate,
    FaultEvent,
    FreeDisk,
    FullDisk,
    Heal,
    Latency,
    LinkEnd,
    LinkEvent,
    Lose,
    LyingDisk,
    Partition,
    Pause,
    Reorder,
    Restart,
    SetClock,
    Slow,
    SlowDisk,
    TimelineEvent,
    Unsynced,
    calm_from,
    event_end,
)
from sim.scenario.execution import Execution
from sim.scenario.load import Burst, Load, Ramp, Transfers
from sim.scenario.load_contracts import (
    Amm,
    Compute,
    ContractLoad,
    Erc20,
    MainnetLike,
    Nft,
    Shares,
    Storage,
)
from sim.scenario.network import Disk, Network, NodeClass
from sim.scenario.placement import (
    NodePlan,
    chosen_nodes,
    named_nodes,
    partition_groups,
    place_nodes,
)
from sim.scenario.scenario import Expect, Measure, Scenario
from sim.scenario.store import StoreSpec
from sim.scenario.workload import Extension, Replay, Workload, workload_options
from sim.scenario.write import format_scenario

__all__ = [
    "Scenario",
    "Network",
    "NodeClass",
    "Disk",
    "Consensus",
    "Chain",
    "Execution",
    "StoreSpec",
    "Workload",
    "Load",
    "Transfers",
    "ContractLoad",
    "Erc20",
    "Amm",
    "Nft",
    "Storage",
    "Compute",
    "MainnetLike",
    "Shares",
    "Replay",
    "Extension",
    "Ramp",
    "Burst",
    "Measure",
    "TimelineEvent",
    "FaultEvent",
    "Partition",
    "Heal",
    "Crash",
    "Restart",
    "Pause",
    "Slow",
    "Latency",
    "Churn",
    "Clog",
    "Duplicate",
    "Reorder",
    "Lose",
    "SetClock",
    "ChangeCommittee",
    "LyingDisk",
    "SlowDisk",
    "FullDisk",
    "FreeDisk",
    "BitRot",
    "LinkEvent",
    "LinkEnd",
    "Unsynced",
    "Expect",
    "ScenarioError",
    "load_scenario",
    "locate_mistake",
    "decode_scenario",
    "decode_table",
    "format_scenario",
    "NodePlan",
    "place_nodes",
    "chosen_nodes",
    "named_nodes",
    "partition_groups",
    "event_end",
    "calm_from",
    "workload_options",
]
