"""The gossip benchmark: blocks spread by announcement and fetch over a random graph.

Four validators decide empty blocks; every other node is a follower that hears of a block from a
neighbour, fetches it, checks its certificate and its execution, and announces it onward.
"""

import json
import resource
import sys
import time

from primitives.ids import Duration
from sim.assembly import build_world
from sim.run import rare_collections
from sim.scenario import Consensus, Network, Scenario, Transfers
from sim.trace import Observation

BEAT = Duration(3_000_000_000)
"""Virtual time between two proposals: enough for a block to reach every node."""
KIBIBYTE = 1024
VALIDATORS = 4


def scenario(nodes: int, blocks: int) -> Scenario:
    """Return the load as a scenario."""
    return Scenario(
        name="bench-gossip",
        duration=Duration(BEAT * (blocks + 2)),
        network=Network(
            validators=VALIDATORS,
            followers=nodes - VALIDATORS,
            topology="random-regular",
            degree=8,
            latency="simblock-6-2019",
        ),
        consensus=Consensus(empty_blocks=True, block_interval=BEAT, signatures="modelled"),
        workload=Transfers(accounts=1, rate=0.001, start=BEAT, stop=Duration(BEAT + 1)),
    )


def run(nodes: int, blocks: int) -> dict[str, object]:
    """Build the world, let every block reach every node, and return the row."""
    plan = scenario(nodes, blocks)
    world = build_world(plan, seed=1, with_clients=False)
    reached = [0] * (blocks + 2)
    first_ns = [0] * (blocks + 2)
    spread_ns: list[int] = []

    def observe(observation: Observation) -> None:
        if observation.event.name != "chain.block_committed":
            return
        height: int = observation.event.height  # type: ignore[attr-defined]
        reached[height] += 1
        if reached[height] == 1:
            first_ns[height] = observation.at_ns
        if reached[height] == nodes:
            spread_ns.append(observation.at_ns - first_ns[height])
            if height == blocks:
                world.kernel.stop()

    world.subscribe(events=observe)
    started, cpu = time.perf_counter(), time.process_time()
    with rare_collections():
        world.run_until(plan.duration)
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    if len(spread_ns) != blocks:
        raise AssertionError(f"expected {blocks} blocks everywhere, got {len(spread_ns)}")
    return {
        "nodes": nodes,
        "blocks": blocks,
        "messages": world.kernel.deliveries,
        "wall_seconds": round(wall, 3),
        "cpu_seconds": round(cpu, 3),
        "deliveries_per_second": round(world.kernel.deliveries / wall),
        "median_spread_seconds": sorted(spread_ns)[blocks // 2] / 1e9,
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIBIBYTE,
        "digest": world.trace.digest(),
    }


if __name__ == "__main__":
    print(json.dumps(run(**json.loads(sys.argv[1]))))
