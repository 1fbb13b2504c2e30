"""Every kind of mistake in a scenario file, and the message its author gets."""

import dataclasses
from pathlib import Path

import msgspec
import pytest

from consensus.params import ConsensusParams
from primitives.errors import InvalidInput
from primitives.params import ChainParams
from sim.scenario import (
    Chain,
    Consensus,
    Crash,
    Disk,
    Extension,
    Heal,
    Latency,
    Partition,
    Ramp,
    Replay,
    Scenario,
    ScenarioError,
    Transfers,
    decode_scenario,
    format_scenario,
    load_scenario,
    workload_options,
)
from sim.workload import options

MINIMAL = """\
name = "small"
duration = "30s"

[network]
validators = 4
"""

EVERYTHING = """\
name = "everything"
description = 'with "quotes", a \\ and ünïcode'
seed = 9
duration = "1.5min"
[network]
validators = 6
followers = 4
topology = "small-world"
degree = 4
rewire = 0.25
latency = "simblock-6-2019"
regions = { Europe = 0.5, Japan = 0.25, "North_America" = 0.25 }
bandwidth_up = "20Mbit"
bandwidth_down = "50Mbit"
loss = 0.01
jitter = "pareto"
jitter_size = 0.2
disk = "hdd"
[[network.classes]]
name = "weak"
nodes = [1, 2]
cores = 1
cpu_speed = 0.5
disk = { latency = "1ms", fsync = "9ms", throughput = "100MB" }
[[network.classes]]
name = "readers"
nodes = "followers"
mempool_bytes = "1MiB"
[consensus]
batch_size = 50
block_interval = "1s"
empty_blocks = true
signatures = "real"
[chain]
base_fee = "fixed"
base_fee_initial = "7 wei"
[workload]
kind = "transfers"
rate = 20.5
ramp = { to = 40, start = "5s", end = "20s" }
bursts = [{ factor = 3, start = "30s", length = "5s" }]
value_min = "1 gwei"
value_max = "0.5 ether"
[measure]
warm_up = "10s"
cool_down = "5s"
[[events]]
at = "50s"
kind = "latency"
extra = "40ms"
regions = ["Japan"]
for = "10s"
[[events]]
at = "20s"
kind = "partition"
groups = [["Japan"], [0, 2]]
for = "10s"
[[events]]
at = "40s"
kind = "crash"
node = "primary"
[[events]]
at = "45s"
kind = "restart"
node = "all"
[[events]]
at = "60s"
kind = "slow"
node = 3
factor = 2.5
[[events]]
at = "62s"
kind = "churn"
rate = 0.1
down_time = "3s"
nodes = "followers"
[expect]
min_tps = 5
max_p99_confirmation = "8s"
liveness_after_heal = "20s"
agreement = true
"""


def mistakes(text: str, *overrides: str) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        decode_scenario(text, "x.toml", overrides)
    return str(caught.value).splitlines()


def only_mistake(text: str, *overrides: str) -> str:
    found = mistakes(text, *overrides)
    assert len(found) == 1, found
    return found[0]


def with_network(lines: str) -> str:
    return MINIMAL + lines + "\n"


def with_event(lines: str) -> str:
    return MINIMAL + "\n[[events]]\n" + lines + "\n"


def with_section(section: str, lines: str) -> str:
    return f"{MINIMAL}\n[{section}]\n{lines}\n"


def test_a_minimal_file_gets_its_defaults() -> None:
    scenario = decode_scenario(MINIMAL)
    assert (scenario.name, scenario.duration) == ("small", 30_000_000_000)
    assert scenario.network.validators == 4
    assert scenario.consensus.batch_delay == 200_000_000
    assert isinstance(scenario.workload, Transfers)
    assert scenario.workload.rate == 100.0
    assert scenario.events == ()


def test_quantities_become_integers_of_their_base_unit() -> None:
    scenario = decode_scenario(EVERYTHING)
    assert scenario.duration == 90_000_000_000
    assert scenario.network.bandwidth_up == 20_000_000
    assert scenario.network.classes[0].disk == Disk(1_000_000, 9_000_000, 100_000_000)  # type: ignore[arg-type]
    assert scenario.network.classes[1].mempool_bytes == 1_048_576
    assert scenario.chain.base_fee_initial == 7
    assert isinstance(scenario.workload, Transfers)
    assert scenario.workload.value_max == 5 * 10**17
    assert scenario.workload.ramp == Ramp(40.0, 5_000_000_000, 20_000_000_000)  # type: ignore[arg-type]


