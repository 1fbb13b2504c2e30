"""What holds the nodes' rows does not show, and what befalls disks is harmless."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from sim.assembly import build_world
from sim.run import run_scenario
from sim.scenario import Scenario, decode_table, load_scenario
from sim.scenario.disk_checks import DiskEvent
from sim.stores import STORES
from storage.rocks import CHAIN_SCHEMA, CorruptStore, RocksStore, StoreInUse, profile

ROOT = Path(__file__).resolve().parents[2]
DISKS = ROOT / "scenarios" / "disks.toml"
SECOND = 1_000_000_000
QUICK = "consensus.signatures=modelled"


def small(engine: str, state: str, **changes: object) -> Scenario:
    """Return five seconds of four nodes, one of which crashes twice."""
    table: dict[str, object] = {
        "name": "small",
        "duration": "6s",
        "network": {"validators": 4, "latency": "uniform", "latency_value": "5ms", "disk": "ssd"},
        "consensus": {"signatures": "modelled", "request_timeout": "500ms"},
        "chain": {"base_fee": "fixed", "checkpoint_interval": 4, "history": 8},
        "workload": {"kind": "transfers", "rate": 30, "accounts": 40},
        "store": {"engine": engine, "state": state},
        "events": [
            {"kind": "crash", "at": "2s", "node": 1, "unsynced": "some", "for": "500ms"},
            {"kind": "crash", "at": "3s", "node": "primary", "unsynced": "kept", "for": "1s"},
            {"kind": "crash", "at": "4500ms", "node": 2, "unsynced": "torn", "for": "200ms"},
        ],
    }
    return decode_table({**table, **changes}, "small")


def digest(scenario: Scenario, stores: Path | None = None) -> str:
    with build_world(scenario, 1, stores=stores) as world:
        world.run_until(scenario.duration)
        assert world.head.number > 20
        return world.trace.digest()


@pytest.mark.parametrize("state", ["runs", "flat"])
def test_the_engine_is_no_part_of_a_run(state: str, tmp_path: Path) -> None:
    memory = digest(small("memory", state))
    assert digest(small("rocksdb", state)) == memory
    assert digest(small("rocksdb", state), tmp_path / "elsewhere") == memory


def test_isolated_nodes_read_their_files_and_come_to_the_same() -> None:
    shared = digest(small("rocksdb", "flat"))
    assert digest(small("rocksdb", "flat", fidelity="isolated")) == shared


CODE = """
import json, sys
from pathlib import Path
from sim.run import run_scenario
from sim.scenario import load_scenario
scenario = load_scenario(Path(sys.argv[1]), sys.argv[2:])
result = run_scenario(scenario, seed=1)
print(json.dumps([result.digest, result.height, result.passed]))
"""


def outcome(hash_seed: str, *overrides: str) -> list[object]:
    """Return digest, height and whether all was well, from a process of its own."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", CODE, str(DISKS), *overrides]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=ROOT, env=environment
    )
    found: list[object] = json.loads(done.stdout)
    return found


@pytest.mark.slow
def test_disks_come_to_the_same_in_memory_and_in_files_whatever_the_hash_seed() -> None:
    files = outcome("1", QUICK)
    assert files[2] is True
    assert outcome("4242", QUICK, "store.engine=memory", "store.state=flat") == files


def test_every_kind_of_event_on_disks_is_in_it() -> None:
    scenario = load_scenario(DISKS)
    present = {type(event) for event in scenario.events}
    assert present >= set(get_args(DiskEvent))
    assert any(getattr(event, "unsynced", "") == "torn" for event in scenario.events)


def test_files_are_kept_where_they_are_asked_for_and_hold_the_chain(tmp_path: Path) -> None:
    result = run_scenario(
        small("rocksdb", "flat"), seed=1, run_directory=tmp_path, keep_stores=True
    )
    nodes = sorted((tmp_path / STORES).iterdir())
    assert [node.name for node in nodes] == ["node-000", "node-001", "node-002", "node-003"]
    for node in nodes:
        with RocksStore(node, profile("small")) as store:
            assert store.verify() == ()
            heights = [int.from_bytes(key, "big") for key, _ in store.scan("chain.blocks")]
            assert heights[-1] >= result.height - 1
    storage = result.storage
    assert storage is not None
    assert storage.files is not None
    assert storage.files.write_amplification > 1
    assert (storage.engine, storage.state) == ("rocksdb", "flat")
    assert storage.rows > 0
    assert len(storage.marks) == 20
    # The next run clears them, also if it has no files.
    run_scenario(small("memory", "runs"), seed=1, run_directory=tmp_path, keep_stores=True)
    assert not (tmp_path / STORES).exists()


