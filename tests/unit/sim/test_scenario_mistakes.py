"""Every kind of mistake in a scenario file, and the message its author gets."""

import pytest

from sim.scenario import Heal, decode_scenario
from tests.unit.sim.scenario_texts import (
    MINIMAL,
    mistakes,
    only_mistake,
    with_event,
    with_network,
    with_section,
)


def test_text_that_is_not_toml_names_the_line() -> None:
    assert only_mistake(MINIMAL + "degree = = 3\n").startswith("x.toml:6: expected valid TOML, got")


@pytest.mark.parametrize(
    "text",
    ["foo\n", "# A heading\n\nProse, not TOML.", '{"a": 1}', 'name = "open', 'a = """x', "[a"],
)
def test_what_is_not_toml_at_all_is_answered(text: str) -> None:
    assert "expected valid TOML, got" in only_mistake(text)


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


@pytest.mark.parametrize(
    "duration", ['"0s"', '"-5s"', '"99999999h"', "30", '"30 sec"', '"half an hour"']
)
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
        ('at = "1s"\nkind = "slow"\nnode = 1\nfactor = 1e300', "factor", "below 1000000"),
        ('at = "1s"\nkind = "latency"\nextra = "10001h"', "extra", "at most 10000h"),
        ('at = "1s"\nkind = "partition"\ngroups = []', "groups", "at least one group, or a ring"),
        ('at = "1s"\nkind = "partition"\nring = 2', "ring", "out of reach of 4 nodes, got 2"),
        ('at = "1s"\nkind = "partition"\nring = 1\nbridge = [1]', "bridge", "with a ring"),
        (
            'at = "1s"\nkind = "partition"\ngroups = [[0]]\nbridge = [0]',
            "bridge",
            "nodes that are in no group, got node 0",
        ),
        (
            'at = "1s"\nkind = "partition"\ngroups = [[0, 1]]\nbridge = [2, 3]',
            "bridge",
            "a bridge between at least two sides",
        ),
        (
            'at = "1s"\nkind = "partition"\ngroups = [[0]]\ndirection = "inn"',
            "direction",
            'did you mean "in"?',
        ),
        ('at = "1s"\nkind = "clog"', "for", "the key is missing"),
        ('at = "1s"\nkind = "clog"\nfrom = []\nfor = "1s"', "from", "an empty group"),
        ('at = "1s"\nkind = "clog"\nto = [4]\nfor = "1s"', "to[0]", "from 0 to 3 or a region"),
        ('at = "1s"\nkind = "clog"\nto = "all_"\nfor = "1s"', "to", 'did you mean "all"?'),
        ('at = "1s"\nkind = "clog"\nto = "followers"\nfor = "1s"', "to", "no followers"),
        (
            'at = "1s"\nkind = "clog"\nfrom = [1]\nto = [1]\nfor = "1s"',
            "to",
            "another node than `from`, got 1",
        ),
        ('at = "1s"\nkind = "duplicate"\nprobability = 0', "probability", "more than 0"),
        ('at = "1s"\nkind = "lose"\nprobability = 1.0', "probability", "below 1"),
        ('at = "1s"\nkind = "reorder"\nprobability = 0.1', "delay", "the key is missing"),
        ('at = "1s"\nkind = "clock"\nnode = 1', "ahead", "ahead, behind or drift"),
        (
            'at = "1s"\nkind = "clock"\nnode = 1\nahead = "1s"\nbehind = "1s"',
            "behind",
            "either ahead or behind",
        ),
        ('at = "1s"\nkind = "clock"\nnode = 4\ndrift = 0.1', "node", "from 0 to 3, got 4"),
        ('at = "1s"\nkind = "clock"\nnode = 1\ndrift = -1', "drift", "more than -0.9"),
        ('at = "1s"\nkind = "lying-disk"\nnode = 9\ncache = "1s"', "node", "got 9"),
        ('at = "1s"\nkind = "crash"\nnode = 1\nunsynced = "keep"', "unsynced", '"kept"'),
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
        ("consensus", 'batching = "adaptiv"', "batching", 'did you mean "adaptive"?'),
        ("consensus", 'batch_bytes = "9MiB"', "batch_bytes", "at most 8MiB"),
        ("consensus", 'batch_bytes = "0MiB"', "batch_bytes", "expected"),
        ("consensus", "batch_gas = 20999", "batch_gas", "from 21000 to"),
        ("consensus", "batch_gas = 30000001", "batch_gas", "at most chain.gas_limit, 30000000"),
        ("consensus", 'protocol = "pfbt"', "protocol", 'did you mean "pbft"?'),
        ("consensus", 'signatures = "fake"', "signatures", 'one of "modelled", "real"'),
        ("chain", "gas_limit = 20000", "gas_limit", "from 21000 to"),
        ("chain", "chain_id = 0", "chain_id", "from 1 to"),
        ("chain", 'base_fee = "Ethereum"', "base_fee", 'did you mean "ethereum"?'),
        ("chain", 'base_fee_initial = "1 finney"', "base_fee_initial", "(wei, gwei, ether)"),
        ("chain", 'max_block_bytes = "9MiB"', "max_block_bytes", "at most 8MiB"),
        ("chain", "elasticity = 9999", "elasticity", "room for one transfer"),
        ("workload", "accounts = 10", "rate", "expected rate (open loop) or clients"),
        ("workload", "rate = 5\nclients = 5", "clients", "got both"),
        ("workload", "rate = 5\naccounts = 99999999999", "accounts", "from 1 to 1000000"),
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
        ("expect", "min_epoch = 1", "min_epoch", "one for each committee event in [[events]], 0"),
        ("expect", "min_epoch = 0", "min_epoch", "got 0"),
        ("expect", "agreement_within = 5", "agreement_within", "agreement = true beside it"),
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


def test_no_negative_time_is_left_after_a_heal_that_a_shortened_run_does_not_reach() -> None:
    text = with_event('at = "25s"\nkind = "heal"') + '[expect]\nliveness_after_heal = "6s"\n'
    event, expect = mistakes(text, "duration=8s")
    assert "events[0].at: expected an instant before the run ends at 8s, got 25s" in event
    assert "expect.liveness_after_heal: expected at most 0ns, what the run lasts" in expect


def test_bursts_raise_what_may_be_expected() -> None:
    lines = (
        'rate = 10\nbursts = [{factor = 4, start = "1s", length = "1s"}]\n[expect]\nmin_tps = 40'
    )
    assert decode_scenario(with_section("workload", lines)).expect.min_tps == 40