def test_events_come_in_the_order_of_their_instants() -> None:
    events = decode_scenario(EVERYTHING).events
    assert [event.at // 10**9 for event in events] == [20, 40, 45, 50, 60, 62]
    assert isinstance(events[0], Partition)
    assert events[0].groups == (("Japan",), (0, 2))
    assert isinstance(events[1], Crash)
    assert isinstance(events[3], Latency)
    assert events[3].lasting == 10_000_000_000


@pytest.mark.parametrize("text", [MINIMAL, EVERYTHING], ids=["minimal", "everything"])
def test_a_resolved_scenario_decodes_to_the_same_scenario(text: str) -> None:
    scenario = decode_scenario(text)
    written = format_scenario(scenario)
    assert decode_scenario(written) == scenario
    assert format_scenario(decode_scenario(written)) == written


def test_numbers_arrive_as_the_field_says() -> None:
    network = decode_scenario(with_network("loss = 0\njitter_size = 1")).network
    assert (type(network.loss), type(network.jitter_size)) == (float, float)


def test_text_that_is_not_toml_names_the_line() -> None:
    assert only_mistake(MINIMAL + "degree = = 3\n").startswith("x.toml:6: expected valid TOML, got")


def test_an_unknown_key_suggests_the_nearest() -> None:
    message = only_mistake(with_network("folowers = 2"))
    assert message.startswith("x.toml:6: network.folowers: expected one of validators, followers,")
    assert message.endswith('got an unknown key; did you mean "followers"?')


def test_an_unknown_section_suggests_the_nearest() -> None:
    message = only_mistake(with_section("consensu", "x = 1"))
    assert message.startswith("x.toml:7: consensu: expected one of name, ")
    assert message.endswith('got an unknown section; did you mean "consensus"?')


def test_a_missing_key_is_reported_at_its_table() -> None:
    assert only_mistake('name = "a"\nduration = "1s"\n[network]\nfollowers = 1\n') == (
        "x.toml:3: network.validators: expected a whole number from 1 to 10000, "
        "got nothing: the key is missing"
    )


def test_all_mistakes_come_at_once_and_in_file_order() -> None:
    text = with_network('loss = 2\ncores = "four"') + "[measure]\nwarm_up = 5\n"
    assert [line.split(":")[1] for line in mistakes(text)] == ["6", "7", "9"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("bandwidth_up = 5", 'a bandwidth in quotes (bit, kbit, Mbit, Gbit), as in "10Mbit", '),
        ('bandwidth_up = "5"', "a bandwidth in quotes"),
        ('bandwidth_up = "0bit"', 'more than 0, got "0bit"'),
        ('bandwidth_up = "10MBit"', 'got "10MBit"; did you mean "Mbit"?'),
        ('bandwidth_up = "250ms"', "a bandwidth in quotes"),
        ('bandwidth_up = "0.5bit"', "expected a whole number of bit"),
        ("loss = 1.0", "expected a number, at least 0, below 1, got 1.0"),
        ("loss = nan", "expected a number, at least 0, below 1, got nan"),
        ("loss = true", "got true"),
        ("loss = -0.1", "got -0.1"),
        ("followers = -1", "expected a whole number from 0 to 100000, got -1"),
        ("followers = 1.5", "expected a whole number from 0 to 100000, got 1.5"),
        ("cores = true", "expected a whole number from 1 to 1024, got true"),
        ('topology = "fulll"', 'got "fulll"; did you mean "full"?'),
        ('jitter = "gauss"', 'expected one of "exponential", "lognormal", "none"'),
        ('disk = "tape"', 'got "tape"'),
        ("disk = 4", "expected one of"),
        ('disk = { latency = "1ms" }', "network.disk.fsync: expected a duration"),
        ("regions = []", "network.regions: expected a list of"),
        ("regions = [3]", "network.regions[0]: expected text in quotes, got 3"),
        ("regions = 3", "network.regions: expected a list of"),
        ('classes = "weak"', "network.classes: expected a list of: a table"),
        ("classes = [7]", "network.classes[0]: expected a table, got 7"),
    ],
)
def test_a_single_bad_value(line: str, message: str) -> None:
    found = mistakes(with_network(line))[0]
    assert found.startswith("x.toml:6: network.")
    assert message in found


