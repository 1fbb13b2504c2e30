"""What must fit together in `[[events]]`."""

from collections.abc import Iterator, Sequence

from sim.scenario.errors import Path, shown
from sim.scenario.events import (
    Churn,
    Crash,
    Latency,
    Partition,
    Restart,
    Slow,
    TimelineEvent,
    event_end,
)
from sim.scenario.findings import Finding, span, unknown_name, unknown_nodes
from sim.scenario.network import Network
from sim.scenario.placement import (
    chosen_nodes,
    known_regions,
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
                yield from _check_groups(event, path, scenario.network)
            case Crash() | Slow() | Restart():
                if isinstance(event.node, int):
                    yield from unknown_nodes((*path, "node"), [event.node], scenario.network.nodes)
                if isinstance(event, Restart):
                    yield from _check_restart(event, path, events)
            case Latency():
                yield from _check_latency(event, path, scenario.network)
            case Churn():
                if not chosen_nodes(event.nodes, scenario.network):
                    yield Finding((*path, "nodes"), "nodes that exist", f"no {event.nodes}")
            case _:
                pass


def _check_times(event: TimelineEvent, path: Path, duration: int) -> Iterator[Finding]:
    if event.at >= duration:
        expected = f"an instant before the run ends at {span(duration)}"
        yield Finding((*path, "at"), expected, span(event.at))
    elif event_end(event) > duration:
        expected = (
            f"an end before the run's at {span(duration)}; leave `for` out to last until then"
        )
        yield Finding((*path, "for"), expected, f"an end at {span(event_end(event))}")


def _check_restart(
    event: Restart, path: Path, events: Sequence[TimelineEvent]
) -> Iterator[Finding]:
    earlier = [e for e in events if isinstance(e, Crash | Churn) and e.at <= event.at]
    named = [e.node for e in earlier if isinstance(e, Crash)]
    certain = all(isinstance(e, Crash) and isinstance(e.node, int) for e in earlier)
    if not earlier or (certain and event.node != "all" and event.node not in named):
        found = f"no earlier crash of {shown(event.node)}" if earlier else "no earlier crash"
        yield Finding((*path, "node"), "a node that an earlier event may have crashed", found)


def _check_groups(event: Partition, path: Path, network: Network) -> Iterator[Finding]:
    path = (*path, "groups")
    present = list(dict.fromkeys(node_regions(network)))
    known = known_regions(network)
    findings: list[Finding] = []
    for position, group in enumerate(event.groups):
        for index, member in enumerate(group):
            at = (*path, position, index)
            if isinstance(member, str) and member not in present:
                names = present if known is None or member in known else known
                findings.append(unknown_name(at, member, names))
            elif isinstance(member, int) and not 0 <= member < network.nodes:
                expected = f"a node number from 0 to {network.nodes - 1} or a region"
                findings.append(Finding(at, expected, str(member)))
        if not group:
            findings.append(Finding((*path, position), "at least one node", "an empty group"))
    if not findings:
        findings.extend(_check_overlap(event, path, network))
    yield from findings


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
