"""A scenario's nodes as configurations of live ones."""

import stat
from pathlib import Path

import pytest

from node.settings import NodeSettings, decode_settings, read_genesis
from primitives.genesis import genesis_hash
from primitives.keys import ValidatorKey
from sim.assembly import build_world
from sim.founding import found
from sim.live.configs import alone_elsewhere, write_network
from sim.live.layout import Layout
from sim.live.ports import plan_ports
from sim.scenario import Scenario, load_scenario
from tests.unit.sim.live.networks import ROOT, scenario

BASE = """\
name = "t"
duration = "9s"
[network]
validators = 4
followers = 6
topology = "random-regular"
degree = 2
mempool_bytes = "1MiB"
[[network.classes]]
name = "archive"
nodes = [5]
history = "archive"
state_history = "archive"
scheduler = "critical-path"
[consensus]
batch_size = 7
certificates = "bls"
[store]
engine = "rocksdb"
[[events]]
at = "1s"
kind = "committee"
add = [4]
remove = [3]
[[events]]
at = "2s"
kind = "committee"
rekey = [0, 4]
"""


def written(directory: Path, made: Scenario, seed: int = 3) -> list[NodeSettings]:
    layout, count = Layout(directory), made.network.peers
    for node in range(count):
        layout.node(node).mkdir(parents=True)
    write_network(layout, made, seed, found(made, seed), plan_ports(count, 8545, 30300))
    files = [layout.config(node) for node in range(count)]
    return [decode_settings(file.read_text(), str(file)) for file in files]


def test_genesis_is_that_of_the_virtual_run(tmp_path):
    made = scenario("", BASE)
    written(tmp_path, made, seed=3)
    with build_world(made, 3) as world:
        expected = world.environment.genesis_block.digest
    genesis = read_genesis((tmp_path / "genesis.json").read_text())
    assert genesis_hash(genesis) == expected


@pytest.mark.parametrize("name", ["quickstart", "bls", "parallel-execution"])
def test_genesis_of_shipped_scenarios_survives_its_file(tmp_path, name):
    """Those with contracts and storage among them."""
    made = load_scenario(ROOT / "scenarios" / f"{name}.toml")
    written(tmp_path, made, seed=1)
    genesis = read_genesis((tmp_path / "genesis.json").read_text())
    assert genesis_hash(genesis) == genesis_hash(found(made, 1).genesis)


def test_a_node_has_what_its_plan_says(tmp_path):
    nodes = written(tmp_path, scenario("", BASE))
    assert [each.node.role for each in nodes] == ["validator"] * 4 + ["follower"] * 6
    assert nodes[5].chain.history == "archive"
    assert nodes[5].store.state_history == "archive"
    assert nodes[5].execution.scheduler == "critical-path"
    assert nodes[4].chain.history == 1024
    assert {each.consensus.batch_size for each in nodes} == {7}
    assert {each.mempool.bytes for each in nodes} == {1 << 20}
    assert all(each.network.announce_blocks for each in nodes)
    assert all(each.rpc.admin for each in nodes)
    assert [each.rpc.port for each in nodes] == list(range(8545, 8555))


def test_everybody_dials_validators_and_its_neighbours(tmp_path):
    nodes = written(tmp_path, scenario("", BASE))
    for number, each in enumerate(nodes):
        dialled = {peer.node for peer in each.network.peers}
        assert dialled >= set(range(4)) - {number}
        assert number not in dialled
        assert each.network.neighbours != "all"
        assert dialled == (set(range(4)) | set(each.network.neighbours)) - {number}
        assert all(peer.port == 30300 + peer.node for peer in each.network.peers)


def test_without_a_topology_all_are_neighbours(tmp_path):
    (first, *_) = written(tmp_path, scenario())
    assert first.network.neighbours == "all"


def test_keys_are_those_of_the_virtual_run_and_nobody_elses_to_read(tmp_path):
    made = scenario("", BASE)
    nodes = written(tmp_path, made)
    founding = found(made, 3)
    for member in founding.keys.committee.members:
        file = tmp_path / f"node-{member.node}" / nodes[member.node].node.key
        assert ValidatorKey(bytes.fromhex(file.read_text().strip())).public_key == member.public_key
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_keys_for_later_committees_are_there(tmp_path):
    made = scenario("", BASE)
    nodes = written(tmp_path, made)
    assert nodes[0].node.spare_keys == ("node.key.1",)
    assert nodes[4].node.spare_keys == ("node.key.0", "node.key.1")
    assert nodes[5].node.spare_keys == ()
    assert nodes[0].node.vote_key == "vote.key"
    assert nodes[4].node.vote_key is None
    founding = found(made, 3)
    for node in (0, 4):
        files = [tmp_path / f"node-{node}" / name for name in nodes[node].node.spare_keys]
        seeds = [bytes.fromhex(file.read_text().strip()) for file in files]
        spare = founding.electorate.spare_keys(node)
        assert [ValidatorKey(s).public_key for s in seeds] == [k.signer.public_key for k in spare]
        assert all(file.with_name(file.name + ".vote").exists() for file in files)


def test_who_moves_a_node_is_told_of_every_file_that_it_needs(tmp_path):
    text = '[network]\nvalidators = 4\ncompression = "zstd"\n'
    packed = scenario(
        text + 'compression_dictionaries = ["PooledTransactions"]\n',
        'name = "t"\nduration = "9s"\n',
    )
    layout = Layout(tmp_path)
    assert "its directory and genesis.json beside it" in alone_elsewhere(layout, scenario(), 3)
    told = alone_elsewhere(layout, packed, 3)
    assert "its directory, genesis.json and PooledTransactions.dictionary beside it" in told
