"""The fault timeline: a scenario's events as actions on the world.

Every action is scheduled before the run starts, churn included, so that the kernel always knows
the next instant at which something may intervene.
"""

from collections.abc import Callable
from functools import partial

from sim.randomness import generator
from sim.scenario import (
    Churn,
    Crash,
    Heal,
    Latency,
    Partition,
    Restart,
    Scenario,
    Slow,
    TimelineEvent,
    chosen_nodes,
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
        seed: the run's seed, for churn.
    """

    def __init__(self, scenario: Scenario, world: World, seed: int) -> None:
        self._scenario = scenario
        self._world = world
        self._seed = seed
        self._cut = 0
        self._churned: dict[int, None] = {}
        for number, event in enumerate(scenario.events):
            self._schedule(number, event)

    def _schedule(self, number: int, event: TimelineEvent) -> None:
        match event:
            case Partition():
                self._at(event.at, partial(self._partition, event))
            case Heal():
                self._at(event.at, self._world.heal)
            case Crash():
                self._at(event.at, partial(self._crash, event))
            case Restart():
                self._at(event.at, partial(self._restart, event))
            case Slow():
                self._at(event.at, partial(self._slow, event))
            case Latency():
                self._latency(event)
            case Churn():
                self._churn(number, event)

    def _at(self, at: int, run: Callable[[], object]) -> None:
        def action() -> None:
            run()

        self._world.kernel.act(at, action)

    def _partition(self, event: Partition) -> None:
        self._world.partition(partition_groups(event.groups, self._scenario.network))
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
        if self._world.crash(node) and event.lasting is not None:
            self._at(event.at + event.lasting, partial(self._world.restart, node))

    def _restart(self, event: Restart) -> None:
        nodes = range(self._world.size) if isinstance(event.node, str) else (event.node,)
        for node in nodes:
            self._world.restart(node)

    def _slow(self, event: Slow) -> None:
        node = self._node(event.node)
        self._world.slow(node, event.factor)
        if event.lasting is not None:
            self._at(event.at + event.lasting, partial(self._world.slow, node, 1.0))

    def _latency(self, event: Latency) -> None:
        regions = node_regions(self._scenario.network)
        nodes = [n for n, r in enumerate(regions) if event.regions == "all" or r in event.regions]
        self._at(event.at, partial(self._world.set_latency, nodes, event.extra))
        if event.lasting is not None:
            self._at(event.at + event.lasting, partial(self._world.set_latency, nodes, 0))

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
        if event.at_most is not None and len(self._churned) >= event.at_most:
            return
        if self._world.crash(victim):
            self._churned[victim] = None
            self._at(at + event.down_time, partial(self._return, victim))

    def _return(self, victim: int) -> None:
        self._churned.pop(victim, None)
        self._world.restart(victim)