def test_files_of_a_closed_world_are_free_and_those_of_nobody_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    scenario = small("rocksdb", "runs")
    with build_world(scenario, 1, stores=tmp_path / "kept") as world:
        world.run_until(SECOND)
        with pytest.raises(StoreInUse):
            RocksStore(tmp_path / "kept" / "node-000", profile("small"))
    with build_world(scenario, 1) as world:
        world.run_until(SECOND)
        assert len(list((tmp_path / "temporary").iterdir())) == 1
    assert list((tmp_path / "temporary").iterdir()) == []
    world.close()
    RocksStore(tmp_path / "kept" / "node-000", profile("small")).close()
    handles = [str(each.resolve()) for each in Path("/proc/self/fd").iterdir()]
    assert not [name for name in handles if str(tmp_path) in name]


@pytest.mark.parametrize("kind", ["*.log", "*.sst", "MANIFEST-*", "CURRENT"])
def test_a_flipped_byte_of_any_file_is_never_served(kind: str, tmp_path: Path) -> None:
    """A node whose real files are damaged begins anew or stays down, and the others go on."""
    scenario = small("rocksdb", "flat", events=[], fidelity="isolated")
    with build_world(scenario, 1, stores=tmp_path / "s") as world:
        seen: list[tuple[int, str]] = []
        world.subscribe(events=lambda o: seen.append((o.node, o.event.name)))
        world.run_until(2 * SECOND)
        if kind == "*.sst":
            medium = world.kernel.hosts[3].medium
            assert medium is not None
            medium.drive.store.compact()  # type: ignore[union-attr]
        world.crash(3)
        files = sorted((tmp_path / "s" / "node-003").glob(kind), key=lambda f: f.stat().st_size)
        data = bytearray(files[-1].read_bytes())
        data[len(data) // 2] ^= 0x20
        files[-1].write_bytes(data)
        started = world.restart(3)
        world.run_until(scenario.duration)
        told = [name for node, name in seen if node == 3]
        assert "fault.damaged_store" in told or "store.discarded" in told
        assert started or told[-1] == "fault.damaged_store"
        heights = {world.node(node).ledger.height for node in range(4) if world.is_live(node)}
        assert max(heights) - min(heights) <= 2
        for node in range(3):
            assert world.is_live(node)


def test_the_trace_names_a_damaged_file_and_not_where_it_lies(tmp_path: Path) -> None:
    """A path of this machine would make the digest another one in each directory."""
    with build_world(small("rocksdb", "flat", events=[]), 1, stores=tmp_path) as world:
        reasons: list[str] = []
        world.subscribe(
            events=lambda o: (
                reasons.append(o.event.reason)  # type: ignore[attr-defined]
                if o.event.name == "store.discarded"
                else None
            )
        )
        world.run_until(SECOND)
        medium = world.kernel.hosts[3].medium
        assert medium is not None
        medium.drive.store.compact()  # type: ignore[union-attr]
        world.crash(3)
        tables = sorted((tmp_path / "node-003").glob("*.sst"), key=lambda f: f.stat().st_size)
        data = bytearray(tables[-1].read_bytes())
        data[20] ^= 0x20
        tables[-1].write_bytes(data)
        world.restart(3)
        world.run_until(2 * SECOND)
    assert tables[-1].name in reasons[0]
    assert str(tmp_path) not in reasons[0]


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    assert {table.name for table in CHAIN_SCHEMA.tables} >= {"chain.blocks", "consensus"}
    with build_world(small("rocksdb", "runs", events=[]), 1, stores=tmp_path) as world:
        world.run_until(2 * SECOND)
        world.crash(0)
        log = max((tmp_path / "node-000").glob("*.log"), key=lambda file: file.stat().st_size)
        data = bytearray(log.read_bytes())
        data[len(data) // 2] ^= 1
        log.write_bytes(data)
        with pytest.raises(CorruptStore, match=log.name):
            world.kernel.make(0)
