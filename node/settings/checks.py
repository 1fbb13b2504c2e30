"""Rules of a whole configuration that no single value can show: what must fit together."""

from collections.abc import Iterator

from node.demand import SERIAL
from node.settings.consensus import ConsensusSettings
from node.settings.findings import Finding, repeated, span, unknown_name
from node.settings.packing import check_packing
from node.settings.settings import NodeSettings
from node.settings.spreading import check_spreading
from storage.rocks import PROFILES


def check_settings(settings: NodeSettings) -> list[Finding]:
    """Return everything that does not fit together, section by section.

    What depends on the genesis file is judged when that has been read (`node.settings.fit`).
    """
    return [
        *check_consensus(settings.consensus),
        *_check_network(settings),
        *_check_store(settings),
        *_check_execution(settings),
    ]


def check_consensus(consensus: ConsensusSettings) -> Iterator[Finding]:
    """Yield what contradicts itself in `[consensus]`; a scenario's has the same rules."""
    if consensus.window < 2 * consensus.pipeline_depth:
        expected = f"at least twice the pipeline_depth, {2 * consensus.pipeline_depth}"
        yield Finding(("consensus", "window"), expected, str(consensus.window))
    if consensus.empty_blocks and not consensus.block_interval:
        expected = "an interval above 0s with empty_blocks, or blocks would never stop"
        yield Finding(("consensus", "block_interval"), expected, span(consensus.block_interval))


def _check_network(settings: NodeSettings) -> Iterator[Finding]:
    network = settings.network
    yield from check_packing(network, ("network",))
    yield from check_spreading(network, ("network",))
    peers = [peer.node for peer in network.peers]
    for position, peer in enumerate(network.peers):
        path = ("network", "peers", position)
        if peer.node == settings.node.index:
            yield Finding((*path, "node"), "another node than this one", str(peer.node))
        if peer.node in peers[:position]:
            yield Finding((*path, "node"), "each node once", f"{peer.node} again")
        if not peer.port:
            yield Finding((*path, "port"), "the port that it listens on, from 1", "0")
    if network.neighbours == "all":
        return
    if settings.node.index in network.neighbours:
        found = str(settings.node.index)
        yield Finding(("network", "neighbours"), "other nodes than this one", found)
    again = repeated(network.neighbours)
    if again is not None:
        yield Finding(("network", "neighbours"), "each node once", f"{again} again")


def _check_execution(settings: NodeSettings) -> Iterator[Finding]:
    execution = settings.execution
    if not execution.processes:
        return
    if execution.scheduler == SERIAL:
        expected = "a scheduler beside it that shares transactions out"
        yield Finding(("execution", "processes"), expected, f'"{SERIAL}"')
    if execution.workers > 1:
        expected = "at most 1 with processes, which serve one block at a time"
        yield Finding(("execution", "workers"), expected, str(execution.workers))


def _check_store(settings: NodeSettings) -> Iterator[Finding]:
    if settings.store.profile not in PROFILES:
        yield unknown_name(("store", "profile"), settings.store.profile, PROFILES)
