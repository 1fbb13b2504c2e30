"""From a scenario to a world: every key arrives where it takes effect."""

from collections.abc import Mapping

import msgspec
import pytest

from consensus.batching import Adaptive, BatchLimits
from consensus.params import ConsensusParams
from consensus.replica import Replica
from network.topology import Position
from node.node import Node
from node.settings.node import fee_recipient
from primitives.keys import ValidatorKey
from primitives.machine import Machine
from primitives.params import ChainParams
from sim import assembly, factory
from sim.assembly import build_world, consensus_params
from sim.founding import chain_params
from sim.hosts.disk import Disk, DiskSpec
from sim.kernel.host import Host
from sim.liars import LiarContext
from sim.profile import load_profile
from sim.randomness import generator
from sim.scenario import Scenario, decode_scenario, place_nodes
from sim.scenario.consensus import Chain, Consensus
from sim.scenario.network import NodeClass
from sim.signatures import ModelledKey, validator_seed
from sim.world import World

SCENARIO = """
name = "small"
duration = "30s"

[network]
validators = 4
followers = 2

[workload]
rate = 20
accounts = 10
"""

SECOND = 1_000_000_000
CONSENSUS = {
    "request_timeout": ("3s", 3 * SECOND),
    "view_change_timeout": ("5s", 5 * SECOND),
    "timeout_doublings": ("6", 6),
    "repair_interval": ("2s", 2 * SECOND),
    "batching": ("adaptive", Adaptive()),
    "batch_size": ("77", 77),
    "batch_bytes": ("64KiB", 65_536),
    "batch_gas": ("630000", 630_000),
    "batch_delay": ("90ms", 90_000_000),
    "pipeline_depth": ("3", 3),
    "block_interval": ("1s", SECOND),
    "empty_blocks": ("true", True),
    "fast_confirmation": ("true", True),
    "window": ("40", 40),
}
"""Keys of `[consensus]`, each with a value that is not its default: as written, as decoded."""
LIMITS = {"batch_size": "count", "batch_bytes": "byte_count", "batch_gas": "gas"}
CHAIN = {
    "chain_id": ("5", 5, "chain_id"),
    "gas_limit": ("9000000", 9_000_000, "gas_limit"),
    "base_fee": ("fixed", "fixed", "base_fee_rule"),
    "base_fee_initial": ("3 gwei", 3 * 10**9, "base_fee_initial"),
    "elasticity": ("4", 4, "elasticity"),
    "base_fee_change_denominator": ("16", 16, "base_fee_change_denominator"),
    "timestamp_rule": ("strict", "strict", "timestamp_rule"),
    "max_block_bytes": ("1MiB", 2**20, "max_block_bytes"),
    "block_access_list": ("true", True, "block_access_list"),
    "checkpoint_interval": ("16", 16, "checkpoint_interval"),
}
"""The same of `[chain]`, with the field of `ChainParams`."""


def scenario(text: str = "", /, **overrides: str) -> Scenario:
    """Return the small scenario with `section__key="value"` changed and `text` behind it."""
    changes = [f"{key.replace('__', '.')}={value}" for key, value in overrides.items()]
    return decode_scenario(SCENARIO + text, overrides=changes)


def world(text: str = "", /, **overrides: str) -> World:
    return build_world(scenario(text, **overrides), seed=1)


def changed_fields(params: object, defaults: object) -> Mapping[str, object]:
    names = [name for name in dir(defaults) if not name.startswith("_")]
    return {
        name: getattr(params, name)
        for name in names
        if not callable(getattr(params, name)) and getattr(params, name) != getattr(defaults, name)
    }


# ---------------------------------------------------------------- parameters


@pytest.mark.parametrize(("written", "kept"), [("0", 0), ("archive", None), ("7", 7)])
def test_history_is_each_nodes_own_and_no_rule_of_the_chain(written: str, kept: int | None) -> None:
    value = written if written.isdigit() else f'"{written}"'
    built = world(chain__history=value)
    assert built.node(0).ledger.history == kept
    assert built.environment.genesis_block.digest == world().environment.genesis_block.digest


