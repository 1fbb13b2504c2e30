"""One row of `orrery bench wan`: a committee around the world whose blocks are always full.

Clients send faster than blocks can be proposed before the limit of transactions is reached.
Every node keeps a pool and gossips, and each block is executed and voted on; only checkers and
report are absent. What is measured is the simulator: wall time for a second of that network.
"""

import json
import resource
import sys
import time

from primitives.ids import Duration
from sim.assembly import build_world
from sim.run import rare_collections
from sim.scenario import Chain, Consensus, Network, Scenario, Transfers
from sim.trace import Observation

SECOND = 1_000_000_000
WARM_UP = Duration(2 * SECOND)
"""Virtual time until blocks are full; not in the figures."""
ACCOUNTS = 2_000
DEGREE = 8
"""Neighbours with whom a node gossips."""
KIBIBYTE = 1024


def scenario(nodes: int, seconds: int, batch: int, rate: int) -> Scenario:
    """Return the load as a scenario."""
    return Scenario(
        name="bench-wan",
        duration=Duration(WARM_UP + seconds * SECOND),
        network=Network(
            validators=nodes,
            topology="random-regular",
            degree=min(DEGREE, nodes - 1),
            latency="aws-13",
        ),
        consensus=Consensus(batch_size=batch, signatures="modelled"),
        chain=Chain(base_fee="fixed"),
        workload=Transfers(accounts=ACCOUNTS, rate=rate),
    )


def run(nodes: int, seconds: int, batch: int, rate: int) -> dict[str, object]:
    """Run the load and return the row.

    Args:
        nodes: validators.
        seconds: virtual seconds that are measured, after the warm-up.
        batch: transactions of a block at most.
        rate: transactions a second that clients send.
    """
    plan = scenario(nodes, seconds, batch, rate)
    world = build_world(plan, seed=1)
    sizes: dict[int, int] = {}

    def observe(observation: Observation) -> None:
        event = observation.event
        if event.name == "chain.block_committed" and observation.at_ns > WARM_UP:
            sizes.setdefault(event.height, event.transactions)  # type: ignore[attr-defined]

    world.subscribe(events=observe)
    with rare_collections():
        world.run_until(WARM_UP)
        before = world.kernel.deliveries
        started, cpu = time.perf_counter(), time.process_time()
        world.run_until(plan.duration)
        wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    delivered = world.kernel.deliveries - before
    committed = sum(sizes.values())
    return {
        "nodes": nodes,
        "batch": batch,
        "virtual_seconds": seconds,
        "blocks": len(sizes),
        "transactions_per_block": round(committed / max(1, len(sizes)), 1),
        "transactions_per_second": round(committed / seconds),
        "messages": delivered,
        "wall_seconds": round(wall, 3),
        "cpu_seconds": round(cpu, 3),
        "wall_per_virtual_second": round(wall / seconds, 3),
        "deliveries_per_second": round(delivered / wall),
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIBIBYTE,
        "digest": world.trace.digest(),
    }


if __name__ == "__main__":
    print(json.dumps(run(**json.loads(sys.argv[1]))))
