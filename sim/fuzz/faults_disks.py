"""Drawn accidents of disks, beside whatever else a run has.

They have draws of their own, so that the runs without them are as they were. Each ends by itself
before the calm. Only what a disk loses for good stays: a validator whose log of votes has rotted
does not come back. So rows rot on one node alone that counts as faulty, where nobody lies: each
primary that never answers costs the calm a timeout.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from primitives.ids import Duration
from sim.fuzz.chance import MILLISECOND, Chance
from sim.fuzz.scene import SECOND, Scene, victim
from sim.scenario import BitRot, Crash, FullDisk, SlowDisk, StoreSpec, TimelineEvent
from sim.scenario.placement import DISKS

DISKS_PERCENT = 25
"""In so many runs of a hundred disks have accidents."""
FLAT_PERCENT = 50
"""In so many of those, state is kept in flat rows."""
FILES_PERCENT = 5
"""In so many of those, in files."""
WRITE_MAX = 150 * MILLISECOND
"""What a write to a slow disk may take, ns: those that wait must be through before the calm is."""
FACTORS = (3.0, 30.0, 150.0)
ROOMS = (None, 1 << 11, 1 << 14, 1 << 17)
TABLES = (None, "consensus", "chain.blocks", "chain.certificates")

Accident = Callable[[Chance, Scene, int], Iterator[TimelineEvent]]


def draw_disks(chance: Chance, scene: Scene) -> tuple[TimelineEvent, ...]:
    """Return accidents of disks until the scene ends, in order."""
    lying = any(group.liar is not None for group in scene.network.classes)
    names = [n for n in ACCIDENTS if n != BIT_ROT or (scene.faulty and not lying)]
    events: list[TimelineEvent] = []
    at = SECOND + chance.span(0, 1_500)
    while at < scene.end:
        name = chance.pick(names)
        events.extend(event for event in ACCIDENTS[name](chance, scene, at) if event.at < scene.end)
        at += chance.span(200, 5_000)
    return tuple(sorted(events, key=lambda event: event.at))


def draw_store(chance: Chance) -> StoreSpec:
    """Return in what the nodes of such a run keep their rows."""
    flat, files = chance.hit(FLAT_PERCENT), chance.hit(FILES_PERCENT)
    return StoreSpec("rocksdb" if files else "memory", "flat" if flat else "runs")


def _slow(chance: Chance, scene: Scene, at: int) -> Iterator[TimelineEvent]:
    span = scene.lasting(at, chance.span(100, 5_000))
    node = victim(chance, scene, peers=True)
    yield SlowDisk(Duration(at), node, chance.pick(_factors(scene)), span)


def _full(chance: Chance, scene: Scene, at: int) -> Iterator[TimelineEvent]:
    """A disk fills up; its node stops as soon as it writes, and returns when there is space."""
    node = chance.between(0, scene.network.peers - 1)
    span = scene.lasting(at, chance.span(200, 6_000))
    yield FullDisk(Duration(at), node, chance.pick(ROOMS), span)


def _torn(chance: Chance, scene: Scene, at: int) -> Iterator[TimelineEvent]:
    """Nodes die while they write; on a disk that drags they mostly do."""
    for _ in range(chance.between(1, 3)):
        node, gap = chance.between(0, scene.network.peers - 1), chance.span(50, 500)
        if at + gap < scene.end:
            yield SlowDisk(Duration(at), node, _factors(scene)[-1], Duration(gap + MILLISECOND))
            span = scene.lasting(at + gap, chance.span(50, 2_000))
            yield Crash(Duration(at + gap), node, span, "torn")
        at += gap


def _bit_rot(chance: Chance, scene: Scene, at: int) -> Iterator[TimelineEvent]:
    """Rows of a faulty node rot, and it is restarted, soon or later."""
    node = scene.faulty[0]
    yield BitRot(Duration(at), node, chance.pick(TABLES), chance.pick((1, 3, 30)))
    start = at + chance.span(1, 2_000)
    if start < scene.end:
        yield Crash(Duration(start), node, scene.lasting(start, chance.span(50, 1_000)))


def _factors(scene: Scene) -> list[float]:
    """Return by how much a disk of this network may slow down, ascending."""
    disk = scene.network.disk
    figures = DISKS[disk] if isinstance(disk, str) else disk
    write = figures.latency + figures.fsync
    return [factor for factor in FACTORS if factor * write <= WRITE_MAX] or [FACTORS[0]]


BIT_ROT = "bit-rot"
ACCIDENTS: Mapping[str, Accident] = MappingProxyType(
    {"slow-disk": _slow, "full-disk": _full, "torn": _torn, BIT_ROT: _bit_rot}
)
"""By name."""
