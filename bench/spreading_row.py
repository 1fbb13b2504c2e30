"""Rows of `orrery bench spreading`: whole runs whose blocks, or transactions, take another way.

The same committee on links of 100 Mbit/s with 20 ms each way, for each way side by side. Clients
hand over transactions of 116 kB, nine of which make a block of 1 MiB at a time.

For each block there are the bytes of what carries it, in the rows of blocks, or its transactions
before it, in the others: at the primary's uplink, and of all nodes together. Beside them stands
when two thirds of the committee, and when all, had it final, from when it was built.
"""

import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bench.rows import measure
from node.trace import BlockBuiltTraced, BlockCommitted
from primitives.ids import Address, Duration, Gas, Wei
from primitives.transaction import DynamicFeeTransaction, encode_transaction, sign_transaction
from sim.assembly import build_world
from sim.run import rare_collections
from sim.scenario import Chain, Consensus, Network, Replay, Scenario
from sim.trace import Observation, Traffic

SECOND, MEGA = 1_000_000_000, 1e6
BLOCKS, PER_BLOCK, DATA_BYTES = 3, 9, 116_000
COMMITTEES = (16, 100)
EVERY: Mapping[int, int] = MappingProxyType({16: 4, 100: 12})
"""Seconds from one block to the next, by committee: a primary needs eight to send to a hundred."""
GAS = 1_500_000
GWEI = 1_000_000_000
CARRIERS = {
    "blocks": ("PrePrepare", "BlockShred", "GetShreds", "GetProposal", "Proposal"),
    "transactions": ("AnnounceTransactions", "GetTransactions", "PooledTransactions"),
}
MESH = ("MeshPayload", "MeshHave", "MeshWant", "MeshDontWant", "MeshGraft", "MeshPrune")
WAYS: Mapping[str, tuple[str, Mapping[str, str]]] = MappingProxyType(
    {
        "direct": ("blocks", {}),
        "mesh": ("blocks", {"dissemination": "mesh"}),
        "tree": ("blocks", {"dissemination": "tree"}),
        "announce": ("transactions", {}),
        "gossip mesh": ("transactions", {"gossip": "mesh"}),
    }
)
HEADINGS: Mapping[str, str] = MappingProxyType(
    {
        "what": "of",
        "way": "way",
        "block_mb": "block MB",
        "primary_mb": "primary sends MB",
        "total_mb": "all send MB",
        "quorum_ms": "quorum ms",
        "all_ms": "all ms",
    }
)


def transactions(count: int) -> list[str]:
    """Return signed transactions with much data, in hex."""
    made = []
    for nonce in range(count):
        bare = DynamicFeeTransaction(
            chain_id=Chain().chain_id,
            nonce=nonce,
            max_priority_fee_per_gas=Wei(GWEI),
            max_fee_per_gas=Wei(100 * GWEI),
            gas_limit=Gas(GAS),
            to=Address(bytes(19) + b"\x99"),
            value=Wei(1),
            data=bytes(DATA_BYTES),
        )
        made.append(encode_transaction(sign_transaction(bare, b"\x07" * 32)).hex())
    return made


def scenario(nodes: int, keys: Mapping[str, str], file: Path) -> Scenario:
    """Return one run."""
    network: dict[str, Any] = dict(keys)
    if nodes > COMMITTEES[0]:
        network |= {"topology": "random-regular", "degree": 8}
    return Scenario(
        name="bench-spreading",
        duration=Duration((BLOCKS + 1) * EVERY[nodes] * SECOND),
        network=Network(
            validators=nodes,
            latency="uniform",
            latency_value=Duration(20_000_000),
            bandwidth_up=100_000_000,
            bandwidth_down=100_000_000,
            **network,
        ),
        consensus=Consensus(
            batch_size=PER_BLOCK,
            batch_delay=Duration(20 * SECOND),
            request_timeout=Duration(30 * SECOND),
            signatures="modelled",
        ),
        chain=Chain(base_fee="fixed"),
        workload=Replay(replay=str(file), rate=PER_BLOCK / EVERY[nodes], start=Duration(SECOND)),
    )


def run(nodes: int, way: str) -> dict[str, Any]:
    """Return one row."""
    what, keys = WAYS[way]
    carriers = CARRIERS[what]
    if "mesh" in keys.values():
        carriers = (*MESH, "GetProposal", "Proposal", *carriers)
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "transactions"
        file.write_text("\n".join(transactions(BLOCKS * PER_BLOCK)))
        plan = scenario(nodes, keys, file)
        world = build_world(plan, seed=1)
    sent = [0] * nodes
    built: dict[bytes, tuple[int, int]] = {}
    final: dict[bytes, list[int]] = {}
    sizes: list[int] = []

    def traffic(each: Traffic) -> None:
        if each.kind in carriers:
            sent[each.node] += each.bytes

    def observe(observation: Observation) -> None:
        event = observation.event
        if isinstance(event, BlockBuiltTraced):
            built[event.digest] = observation.node, observation.at_ns
        elif isinstance(event, BlockCommitted):
            final.setdefault(event.digest, []).append(observation.at_ns)
            if len(final[event.digest]) == 1:
                sizes.append(event.bytes)

    world.subscribe(events=observe, traffic=traffic)
    with rare_collections():
        world.run_until(plan.duration)
    whole = [digest for digest, times in final.items() if len(times) == nodes]
    if len(whole) < BLOCKS - 1:
        raise AssertionError(f"expected {BLOCKS - 1} blocks everywhere, got {len(whole)}")
    quorum = -(-2 * nodes // 3)
    primary = built[whole[0]][0]
    count = len(built)
    times = [sorted(at - built[digest][1] for at in final[digest]) for digest in whole]
    return {
        "nodes": nodes,
        "what": what,
        "way": way,
        "block_mb": round(sum(sizes) / len(sizes) / MEGA, 2),
        "primary_mb": round(sent[primary] / MEGA / count, 1),
        "total_mb": round(sum(sent) / MEGA / count, 1),
        "quorum_ms": round(sum(each[quorum - 1] for each in times) / len(times) / 1e6),
        "all_ms": round(sum(each[-1] for each in times) / len(times) / 1e6),
    }


def bench_spreading() -> dict[str, Any]:
    """Blocks directly, over a mesh and down trees; transactions announced, and over a mesh."""
    return {
        "rows": [
            measure("bench.spreading_row", {"nodes": nodes, "way": way})
            for nodes in COMMITTEES
            for way in WAYS
        ]
    }


if __name__ == "__main__":
    print(json.dumps(run(**json.loads(sys.argv[1]))))
