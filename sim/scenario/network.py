"""`[network]`: who takes part, where they live, and what lies between them."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from node.demand import BuildingName, SchedulerName
from node.settings.packing import BlocksName, CompactModeName, CompressionName, DictionaryKind
from node.settings.quantities import (
    BitsPerSecond,
    ByteCount,
    Count,
    PositiveCount,
    PositiveNumber,
    Share,
    Span,
)
from node.settings.spreading import SpreadSettings
from sim.scenario.consensus import BlockHistory
from sim.scenario.store import StateFormName, StateHistory

Topology = Literal["full", "random-regular", "small-world", "scale-free", "geographic"]
"""How neighbours are chosen for gossip. Validators are linked directly, whatever this says."""

Jitter = Literal["none", "normal", "lognormal", "exponential", "pareto"]
"""How delays spread above the base latency; `network.delays` defines the laws."""

DiskName = Literal["nvme", "ssd", "hdd"]
"""A drive out of a data centre, out of a desktop, and one that turns."""

NodeChoice = Literal["all", "validators", "followers", "gateways"]
"""Nodes by their role."""

Cores = Annotated[int, Meta(ge=1, le=1024)]
"""Processor cores of one machine."""

Loss = Annotated[float, Meta(ge=0, lt=1)]
"""Probability that a copy of a message is lost once, and must be sent again."""


class Disk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A disk by its figures."""

    latency: Span
    """From handing over a write to its first byte, ns."""
    fsync: Span
    """Flush of the device's cache, ns."""
    throughput: ByteCount
    """Bytes written in a second."""
    capacity: ByteCount | None = None
    """Bytes of rows that it holds at most, of all nodes on the machine; no limit if left out."""


class NodeClass(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[[network.classes]]`: nodes that differ from the rest. What is left out stays as it was.

    Where two classes name the same node, the later one wins, key by key.
    """

    name: Annotated[str, Meta(min_length=1)]
    nodes: tuple[Count, ...] | NodeChoice
    """Node numbers, or a role."""
    cores: Cores | None = None
    cpu_speed: PositiveNumber | None = None
    disk: DiskName | Disk | None = None
    bandwidth_up: BitsPerSecond | None = None
    bandwidth_down: BitsPerSecond | None = None
    loss: Loss | None = None
    region: str | None = None
    mempool_transactions: PositiveCount | None = None
    mempool_bytes: ByteCount | None = None
    mempool_per_sender: PositiveCount | None = None
    scheduler: SchedulerName | None = None
    """How these nodes execute blocks; as `[execution]` says if left out."""
    building: BuildingName | None = None
    """How they execute what they build blocks of; likewise."""
    state: StateFormName | None = None
    """How these nodes keep their state; as `[store]` says if left out."""
    state_history: StateHistory | None = None
    """How far back their state can be read; likewise."""
    history: BlockHistory | None = None
    """How many final blocks they keep at least; as `[chain]` says if left out."""
    blocks: BlocksName | None = None
    """How these nodes send and get blocks. Others send them whole ones if they say "full"."""
    compact_mode: CompactModeName | None = None
    compression: CompressionName | None = None
    """What they send with. They understand whatever comes."""
    compression_level: int | None = None
    compression_threshold: ByteCount | None = None
    liar: Annotated[str, Meta(min_length=1)] | None = None
    """A liar that ships (`sim.liars`) or an entry point of `orrery.liars`: how these nodes lie."""


class Network(SpreadSettings, frozen=True, forbid_unknown_fields=True):
    """The network as its author wrote it; `sim.scenario.placement` works out each node."""

    validators: Annotated[int, Meta(ge=1, le=10_000)]
    """Nodes that vote. Node numbers 0 to validators - 1."""
    followers: Annotated[int, Meta(ge=0, le=100_000)] = 0
    """Nodes that only receive blocks. Their numbers come after the validators'."""
    gateways: Annotated[int, Meta(ge=0, le=64)] = 0
    """Hosts without a chain that clients submit through, and that collect confirmations for
    them. Their numbers come last, each has a machine of its own, and they do not gossip."""
    topology: Topology = "full"
    degree: PositiveCount | None = None
    """Links of a node: exactly (random-regular), before rewiring (small-world), on average
    (scale-free), or its nearest ones and one far one (geographic)."""
    rewire: Share | None = None
    """small-world: probability that a link of the ring leads somewhere else instead."""
    latency: str = "aws-13"
    """Name of a region table, or "uniform"."""
    latency_value: Span | None = None
    """One-way latency between any two nodes, ns; only with `latency = "uniform"`."""
    regions: Annotated[tuple[str, ...], Meta(min_length=1)] | dict[str, Share] | None = None
    """Regions to fill in turn, node by node; or a table of shares. All of the table's if left
    out, in its order."""
    bandwidth_up: BitsPerSecond = 1_000_000_000
    bandwidth_down: BitsPerSecond = 1_000_000_000
    loss: Loss = 0.0
    jitter: Jitter = "lognormal"
    jitter_size: Annotated[float, Meta(ge=0, le=10)] = 0.03
    """Size of the jitter as a share of the base latency."""
    nodes_per_machine: PositiveCount = 1
    """Nodes that share one machine's cores and disk. Machines are filled in node order."""
    cores: Cores = 4
    cpu_speed: PositiveNumber = 1.0
    """Speed of one core; 1.0 is the machine of the calibration profile."""
    disk: DiskName | Disk = "nvme"
    mempool_transactions: PositiveCount = 16_384
    """Transactions that a node's pool holds at most."""
    mempool_bytes: ByteCount = 64 * 1024 * 1024
    mempool_per_sender: PositiveCount = 1_024
    """Waiting transactions of one sender at most."""
    blocks: BlocksName = "full"
    """How nodes send blocks that their receivers hold most transactions of."""
    compact_mode: CompactModeName = "high"
    """How followers get compact blocks: pushed by up to three peers, or for the asking."""
    compression: CompressionName = "none"
    """What long messages are compressed with, where that saves anything."""
    compression_level: int | None = None
    """Of gzip (1 to 9, usually 6) or zstd (1 to 22, usually 3)."""
    compression_threshold: ByteCount = 1_024
    """Shorter messages are sent as they are."""
    compression_dictionaries: tuple[DictionaryKind, ...] = ()
    """Kinds of messages for which a dictionary is trained, on transactions of the workload."""
    classes: tuple[NodeClass, ...] = ()

    @property
    def peers(self) -> int:
        """How many nodes hold the chain."""
        return self.validators + self.followers

    @property
    def nodes(self) -> int:
        """How many nodes there are, gateways included."""
        return self.validators + self.followers + self.gateways
