"""One run of the search: what happened, how often, and what went wrong."""

from traceback import extract_tb

import msgspec

from primitives.machine import TraceEvent
from sim.assembly import build_world
from sim.checkers import CheckerSuite, ViolationFound
from sim.checkers.events import (
    BLOCK_COMMITTED,
    NETWORK_PARTITIONED,
    NODE_CRASHED,
    NODE_RESTARTED,
)
from sim.run import rare_collections, run_checkers
from sim.scenario import Scenario
from sim.trace import Observation
from sim.trace_events import (
    ClockSet,
    Clogged,
    Delayed,
    DiskFull,
    DiskLied,
    DiskSlowed,
    Disturbed,
    Rotted,
    Slowed,
    StoreDamaged,
    WriteTorn,
)
from sim.world import World


class Counts(msgspec.Struct, frozen=True):
    """What runs went through; counts of several add up."""

    runs: int = 0
    virtual_seconds: float = 0.0
    blocks: int = 0
    """Greatest height committed anywhere."""
    view_changes: int = 0
    """Views above 0 that some replica entered."""
    crashes: int = 0
    restarts: int = 0
    partitions: int = 0
    slowdowns: int = 0
    latency_spikes: int = 0
    clogs: int = 0
    duplications: int = 0
    reorderings: int = 0
    losses: int = 0
    """Spans in which links lost more than usual."""
    clocks: int = 0
    """Clocks that were set wrong."""
    lying_disks: int = 0
    slow_disks: int = 0
    full_disks: int = 0
    """Nodes that their full disk has stopped."""
    torn_writes: int = 0
    rotten_disks: int = 0
    refusals: int = 0
    """Nodes that damage has stopped or kept from starting."""
    liars: int = 0
    """Nodes that lied."""
    isolated: int = 0
    """Runs whose nodes shared nothing."""

    def __add__(self, other: "Counts") -> "Counts":
        mine, theirs = msgspec.structs.astuple(self), msgspec.structs.astuple(other)
        return Counts(*(a + b for a, b in zip(mine, theirs, strict=True)))


class Finding(msgspec.Struct, frozen=True):
    """What went wrong."""

    check: str
    """The checker that objected; or "error: " and the exception with its place."""
    at_ns: int
    """Virtual instant."""
    detail: str


class Trial(msgspec.Struct, frozen=True):
    """What came of one run."""

    seed: int
    counts: Counts
    finding: Finding | None = None


def run_trial(scenario: Scenario, seed: int) -> Trial:
    """Run a scenario with all checkers; an exception of the product is a finding as well."""
    with build_world(scenario, seed) as world:
        return _tried(world, scenario, seed)


def _tried(world: World, scenario: Scenario, seed: int) -> Trial:
    tally = _Tally(scenario)
    world.subscribe_honest(tally.observe)
    suite = CheckerSuite(run_checkers(scenario, world))
    world.subscribe_honest(suite.consumer(world))
    with rare_collections():
        finding = _play(world, scenario, suite)
    return Trial(seed, tally.counts(world.now), finding)


def _play(world: World, scenario: Scenario, suite: CheckerSuite) -> Finding | None:
    try:
        world.run_until(scenario.duration)
        violation = suite.finish(world)
    except ViolationFound as found:
        violation = found.violation
    except Exception as error:  # noqa: BLE001 - whatever it is, the search must report it
        place = extract_tb(error.__traceback__)[-1]
        check = f"error: {type(error).__name__} in {place.name}"
        return Finding(check, world.now, str(error))
    if violation is None:
        return None
    where = "" if violation.node < 0 else f"node {violation.node}: "
    return Finding(violation.checker, violation.at_ns, f"{where}{violation.detail}")


class _Tally:
    """Counts what the trace shows."""

    def __init__(self, scenario: Scenario) -> None:
        self._seen: dict[str, int] = {}
        self._height = 0
        self._views: set[int] = set()
        self._isolated = int(scenario.fidelity == "isolated")
        self._liars = sum(
            len(group.nodes)
            for group in scenario.network.classes
            if group.liar is not None and not isinstance(group.nodes, str)
        )

    def observe(self, observation: Observation) -> None:
        event = observation.event
        name = event.name
        if name == BLOCK_COMMITTED:
            self._height = max(self._height, event.height)  # type: ignore[attr-defined]
        elif name == "consensus.view_entered" and event.view > 0:  # type: ignore[attr-defined]
            self._views.add(event.view)  # type: ignore[attr-defined]
        elif name.startswith("fault.") and (kind := _kind(event)) is not None:
            self._seen[kind] = self._seen.get(kind, 0) + 1

    def counts(self, now: int) -> Counts:
        seen = self._seen.get
        return Counts(
            runs=1,
            virtual_seconds=now / 1e9,
            blocks=self._height,
            view_changes=len(self._views),
            crashes=seen(NODE_CRASHED, 0),
            restarts=seen(NODE_RESTARTED, 0),
            partitions=seen(NETWORK_PARTITIONED, 0),
            slowdowns=seen(Slowed.name, 0),
            latency_spikes=seen(Delayed.name, 0),
            clogs=seen(Clogged.name, 0),
            duplications=seen("duplicate", 0),
            reorderings=seen("reorder", 0),
            losses=seen("lose", 0),
            clocks=seen(ClockSet.name, 0),
            lying_disks=seen(DiskLied.name, 0),
            slow_disks=seen(DiskSlowed.name, 0),
            full_disks=seen(DiskFull.name, 0),
            torn_writes=seen(WriteTorn.name, 0),
            rotten_disks=seen(Rotted.name, 0),
            refusals=seen(StoreDamaged.name, 0),
            liars=self._liars,
            isolated=self._isolated,
        )


def _kind(event: TraceEvent) -> str | None:
    """Return what a fault is counted as; None for the end of one."""
    match event:
        case Disturbed():
            return event.what
        case Slowed() | DiskSlowed():
            return event.name if event.factor_percent > 100 else None
        case Delayed():
            return event.name if event.extra_ns else None
        case ClockSet():
            return event.name if event.offset_ns or event.drift_ppm else None
        case DiskLied():
            return event.name if event.cache_ns else None
        case _:
            return event.name
