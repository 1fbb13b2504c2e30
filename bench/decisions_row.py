"""Rows of `orrery bench decisions`: what deciding one block sends, for each way to send blocks.

Whole runs of the same committee under the same load, one for each way, side by side. Clients hand
transactions to all nodes alike, gossip spreads them, and a block takes those of one second. Bytes
are those of frames on links, all copies together, in the window after the warm-up. Those of votes
and of gossip stand apart, because no way to send blocks changes them (compression does).
"""

import json
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from bench.rows import measure
from primitives.ids import Duration
from sim.assembly import build_world
from sim.report.compact import CompactLedger
from sim.run import rare_collections
from sim.scenario import Chain, Consensus, Network, Scenario, Transfers
from sim.scenario.load_contracts import MainnetLike
from sim.trace import Observation, Traffic

SECOND = 1_000_000_000
WARM_UP, SECONDS = Duration(3 * SECOND), 5
BLOCK, DEGREE, ACCOUNTS = 500, 8, 2_000
COMMITTEES = (4, 16, 100)
WAYS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "full": {},
        "full, lz4": {"compression": "lz4"},
        "full, zstd": {"compression": "zstd"},
        "compact": {"blocks": "compact"},
        "compact, zstd": {"blocks": "compact", "compression": "zstd"},
    }
)
LOADS = ("transfers", "calls")
BLOCKS = (
    "PrePrepare",
    "CompactProposal",
    "GetBlockTransactions",
    "BlockTransactions",
    "GetWholeBlock",
    "WholeBlock",
    "GetProposal",
    "Proposal",
)
VOTES = ("Prepare", "Commit")
GOSSIP = ("AnnounceTransactions", "GetTransactions", "PooledTransactions")

HEADINGS: Mapping[str, str] = MappingProxyType(
    {
        "load": "load",
        "way": "blocks",
        "block_kb": "block kB",
        "proposal_kb": "proposals kB",
        "of_full_percent": "of full %",
        "vote_kb": "votes kB",
        "gossip_kb": "gossip kB",
        "held_percent": "held %",
        "at_once_percent": "at once %",
        "interval_ms": "block ms",
    }
)


def scenario(nodes: int, load: str, way: str) -> Scenario:
    """Return one run."""
    network = Network(
        validators=nodes,
        topology="random-regular" if nodes > DEGREE + 1 else "full",
        degree=DEGREE if nodes > DEGREE + 1 else None,
        latency="uniform",
        latency_value=Duration(5_000_000),
    )
    kind = Transfers if load == "transfers" else MainnetLike
    return Scenario(
        name="bench-decisions",
        duration=Duration(WARM_UP + SECONDS * SECOND),
        network=msgspec.structs.replace(network, **WAYS[way]),
        consensus=Consensus(
            batch_size=BLOCK,
            batch_delay=Duration(SECOND),
            block_interval=Duration(SECOND),
            signatures="modelled",
        ),
        chain=Chain(base_fee="fixed"),
        workload=kind(accounts=ACCOUNTS, rate=BLOCK, spacing="fixed"),
    )


def run(nodes: int, load: str, way: str) -> dict[str, Any]:
    """Return one row.

    Args:
        nodes: validators.
        load: one of `LOADS`.
        way: one of `WAYS`.
    """
    plan = scenario(nodes, load, way)
    world = build_world(plan, seed=1)
    sent: dict[str, int] = {}
    blocks: dict[int, tuple[int, int, int]] = {}
    compact = CompactLedger(nodes)

    def traffic(each: Traffic) -> None:
        if each.at_ns > WARM_UP:
            sent[each.kind] = sent.get(each.kind, 0) + each.bytes

    def observe(observation: Observation) -> None:
        event: Any = observation.event
        if observation.at_ns <= WARM_UP:
            return
        if event.name == "chain.block_committed":
            found = (observation.at_ns, event.transactions, event.bytes)
            blocks.setdefault(event.height, found)
        elif event.name == "compact.rebuilt":
            compact.on_rebuilt(observation.node, event)

    world.subscribe(events=observe, traffic=traffic)
    with rare_collections():
        world.run_until(plan.duration)
    count = len(blocks)
    if count < 2:
        raise AssertionError(f"expected blocks, got {count}")
    times = sorted(at for at, _, _ in blocks.values())
    figures = compact.figures()
    return {
        "nodes": nodes,
        "load": load,
        "way": way,
        "transactions": round(sum(each[1] for each in blocks.values()) / count),
        "block_kb": _kb(sum(each[2] for each in blocks.values()), count),
        "proposal_kb": _kb(sum(sent.get(kind, 0) for kind in BLOCKS), count),
        "vote_kb": _kb(sum(sent.get(kind, 0) for kind in VOTES), count),
        "gossip_kb": _kb(sum(sent.get(kind, 0) for kind in GOSSIP), count),
        "held_percent": None if figures is None else round(100 * figures.hit_rate, 1),
        "at_once_percent": None
        if figures is None
        else round(100 * figures.at_once / figures.blocks),
        "interval_ms": round((times[-1] - times[0]) / (count - 1) / 1e6),
    }


def _kb(size: int, blocks: int) -> float:
    return round(size / blocks / 1e3, 1)


def bench_decisions() -> dict[str, Any]:
    """Bytes of a decision with whole, compressed and compact blocks, at three sizes."""
    rows = []
    for nodes in COMMITTEES:
        for load in LOADS:
            ways = [
                measure("bench.decisions_row", {"nodes": nodes, "load": load, "way": way})
                for way in WAYS
            ]
            full = ways[0]["proposal_kb"]
            rows += [
                {**row, "of_full_percent": round(100 * row["proposal_kb"] / full, 1)}
                for row in ways
            ]
    return {"rows": rows}


if __name__ == "__main__":
    print(json.dumps(run(**json.loads(sys.argv[1]))))
