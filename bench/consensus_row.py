"""One row of `orrery bench consensus`: a committee decides a number of empty blocks.

The world is the one of `orrery run`: links with regions, jitter and queues, processors, disks,
the durability rule, trace and digest, with the fault hooks in place. Only the workload is absent:
the primary proposes an empty block at each beat, which is the textbook load of PBFT,
2n(n-1) messages for each decision.
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

BEAT = Duration(1_000_000_000)
"""Virtual time between two proposals: longer than a decision takes, so that none overlap."""
KIBIBYTE = 1024


def scenario(nodes: int, decisions: int, signatures: str) -> Scenario:
    """Return the load as a scenario."""
    return Scenario(
        name="bench-consensus",
        duration=Duration(BEAT * (decisions + 2)),
        network=Network(validators=nodes, latency="aws-13"),
        consensus=Consensus(
            empty_blocks=True,
            block_interval=BEAT,
            signatures="real" if signatures == "real" else "modelled",
        ),
        workload=Transfers(accounts=1, rate=0.001, start=BEAT, stop=Duration(BEAT + 1)),
    )


def run(nodes: int, decisions: int, signatures: str) -> dict[str, object]:
    """Build the world, let it decide, and return the row."""
    plan = scenario(nodes, decisions, signatures)
    built_at = time.perf_counter()
    world = build_world(plan, seed=1, with_clients=False)
    delivered = [0] * nodes

    def observe(observation: Observation) -> None:
        if observation.event.name == "chain.block_committed":
            delivered[observation.node] += 1
            if min(delivered) == decisions:
                world.kernel.act(world.now + BEAT // 2, world.kernel.stop)

    world.subscribe(events=observe)
    started, cpu = time.perf_counter(), time.process_time()
    with rare_collections():
        world.run_until(plan.duration)
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    if min(delivered) != decisions:
        raise AssertionError(f"expected {decisions} decisions everywhere, got {min(delivered)}")
    return {
        "nodes": nodes,
        "decisions": decisions,
        "signatures": signatures,
        "messages": world.kernel.deliveries,
        "build_seconds": round(started - built_at, 3),
        "wall_seconds": round(wall, 3),
        "cpu_seconds": round(cpu, 3),
        "deliveries_per_second": round(world.kernel.deliveries / wall),
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIBIBYTE,
        "digest": world.trace.digest(),
    }


if __name__ == "__main__":
    print(json.dumps(run(**json.loads(sys.argv[1]))))
