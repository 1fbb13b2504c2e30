"""What processes on one machine cannot do of a scenario, by name, before anything starts.

A fault that were passed over in silence would let a scenario succeed that has shown nothing. So
whatever cannot be done for real is refused, with its file and line. What merely does not apply,
because here is no virtual link, disk or processor whose figures it could be, is said once at the
start (`not_applied`).
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from node.settings.findings import Finding
from node.settings.mistakes import Path
from sim.scenario import (
    BitRot,
    Churn,
    Crash,
    FreeDisk,
    FullDisk,
    LyingDisk,
    Network,
    Scenario,
    SetClock,
    Slow,
    SlowDisk,
    TimelineEvent,
)
from sim.scenario.network import NodeClass

SLOW_FACTOR_MAX = 100.0
"""A process that runs for less than a hundredth of the time is as good as stopped."""

POSSIBLE = (
    "one of crash, restart, pause, slow, churn, partition, heal, latency, clog, duplicate, "
    "reorder, lose, committee in `orrery up`"
)

IMPOSSIBLE: Mapping[type, str] = MappingProxyType(
    {
        SetClock: "all processes of a machine share its clock",
        LyingDisk: "the disk of this machine cannot be told to lie",
        SlowDisk: "the disk of this machine cannot be told to be slow",
        FullDisk: "the disk of this machine is not filled on purpose",
        FreeDisk: "the disk of this machine is not filled on purpose",
        BitRot: "the files of a running node are not altered",
    }
)
"""Events that cannot be made to happen, and why."""

OF_LINKS = ("latency", "latency_value", "jitter", "jitter_size")
"""Keys of `[network]` that count only if the scenario's links are played."""

VIRTUAL_ONLY = (
    "bandwidth_up",
    "bandwidth_down",
    "nodes_per_machine",
    "cores",
    "cpu_speed",
    "disk",
)
"""Keys of `[network]` that are figures of the virtual world."""


def check_live(scenario: Scenario, *, links: bool = False) -> Iterator[Finding]:
    """Yield what cannot be done. The scenario is right as such, its events in the file's order.

    Args:
        scenario: checked otherwise.
        links: whether its links are played.
    """
    yield from _check_network(scenario.network, links=links)
    if scenario.consensus.signatures != "real":
        expected = '"real": processes have no cost to charge for a signature that is not made'
        yield Finding(("consensus", "signatures"), expected, f'"{scenario.consensus.signatures}"')
    if scenario.measure.trace != "events":
        expected = '"events": a live node keeps metrics and no trace of messages'
        yield Finding(("measure", "trace"), expected, f'"{scenario.measure.trace}"')
    for position, event in enumerate(scenario.events):
        yield from _check_event(event, ("events", position))


def not_applied(scenario: Scenario, *, links: bool = False) -> list[str]:
    """Return the keys of a scenario that mean nothing here, and so go by default or without."""
    network, plain = scenario.network, Network(validators=scenario.network.validators)
    virtual = VIRTUAL_ONLY if links else (*OF_LINKS, *VIRTUAL_ONLY)
    keys = [f"network.{key}" for key in virtual if getattr(network, key) != getattr(plain, key)]
    for node_class in network.classes:
        keys += [
            f'{key} of class "{node_class.name}"'
            for key in virtual
            if getattr(node_class, key, None) is not None
        ]
    if scenario.fidelity == "isolated":
        keys.append("fidelity")
    if scenario.store.state == "runs":
        keys.append("store.state")
    return keys


def _check_network(network: Network, *, links: bool) -> Iterator[Finding]:
    if network.gateways:
        expected = "0: there is no live gateway; clients ask the nodes themselves"
        yield Finding(("network", "gateways"), expected, str(network.gateways))
    if not links:
        yield from _check_loss(network, ("network",))
    for position, node_class in enumerate(network.classes):
        path = ("network", "classes", position)
        if not links:
            yield from _check_loss(node_class, path)
        if node_class.liar is not None:
            expected = "none: live nodes are honest"
            yield Finding((*path, "liar"), expected, f'"{node_class.liar}"')


def _check_loss(part: Network | NodeClass, path: Path) -> Iterator[Finding]:
    if part.loss:
        yield Finding(
            (*path, "loss"), "0.0 without --links: loopback loses nothing", str(part.loss)
        )


def _check_event(event: TimelineEvent, path: Path) -> Iterator[Finding]:
    why = IMPOSSIBLE.get(type(event))
    if why is not None:
        yield Finding((*path, "kind"), POSSIBLE, f'"{_tag(event)}": {why}')
    match event:
        case Slow() if not 1 <= event.factor <= SLOW_FACTOR_MAX:
            expected = f"a factor from 1 to {SLOW_FACTOR_MAX:g}: a process is held up, not sped up"
            yield Finding((*path, "factor"), expected, f"{event.factor:g}")
        case Crash() | Churn() if event.unsynced not in ("lost", "kept"):
            expected = '"kept" or "lost": a killed process leaves what the system has taken'
            yield Finding((*path, "unsynced"), expected, f'"{event.unsynced}"')
        case _:
            pass


def _tag(event: TimelineEvent) -> str:
    return str(event.__struct_config__.tag)