def test_zero_validators_are_no_committee() -> None:
    assert only_mistake(MINIMAL.replace("= 4", "= 0")) == (
        "x.toml:5: network.validators: expected a whole number from 1 to 10000, got 0"
    )


def test_the_name_must_do_for_a_directory() -> None:
    assert "x.toml:1: name: expected text that matches" in only_mistake(
        MINIMAL.replace('"small"', '"../small"')
    )


@pytest.mark.parametrize("duration", ['"0s"', '"-5s"', "30", '"30 sec"', '"half an hour"'])
def test_a_duration_must_be_positive_and_have_its_unit(duration: str) -> None:
    message = only_mistake(MINIMAL.replace('"30s"', duration))
    assert message.startswith("x.toml:2: duration: expected a duration in quotes (ns, us, ms, s,")


@pytest.mark.parametrize(
    ("lines", "key", "message"),
    [
        ('latency = "aws-12"', "latency", 'did you mean "aws-13"?'),
        ('latency = "uniform"', "latency_value", 'a latency_value with latency = "uniform"'),
        ('latency_value = "5ms"', "latency_value", "which has its own"),
        ('regions = ["Tokio"]', "regions[0]", 'did you mean "Tokyo"?'),
        ('regions = ["Tokyo", "Tokyo"]', "regions", '"Tokyo" twice'),
        ("regions = { Tokyo = 0.0 }", "regions", "only zeros"),
        ("regions = { Tokio = 1.0 }", "regions.Tokio", 'did you mean "Tokyo"?'),
        (
            'regions = ["Tokyo", "Seoul", "London", "Ireland", "Sydney"]',
            "regions",
            "expected at most 4 regions, one for each node, got 5 regions",
        ),
        ('topology = "random-regular"', "degree", "got nothing: the key is missing"),
        ('topology = "random-regular"\ndegree = 4', "degree", "below the number of nodes, 4"),
        ('topology = "random-regular"\ndegree = 1', "degree", "at least 2"),
        ("degree = 3", "degree", 'no degree with topology = "full"'),
        ("rewire = 0.5", "rewire", 'no rewire with topology = "full"'),
        ('classes = [{name = "a", nodes = [4]}]', "classes[0].nodes", "from 0 to 3, got 4"),
        ('classes = [{name = "a", nodes = [1, 1]}]', "classes[0].nodes", "1 twice"),
        ('classes = [{name = "a", nodes = []}]', "classes[0].nodes", "at least one node"),
        ('classes = [{name = "a", nodes = "followers"}]', "classes[0].nodes", "got none"),
        (
            'classes = [{name = "a", nodes = [1]}, {name = "a", nodes = [2]}]',
            "classes[1].name",
            '"a" again',
        ),
        (
            'classes = [{name = "a", nodes = [1], region = "Tokio"}]',
            "classes[0].region",
            'did you mean "Tokyo"?',
        ),
        (
            'nodes_per_machine = 2\nclasses = [{name = "a", nodes = [3], cores = 1}]',
            "nodes_per_machine",
            "the same cores for nodes 2 and 3, which share a machine, got 4 and 1",
        ),
    ],
)
def test_a_network_that_cannot_be(lines: str, key: str, message: str) -> None:
    found = only_mistake(with_network(lines))
    assert f" network.{key}: expected" in found
    assert message in found


def test_a_regular_graph_needs_an_even_number_of_link_ends() -> None:
    text = MINIMAL.replace("= 4", "= 5") + 'topology = "random-regular"\ndegree = 3\n'
    assert "an even degree, because 5 nodes" in only_mistake(text)


