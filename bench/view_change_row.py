"""One row of `orrery bench view-change`: the primary of a loaded committee dies.

Blocks are in flight when it happens, so VIEW-CHANGEs carry certificates and the NEW-VIEW carries
a quorum of them, as in a real failure. Virtual time counts from the crash to the next block that
somebody commits; most of it is the patience of the request timer, which is shown apart.
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
CRASH_AT = Duration(3 * SECOND)
PATIENCE = Duration(2 * SECOND)
"""Of the request timer, and of the view change's own."""
PATIENCE_TOTAL = 20 * PATIENCE
"""Virtual time after which the row gives up: several view changes have failed by then."""
DEGREE = 8
"""Neighbours with whom a node gossips."""
KIBIBYTE = 1024


def scenario(nodes: int, rate: int, signatures: str) -> Scenario:
    """Return the load as a scenario."""
    return Scenario(
        name="bench-view-change",
        duration=Duration(CRASH_AT + PATIENCE_TOTAL),
        network=Network(
            validators=nodes,
            topology="random-regular",
            degree=min(DEGREE, nodes - 1),
            latency="aws-13",
        ),
        consensus=Consensus(
            request_timeout=PATIENCE,
            view_change_timeout=PATIENCE,
            block_interval=Duration(SECOND // 10),
            batch_delay=Duration(SECOND // 20),
            signatures="real" if signatures == "real" else "modelled",
        ),
        chain=Chain(base_fee="fixed"),
        workload=Transfers(accounts=100, rate=rate),
    )


class Watch:
    """Notes what happens after the crash, until everybody who lives has a block of the new view."""

    def __init__(self, living: int) -> None:
        self._living = living
        self._reached: set[int] = set()
        self.entered_ns: int | None = None
        """When the first replica entered a new view."""
        self.first_ns: int | None = None
        """When the first node committed a block that the new view decided."""
        self.last_ns: int | None = None
        """When the last one did."""

    def observe(self, observation: Observation) -> None:
        """Look at one event."""
        event = observation.event
        if event.name == "consensus.view_entered" and event.view:  # type: ignore[attr-defined]
            self.entered_ns = self.entered_ns or observation.at_ns
        elif event.name == "chain.block_committed" and event.view:  # type: ignore[attr-defined]
            self.first_ns = self.first_ns or observation.at_ns
            self._reached.add(observation.node)
            if len(self._reached) == self._living:
                self.last_ns = self.last_ns or observation.at_ns


def run(nodes: int, rate: int, signatures: str) -> dict[str, object]:
    """Let the primary die, wait for the next block everywhere, and return the row.

    Args:
        nodes: validators.
        rate: transactions a second that clients send.
        signatures: "real" or "modelled".
    """
    plan = scenario(nodes, rate, signatures)
    world = build_world(plan, seed=1)
    watch = Watch(nodes - 1)

    def observe(observation: Observation) -> None:
        watch.observe(observation)
        if watch.last_ns is not None:
            world.kernel.stop()

    world.subscribe(events=observe)
    with rare_collections():
        world.run_until(CRASH_AT)
        before = world.kernel.deliveries
        world.crash(world.primary())
        started, cpu = time.perf_counter(), time.process_time()
        world.run_until(plan.duration)
        wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    if watch.entered_ns is None or watch.first_ns is None or watch.last_ns is None:
        raise AssertionError(f"expected a new view and a block of it, got {vars(watch)}")
    return {
        "nodes": nodes,
        "signatures": signatures,
        "view": world.view,
        "patience_seconds": PATIENCE / SECOND,
        "new_view_seconds": _since_crash(watch.entered_ns),
        "next_commit_seconds": _since_crash(watch.first_ns),
        "everywhere_seconds": _since_crash(watch.last_ns),
        "messages": world.kernel.deliveries - before,
        "wall_seconds": round(wall, 3),
        "cpu_seconds": round(cpu, 3),
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIBIBYTE,
        "digest": world.trace.digest(),
    }


def _since_crash(at_ns: int) -> float:
    return round((at_ns - CRASH_AT) / SECOND, 3)


if __name__ == "__main__":
    print(json.dumps(run(**json.loads(sys.argv[1]))))
