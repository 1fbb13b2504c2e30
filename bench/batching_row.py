"""One row of `orrery bench batching`: latency and throughput of one way to batch, at one load.

All figures are virtual, so they depend on no machine: committees around the world, decided by the
same clock. Ratios to the large fixed batch of the same load stand beside them.
"""

import json
import sys

from primitives.ids import Duration
from sim.run import run_scenario
from sim.scenario import Chain, Consensus, Measure, Network, Scenario, Transfers

SECOND = 1_000_000_000
MILLISECOND = 1_000_000
WARM_UP, COOL_DOWN = Duration(3 * SECOND), Duration(SECOND)
BATCH = 100
POLICIES = {
    "fixed-small": Consensus(batch_size=10, batch_delay=Duration(20 * MILLISECOND)),
    "fixed-large": Consensus(batch_size=BATCH, batch_delay=Duration(500 * MILLISECOND)),
    "adaptive": Consensus(
        batching="adaptive", batch_size=BATCH, batch_delay=Duration(500 * MILLISECOND)
    ),
}
"""Small batches wait 20 ms for 10 transactions, large ones 500 ms for 100; `adaptive` has the
limits of the large ones."""


def scenario(policy: str, nodes: int, rate: int, seconds: int) -> Scenario:
    """Return the load as a scenario."""
    given = POLICIES[policy]
    return Scenario(
        name=f"bench-batching-{policy}",
        duration=Duration(WARM_UP + seconds * SECOND + COOL_DOWN),
        network=Network(validators=nodes, latency="aws-13"),
        consensus=Consensus(
            batching=given.batching,
            batch_size=given.batch_size,
            batch_delay=given.batch_delay,
            signatures="modelled",
        ),
        chain=Chain(base_fee="fixed"),
        workload=Transfers(accounts=1_000, rate=float(rate)),
        measure=Measure(warm_up=WARM_UP, cool_down=COOL_DOWN),
    )


def run(policy: str, nodes: int, rate: int, seconds: int) -> dict[str, object]:
    """Run the load and return the row.

    Args:
        policy: a key of `POLICIES`.
        nodes: validators.
        rate: transactions a second that clients send.
        seconds: virtual seconds that are measured.
    """
    result = run_scenario(scenario(policy, nodes, rate, seconds), seed=1)
    if result.violation is not None:
        raise AssertionError(f"a checker objects: {result.violation}")
    latency = result.confirmation_time_seconds
    return {
        "policy": policy,
        "nodes": nodes,
        "rate": rate,
        "transactions_per_second": round(result.tps),
        "p50_seconds": round(latency.p50 or 0.0, 3),
        "p99_seconds": round(latency.p99 or 0.0, 3),
        "blocks": result.blocks,
        "transactions_per_block": round(result.transactions / max(1, result.blocks), 1),
        "messages": result.messages,
    }


if __name__ == "__main__":
    print(json.dumps(run(**json.loads(sys.argv[1]))))