@pytest.mark.parametrize(
    ("lines", "key", "message"),
    [
        ('at = "30s"\nkind = "heal"', "at", "an instant before the run ends at 30s, got 30s"),
        ('at = "-1s"\nkind = "heal"', "at", "expected a duration"),
        ('kind = "heal"', "at", "the key is missing"),
        ('at = "1s"', "kind", "expected one of partition, heal, crash"),
        ('at = "1s"\nkind = "crush"', "kind", 'did you mean "crash"?'),
        ('at = "1s"\nkind = 3', "kind", "got 3"),
        ('at = "1s"\nkind = "heal"\nnode = 1', "node", "an unknown key"),
        ('at = "1s"\nkind = "crash"\nnode = 4', "node", "a node number from 0 to 3, got 4"),
        ('at = "1s"\nkind = "crash"\nnode = -1', "node", "got -1"),
        ('at = "1s"\nkind = "crash"\nnode = "primry"', "node", 'did you mean "primary"?'),
        ('at = "1s"\nkind = "crash"\nnode = 1.0', "node", "got 1.0"),
        (
            'at = "20s"\nkind = "crash"\nnode = 1\nfor = "11s"',
            "for",
            "got an end at 31s",
        ),
        ('at = "1s"\nkind = "restart"\nnode = 1', "node", "got no earlier crash"),
        ('at = "1s"\nkind = "slow"\nnode = 1\nfactor = 0', "factor", "more than 0"),
        ('at = "1s"\nkind = "partition"\ngroups = []', "groups", "expected a list of"),
        ('at = "1s"\nkind = "partition"\ngroups = [[]]', "groups[0]", "an empty group"),
        (
            'at = "1s"\nkind = "partition"\ngroups = [[0, 1], [1, 2]]',
            "groups[1]",
            "groups that do not overlap, got node 1 in groups 0 and 1",
        ),
        (
            'at = "1s"\nkind = "partition"\ngroups = [["N_Virginia"], [0]]',
            "groups[1]",
            "node 0 in groups 0 and 1",
        ),
        ('at = "1s"\nkind = "partition"\ngroups = [[0, 1, 2, 3]]', "groups", "two sides"),
        ('at = "1s"\nkind = "partition"\ngroups = [[7]]', "groups[0][0]", "from 0 to 3"),
        (
            'at = "1s"\nkind = "partition"\ngroups = [["Canda"]]',
            "groups[0][0]",
            'did you mean "Canada"?',
        ),
        (
            'at = "1s"\nkind = "partition"\ngroups = [["Tokyo"]]',
            "groups[0][0]",
            "one of N_Virginia, Canada, N_California, London",
        ),
        (
            'at = "1s"\nkind = "latency"\nextra = "5ms"\nregions = ["Tokyo"]',
            "regions[0]",
            'got "Tokyo"',
        ),
        (
            'at = "1s"\nkind = "churn"\nrate = 1\ndown_time = "1s"\nnodes = "followers"',
            "nodes",
            "no followers",
        ),
    ],
)
def test_an_event_that_cannot_happen(lines: str, key: str, message: str) -> None:
    found = only_mistake(with_event(lines))
    assert f" events[0].{key}: expected" in found
    assert message in found


def test_a_mistake_in_a_later_event_names_its_own_line() -> None:
    text = with_event('at = "1s"\nkind = "heal"') + '\n[[events]]\nat = "31s"\nkind = "heal"\n'
    assert only_mistake(text).startswith("x.toml:12: events[1].at: ")


def test_a_heal_needs_no_partition() -> None:
    scenario = decode_scenario(with_event('at = "1s"\nkind = "heal"'))
    assert scenario.events == (Heal(at=1_000_000_000),)  # type: ignore[arg-type]


def test_a_restart_may_follow_a_crash_of_whoever_was_primary() -> None:
    text = with_event('at = "1s"\nkind = "crash"\nnode = "primary"')
    text += '[[events]]\nat = "2s"\nkind = "restart"\nnode = 2\n'
    assert len(decode_scenario(text).events) == 2


def test_a_restart_of_another_node_than_the_crashed_one_is_a_slip() -> None:
    text = with_event('at = "1s"\nkind = "crash"\nnode = 1')
    text += '[[events]]\nat = "2s"\nkind = "restart"\nnode = 2\n'
    assert "got no earlier crash of 2" in only_mistake(text)


