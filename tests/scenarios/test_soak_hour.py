"""An hour of rolling restarts on lossy links: nothing grows, all agree, nothing is lost.

The checkers of a run watch: agreement at the end, and `stranded`, for whom a transaction that a
node admitted and that stayed up must be on the chain. Memory is looked at every ten minutes, once
everything is warm: what each node keeps, what its disk holds, what the process takes.
"""

import gc
import time
from pathlib import Path

import msgspec
import pytest

from node.node import Node
from sim.assembly import build_world
from sim.checkers import CheckerSuite
from sim.report.collect import Collector
from sim.run import rare_collections, run_checkers, run_shape
from sim.scenario import Scenario, load_scenario
from sim.trace import Observation
from sim.world import World
from storage.memory import MemoryStore

ROOT = Path(__file__).resolve().parents[2]
MINUTE = 60 * 10**9
PAGE_KIB = 4


class Holdings(msgspec.Struct, frozen=True):
    """What is kept at one instant; the greatest of all nodes."""

    minute: int
    height: int
    blocks: int
    """Final blocks that a node holds."""
    undecided: int
    """Executed blocks above its head."""
    rows: int
    """Rows of its store."""
    disk: int
    """Bytes of its store."""
    pooled: int
    """Transactions in its pool."""
    requests: int
    """Computations under way."""
    resident: int
    """Memory of the process, MiB."""


def resident_mib() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * PAGE_KIB // 1024


def holdings(world: World) -> Holdings:
    gc.collect()
    nodes = [machine for machine in world.nodes if isinstance(machine, Node)]
    stores = [host.store for host in world.kernel.hosts]
    assert all(isinstance(store, MemoryStore) for store in stores)
    return Holdings(
        minute=world.now // MINUTE,
        height=world.head.number,
        blocks=max(n.ledger.height - n.ledger.lowest + 1 for n in nodes),
        undecided=max(n.ledger.undecided for n in nodes),
        rows=max(store.row_count() for store in stores),  # type: ignore[attr-defined]
        disk=max(store.byte_count() for store in stores),  # type: ignore[attr-defined]
        pooled=max(len(n.pool) for n in nodes),
        requests=max(len(n.parts.requests) for n in nodes),
        resident=resident_mib(),
    )


def soak(scenario: Scenario, seed: int) -> tuple[list[Holdings], list[int]]:
    """Run a scenario with all that `orrery run` has; return holdings and states adopted."""
    world = build_world(scenario, seed)
    collector = Collector(run_shape(scenario, world), world.blocks)
    world.subscribe_honest(collector.observe)
    world.subscribe(traffic=collector.traffic)
    suite = CheckerSuite(run_checkers(scenario, world))
    world.subscribe_honest(suite.consumer(world))
    adopted: list[int] = []

    def note(observation: Observation) -> None:
        if observation.event.name == "sync.snapshot_adopted":
            adopted.append(observation.event.height)  # type: ignore[attr-defined]

    world.subscribe(events=note)
    seen = []
    with rare_collections():
        for at in range(10 * MINUTE, scenario.duration + 1, 10 * MINUTE):
            world.run_until(at)
            seen.append(holdings(world))
    violation = suite.finish(world)
    assert violation is None, violation
    return seen, adopted


@pytest.mark.soak
def test_an_hour_of_rolling_restarts_keeps_memory_flat() -> None:
    scenario = load_scenario(ROOT / "scenarios" / "soak" / "hour.toml")
    started = time.perf_counter()
    seen, adopted = soak(scenario, scenario.seed)
    for each in seen:
        print(msgspec.structs.asdict(each))
    print(f"{len(adopted)} states adopted, {time.perf_counter() - started:.0f} s of wall time")
    first, last = seen[0], seen[-1]
    chain = scenario.chain
    assert isinstance(chain.history, int)
    kept = chain.history + 2 * chain.checkpoint_interval
    assert last.height > 5 * first.height
    assert len(adopted) > 5
    for each in seen:
        assert each.blocks <= kept
        assert each.undecided <= 2 * scenario.consensus.pipeline_depth
        assert each.requests <= 64
        assert each.rows <= 4 * kept
    later = seen[1:]
    assert max(each.disk for each in later) <= 2 * min(each.disk for each in later)
    # The process's caches are full after half an hour; then only what the report keeps of each
    # block and second grows, in numbers.
    warm = next(each for each in seen if each.minute >= 40)
    assert last.resident - warm.resident <= 12
