"""Nodes that prune: what they have on disk does not grow with the chain.

The state itself does at first: the chain notes each block's hash in a slot of a contract, 8,191
of them before the first one is written over (EIP-2935). They are the rows of two tables, and not
what pruning is about.
"""

from pathlib import Path

import pytest

from sim.assembly import build_world
from sim.scenario import Scenario, load_scenario
from sim.store_meter import StoreMeter
from sim.world import World
from storage.rocks import CHAIN_SCHEMA

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "scenarios" / "soak" / "ten-thousand-blocks.toml"
SHORT = ("duration=45s", "expect.min_height=1", "chain.checkpoint_interval=8")
KEPT = ("chain.history=16", "store.state_history=8")
ALL = ("chain.history=archive", "store.state_history=archive")
SLOTS = ("state.storage", "state.trie")
FIRST, LAST = 15, 45
SECOND = 1_000_000_000


def held(world: World) -> tuple[int, int]:
    """Return rows beside those of the state's slots, and their bytes, of all nodes together."""
    sizes = [
        len(key) + len(value)
        for host in world.kernel.hosts
        for table in CHAIN_SCHEMA.tables
        if table.name not in SLOTS
        for key, value in host.store.scan(table.name)
    ]
    return len(sizes), sum(sizes)


def grown(scenario: Scenario) -> tuple[float, float, float]:
    """Return by what rows and bytes have grown in 300 blocks, and what files take beside them."""
    with build_world(scenario, 1) as world:
        world.run_until(FIRST * SECOND)
        before, height = held(world), world.head.number
        world.run_until(LAST * SECOND)
        after = held(world)
        assert world.head.number > height + 250
        for host in world.kernel.hosts:
            assert host.medium is not None
            host.medium.drive.store.compact()  # type: ignore[union-attr]
        figures = StoreMeter(world, scenario.store)
        figures.mark()
        everything = sum(host.medium.held()[1] for host in world.kernel.hosts if host.medium)
        files = figures.marks[0].file_bytes / everything
        return after[0] / before[0], after[1] / before[1], files


def test_with_pruning_rows_and_files_stay_as_they_are() -> None:
    rows, size, files = grown(load_scenario(FILE, (*SHORT, *KEPT)))
    assert rows < 1.1
    assert size < 1.1
    assert files < 3


def test_without_pruning_they_grow() -> None:
    rows, size, _ = grown(load_scenario(FILE, (*SHORT, *ALL)))
    assert rows > 1.8
    assert size > 1.8


@pytest.mark.soak
def test_ten_thousand_blocks_leave_files_flat() -> None:
    scenario = load_scenario(FILE)
    with build_world(scenario, scenario.seed) as world:
        meter = StoreMeter(world, scenario.store)
        rows: list[int] = []
        for part in range(1, 11):
            world.run_until(scenario.duration * part // 10)
            meter.mark()
            rows.append(held(world)[0])
        assert world.head.number >= 10_000
        files = [mark.file_bytes for mark in meter.marks]
        assert max(rows[2:]) < 1.1 * min(rows[2:])
        assert max(files[5:]) < 1.3 * max(files[:5])
