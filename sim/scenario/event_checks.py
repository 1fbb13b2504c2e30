"""What must fit together in `[[events]]`."""

from collections.abc import Iterator

from node.settings.findings import Finding, span, unknown_name, unknown_nodes
from node.settings.mistakes import Path, shown
from primitives.committee_change import COMMITTEE_MIN
from sim.scenario.disk_checks import check_disk, may_have_stopped
from sim.scenario.events import (
    BitRot,
    ChangeCommittee,
    Churn,
    Clog,
    Crash,
    Duplicate,
    FreeDisk,
    FullDisk,
    Latency,
    LinkEvent,
    Lose,
    LyingDisk,
    Members,
    Partition,
    Pause,
    Reorder,
    Restart,
    SetClock,
    Slow,
    SlowDisk,
    TimelineEvent,
    event_end,
)
from sim.scenario.network import Network
from sim.scenario.placement import (
    chosen_nodes,
    known_regions,
    named_nodes,
    node_regions,
    partition_groups,
)
from sim.scenario.scenario import Scenario


def check_events(scenario: Scenario) -> Iterator[Finding]:
    """Yield what is wrong with each event, in file order. The network has passed its checks."""
    events = scenario.events
    for position, event in enumerate(events):
        path = ("events", position)
        yield from _check_times(event, path, scenario.duration)
        match event:
            case Partition():
                yield from _check_partition(event, path, scenario.network)
            case Crash() | Slow() | Restart() | SetClock() | LyingDisk() | Pause():
                if isinstance(event.node, int):
                    yield from unknown_nodes((*path, "node"), [event.node], scenario.network.nodes)
                if isinstance(event, Restart):
                    yield from _check_restart(event, path, scenario)
                if isinstance(event, SetClock):
                    yield from _check_clock(event, path)
            case SlowDisk() | FullDisk() | FreeDisk() | BitRot():
                yield from check_disk(event, path, scenario)
            case Clog() | Duplicate() | Reorder() | Lose():
                yield from _check_links(event, path, scenario.network)
            case Latency():
                yield from _check_latency(event, path, scenario.network)
            case Churn():
                if not chosen_nodes(event.nodes, scenario.network):
                    yield Finding((*path, "nodes"), "nodes that exist", f"no {event.nodes}")
            case _:
                pass
    yield from _check_committees(scenario)


def _check_committees(scenario: Scenario) -> Iterator[Finding]:
    """Follow the committee through its changes."""
    network = scenario.network
    members = dict.fromkeys(range(network.validators))
    changes = [
        (event, ("events", position))
        for position, event in enumerate(scenario.events)
        if isinstance(event, ChangeCommittee)
    ]
    for event, path in sorted(changes, key=lambda change: change[0].at):
        if not (event.add or event.remove or event.rekey):
            yield Finding((*path, "add"), "nodes to add, remove or rekey", "none")
        for key in ("add", "remove", "rekey"):
            named = getattr(event, key)
            for index, node in enumerate(named):
                at = (*path, key, index)
                if node in named[:index]:
                    yield Finding(at, "each node once", f"node {node} again")
                elif node >= network.peers:
                    yield Finding(at, f"a node number from 0 to {network.peers - 1}", str(node))
                elif key == "add" and node in members and node not in event.remove:
                    yield Finding(at, "a node that is no validator by then", f"node {node}")
                elif key != "add" and node not in members:
                    yield Finding(at, "a node that is a validator by then", f"node {node}")
                elif key == "rekey" and node in event.remove and node not in event.add:
                    yield Finding(at, "a node that stays a validator", f"node {node}, removed")
        members = {node: None for node in members if node not in event.remove}
        members |= dict.fromkeys(event.add)
        if len(members) < COMMITTEE_MIN:
            expected = f"at least {COMMITTEE_MIN} validators after it"
            yield Finding((*path, "remove"), expected, str(len(members)))
            return


def _check_times(event: TimelineEvent, path: Path, duration: int) -> Iterator[Finding]:
    if event.at >= duration:
        expected = f"an instant before the run ends at {span(duration)}"
        yield Finding((*path, "at"), expected, span(event.at))
    elif event_end(event) > duration:
        expected = (
            f"an end before the run's at {span(duration)}; leave `for` out to last until then"
        )
        yield Finding((*path, "for"), expected, f"an end at {span(event_end(event))}")


def _check_restart(event: Restart, path: Path, scenario: Scenario) -> Iterator[Finding]:
    if may_have_stopped(scenario, event):
        return
    events = scenario.events
    earlier = [e for e in events if isinstance(e, Crash | Churn) and e.at <= event.at]
    named = [e.node for e in earlier if isinstance(e, Crash)]
    certain = all(isinstance(e, Crash) and isinstance(e.node, int) for e in earlier)
    if not earlier or (certain and event.node != "all" and event.node not in named):
        found = f"no earlier crash of {shown(event.node)}" if earlier else "no earlier crash"
        yield Finding((*path, "node"), "a node that an earlier event may have crashed", found)