def test_the_tables_of_this_test_name_every_key() -> None:
    assert ["protocol", *CONSENSUS, "signatures", "certificates"] == list(
        Consensus.__struct_fields__
    )
    assert ["genesis", "accounts", *CHAIN, "history"] == list(Chain.__struct_fields__)


def test_the_defaults_of_scenarios_are_those_of_the_protocol() -> None:
    assert consensus_params(scenario()) == ConsensusParams()
    assert chain_params(scenario()) == ChainParams()


@pytest.mark.parametrize("key", CONSENSUS)
def test_each_consensus_key_reaches_its_parameter_and_no_other(key: str) -> None:
    text, value = CONSENSUS[key]
    given = {f"consensus__{key}": text}
    expected: dict[str, object] = {key: value}
    if key in LIMITS:
        expected["batch_limits"] = msgspec.structs.replace(BatchLimits(500), **{LIMITS[key]: value})
    if key == "pipeline_depth":
        expected["reach"] = 6
    if key == "empty_blocks":
        given["consensus__block_interval"] = "1s"
        expected["block_interval"] = SECOND
    assert changed_fields(consensus_params(scenario(**given)), ConsensusParams()) == expected


@pytest.mark.parametrize("key", CHAIN)
def test_each_chain_key_reaches_its_parameter_and_no_other(key: str) -> None:
    text, value, field = CHAIN[key]
    params = chain_params(scenario(**{f"chain__{key}": text}))
    assert changed_fields(params, ChainParams()) == {field: value}


def test_the_parameters_reach_genesis_and_every_node() -> None:
    built = world(consensus__batch_size="77", chain__chain_id="5")
    assert built.environment.consensus.batch_size == 77
    assert built.environment.genesis.params.chain_id == 5
    assert built.environment.cache.params.chain_id == 5
    for node in range(4):
        replica = built.node(node).replica
        assert isinstance(replica, Replica)
        assert replica.state.params == built.environment.consensus


# ---------------------------------------------------------------- keys and accounts


@pytest.mark.parametrize(
    ("signatures", "kind"), [("real", ValidatorKey), ("modelled", ModelledKey)]
)
def test_the_committee_holds_the_validators_keys(
    signatures: str, kind: type[ValidatorKey] | type[ModelledKey]
) -> None:
    built = build_world(scenario(consensus__signatures=signatures), seed=9)
    keys = [kind(validator_seed(9, index)).public_key for index in range(4)]
    assert list(built.environment.genesis.committee.public_keys) == keys
    for node, key in enumerate(keys):
        replica = built.node(node).replica
        assert isinstance(replica, Replica)
        assert replica.state.config.signer.public_key == key


def test_the_workloads_accounts_are_funded_with_and_without_its_clients() -> None:
    quiet = build_world(scenario(), seed=1, with_clients=False)
    busy = world()
    assert len(busy.environment.genesis.alloc) == 10
    assert quiet.environment.genesis_block.digest == busy.environment.genesis_block.digest
    quiet.run_until(2 * SECOND)
    busy.run_until(2 * SECOND)
    assert quiet.head.number == 0
    assert busy.head.number > 0


def test_tips_go_to_an_address_of_each_validator() -> None:
    built = world()
    paid = [built.node(node).parts.proposals._config.fee_recipient for node in range(4)]
    assert paid == [fee_recipient(node) for node in range(4)]
    assert len(set(paid)) == 4
    assert {len(address) for address in paid} == {20}


# ---------------------------------------------------------------- roles and groups


def test_followers_have_no_voice_and_validators_have_their_own() -> None:
    built = world()
    assert [built.node(node).replica is None for node in range(6)] == [False] * 4 + [True] * 2
    indices = []
    for node in range(4):
        replica = built.node(node).replica
        assert isinstance(replica, Replica)
        indices.append(replica.state.index)
    assert indices == [0, 1, 2, 3]


@pytest.mark.parametrize("followers", [0, 2])
def test_blocks_are_announced_where_somebody_follows(followers: int) -> None:
    built = world(network__followers=str(followers))
    announce = [built.node(node).parts.commits._announces for node in range(4)]
    assert announce == [followers > 0] * 4


