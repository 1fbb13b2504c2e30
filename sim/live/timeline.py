"""When which event happens to live nodes, and what its end takes back.

The rules are those of virtual time (`sim.timeline`): what an event's `for` takes back is only what
that event has done, and where another one has acted on the same node or network since, the later
one stands. Churn strikes whom and when it strikes them there under the same seed.

The schedule knows no clock. Whoever has one asks when something is due, waits, and lets it happen.
"""

import heapq
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

from sim.link_events import link_disturbance, link_ways
from sim.links.disturbances import Disturbance, Ways
from sim.live.cuts import Cuts, cuts
from sim.randomness import generator
from sim.scenario import (
    Churn,
    Clog,
    Crash,
    Duplicate,
    Heal,
    Latency,
    Lose,
    Partition,
    Pause,
    Reorder,
    Restart,
    Scenario,
    Slow,
    TimelineEvent,
    chosen_nodes,
)
from sim.scenario.placement import node_regions

SECOND_NS = 1_000_000_000

Action = Callable[[], Awaitable[object]]


class Acts(Protocol):
    """What can be done to live nodes. What makes no sense at the moment does nothing."""

    def primary(self) -> int:
        """Return the primary of the moment, as far as is known."""
        ...

    def lives(self, node: int) -> int:
        """Return how often a node was started."""
        ...

    def is_up(self, node: int) -> bool:
        """Tell whether a node has a process, be it stopped or not."""
        ...

    async def crash(self, node: int) -> bool:
        """Kill a node; False if it was down."""
        ...

    async def restart(self, node: int) -> bool:
        """Start a node again; False if it was up."""
        ...

    async def pause(self, node: int) -> bool:
        """Stop a node's process; False if it was down or stopped."""
        ...

    async def resume(self, node: int) -> bool:
        """Let a stopped process go on; False if none was stopped."""
        ...

    async def slow(self, node: int, factor: float) -> bool:
        """Let a node run for 1/factor of the time only; 1 is its own speed. False if down."""
        ...

    async def cut(self, orders: Cuts) -> None:
        """Cut the network, in place of an earlier cut."""
        ...

    async def heal(self) -> None:
        """End the cut."""
        ...

    async def delay(self, nodes: Sequence[int], extra_ns: int) -> None:
        """Add so much at each of these ends of a link, instead of what was added before."""
        ...

    async def disturb(self, disturbance: Disturbance) -> None:
        """Begin to repeat, mix up or lose messages."""
        ...

    async def settle(self, disturbance: Disturbance) -> None:
        """End what this very object has begun."""
        ...

    async def clog(self, ways: Ways) -> None:
        """Begin to hold back what is sent."""
        ...

    async def unclog(self, ways: Ways) -> None:
        """End what this very object has begun."""
        ...


