"""The stores of a run: whole after it, and another node can go on from what one has exported."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from network.trace import SnapshotAdopted
from node.node import Node
from node.trace import StoreDiscarded
from sim.assembly import build_world
from sim.cli.entry import main
from sim.scenario import decode_scenario
from sim.world import World

SECOND = 1_000_000_000
TEXT = """
name = "stores"
seed = 3
duration = "6s"

[network]
validators = 4
followers = 1
topology = "full"
latency = "uniform"
latency_value = "1ms"

[chain]
checkpoint_interval = 8

[consensus]
batch_delay = "100ms"

[store]
engine = "rocksdb"

[workload]
kind = "transfers"
accounts = 20
rate = 40
"""
MOVED = 4
"""The follower."""

Answer = dict[str, Any]


def answer(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> Answer:
    assert main(["store", *map(str, arguments), "--json"]) == code
    found: Answer = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.parametrize("state", ["flat", "runs"])
def test_all_stores_of_a_run_are_whole(
    state: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "stores.toml"
    file.write_text(TEXT.replace('"rocksdb"', f'"rocksdb"\nstate = "{state}"'))
    assert main(["run", str(file), "--out", str(tmp_path / "runs")]) == 0
    capsys.readouterr()
    run = tmp_path / "runs" / "stores-3"
    summary = json.loads((run / "summary.json").read_text())
    stores = sorted((run / "store").iterdir())
    assert len(stores) == 5
    for store in stores:
        found = answer(capsys, "check", store)
        assert (found["clean"], found["findings"], found["run"]) == (True, [], str(run))
        seen = found["summary"]
        assert (seen["form"], seen["unjudged"]) == (state, 0)
        assert abs(seen["height"] - summary["height"]) <= 1
        assert seen["state_root"]


@pytest.mark.parametrize("state", ["flat", "runs"])
def test_a_node_goes_on_from_the_store_that_another_one_has_exported(
    state: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = TEXT.replace('"rocksdb"', f'"rocksdb"\nstate = "{state}"')
    (tmp_path / "scenario.toml").write_text(text)
    stores = tmp_path / "store"
    told: list[object] = []
    world = build_world(decode_scenario(text, "stores.toml"), 3, stores=stores)
    world.subscribe(lambda seen: told.append(seen.event) if seen.node == MOVED else None)
    try:
        world.run_until(3 * SECOND)
        for node in (1, MOVED):
            assert world.crash(node)
        one = answer(capsys, "export", stores / "node-001", tmp_path / "out")["manifest"]
        shutil.rmtree(stores / f"node-00{MOVED}")
        other = answer(capsys, "import", tmp_path / "out", stores / f"node-00{MOVED}")["manifest"]
        assert one["state_root"] == other["state_root"]
        for node in (1, MOVED):
            assert world.restart(node)
        assert height(world, MOVED) == one["height"] > 0
        world.run_until(6 * SECOND)
        assert height(world, MOVED) > one["height"] + 8
        assert abs(height(world, MOVED) - height(world, 0)) <= 2
        assert not any(isinstance(event, StoreDiscarded | SnapshotAdopted) for event in told)
    finally:
        world.close()
    found = answer(capsys, "check", stores / f"node-00{MOVED}")
    assert (found["clean"], found["summary"]["unjudged"]) == (True, 0)


def height(world: World, node: int) -> int:
    machine = world.node(node)
    assert isinstance(machine, Node)
    return machine.ledger.height