def test_the_committee_is_all_validators_but_the_sender() -> None:
    links = world()._links
    assert sorted(links.broadcast(0, 1, "committee", 100)[1]) == [0, 2, 3]
    assert sorted(links.broadcast(0, 5, "committee", 100)[1]) == [0, 1, 2, 3]
    assert links._members("committee", 1) == [0, 2, 3]


def test_neighbours_are_those_of_the_topology() -> None:
    built = world(network__topology="random-regular", network__degree="3")
    assert {len(around) for around in built.topology} == {3}
    for node, around in enumerate(built.topology):
        assert sorted(built._links.broadcast(0, node, "neighbours", 100)[1]) == list(around)


def test_another_group_is_refused_by_its_name() -> None:
    with pytest.raises(KeyError, match="no group 'everyone': nodes broadcast to 'neighbours' or a"):
        world()._links.broadcast(0, 1, "everyone", 100)


def test_the_topology_is_drawn_from_the_seed_and_shaped_by_its_keys() -> None:
    many = {"network__followers": "26", "network__topology": "small-world", "network__degree": "4"}
    ring = world(**many, network__rewire="0").topology
    assert ring[10] == (8, 9, 11, 12)
    turned = scenario(**many, network__rewire="0.5")
    one, same, other = (build_world(turned, seed).topology for seed in (1, 1, 2))
    assert one == same
    assert one not in (other, ring)


def test_a_geographic_topology_knows_where_regions_lie() -> None:
    cities = '["Tokyo", "Seoul", "London", "Ireland", "Sydney", "Oregon"]'
    built = world(network__topology="geographic", network__degree="1", network__regions=cities)
    assert 1 in built.topology[0]
    assert 3 in built.topology[2]
    plans = place_nodes(scenario(network__regions=cities).network)
    assert assembly._positions(plans)[0] == Position(latitude=35.7, longitude=139.7)


# ---------------------------------------------------------------- classes

CLASSES = """
[[network.classes]]
name = "weak"
nodes = [1]
cores = 2
cpu_speed = 0.5
disk = { latency = "1ms", fsync = "9ms", throughput = "100MB" }
bandwidth_up = "20Mbit"
bandwidth_down = "50Mbit"
loss = 0.25
mempool_transactions = 30
mempool_bytes = "1MiB"
mempool_per_sender = 3
history = "archive"
"""


def disk_spec(host: Host) -> DiskSpec:
    assert isinstance(host.disk, Disk)
    return host.disk._spec


def test_a_class_reaches_the_host_of_its_nodes_alone() -> None:
    hosts = world(CLASSES).kernel.hosts
    costs = load_profile().costs_ps()
    assert hosts[0].base_costs == costs
    assert hosts[1].base_costs == {kind: 2 * cost for kind, cost in costs.items()}
    assert [len(host.processors._free) for host in hosts] == [4, 2, 4, 4, 4, 4]
    slow = disk_spec(hosts[1])
    assert (slow.latency_ns, slow.fsync_ns, slow.bytes_per_second) == (
        1_000_000,
        9_000_000,
        100_000_000,
    )
    assert disk_spec(hosts[0]).fsync_ns == disk_spec(hosts[2]).fsync_ns == 500_000


def test_a_class_reaches_the_links_of_its_nodes_alone() -> None:
    spec = world(CLASSES)._links._spec
    assert spec.uplink_bps == (10**9, 20_000_000, *[10**9] * 4)
    assert spec.downlink_bps == (10**9, 50_000_000, *[10**9] * 4)
    assert spec.loss == (0, 0.25, 0, 0, 0, 0)


def test_a_class_reaches_the_pool_of_its_nodes_alone() -> None:
    built = world(CLASSES)
    own, others = built.node(1).pool._limits, built.node(0).pool._limits
    assert (own.count, own.byte_count, own.per_sender) == (30, 2**20, 3)
    assert (others.count, others.byte_count, others.per_sender) == (16_384, 64 * 2**20, 1_024)


