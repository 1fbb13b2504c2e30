"""What must fit together in events that happen to disks."""

from collections.abc import Iterator

from consensus.log import TABLE as LOG
from node.durable_runs import RUNS, SNAPSHOT
from node.flat_rows import HEADERS, RECEIPTS
from node.ledger import BLOCKS, CERTIFICATES
from node.settings.findings import Finding, unknown_name
from node.settings.mistakes import Path
from sim.scenario.events import BitRot, FreeDisk, FullDisk, Restart, SlowDisk, event_end
from sim.scenario.placement import place_nodes
from sim.scenario.scenario import Scenario
from storage.flat import ACCOUNTS, CODE, HEAD, HISTORY, INDEX, STORAGE
from storage.stored_trie import TABLE as TRIE

IN_BOTH_FORMS = (BLOCKS, CERTIFICATES, SNAPSHOT, LOG)
IN_FORM_FLAT = (HEADERS, RECEIPTS, ACCOUNTS, STORAGE, CODE, TRIE, HISTORY, HEAD)

DiskEvent = SlowDisk | FullDisk | FreeDisk | BitRot


def check_disk(event: DiskEvent, path: Path, scenario: Scenario) -> Iterator[Finding]:
    """Yield what is wrong with one of them."""
    peers = scenario.network.peers
    if isinstance(event.node, int) and event.node >= peers:
        yield Finding((*path, "node"), f"a node with a disk, 0 to {peers - 1}", str(event.node))
        return
    if isinstance(event, FreeDisk):
        yield from _check_free(event, path, scenario)
    if isinstance(event, BitRot) and event.table is not None:
        names = _written(scenario, event.node)
        if event.table not in names:
            yield unknown_name((*path, "table"), event.table, names)


def _written(scenario: Scenario, node: int) -> list[str]:
    """Return the tables in which a node has rows, by the form in which it keeps its state."""
    plan = place_nodes(scenario.network)[node]
    if (plan.state or scenario.store.form) == "runs":
        return [*IN_BOTH_FORMS, RUNS]
    history = scenario.store.state_history if plan.state_history is None else plan.state_history
    return [*IN_BOTH_FORMS, *IN_FORM_FLAT, *([INDEX] if history == "archive" else ())]


def _check_free(event: FreeDisk, path: Path, scenario: Scenario) -> Iterator[Finding]:
    plans = place_nodes(scenario.network)
    machine = plans[event.node].machine
    if plans[event.node].disk.capacity is not None:
        return
    for other in scenario.events:
        if isinstance(other, FullDisk) and other.node < len(plans):
            lasting = other.lasting is None or event_end(other) > event.at
            if plans[other.node].machine == machine and other.at <= event.at and lasting:
                return
    expected = "a disk with a capacity, or one that an earlier full-disk event has filled"
    yield Finding((*path, "node"), expected, f"node {event.node}, whose disk has room")


def may_have_stopped(scenario: Scenario, restart: Restart) -> bool:
    """Tell whether a disk that was full or rotten may have stopped a node to be restarted."""
    plans = place_nodes(scenario.network)
    earlier = [event for event in scenario.events if event.at <= restart.at]
    rotten = {event.node for event in earlier if isinstance(event, BitRot)}
    full = {
        plans[event.node].machine
        for event in earlier
        if isinstance(event, FullDisk) and event.node < len(plans)
    }
    nodes = range(len(plans)) if isinstance(restart.node, str) else [restart.node]
    return any(
        node in rotten or plans[node].disk.capacity is not None or plans[node].machine in full
        for node in nodes
        if node < len(plans)
    )
