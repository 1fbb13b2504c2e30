"""Fault schedules: episodes of one theme, one after the other or on top of one another.

Every episode ends by itself or is ended by the tail, so that after the chaos phase the network
is whole again: healed, everybody up, at his own speed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

import msgspec

from primitives.ids import Duration
from sim.fuzz.chance import Chance
from sim.scenario import (
    Churn,
    Crash,
    Heal,
    Latency,
    Network,
    Partition,
    Restart,
    Slow,
    TimelineEvent,
)
from sim.scenario.placement import node_regions

SECOND = 1_000_000_000
START = SECOND
"""The first fault comes no earlier: a network that never ran shows nothing."""
FACTORS = (3.0, 30.0, 300.0)
EXTRAS_MS = (10, 100, 500, 2_000)


class Scene(msgspec.Struct, frozen=True):
    """Where an episode takes place."""

    network: Network
    end: int
    """When everything must be over, ns."""

    @property
    def nodes(self) -> range:
        """All node numbers."""
        return range(self.network.nodes)

    def lasting(self, at: int, span: int) -> Duration:
        """Return a duration, cut off where the chaos ends."""
        return Duration(max(1, min(span, self.end - at)))


Episode = Callable[[Chance, Scene, int], Iterator[TimelineEvent]]


def draw_events(chance: Chance, network: Network, end: int) -> tuple[TimelineEvent, ...]:
    """Return a schedule of faults that is over at `end`, the events in order.

    Args:
        chance: draws.
        network: which nodes and regions there are.
        end: instant at which the calm begins, ns.
    """
    scene = Scene(network, end)
    theme = chance.pick((*EPISODES, MIXED, MIXED, MIXED))
    dense = chance.hit(40)
    events: list[TimelineEvent] = []
    at = START + chance.span(0, 1_000)
    while at < end:
        name = chance.pick(tuple(EPISODES)) if theme == MIXED else theme
        events.extend(event for event in EPISODES[name](chance, scene, at) if event.at < end)
        gap = chance.span(20, 400) if dense and name in QUICK else chance.span(300, 4_000)
        at += gap
        if name not in QUICK or not dense:
            at = max([at, *(event.at for event in events)])
    return (*sorted(events, key=lambda event: event.at), *calm_tail(events, end))


def calm_tail(events: Sequence[TimelineEvent], end: int) -> tuple[TimelineEvent, ...]:
    """Return what makes a network whole after these events: a heal, a restart of all."""
    at = Duration(end)
    tail: list[TimelineEvent] = []
    if any(isinstance(event, Partition) for event in events):
        tail.append(Heal(at))
    if any(isinstance(event, Crash | Churn) for event in events):
        tail.append(Restart(at, "all"))
    return tuple(tail)


def _crash(chance: Chance, scene: Scene, at: int) -> Iterator[TimelineEvent]:
    """One node, often the primary; one in ten returns only with the calm."""
    victim = _victim(chance, scene)
    span = scene.lasting(at, chance.span(50, 5_000))
    yield Crash(Duration(at), victim, None if chance.hit(10) else span)


def _rolling(chance: Chance, scene: Scene, at: int) -> Iterator[TimelineEvent]:
    """Each node in turn, as in an upgrade; sometimes the next one falls before one is back."""
    down, gap = chance.span(100, 2_000), chance.span(0, 1_000)
    for node in scene.nodes:
        if at < scene.end:
            yield Crash(Duration(at), node, scene.lasting(at, down))
        at += gap + (0 if chance.hit(20) else down)


def _total(chance: Chance, scene: Scene, at: int) -> Iterator[TimelineEvent]:
    """The whole committee within a moment, and back one by one."""
    down = chance.span(50, 3_000)
    for node in scene.nodes:
        start = at + chance.span(0, 20)
        if start < scene.end:
            span = scene.lasting(start, down + chance.span(0, 500))
            yield Crash(Duration(start), node, span)


def _cut(chance: Chance, scene: Scene, at: int) -> Iterator[TimelineEvent]:
    span = scene.lasting(at, chance.span(20, 8_000))
    lasting = None if chance.hit(10) else span
    yield Partition(Duration(at), _sides(chance, scene), lasting)


def _flapping(chance: Chance, scene: Scene, at: int) -> Iterator[TimelineEvent]:
    """The same cut, again and again."""
    sides = _sides(chance, scene)
    on, off = chance.span(20, 1_500), chance.span(20, 1_500)
    for _ in range(chance.between(3, 8)):
        if at < scene.end:
            yield Partition(Duration(at), sides, scene.lasting(at, on))
        at += on + off


def _slow(chance: Chance, scene: Scene, at: int) -> Iterator[TimelineEvent]:
    span = scene.lasting(at, chance.span(50, 6_000))
    yield Slow(Duration(at), _victim(chance, scene), chance.pick(FACTORS), span)


def _latency(chance: Chance, scene: Scene, at: int) -> Iterator[TimelineEvent]:
    places = tuple(dict.fromkeys(node_regions(scene.network)))
    regions: tuple[str, ...] | Literal["all"] = (chance.pick(places),)
    if chance.hit(40):
        regions = "all"
    extra = Duration(chance.pick(EXTRAS_MS) * 1_000_000)
    yield Latency(Duration(at), extra, regions, scene.lasting(at, chance.span(50, 5_000)))


def _churn(chance: Chance, scene: Scene, at: int) -> Iterator[TimelineEvent]:
    down = chance.span(100, 2_000)
    span = chance.span(2_000, 10_000)
    left = scene.end - at - down
    if left > 0:
        limit = chance.pick((1, scene.network.nodes // 3, scene.network.nodes))
        rate = chance.pick((0.5, 1.0, 3.0))
        yield Churn(
            Duration(at), rate, Duration(down), "all", limit, lasting=Duration(min(span, left))
        )


def _victim(chance: Chance, scene: Scene) -> int | Literal["primary"]:
    return "primary" if chance.hit(40) else chance.pick(scene.nodes)


def _sides(chance: Chance, scene: Scene) -> tuple[tuple[int | str, ...], ...]:
    """Draw a shape: one alone, two sides, three sides, or a region cut off."""
    order = chance.shuffled(scene.nodes)
    places = tuple(dict.fromkeys(node_regions(scene.network)))
    shape = chance.pick(("alone", "two", "two", "three", "region"))
    if shape == "region" and len(places) > 1:
        return ((chance.pick(places),),)
    if shape == "three":
        first = chance.between(1, len(order) - 2)
        second = chance.between(first + 1, len(order) - 1)
        return tuple(order[:first]), tuple(order[first:second]), tuple(order[second:])
    size = 1 if shape == "alone" else chance.between(1, len(order) - 1)
    return tuple(order[:size]), tuple(order[size:])


MIXED = "mixed"
EPISODES: Mapping[str, Episode] = MappingProxyType(
    {
        "crash": _crash,
        "rolling": _rolling,
        "total": _total,
        "partition": _cut,
        "flapping": _flapping,
        "slow": _slow,
        "latency": _latency,
        "churn": _churn,
    }
)
"""What can happen, by name; a run has one theme, or all of them mixed."""
QUICK = ("crash", "partition", "slow", "latency")
"""Episodes of one event, which may follow one another at once."""
