"""One node's place in the simulated world."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from primitives.durability import DurabilityGate
from primitives.errors import OrreryError
from primitives.machine import Broadcast, Event, Loopback, Machine, Message, Record, Send
from sim.hosts.clock import Clock, Step, by_clock
from sim.hosts.disk import Disk
from sim.hosts.medium import Medium
from sim.hosts.processors import Processors
from sim.hosts.space import rows_bytes
from sim.hosts.volatile import LyingDisk, VolatileStore
from sim.kernel.entries import Fired, Timer
from sim.kernel.stopping import stopped_by_damage
from storage.store import SnapshotStore


class Frame(Protocol):
    """A message as it goes over a wire."""

    @property
    def size(self) -> int:
        """Bytes of its frame."""
        ...

    @property
    def plain(self) -> int:
        """Bytes of the same frame without compression."""
        ...


class Packer(Protocol):
    """Knows how a node sends its messages."""

    def packed(self, message: Message) -> Frame:
        """Return what a message becomes."""
        ...


Held = tuple[int, Send | Broadcast | Loopback]
"""An effect that waits for durability, with its key."""

PICOSECONDS_PER_NANOSECOND = 1000

ALWAYS = 1
"""What `Host.waiting` begins with where every effect has to pass through the heap."""


class MissingCost(OrreryError):
    """A core asked for a kind of work that the cost profile does not name."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        super().__init__(
            f"the cost profile has no entry for work kind {kind!r}; "
            "run `orrery calibrate` to write a profile with every kind"
        )


class CostTable(dict[str, int]):
    """Picoseconds for one unit of each kind of work on one node."""

    def __missing__(self, kind: str) -> int:
        raise MissingCost(kind)

    def scaled(self, numerator: int, denominator: int) -> "CostTable":
        """Return the table of a processor that takes numerator/denominator times as long."""
        return CostTable((k, v * numerator // denominator) for k, v in self.items())

    def nanoseconds(self, kind: str, units: int) -> int:
        """Return the time that `units` of `kind` take."""
        return self[kind] * units // PICOSECONDS_PER_NANOSECOND


@dataclass(slots=True)
class Host:
    """What the world keeps for one node. Replaced parts (machine, timers, gate) die in a crash."""

    index: int
    base_costs: CostTable
    """Costs of the node's processor, before any fault slows it."""
    processors: Processors
    """Cores of the machine; other hosts may share them."""
    disk: Disk | LyingDisk
    store: SnapshotStore
    """What is durable; survives crashes."""
    medium: Medium | None = None
    """What lies under `store`, if more than a crash may happen to it."""
    ahead: bool = True
    """Whether its turns and effects may be run before their instant: not where a full or a
    damaged disk may stop the node in between."""
    machine: Machine | None = None
    clock: Clock | None = None
    """What the node takes for the time; None for the true one. Survives crashes."""
    wire: Callable[[Step], Step] | None = None
    """Puts what a turn is told through the network's codec, or charges for compression; None
    where memory is shared and everything is sent plain."""
    packer: Packer | None = None
    """How long the frames that it sends are; None where they are plain."""
    incarnation: int = 0
    """Counts crashes: what an earlier incarnation left under way is void."""
    inbox: deque[Event | Fired] = field(default_factory=deque)
    """Events that wait for the protocol thread, oldest first."""
    timers: dict[object, Timer] = field(default_factory=dict)
    gate: DurabilityGate[Held] = field(default_factory=DurabilityGate)
    private: list[int] = field(default_factory=list)
    """Heap of the instants of pending entries that can put an event into this inbox."""
    order: int = 0
    """Counter behind the keys of what this node's turns cause."""
    owns_disk: bool = False
    """Whether no other node writes to its disk."""
    owns_processors: bool = False
    filled: bool = False
    """Whether it is down because its disk was full."""
    refused: bool = False
    """Whether the disk has refused a batch: it takes no other one until the node is restarted."""
    waiting: int = 0
    """Messages and loopbacks that have not left: in the heap, or behind a `Persist`."""
    writing: int = 0
    """`Persist`s in the heap, not handed to the disk yet."""
    persisting: dict[str, int] = field(default_factory=dict)
    """`Persist`s of each core that are listed and not durable yet."""
    computing: int = 0
    """`Compute`s that are listed and not completed yet."""

    def __post_init__(self) -> None:
        if not self.ahead:
            self.waiting = ALWAYS

    def turn(self) -> Step:
        """Return the machine's `step` as it happens here."""
        assert self.machine is not None
        step: Step = self.machine.step
        if self.medium is not None:
            step = stopped_by_damage(step)
        if self.wire is not None:
            step = self.wire(step)
        return step if self.clock is None else by_clock(step, self.clock)

    @property
    def device(self) -> Disk:
        """The disk itself, be it honest or not."""
        return self.disk.disk if isinstance(self.disk, LyingDisk) else self.disk

    def takes(self, records: tuple[Record, ...]) -> bool:
        """Ask the disk for the room that a batch needs."""
        if self.medium is None or self.medium.space is None:
            return True
        self.refused = self.refused or not self.medium.space.promise(
            self.index, rows_bytes(records)
        )
        return not self.refused

    def wrote(self, records: tuple[Record, ...]) -> None:
        """Note that a batch which the disk has taken is durable."""
        if self.medium is not None and self.medium.space is not None:
            self.medium.space.fulfil(self.index, rows_bytes(records))

    def lie_about_writes(self, cache_ns: int, now: Callable[[], int]) -> None:
        """Let the disk acknowledge what a crash within `cache_ns` still loses."""
        self.be_honest_about_writes()
        self.disk = LyingDisk(self.device, self.device.free_at)
        self.store = VolatileStore(self.store, cache_ns, now)

    def be_honest_about_writes(self) -> None:
        """Sync what the disk had not, and let it lie no more."""
        if isinstance(self.disk, LyingDisk):
            self.disk = self.disk.disk
        if isinstance(self.store, VolatileStore):
            self.store = self.store.store

    def die(self) -> None:
        """Forget what a crash takes away."""
        self.machine = None
        self.incarnation += 1
        self.inbox.clear()
        self.timers = {}
        self.gate = DurabilityGate()
        self.waiting = 0 if self.ahead else ALWAYS
        self.writing = self.computing = 0
        self.persisting = {}
        self.refused = False
        self.power_off()

    def power_off(self) -> None:
        """Let go of what the node had open, and of the room that its batches were promised."""
        if self.medium is not None:
            if self.medium.space is not None:
                self.medium.space.forget(self.index)
            self.medium.power_off()