class LiveTimeline:
    """The events of a scenario, in order of time.

    Args:
        scenario: fit for live nodes (`check_live`).
        seed: of churn.
        acts: what makes events happen.
    """

    def __init__(self, scenario: Scenario, seed: int, acts: Acts) -> None:
        self._scenario = scenario
        self._acts = acts
        self._due: list[tuple[int, int, Action]] = []
        self._order = 0
        self._cut = 0
        self._held: dict[tuple[type[TimelineEvent], int], int] = {}
        """How often each node was acted on by events of each kind."""
        self._delayed: dict[int, int] = {}
        """How often the latency of each node's links was set."""
        self._churned: dict[int, int] = {}
        """Nodes that churn keeps down, with the life that it has ended."""
        for number, event in enumerate(scenario.events):
            self._schedule(number, event, seed)

    @property
    def next_at(self) -> int | None:
        """When something happens next, ns since the start; None when all has happened."""
        return self._due[0][0] if self._due else None

    async def run_due(self, now: int) -> None:
        """Let all happen that is due at `now`, ns since the start."""
        while self._due and self._due[0][0] <= now:
            await heapq.heappop(self._due)[2]()

    def _at(self, at: int, action: Action) -> None:
        self._order += 1
        heapq.heappush(self._due, (at, self._order, action))

    def _schedule(self, number: int, event: TimelineEvent, seed: int) -> None:
        match event:
            case Partition():
                self._at(event.at, partial(self._partition, event))
            case Heal():
                self._at(event.at, self._acts.heal)
            case Crash():
                self._at(event.at, partial(self._crash, event))
            case Restart():
                self._at(event.at, partial(self._restart, event))
            case Pause():
                self._at(event.at, partial(self._pause, event))
            case Slow():
                self._at(event.at, partial(self._slow, event))
            case Latency():
                self._at(event.at, partial(self._delay, event))
            case Clog():
                self._at(event.at, partial(self._clog, event))
            case Duplicate() | Reorder() | Lose():
                self._at(event.at, partial(self._disturb, event))
            case Churn():
                self._churn(number, event, seed)
            case _:
                pass  # Committee changes are transactions; `check_live` refuses all others.

    def _node(self, node: int | str) -> int:
        return self._acts.primary() if isinstance(node, str) else node

    async def _partition(self, event: Partition) -> None:
        self._cut += 1
        await self._acts.cut(cuts(event, self._scenario.network))
        if event.lasting is not None:
            self._at(event.at + event.lasting, partial(self._heal_if_same, self._cut))

    async def _heal_if_same(self, cut: int) -> None:
        if cut == self._cut:
            await self._acts.heal()

    async def _crash(self, event: Crash) -> None:
        node = self._node(event.node)
        if await self._acts.crash(node) and event.lasting is not None:
            life = self._acts.lives(node)
            self._at(event.at + event.lasting, partial(self._revive, node, life))

    async def _revive(self, node: int, life: int) -> None:
        """Start a node again, unless it was started since."""
        if self._acts.lives(node) == life:
            await self._acts.restart(node)

    async def _restart(self, event: Restart) -> None:
        nodes = (
            range(self._scenario.network.nodes) if isinstance(event.node, str) else (event.node,)
        )
        for node in nodes:
            await self._acts.restart(node)

    async def _pause(self, event: Pause) -> None:
        node = self._node(event.node)
        if await self._acts.pause(node):
            self._take_back(event, node, partial(self._acts.resume, node))

    async def _slow(self, event: Slow) -> None:
        node = self._node(event.node)
        if await self._acts.slow(node, event.factor):
            self._take_back(event, node, partial(self._acts.slow, node, 1.0))

    def _take_back(self, event: Pause | Slow, node: int, undo: Action) -> None:
        """Undo what an event did to a node's process, unless another has acted or it is gone."""
        key = (type(event), node)
        held = self._held[key] = self._held.get(key, 0) + 1
        life = self._acts.lives(node)

        async def take_back() -> None:
            if self._held[key] == held and self._acts.lives(node) == life:
                await undo()

        if event.lasting is not None:
            self._at(event.at + event.lasting, take_back)

    async def _delay(self, event: Latency) -> None:
        regions = node_regions(self._scenario.network)
        nodes = [n for n, r in enumerate(regions) if event.regions == "all" or r in event.regions]
        settings = {node: self._delayed.get(node, 0) + 1 for node in nodes}
        self._delayed.update(settings)
        await self._acts.delay(nodes, event.extra)
        if event.lasting is not None:
            self._at(event.at + event.lasting, partial(self._undelay, settings))

    async def _undelay(self, settings: Mapping[int, int]) -> None:
        nodes = [node for node, setting in settings.items() if self._delayed[node] == setting]
        if nodes:
            await self._acts.delay(nodes, 0)

    async def _clog(self, event: Clog) -> None:
        ways = link_ways(event, self._scenario.network, self._acts.primary)
        await self._acts.clog(ways)
        self._at(event.at + event.lasting, partial(self._acts.unclog, ways))

    async def _disturb(self, event: Duplicate | Reorder | Lose) -> None:
        ways = link_ways(event, self._scenario.network, self._acts.primary)
        disturbance = link_disturbance(event, ways)
        await self._acts.disturb(disturbance)
        if event.lasting is not None:
            self._at(event.at + event.lasting, partial(self._acts.settle, disturbance))

    def _churn(self, number: int, event: Churn, seed: int) -> None:
        """Draw all strikes ahead, as the virtual timeline does."""
        draws = generator(seed, f"churn/{number}")
        victims = tuple(chosen_nodes(event.nodes, self._scenario.network))
        end = self._scenario.duration if event.lasting is None else event.at + event.lasting
        at = float(event.at)
        while (at := at + draws.exponential(SECOND_NS / event.rate)) < end:
            victim = victims[int(draws.integers(len(victims)))]
            self._at(int(at), partial(self._strike, event, victim, int(at)))

    async def _strike(self, event: Churn, victim: int, at: int) -> None:
        down = sum(
            self._acts.lives(node) == life and not self._acts.is_up(node)
            for node, life in self._churned.items()
        )
        if event.at_most is not None and down >= event.at_most:
            return
        if await self._acts.crash(victim):
            life = self._churned[victim] = self._acts.lives(victim)
            self._at(at + event.down_time, partial(self._return, victim, life))

    async def _return(self, victim: int, life: int) -> None:
        if self._churned.get(victim) == life:
            del self._churned[victim]
        await self._revive(victim, life)
