"""From a failing scenario to a small one that fails the same check.

Each step offers candidates, boldest first; the first that still fails is taken, and the steps
begin again until none helps any more or the patience is used up.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, TypeVar

import msgspec

from node.settings.spreading import SPREAD_KEYS, SpreadSettings
from primitives.ids import Duration
from sim.fuzz.faults import calm_tail
from sim.fuzz.scene import SECOND
from sim.scenario import (
    BitRot,
    ChangeCommittee,
    Churn,
    Clog,
    Consensus,
    Crash,
    Duplicate,
    Expect,
    FullDisk,
    Heal,
    Load,
    Lose,
    LyingDisk,
    NodeClass,
    Partition,
    Pause,
    Reorder,
    Restart,
    Scenario,
    ScenarioError,
    SetClock,
    Slow,
    SlowDisk,
    StoreSpec,
    TimelineEvent,
    calm_from,
    decode_scenario,
    event_end,
    format_scenario,
)

T = TypeVar("T")
VALIDATORS_MIN = 4
GRAIN = SECOND // 10
"""Durations are cut to whole tenths of a second."""
SIMPLER_NETWORK: tuple[tuple[str, Any], ...] = (
    ("classes", ()),
    ("loss", 0.0),
    ("jitter", "none"),
    ("disk", "nvme"),
    ("blocks", "full"),
    ("compression", "none"),
    *zip(SPREAD_KEYS, msgspec.structs.astuple(SpreadSettings()), strict=True),
)
SIMPLER_CONSENSUS = (
    "empty_blocks", "block_interval", "pipeline_depth", "batching", "batch_size", "batch_delay",
    "repair_interval", "window", "timeout_doublings",
)  # fmt: skip
"""Parameters that are put back to their defaults where that changes nothing."""

SIMPLER_EVENT: tuple[tuple[str, Any], ...] = (
    ("bridge", ()),
    ("direction", "both"),
    ("unsynced", "lost"),
    ("one_way", False),
    ("drift", 0.0),
)
"""Options of events that are put back likewise."""

Fails = Callable[[Scenario], bool]


def shrink_scenario(scenario: Scenario, fails: Fails, patience: int) -> Scenario:
    """Return a scenario that still fails, with as little in it as was found.

    Args:
        scenario: fails.
        fails: runs a scenario and says whether it fails the same check.
        patience: how often `fails` may be asked.
    """
    asked = _Patience(fails, patience)
    while True:
        smaller = _without_events(scenario, asked)
        smaller = _first(_steps(smaller), asked) or smaller
        if smaller == scenario:
            return scenario
        scenario = smaller


def fewest(items: Sequence[T], fails: Callable[[Sequence[T]], bool]) -> list[T]:
    """Return a part of `items` that fails, and fails no more without any single one of them.

    Args:
        items: fail together.
        fails: says whether some of them, in their order, fail.

    Reference: Zeller and Hildebrandt (2002), Simplifying and Isolating Failure-Inducing Input.
    """
    kept, parts = list(items), 2
    if kept and fails([]):
        return []
    while len(kept) >= 2:
        size = -(-len(kept) // parts)
        starts = range(0, len(kept), size)
        rests = (kept[:start] + kept[start + size :] for start in starts)
        rest = next((rest for rest in rests if fails(rest)), None)
        if rest is not None:
            kept, parts = rest, max(parts - 1, 2)
        elif size == 1:
            break
        else:
            parts = min(2 * parts, len(kept))
    return kept


class _Patience:
    """Asks only about scenarios that are valid, and only so often."""

    def __init__(self, fails: Fails, left: int) -> None:
        self._fails = fails
        self._left = left

    def __call__(self, scenario: Scenario) -> bool:
        if self._left == 0 or not is_valid(scenario):
            return False
        self._left -= 1
        return self._fails(scenario)


def is_valid(scenario: Scenario) -> bool:
    """Whether the scenario can be written to a file that says the same, and asks what is fair.

    What must hold in the calm is only asked where the calm is long enough for all of it.
    """
    try:
        return _is_fair(scenario) and decode_scenario(format_scenario(scenario)) == scenario
    except ScenarioError:
        return False


def _is_fair(scenario: Scenario) -> bool:
    expect = scenario.expect
    needed = (expect.recovery_within or 0) + (expect.stranded_after or 0)
    return scenario.duration - calm_from(scenario.events) >= needed


def _first(candidates: Iterator[Scenario], fails: Fails) -> Scenario | None:
    return next((candidate for candidate in candidates if fails(candidate)), None)


def _without_events(scenario: Scenario, fails: Fails) -> Scenario:
    """Leave out events."""
    faults = _faults(scenario)
    kept = fewest(faults, lambda events: fails(_with_faults(scenario, events)))
    return _with_faults(scenario, kept) if len(kept) < len(faults) else scenario


def _faults(scenario: Scenario) -> list[TimelineEvent]:
    """Return the events without those that only end others."""
    return [event for event in scenario.events if not isinstance(event, Heal | Restart)]


def _with_faults(scenario: Scenario, faults: Sequence[TimelineEvent]) -> Scenario:
    """Exchange the faults, and end them when those before were ended."""
    events = (*faults, *calm_tail(faults, calm_from(scenario.events)))
    return msgspec.structs.replace(scenario, events=events)


def _steps(scenario: Scenario) -> Iterator[Scenario]:
    yield from _with_fewer_nodes(scenario)
    yield from _shorter(scenario)
    yield from _simpler(scenario)
    yield from _with_shorter_events(scenario)


def _with_fewer_nodes(scenario: Scenario) -> Iterator[Scenario]:
    """Offer smaller committees; events lose the nodes that are gone."""
    network = scenario.network
    for validators in range(VALIDATORS_MIN, network.validators):
        classes = (_within(group, validators + network.followers) for group in network.classes)
        smaller = msgspec.structs.replace(
            network,
            validators=validators,
            classes=tuple(group for group in classes if group.nodes),
        )
        events = (_without_nodes(event, smaller.nodes) for event in _faults(scenario))
        left = [event for event in events if event is not None]
        yield _with_faults(msgspec.structs.replace(scenario, network=smaller), left)


def _within(group: NodeClass, nodes: int) -> NodeClass:
    if isinstance(group.nodes, str):
        return group
    left = tuple(node for node in group.nodes if node < nodes)
    return msgspec.structs.replace(group, nodes=left)


def _without_nodes(event: TimelineEvent, nodes: int) -> TimelineEvent | None:
    """Return the event without the nodes from number `nodes` on; None if nothing is left."""
    match event:
        case Partition():
            sides = (
                tuple(m for m in side if isinstance(m, str) or m < nodes) for side in event.groups
            )
            groups = tuple(side for side in sides if side)
            bridge = tuple(m for m in event.bridge if isinstance(m, str) or m < nodes)
            ring = None if event.ring is None else min(event.ring, (nodes - 2) // 2)
            left = msgspec.structs.replace(event, groups=groups, bridge=bridge, ring=ring)
            return left if groups or event.ring is not None else None
        case Clog() | Duplicate() | Reorder() | Lose():
            ends = [
                tuple(m for m in end if isinstance(m, str) or m < nodes)
                if isinstance(end, tuple)
                else end
                for end in (event.source, event.to)
            ]
            source, to = ends
            return msgspec.structs.replace(event, source=source, to=to) if all(ends) else None
        case (
            Crash()
            | Pause()
            | Slow()
            | SetClock()
            | LyingDisk()
            | SlowDisk()
            | FullDisk()
            | BitRot()
        ):
            gone = isinstance(event.node, int) and event.node >= nodes
            return None if gone else event
        case ChangeCommittee():
            return None  # Who is a validator at first has changed.
        case _:
            return event


def _shorter(scenario: Scenario) -> Iterator[Scenario]:
    """Offer runs that end earlier, and runs whose events begin earlier."""
    for divisor in (2, 4, 8):
        wanted = scenario.duration - scenario.duration // divisor
        shorter = -(-wanted // GRAIN) * GRAIN
        if shorter < scenario.duration:
            yield _cut_off(scenario, shorter)
    first = min((event.at for event in scenario.events), default=0)
    if first > 2 * SECOND:
        yield _moved(scenario, first - SECOND)
    times = sorted(event.at for event in scenario.events)
    for early, late in pairwise(times):
        if late - early > 2 * SECOND:
            yield _moved(scenario, late - early - SECOND, late)


def _cut_off(scenario: Scenario, duration: int) -> Scenario:
    """End the run, and the events in it, at `duration`; without a calm nothing is asked of it."""
    cut = duration < calm_from(scenario.events) or not _is_fair(_lasting(scenario, duration))
    events = tuple(_ended(e, duration) for e in scenario.events if e.at < duration)
    shorter = msgspec.structs.replace(
        scenario, events=events, expect=Expect() if cut else scenario.expect
    )
    return _lasting(shorter, duration)


def _ended(event: TimelineEvent, duration: int) -> TimelineEvent:
    lasting = getattr(event, "lasting", None)
    if lasting is None or event_end(event) <= duration:
        return event
    rest = Duration(duration - event.at) if isinstance(event, Clog | Pause) else None
    return msgspec.structs.replace(event, lasting=rest)


def _moved(scenario: Scenario, by: int, since: int = 0) -> Scenario:
    """Let everything from `since` on come earlier by `by`, the run's end too."""
    events = (
        msgspec.structs.replace(e, at=Duration(e.at - by)) if e.at >= since else e
        for e in scenario.events
    )
    moved = msgspec.structs.replace(scenario, events=tuple(events))
    return _lasting(moved, scenario.duration - by)


