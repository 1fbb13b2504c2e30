"""Fault schedules: episodes of one theme, one after the other or on top of one another.

Every episode ends by itself or is ended by the tail, so that after the chaos phase the network
is whole again: healed, everybody up, at his own speed and with a true clock.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from primitives.ids import Duration
from sim.fuzz import faults_links
from sim.fuzz.chance import MILLISECOND, Chance
from sim.fuzz.scene import SECOND, Episode, Scene, draw_scene, victim
from sim.scenario import (
    Churn,
    Crash,
    Heal,
    LyingDisk,
    Network,
    Partition,
    Restart,
    SetClock,
    Slow,
    TimelineEvent,
    Unsynced,
)

START = SECOND
"""The first fault comes no earlier: a network that never ran shows nothing."""
FACTORS = (3.0, 30.0, 300.0)
OFFSETS_MS = (100, 1_000, 5_000)
"""What any clock may be wrong by: two of them together less than what a block may be ahead."""
OFFSETS_FAULTY_MS = (100, 5_000, 16_000, 25_000)
"""What a faulty node's may."""
DRIFTS = (0.0, 0.001, -0.01, 0.05, -0.2, 0.5)
CACHES_MS = (20, 200, 2_000)
UNSYNCED: tuple[Unsynced, ...] = ("lost", "lost", "kept", "some")


def draw_events(chance: Chance, network: Network, end: int) -> tuple[TimelineEvent, ...]:
    """Return a schedule of faults that is over at `end`, the events in order.

    Args:
        chance: draws.
        network: which nodes and regions there are.
        end: instant at which the calm begins, ns.
    """
    scene = draw_scene(chance, network, end)
    names = tuple(name for name in EPISODES if scene.disks_lie or name != LYING_DISK)
    theme = chance.pick((*names, *(MIXED,) * (len(names) // 2)))
    dense = chance.hit(40)
    events: list[TimelineEvent] = []
    at = START + chance.span(0, 1_000)
    while at < end:
        name = chance.pick(names) if theme == MIXED else theme
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
    node = victim(chance, scene)
    span = scene.lasting(at, chance.span(50, 5_000))
    yield Crash(Duration(at), node, None if chance.hit(10) else span, chance.pick(UNSYNCED))


def _rolling(chance: Chance, scene: Scene, at: int) -> Iterator[TimelineEvent]:
    """Each node in turn, as in an upgrade; sometimes the next one falls before one is back."""
    down, gap = chance.span(100, 2_000), chance.span(0, 1_000)
    unsynced = chance.pick(UNSYNCED)
    for node in scene.nodes:
        if at < scene.end:
            yield Crash(Duration(at), node, scene.lasting(at, down), unsynced)
        at += gap + (0 if chance.hit(20) else down)


def _total(chance: Chance, scene: Scene, at: int) -> Iterator[TimelineEvent]:
    """The whole committee within a moment, and back one by one."""
    down, unsynced = chance.span(50, 3_000), chance.pick(UNSYNCED)
    for node in scene.nodes:
        start = at + chance.span(0, 20)
        if start < scene.end:
            span = scene.lasting(start, down + chance.span(0, 500))
            yield Crash(Duration(start), node, span, unsynced)


def _slow(chance: Chance, scene: Scene, at: int) -> Iterator[TimelineEvent]:
    span = scene.lasting(at, chance.span(50, 6_000))
    yield Slow(Duration(at), victim(chance, scene), chance.pick(FACTORS), span)


def _churn(chance: Chance, scene: Scene, at: int) -> Iterator[TimelineEvent]:
    down = chance.span(100, 2_000)
    span = chance.span(2_000, 10_000)
    left = scene.end - at - down
    if left > 0:
        limit = chance.pick((1, scene.network.nodes // 3, scene.network.nodes))
        yield Churn(
            Duration(at),
            chance.pick((0.5, 1.0, 3.0)),
            Duration(down),
            at_most=limit,
            lasting=Duration(min(span, left)),
            unsynced=chance.pick(UNSYNCED),
        )


def _clock(chance: Chance, scene: Scene, at: int) -> Iterator[TimelineEvent]:
    """A clock that is off, or that runs at another rate; far off only at a faulty node."""
    node = victim(chance, scene)
    off = Duration(chance.pick(OFFSETS_MS) * MILLISECOND)
    if scene.faulty and chance.hit(40):
        node = chance.pick(scene.faulty)
        off = Duration(chance.pick(OFFSETS_FAULTY_MS) * MILLISECOND)
    side, drift = chance.pick(("ahead", "behind", "neither")), chance.pick(DRIFTS)
    if side == "neither" and not drift:
        side = "ahead"
    yield SetClock(
        Duration(at),
        node,
        ahead=off if side == "ahead" else None,
        behind=off if side == "behind" else None,
        drift=drift,
        lasting=scene.lasting(at, chance.span(200, 10_000)),
    )


def _lying_disk(chance: Chance, scene: Scene, at: int) -> Iterator[TimelineEvent]:
    """A faulty node's disk acknowledges too early, and its node dies, once or several times."""
    node = chance.pick(scene.faulty)
    span = scene.lasting(at, chance.span(1_000, 8_000))
    cache = Duration(chance.pick(CACHES_MS) * MILLISECOND)
    yield LyingDisk(Duration(at), node, cache, span)
    start = at + chance.span(50, 1_000)
    for _ in range(chance.between(1, 4)):
        if start < at + span:
            down = chance.span(20, 800)
            yield Crash(Duration(start), node, scene.lasting(start, down))
            start += down + chance.span(50, 1_000)


MIXED = "mixed"
LYING_DISK = "lying-disk"
EPISODES: Mapping[str, Episode] = MappingProxyType(
    {
        "crash": _crash,
        "rolling": _rolling,
        "total": _total,
        "partition": faults_links.cut,
        "flapping": faults_links.flapping,
        "slow": _slow,
        "latency": faults_links.latency,
        "churn": _churn,
        "clog": faults_links.clog,
        "duplicate": faults_links.duplicate,
        "reorder": faults_links.reorder,
        "lose": faults_links.lose,
        "clock": _clock,
        LYING_DISK: _lying_disk,
    }
)
"""What can happen, by name; a run has one theme, or all of them mixed."""
QUICK = (
    *("crash", "partition", "slow", "latency", "clog"),
    *("duplicate", "reorder", "lose", "clock"),
)
"""Episodes of one event, which may follow one another at once."""
