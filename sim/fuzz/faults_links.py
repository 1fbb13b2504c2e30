"""Episodes on links: cuts in all shapes, clogs, and messages that are doubled, late or lost."""

from collections.abc import Iterator
from typing import Literal

from msgspec.structs import replace

from primitives.ids import Duration
from sim.fuzz.chance import MILLISECOND, Chance
from sim.fuzz.resending import extra_max
from sim.fuzz.scene import Scene
from sim.scenario import (
    Clog,
    Duplicate,
    Latency,
    LinkEnd,
    Lose,
    Partition,
    Reorder,
    TimelineEvent,
)
from sim.scenario.placement import node_regions

EXTRAS_MS = (10, 100, 500, 2_000)
PATIENCE_PERCENT = 75
"""Of the time for the return, what lost copies may take that were sent over slowed links."""
OFTEN = (0.02, 0.1, 0.5, 1.0)
LOSSES = (0.02, 0.1)
"""No more: a link delivers in order, and each further loss of one copy doubles what all wait."""


def cut(chance: Chance, scene: Scene, at: int) -> Iterator[TimelineEvent]:
    """Cut the network in one of all shapes; one cut in ten lasts until the calm."""
    span = scene.lasting(at, chance.span(20, 8_000))
    yield _partition(chance, scene, at, None if chance.hit(10) else span)


def flapping(chance: Chance, scene: Scene, at: int) -> Iterator[TimelineEvent]:
    """Cut in the same way, again and again."""
    shape = _partition(chance, scene, at, None)
    on, off = chance.span(20, 1_500), chance.span(20, 1_500)
    for _ in range(chance.between(3, 8)):
        if at < scene.end:
            yield replace(shape, at=Duration(at), lasting=scene.lasting(at, on))
        at += on + off


def latency(chance: Chance, scene: Scene, at: int) -> Iterator[TimelineEvent]:
    """Slow the links of a region, or all."""
    places = tuple(dict.fromkeys(node_regions(scene.network)))
    region = (chance.pick(places),)
    most = extra_max(scene.network, scene.end * 2 // 3 * PATIENCE_PERCENT // 100)
    extra = Duration(min(chance.pick(EXTRAS_MS) * MILLISECOND, most))
    regions: tuple[str, ...] | Literal["all"] = "all" if chance.hit(40) else region
    yield Latency(Duration(at), extra, regions, scene.lasting(at, chance.span(50, 5_000)))


def clog(chance: Chance, scene: Scene, at: int) -> Iterator[TimelineEvent]:
    """Hold messages back."""
    source, to, one_way = _links(chance, scene)
    span = scene.lasting(at, chance.span(20, 5_000))
    yield Clog(at=Duration(at), source=source, to=to, one_way=one_way, lasting=span)


def duplicate(chance: Chance, scene: Scene, at: int) -> Iterator[TimelineEvent]:
    """Let messages arrive twice."""
    source, to, one_way = _links(chance, scene)
    yield Duplicate(
        at=Duration(at),
        source=source,
        to=to,
        one_way=one_way,
        probability=chance.pick(OFTEN),
        delay=Duration(chance.pick((0, 10, 300, 3_000)) * MILLISECOND),
        lasting=scene.lasting(at, chance.span(100, 8_000)),
    )


def reorder(chance: Chance, scene: Scene, at: int) -> Iterator[TimelineEvent]:
    """Let messages overtake one another."""
    source, to, one_way = _links(chance, scene)
    yield Reorder(
        at=Duration(at),
        source=source,
        to=to,
        one_way=one_way,
        probability=chance.pick(OFTEN),
        delay=Duration(chance.pick((2, 50, 300, 2_000)) * MILLISECOND),
        lasting=scene.lasting(at, chance.span(100, 8_000)),
    )


def lose(chance: Chance, scene: Scene, at: int) -> Iterator[TimelineEvent]:
    """Let messages get lost, and be sent again."""
    source, to, one_way = _links(chance, scene)
    yield Lose(
        at=Duration(at),
        source=source,
        to=to,
        one_way=one_way,
        probability=chance.pick(LOSSES),
        lasting=scene.lasting(at, chance.span(100, 4_000)),
    )


def _links(chance: Chance, scene: Scene) -> tuple[LinkEnd, LinkEnd, bool]:
    """Draw links: a pair, all of one node or of the primary, between two groups, or all."""
    one, other, *rest = chance.shuffled(scene.nodes)
    shape = chance.pick(("pair", "pair", "node", "primary", "groups", "all"))
    one_way = chance.hit(40)
    if shape == "pair":
        return (one,), (other,), one_way
    if shape == "node":
        return (one,), "all", one_way
    if shape == "primary":
        return ("primary", "all", one_way) if chance.hit(50) else ("all", "primary", one_way)
    if shape == "groups" and rest:
        size = chance.between(1, len(rest))
        return (one, other), tuple(rest[:size]), one_way
    return "all", "all", False


def _partition(chance: Chance, scene: Scene, at: int, span: Duration | None) -> Partition:
    """Draw a cut: clean, one way, with a bridge, or a ring."""
    nodes = scene.network.nodes
    shape = chance.pick(("clean", "clean", "clean", "in", "out", "bridge", "ring"))
    if shape == "ring":
        return Partition(Duration(at), lasting=span, ring=chance.between(1, (nodes - 2) // 2))
    sides = _sides(chance, scene)
    if shape == "in":
        return Partition(Duration(at), sides[:1], span, direction="in")
    if shape == "out":
        return Partition(Duration(at), sides[:1], span, direction="out")
    if shape == "bridge":
        order = chance.shuffled(scene.nodes)
        first = chance.between(1, nodes - 2)
        return Partition(Duration(at), (tuple(order[:first]),), span, bridge=(order[first],))
    return Partition(Duration(at), sides, span)


def _sides(chance: Chance, scene: Scene) -> tuple[tuple[int | str, ...], ...]:
    """Draw groups: one alone, two sides, three sides, or a region cut off."""
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