def _check_clock(event: SetClock, path: Path) -> Iterator[Finding]:
    given = [key for key in ("ahead", "behind") if getattr(event, key) is not None]
    if len(given) == 2:
        yield Finding((*path, "behind"), "either ahead or behind", "both")
    elif not given and not event.drift:
        yield Finding((*path, "ahead"), "ahead, behind or drift", "none of them")


def _check_links(event: LinkEvent, path: Path, network: Network) -> Iterator[Finding]:
    ends: list[tuple[int, ...] | None] = []
    for key, end in (("from", event.source), ("to", event.to)):
        if isinstance(end, tuple):
            findings = list(_check_members(end, (*path, key), network))
            yield from findings
            ends.append(None if findings else named_nodes(end, network))
        elif end != "primary":
            nodes = tuple(chosen_nodes(end, network))
            if not nodes:
                yield Finding((*path, key), "nodes that exist", f"no {end}")
            ends.append(nodes)
    if len(ends) == 2 and ends[0] == ends[1] and ends[0] is not None and len(ends[0]) == 1:
        yield Finding((*path, "to"), "another node than `from`", str(ends[0][0]))


def _check_partition(event: Partition, path: Path, network: Network) -> Iterator[Finding]:
    if event.ring is not None:
        others = ("groups", "bridge", "direction")
        given = [key for key in others if getattr(event, key) != getattr(Partition(event.at), key)]
        if given:
            yield Finding((*path, given[0]), f"no {given[0]} with a ring", "both")
        if 2 * event.ring + 1 >= network.nodes:
            expected = f"a ring in which somebody is out of reach of {network.nodes} nodes"
            yield Finding((*path, "ring"), expected, str(event.ring))
    elif not event.groups:
        yield Finding((*path, "groups"), "at least one group, or a ring", "an empty list")
    else:
        yield from _check_groups(event, path, network)


def _check_groups(event: Partition, path: Path, network: Network) -> Iterator[Finding]:
    findings: list[Finding] = []
    for position, group in enumerate(event.groups):
        findings += _check_members(group, (*path, "groups", position), network)
    if event.bridge:
        findings += _check_members(event.bridge, (*path, "bridge"), network)
    if not findings:
        findings += _check_overlap(event, (*path, "groups"), network)
    if not findings:
        findings += _check_bridge(event, (*path, "bridge"), network)
    yield from findings


def _check_bridge(event: Partition, path: Path, network: Network) -> Iterator[Finding]:
    named = {node for group in partition_groups(event.groups, network) for node in group}
    bridge = named_nodes(event.bridge, network)
    for node in bridge:
        if node in named:
            yield Finding(path, "nodes that are in no group", f"node {node}")
            return
    if len(event.groups) == 1 and len(named) + len(bridge) == network.nodes:
        yield Finding(path, "a bridge between at least two sides", "everybody else")


def _check_members(group: Members, path: Path, network: Network) -> Iterator[Finding]:
    """Yield a finding for each node or region that does not exist, and for an empty list."""
    present = list(dict.fromkeys(node_regions(network)))
    known = known_regions(network)
    for index, member in enumerate(group):
        at = (*path, index)
        if isinstance(member, str) and member not in present:
            names = present if known is None or member in known else known
            yield unknown_name(at, member, names)
        elif isinstance(member, int) and not 0 <= member < network.nodes:
            expected = f"a node number from 0 to {network.nodes - 1} or a region"
            yield Finding(at, expected, str(member))
    if not group:
        yield Finding(path, "at least one node", "an empty group")


def _check_overlap(event: Partition, path: Path, network: Network) -> Iterator[Finding]:
    group_of: dict[int, int] = {}
    for position, group in enumerate(partition_groups(event.groups, network)):
        for node in group:
            if node in group_of:
                both = f"node {node} in groups {group_of[node]} and {position}"
                yield Finding((*path, position), "groups that do not overlap", both)
                return
            group_of[node] = position
    if len(event.groups) == 1 and len(group_of) == network.nodes:
        expected = "at least two sides; nodes in no group form one"
        yield Finding(path, expected, "one group of all nodes")


def _check_latency(event: Latency, path: Path, network: Network) -> Iterator[Finding]:
    if event.regions == "all":
        return
    present = list(dict.fromkeys(node_regions(network)))
    for position, region in enumerate(event.regions):
        if region not in present:
            yield unknown_name((*path, "regions", position), region, present)