@pytest.mark.parametrize(
    ("section", "lines", "key", "message"),
    [
        ("consensus", "window = 7", "window", "at least twice the pipeline_depth, 8, got 7"),
        ("consensus", "empty_blocks = true", "block_interval", "an interval above 0s"),
        ("consensus", "batch_size = 0", "batch_size", "at least 1"),
        ("consensus", 'signatures = "fake"', "signatures", 'one of "modelled", "real"'),
        ("chain", "gas_limit = 20000", "gas_limit", "from 21000 to"),
        ("chain", "chain_id = 0", "chain_id", "from 1 to"),
        ("chain", 'base_fee = "Ethereum"', "base_fee", 'did you mean "ethereum"?'),
        ("chain", 'base_fee_initial = "1 finney"', "base_fee_initial", "(wei, gwei, ether)"),
        ("chain", 'max_block_bytes = "9MiB"', "max_block_bytes", "at most 8388608"),
        ("chain", "elasticity = 9999", "elasticity", "room for one transfer"),
        ("workload", "accounts = 10", "rate", "expected rate (open loop) or clients"),
        ("workload", "rate = 5\nclients = 5", "clients", "got both"),
        ("workload", 'clients = 5\nramp = {to=1, start="0s", end="1s"}', "ramp", "a rate beside"),
        ("workload", 'rate = 5\nthink_time = "1s"', "think_time", "clients beside it"),
        ("workload", 'rate = 5\nstop = "31s"', "stop", "no later than the run's end"),
        ("workload", 'rate = 5\nstart = "30s"', "start", "before the run ends"),
        ("workload", 'rate = 5\ntip_min = "9 gwei"', "tip_min", "at most tip_max"),
        ("workload", 'rate = 5\nvalue_max = "1000 ether"', "value_max", "an amount"),
        ("workload", 'rate = 5\nbalance = "1 wei"', "value_max", "at most the balance"),
        (
            "workload",
            "rate = 5\nbursts = [{factor=2, start='1s', length='1s'}, "  # noqa: ISC004
            "{factor=2, start='40s', length='1s'}]",
            "bursts[1].start",
            "before the run ends",
        ),
        ("workload", 'rate = 5\nramp = {to=1, start="9s", end="8s"}', "ramp.end", "got 8s"),
        ("workload", 'kind = "transfer"\nrate = 5', "kind", 'did you mean "transfers"?'),
        ("workload", "kind = 5", "kind", "got 5"),
        ("workload", 'kind = "replay"', "replay", "the key is missing"),
        ("measure", 'warm_up = "20s"\ncool_down = "10s"', "warm_up", "below the duration, 30s"),
        ("expect", "min_tps = 101", "min_tps", "what the workload offers, 100 a second"),
        ("expect", 'max_p99_confirmation = "31s"', "max_p99_confirmation", "at most the duration"),
        ("expect", 'liveness_after_heal = "1s"', "liveness_after_heal", "none in [[events]]"),
        (
            "expect",
            "min_view_changes = 3\nmax_view_changes = 2",
            "min_view_changes",
            "at most max_view_changes, 2, got 3",
        ),
        ("expect", "safety = false", "safety", "an unknown key"),
    ],
)
def test_a_section_that_contradicts_itself(
    section: str, lines: str, key: str, message: str
) -> None:
    found = only_mistake(with_section(section, lines))
    assert f" {section}.{key}: expected" in found
    assert message in found


def test_liveness_cannot_be_judged_after_the_end() -> None:
    text = with_event('at = "25s"\nkind = "heal"') + '[expect]\nliveness_after_heal = "6s"\n'
    assert "at most 5s, what the run lasts after its last heal, got 6s" in only_mistake(text)


def test_bursts_raise_what_may_be_expected() -> None:
    lines = (
        'rate = 10\nbursts = [{factor = 4, start = "1s", length = "1s"}]\n[expect]\nmin_tps = 40'
    )
    assert decode_scenario(with_section("workload", lines)).expect.min_tps == 40


def test_an_override_replaces_the_file_and_is_named_in_its_mistakes() -> None:
    assert decode_scenario(MINIMAL, "x", ["consensus.batch_size=7"]).consensus.batch_size == 7
    assert decode_scenario(MINIMAL, "x", ["duration=1min"]).duration == 60_000_000_000
    assert only_mistake(MINIMAL, "consensus.batch_siz=7") == (
        "--set consensus.batch_siz=7: consensus.batch_siz: expected one of "
        "request_timeout, view_change_timeout, timeout_doublings, repair_interval, batch_size, "
        "batch_delay, pipeline_depth, block_interval, empty_blocks, window, signatures, "
        'got an unknown key; did you mean "batch_size"?'
    )
    assert only_mistake(MINIMAL, "network.validators=0").startswith("--set network.validators=0: ")


def test_an_override_reaches_into_lists() -> None:
    text = with_event('at = "1s"\nkind = "crash"\nnode = 1')
    for key in ("events[0].node", "events.0.node"):
        event = decode_scenario(text, "x", [f"{key}=2"]).events[0]
        assert isinstance(event, Crash)
        assert event.node == 2
    assert "expected a position from 0 to 0, got nothing at events[1]" in only_mistake(
        text, "events[1].node=2"
    )