def _lasting(scenario: Scenario, duration: int) -> Scenario:
    """Give the run another length; the load stops as long before the end as it did."""
    workload = scenario.workload
    if isinstance(workload, Load) and workload.stop is not None:
        stop = max(SECOND, workload.stop - (scenario.duration - duration))
        workload = msgspec.structs.replace(workload, stop=Duration(min(stop, duration)))
    return msgspec.structs.replace(scenario, duration=Duration(duration), workload=workload)


def _simpler(scenario: Scenario) -> Iterator[Scenario]:
    """Offer parameters one by one as if nobody had set them."""
    if scenario.fidelity != "shared":
        yield msgspec.structs.replace(scenario, fidelity="shared")
    for name, value in SIMPLER_NETWORK:
        if getattr(scenario.network, name) != value:
            network = msgspec.structs.replace(scenario.network, **{name: value})
            yield msgspec.structs.replace(scenario, network=network)
    plain = Consensus()
    for name in SIMPLER_CONSENSUS:
        if getattr(scenario.consensus, name) != getattr(plain, name):
            consensus = msgspec.structs.replace(scenario.consensus, **{name: getattr(plain, name)})
            yield msgspec.structs.replace(scenario, consensus=consensus)
    workload = scenario.workload
    if isinstance(workload, Load) and workload.rate is not None and workload.rate > 1:
        slower = msgspec.structs.replace(workload, rate=round(max(1.0, workload.rate / 2), 1))
        yield msgspec.structs.replace(scenario, workload=slower)
    if scenario.store != StoreSpec():
        yield msgspec.structs.replace(scenario, store=StoreSpec())
    yield from _with_simpler_events(scenario)


def _with_simpler_events(scenario: Scenario) -> Iterator[Scenario]:
    """Offer each event with one option less: a clean cut, lost writes, a clock that keeps pace."""
    for number, event in enumerate(scenario.events):
        for name, usual in SIMPLER_EVENT:
            if getattr(event, name, usual) != usual:
                plain = msgspec.structs.replace(event, **{name: usual})
                yield _with_event(scenario, number, plain)


def _with_event(scenario: Scenario, number: int, event: TimelineEvent) -> Scenario:
    events = (*scenario.events[:number], event, *scenario.events[number + 1 :])
    return msgspec.structs.replace(scenario, events=events)


def _with_shorter_events(scenario: Scenario) -> Iterator[Scenario]:
    """Offer each event with half its duration, as long as that is half a second or more."""
    for number, event in enumerate(scenario.events):
        lasting = getattr(event, "lasting", None)
        if lasting is not None and lasting >= SECOND and not isinstance(event, Churn):
            shorter = msgspec.structs.replace(event, lasting=Duration(lasting // 2))
            yield _with_event(scenario, number, shorter)
