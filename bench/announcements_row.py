"""Rows of `orrery bench announcements`: whole runs whose nodes tell one another of transactions.

The same networks, of four validators and followers, under the same transfers, for each `gossip`
side by side. A block comes every two seconds and takes with it what waits, so that little is
announced again. Links take 50 ms each way.

For each transaction and node there are the bytes that tell of it (announcements and rounds), and
those of its body (requests and answers, or what a mesh carries). Beside them stands when nodes had
it, from when a client had handed it over: from a neighbour, or with its block, as a node looks for
either. Times are rounded up to 10 ms.
"""

import json
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from bench.rows import measure
from node.node import Node
from node.trace import TransactionSubmitted
from primitives.ids import Duration, Hash32, Instant
from sim.assembly import build_world
from sim.run import rare_collections
from sim.scenario import Chain, Consensus, Network, Scenario, Transfers
from sim.trace import Observation, Traffic
from sim.world import World

SECOND = 1_000_000_000
STEP = SECOND // 100
RATE, LOAD_SECONDS, SECONDS = 100, 6, 10
NETWORKS = ((20, 8), (50, 8), (100, 8), (100, 16))
"""Nodes, and the neighbours of each."""
WAYS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "announce": {},
        "mesh": {"gossip": "mesh"},
        "reconcile, 1 at once": {"gossip": "reconcile", "reconcile_fanout": 1},
        "reconcile, 2 at once": {"gossip": "reconcile", "reconcile_fanout": 2},
        "reconcile, 3 at once": {"gossip": "reconcile", "reconcile_fanout": 3},
    }
)
TELLING = ("AnnounceTransactions", "AskSketch", "SketchOf", "AskMore", "Differences")
CARRYING = ("GetTransactions", "PooledTransactions")
HEADINGS: Mapping[str, str] = MappingProxyType(
    {
        "degree": "degree",
        "way": "way",
        "telling_bytes": "telling bytes",
        "body_bytes": "body bytes",
        "had_p50_ms": "had p50 ms",
        "had_p99_ms": "had p99 ms",
        "had_max_ms": "max ms",
    }
)


def scenario(nodes: int, degree: int, way: str) -> Scenario:
    """Return one run."""
    return Scenario(
        name="bench-announcements",
        duration=Duration(SECONDS * SECOND),
        network=Network(
            validators=4,
            followers=nodes - 4,
            topology="random-regular",
            degree=degree,
            latency="uniform",
            latency_value=Duration(50_000_000),
            **WAYS[way],
        ),
        consensus=Consensus(
            batch_delay=Duration(2 * SECOND),
            block_interval=Duration(2 * SECOND),
            batch_size=1_000,
            signatures="modelled",
        ),
        chain=Chain(base_fee="fixed"),
        workload=Transfers(accounts=200, rate=float(RATE), stop=Duration(LOAD_SECONDS * SECOND)),
    )


class Watch:
    """Notes when each node has each transaction, by looking at what it knows."""

    def __init__(self, world: World, nodes: int) -> None:
        self.submitted: dict[Hash32, int] = {}
        self.had_ns: list[int] = []
        self._missing: list[dict[Hash32, None]] = [{} for _ in range(nodes)]
        self._world = world

    def observe(self, observation: Observation) -> None:
        """Look for a new transaction at all nodes from now on."""
        event = observation.event
        if isinstance(event, TransactionSubmitted):
            name = Hash32(event.hash)
            self.submitted[name] = observation.at_ns
            for missing in self._missing:
                missing[name] = None

    def look(self, now: int) -> None:
        """Note who has what by now."""
        for node, missing in enumerate(self._missing):
            machine = self._world.node(node)
            if missing and isinstance(machine, Node):
                known = machine.parts.gossip.state.known
                for name in [each for each in missing if each in known]:
                    del missing[name]
                    self.had_ns.append(now - self.submitted[name])


def run(nodes: int, degree: int, way: str) -> dict[str, Any]:
    """Return one row."""
    plan = scenario(nodes, degree, way)
    sent: dict[str, int] = {}

    def traffic(each: Traffic) -> None:
        sent[each.kind] = sent.get(each.kind, 0) + each.bytes

    with build_world(plan, seed=1) as world, rare_collections():
        watch = Watch(world, nodes)
        world.subscribe(events=watch.observe, traffic=traffic)
        for now in range(STEP, plan.duration + 1, STEP):
            world.run_until(Instant(now))
            watch.look(now)
    count, had = len(watch.submitted), sorted(watch.had_ns)
    if count < RATE * LOAD_SECONDS // 2 or len(had) != count * nodes:
        raise AssertionError(f"expected {count * nodes} to be had everywhere, got {len(had)}")
    mesh = sum(size for kind, size in sent.items() if kind.startswith("Mesh"))
    carried = mesh + sum(sent.get(kind, 0) for kind in CARRYING)
    told = sum(sent.get(kind, 0) for kind in TELLING)
    return {
        "nodes": nodes,
        "degree": degree,
        "way": way,
        "telling_bytes": round(told / count / nodes),
        "body_bytes": round(carried / count / nodes),
        "had_p50_ms": had[len(had) // 2] // 1_000_000,
        "had_p99_ms": had[len(had) * 99 // 100] // 1_000_000,
        "had_max_ms": had[-1] // 1_000_000,
    }


def bench_announcements() -> dict[str, Any]:
    """Transactions announced to all neighbours, sent over a mesh, or announced by reconciling."""
    return {
        "rows": [
            measure("bench.announcements_row", {"nodes": nodes, "degree": degree, "way": way})
            for nodes, degree in NETWORKS
            for way in WAYS
        ]
    }


if __name__ == "__main__":
    print(json.dumps(run(**json.loads(sys.argv[1]))))
