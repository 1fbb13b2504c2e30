"""The fault timeline: a scenario's events as actions on the world.

Every action is scheduled before the run starts, churn included, so that the kernel always knows
the next instant at which something may intervene. What an event's `for` takes back is scheduled
when the event happens, and takes back only what that event did: where another event has acted on
the same node or network since, the later one stands.
"""

from collections.abc import Callable, Iterable
from functools import partial

from numpy.random import Generator

from primitives.ids import NodeId
from sim.link_events import link_disturbance, link_ways
from sim.links.cuts import Direction
from sim.links.disturbances import Ways
from sim.randomness import generator
from sim.scenario import (
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
    LinkEvent,
    Lose,
    LyingDisk,
    Partition,
    Pause,
    Reorder,
    Restart,
    Scenario,
    SetClock,
    Slow,
    SlowDisk,
    TimelineEvent,
    Unsynced,
    chosen_nodes,
    named_nodes,
    partition_groups,
)
from sim.scenario.placement import node_regions
from sim.world import World

SECOND_NS = 1_000_000_000


class Timeline:
    """Schedules the events of a scenario on a world and remembers what must be undone.

    Args:
        scenario: whose events.
        world: what they happen to; its clock must still be at 0.
        seed: the run's seed, for churn and for what a crash leaves on the disk.
    """

    def __init__(self, scenario: Scenario, world: World, seed: int) -> None:
        self._scenario = scenario
        self._world = world
        self._seed = seed
        self._cut = 0
        self._settings: dict[tuple[type[TimelineEvent], int], int] = {}
        """How often each node was acted on by events of each kind."""
        self._unsynced = generator(seed, "crash.unsynced")
        self._delaying: dict[int, int] = {}
        """How often the latency of each node's links was set."""
        self._churned: dict[int, int] = {}
        """Nodes that churn has struck and not returned, with the incarnation that ended."""
        for number, event in enumerate(scenario.events):
            if not isinstance(event, ChangeCommittee):  # `sim.governance` hands those in.
                self._schedule(number, event)

    def _schedule(self, number: int, event: FaultEvent) -> None:
        match event:
            case Partition():
                self._at(event.at, partial(self._partition, event))
            case Heal():
                self._at(event.at, self._world.heal)
            case Crash():
                self._at(event.at, partial(self._crash, event))
            case Restart():
                self._at(event.at, partial(self._restart, event))
            case Pause() | Slow() | SetClock():
                self._at(event.at, partial(self._hinder, event))
            case LyingDisk() | SlowDisk() | FullDisk() | FreeDisk() | BitRot():
                self._at(event.at, partial(self._disk, number, event))
            case Clog():
                self._at(event.at, partial(self._clog, event))
            case Duplicate() | Reorder() | Lose():
                self._at(event.at, partial(self._disturb, event))
            case Latency():
                self._latency(event)
            case Churn():
                self._churn(number, event)

    def _at(self, at: int, run: Callable[[], object]) -> None:
        def action() -> None:
            run()

        self._world.kernel.act(at, action)

    def _partition(self, event: Partition) -> None:
        network = self._scenario.network
        if event.ring is not None:
            self._world.ring(event.ring)
        else:
            groups = partition_groups(event.groups, network)
            bridge = named_nodes(event.bridge, network)
            self._world.partition(groups, bridge, Direction(event.direction))
        self._cut += 1
        if event.lasting is not None:
            self._at(event.at + event.lasting, partial(self._heal_if_same, self._cut))

    def _heal_if_same(self, cut: int) -> None:
        """Heal, unless another partition has replaced the one that was to end now."""
        if cut == self._cut:
            self._world.heal()

    def _node(self, node: int | str) -> int:
        return int(self._world.primary()) if isinstance(node, str) else node

    def _crash(self, event: Crash) -> None:
        node = self._node(event.node)
        crashed = self._world.crash(node, self._reached(event.unsynced), self._tear(event.unsynced))
        if crashed and event.lasting is not None:
            self._at(event.at + event.lasting, partial(self._revive, node, self._life(node)))

    def _reached(self, unsynced: Unsynced) -> Callable[[int], int] | None:
        """Return what decides how many unacknowledged batches a crash leaves."""
        match unsynced:
            case "lost":
                return None
            case "kept":
                return lambda batches: batches
            case "some":
                return lambda batches: int(self._unsynced.integers(batches + 1))
            case "torn":
                return lambda batches: int(self._unsynced.integers(batches)) if batches else 0

    def _tear(self, unsynced: Unsynced) -> Callable[[], int] | None:
        """Return what decides how much of a torn batch is there, in thousandths."""
        return (lambda: int(self._unsynced.integers(1_001))) if unsynced == "torn" else None

    def _life(self, node: int) -> int:
        return self._world.kernel.hosts[node].incarnation

    def _keeps_down(self, node: int, life: int) -> bool:
        """Tell whether the crash that ended an incarnation is why the node is down."""
        return not self._world.is_live(NodeId(node)) and self._life(node) == life

    def _revive(self, node: int, life: int) -> None:
        if self._keeps_down(node, life):
            self._world.restart(node)

    def _restart(self, event: Restart) -> None:
        nodes = range(self._world.size) if isinstance(event.node, str) else (event.node,)
        for node in nodes:
            self._world.restart(node)

    def _hinder(self, event: Pause | Slow | SetClock) -> None:
        match event:
            case Pause():
                self._world.pause(self._node(event.node), event.lasting)
            case Slow():
                self._slow(event)
            case SetClock():
                self._set_clock(event)

    def _slow(self, event: Slow) -> None:
        node = self._node(event.node)
        self._world.slow(node, event.factor)
        self._take_back(event, node, lambda: self._world.slow(node, 1.0))

    def _set_clock(self, event: SetClock) -> None:
        node = self._node(event.node)
        offset = (event.ahead or 0) - (event.behind or 0)
        self._world.set_clock(node, offset, event.drift)
        self._take_back(event, node, lambda: self._world.set_clock(node))

    def _disk(
        self, number: int, event: LyingDisk | SlowDisk | FullDisk | FreeDisk | BitRot
    ) -> None:
        disks, node = self._world.disks, self._node(event.node)
        match event:
            case LyingDisk():
                disks.lie(node, event.cache)
                self._take_back(event, node, lambda: disks.lie(node, 0))
            case SlowDisk():
                disks.slow(node, event.factor)
                self._take_back(event, disks.first(node), lambda: disks.slow(node, 1.0))
            case FullDisk():
                disks.fill(node, event.room or 0)
                self._take_back(event, disks.first(node), partial(self._free, node))
            case FreeDisk():
                disks.limit(node, event.room)
                self._supersede(FullDisk, disks.first(node))
            case BitRot():
                draws = generator(self._seed, f"bit-rot/{number}")
                disks.rot(node, partial(_struck, draws, event.rows), event.table)

    def _free(self, node: int) -> None:
        """Free a disk, and start the nodes again that it has stopped."""
        world = self._world
        world.disks.free(node)
        for other in world.disks.stopped(node):
            world.restart(other)

    def _supersede(self, kind: type[TimelineEvent], node: int) -> int:
        """Let what events of a kind did to a node stand no more; return how often that was so."""
        setting = self._settings[kind, node] = self._settings.get((kind, node), 0) + 1
        return setting

    def _take_back(
        self,
        event: Slow | SetClock | LyingDisk | SlowDisk | FullDisk,
        node: int,
        undo: Callable[[], None],
    ) -> None:
        """Undo what an event did to a node when its `for` is over, unless another has acted."""
        key = (type(event), node)
        setting = self._supersede(*key)

        def take_back() -> None:
            if self._settings[key] == setting:
                undo()

        if event.lasting is not None:
            self._at(event.at + event.lasting, take_back)

    def _ways(self, event: LinkEvent) -> Ways:
        return link_ways(event, self._scenario.network, lambda: int(self._world.primary()))

    def _clog(self, event: Clog) -> None:
        self._world.clog(self._ways(event), event.lasting)

    def _disturb(self, event: Duplicate | Reorder | Lose) -> None:
        number = self._world.disturb(link_disturbance(event, self._ways(event)))
        if event.lasting is not None:
            self._at(event.at + event.lasting, partial(self._world.settle, number))

    def _latency(self, event: Latency) -> None:
        regions = node_regions(self._scenario.network)
        nodes = [n for n, r in enumerate(regions) if event.regions == "all" or r in event.regions]
        self._at(event.at, partial(self._delay, event, nodes))

    def _delay(self, event: Latency, nodes: Iterable[int]) -> None:
        settings = {node: self._delaying.get(node, 0) + 1 for node in nodes}
        self._delaying.update(settings)
        self._world.set_latency(tuple(settings), event.extra)
        if event.lasting is not None:
            self._at(event.at + event.lasting, partial(self._undelay, settings))

    def _undelay(self, settings: dict[int, int]) -> None:
        nodes = [node for node, setting in settings.items() if self._delaying[node] == setting]
        if nodes:
            self._world.set_latency(nodes, 0)

    def _churn(self, number: int, event: Churn) -> None:
        """Draw all crashes of a Poisson process ahead, with their victims."""
        draws = generator(self._seed, f"churn/{number}")
        victims = tuple(chosen_nodes(event.nodes, self._scenario.network))
        end = self._scenario.duration if event.lasting is None else event.at + event.lasting
        at = float(event.at)
        while (at := at + draws.exponential(SECOND_NS / event.rate)) < end:
            victim = victims[int(draws.integers(len(victims)))]
            self._at(int(at), partial(self._strike, event, victim, int(at)))

    def _strike(self, event: Churn, victim: int, at: int) -> None:
        down = sum(self._keeps_down(node, life) for node, life in self._churned.items())
        if event.at_most is not None and down >= event.at_most:
            return
        unsynced = event.unsynced
        if self._world.crash(victim, self._reached(unsynced), self._tear(unsynced)):
            life = self._churned[victim] = self._life(victim)
            self._at(at + event.down_time, partial(self._return, victim, life))

    def _return(self, victim: int, life: int) -> None:
        if self._churned.get(victim) == life:
            del self._churned[victim]
        self._revive(victim, life)


def _struck(draws: Generator, count: int, rows: int) -> list[int]:
    """Draw which of `rows` rows rot, `count` of them at most."""
    return sorted(draws.choice(rows, min(count, rows), replace=False).tolist())