def test_a_class_reaches_the_history_of_its_nodes_alone() -> None:
    built = world(CLASSES)
    assert [built.node(number).ledger.history for number in (0, 1, 2)] == [1_024, None, 1_024]


def test_nodes_of_one_machine_share_cores_and_disk() -> None:
    hosts = world(network__nodes_per_machine="2", network__cores="8").kernel.hosts
    for attribute in ("processors", "disk"):
        parts = [getattr(host, attribute) for host in hosts]
        assert [part is parts[0] for part in parts] == [True, True, *[False] * 4]
        assert len({id(part) for part in parts}) == 3
    assert len({id(host.store) for host in hosts}) == 6


def test_a_class_of_a_machines_nodes_reaches_that_machine() -> None:
    machine = '[[network.classes]]\nname = "weak"\nnodes = [2, 3]\ncores = 2\ndisk = "hdd"\n'
    hosts = world(machine, network__nodes_per_machine="2").kernel.hosts
    assert [len(host.processors._free) for host in hosts] == [4, 4, 2, 2, 4, 4]
    assert [disk_spec(host).fsync_ns // 500_000 for host in hosts] == [1, 1, 24, 24, 1, 1]


def test_a_given_profile_is_what_work_costs() -> None:
    shipped = load_profile()
    rows = tuple(msgspec.structs.replace(row, median_ps=7) for row in shipped.costs)
    built = build_world(scenario(), 1, msgspec.structs.replace(shipped, costs=rows))
    assert all(set(host.base_costs.values()) == {7} for host in built.kernel.hosts)


# ---------------------------------------------------------------- links


def test_latencies_are_those_of_the_regions_in_use() -> None:
    given = {
        "network__latency": "simblock-6-2019",
        "network__regions": '["Japan", "Europe"]',
        "network__jitter": "pareto",
        "network__jitter_size": "0.2",
    }
    spec = world(**given)._links._spec
    assert spec.region_of == (0, 1, 0, 1, 0, 1)
    assert spec.latency_ns[0][1] == spec.latency_ns[1][0] == 252_000_000
    assert spec.latency_ns[1][1] == 11_000_000
    assert (spec.jitter_law.value, spec.jitter_spread) == ("pareto", 0.2)


def test_a_uniform_latency_is_the_same_everywhere() -> None:
    given = {
        "network__latency": "uniform",
        "network__latency_value": "30ms",
        "network__regions": '["here", "there"]',
    }
    spec = world(**given)._links._spec
    assert spec.latency_ns == ((30_000_000, 30_000_000),) * 2


# ---------------------------------------------------------------- lives


def test_a_restarted_node_is_made_anew_from_its_store() -> None:
    built = world()
    built.run_until(3 * SECOND)
    before = built.node(2)
    assert before.ledger.tip.number > 0
    built.crash(2)
    built.restart(2)
    after = built.node(2)
    assert after is not before
    assert isinstance(after, Node)
    assert 0 < after.ledger.tip.number <= before.ledger.tip.number


def test_each_life_of_a_liar_draws_from_a_stream_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn: list[int] = []
    planned: list[tuple[int, ...]] = []

    def lie(honest: Machine, context: LiarContext) -> Machine:
        assert isinstance(honest, Node)
        assert context.accomplices == (1, 2)
        drawn.append(int(context.generator.integers(2**63)))
        planned.append(context.place().drawn)
        return honest

    plain = scenario()
    traitors = NodeClass("traitors", (1, 2), liar="lie")
    network = msgspec.structs.replace(plain.network, classes=(traitors,))
    monkeypatch.setattr(factory, "liar_factory", {"lie": lie}.__getitem__)
    built = build_world(msgspec.structs.replace(plain, network=network), seed=3)
    built.crash(2)
    built.restart(2)
    lives = ((1, 1), (1, 2), (2, 2))
    streams = [generator(3, f"liar/{life}", node) for life, node in lives]
    assert drawn == [int(stream.integers(2**63)) for stream in streams]
    assert len(planned) == 3
    assert len(dict.fromkeys(planned)) == 1, "accomplices follow one plan, in every life"