@pytest.mark.parametrize("override", ["batch_size", "=5", "a b=5", "a..b=5"])
def test_an_override_needs_key_and_value(override: str) -> None:
    assert f"--set {override}: expected KEY=VALUE" in only_mistake(MINIMAL, override)


def test_an_override_does_not_pass_through_a_plain_value() -> None:
    assert "a table or a list to change" in only_mistake(MINIMAL, "name.first=5")


def test_workload_options_are_what_the_workload_package_takes() -> None:
    kind, table = workload_options(decode_scenario(EVERYTHING).workload)
    decoded = options.decode_options(options.TransferOptions, table)
    assert kind == "transfers"
    assert decoded.rate == 20.5
    assert decoded.ramp is not None
    assert decoded.ramp.to == 40
    assert decoded.bursts[0].length == 5_000_000_000
    assert decoded.value_min == 10**9


def test_our_transfers_spell_out_every_option_with_the_same_default() -> None:
    for ours, theirs in ((Transfers, options.TransferOptions), (Replay, options.ReplayOptions)):
        written = {f.name: f.default for f in msgspec.structs.fields(ours)}
        taken = {f.name: f.default for f in msgspec.structs.fields(theirs)}
        assert written == taken


def test_our_consensus_and_chain_have_the_same_keys_and_defaults_as_the_nodes() -> None:
    consensus = {f.name: f.default for f in msgspec.structs.fields(Consensus)}
    assert consensus.pop("signatures") == "modelled"
    assert consensus == {f.name: f.default for f in dataclasses.fields(ConsensusParams)}
    chain = {f.name: f.default for f in msgspec.structs.fields(Chain)}
    chain["base_fee_rule"] = chain.pop("base_fee")
    params = {f.name: f.default for f in dataclasses.fields(ChainParams)}
    assert chain == {key: params[key] for key in chain}


def test_a_workload_of_another_package_keeps_its_own_keys(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sim.scenario.checks.workload_names", lambda: ("transfers", "swaps"))
    text = with_section("workload", 'kind = "swaps"\npools = 3\nshape = { a = 1 }')
    scenario = decode_scenario(text)
    assert scenario.workload == Extension("swaps", {"pools": 3, "shape": {"a": 1}})
    assert workload_options(scenario.workload) == ("swaps", {"pools": 3, "shape": {"a": 1}})
    assert decode_scenario(format_scenario(scenario)) == scenario


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="expected a readable scenario file, got No such file"):
        load_scenario(tmp_path / "none.toml")


def replay_file(directory: Path, lines: list[str]) -> Path:
    (directory / "transactions.txt").write_text("\n".join(lines))
    file = directory / "r.toml"
    file.write_text(with_section("workload", 'replay = "transactions.txt"'))
    return file


SIGNED = (
    # The example of EIP-155: chain id 1.
    "0xf86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025"
    "a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276"
    "a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83"
)


def test_a_replay_is_found_beside_its_scenario(tmp_path: Path) -> None:
    file = replay_file(tmp_path, ["# signed elsewhere", "", SIGNED])
    scenario = load_scenario(file, ["chain.chain_id=1"])
    assert isinstance(scenario.workload, Replay)
    assert scenario.workload.replay == str(tmp_path / "transactions.txt")
    assert decode_scenario(format_scenario(scenario)) == scenario


def test_a_bad_line_of_a_replay_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"transactions\.txt:3: expected one transaction in hex"):
        load_scenario(replay_file(tmp_path, ["", SIGNED, "0xzz"]), ["chain.chain_id=1"])
    with pytest.raises(InvalidInput, match=r"transactions\.txt:1: expected a signed transaction"):
        load_scenario(replay_file(tmp_path, [SIGNED[:-2]]), ["chain.chain_id=1"])


def test_a_replay_of_another_chain_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"transactions\.txt:1: expected chain id 1337, got 1"):
        load_scenario(replay_file(tmp_path, [SIGNED]))


def test_a_scenario_is_frozen() -> None:
    scenario: Scenario = decode_scenario(MINIMAL)
    with pytest.raises(AttributeError):
        scenario.network.validators = 5  # type: ignore[misc]
