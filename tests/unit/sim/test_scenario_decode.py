"""Scenario files that are right: units, defaults, overrides, workloads, and the way back."""

import dataclasses
from pathlib import Path

import msgspec
import pytest

from consensus.params import ConsensusParams
from consensus.pbft import Pbft
from node.config import NodeConfig
from node.plugins import make_batching
from primitives.errors import InvalidInput
from primitives.params import ChainParams
from sim.scenario import (
    Chain,
    Consensus,
    Crash,
    Disk,
    Extension,
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
from tests.unit.sim.scenario_texts import (
    EVERYTHING,
    MINIMAL,
    only_mistake,
    with_event,
    with_network,
    with_section,
)


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


def test_an_override_replaces_the_file_and_is_named_in_its_mistakes() -> None:
    assert decode_scenario(MINIMAL, "x", ["consensus.batch_size=7"]).consensus.batch_size == 7
    assert decode_scenario(MINIMAL, "x", ["duration=1min"]).duration == 60_000_000_000
    assert only_mistake(MINIMAL, "consensus.batch_siz=7") == (
        "--set consensus.batch_siz=7: consensus.batch_siz: expected one of "
        "protocol, request_timeout, view_change_timeout, timeout_doublings, repair_interval, "
        "batching, batch_size, batch_bytes, batch_gas, batch_delay, pipeline_depth, "
        "block_interval, empty_blocks, fast_confirmation, window, signatures, certificates, "
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


@pytest.mark.parametrize("text", [MINIMAL, "events = []\n" + MINIMAL])
def test_an_override_of_an_entry_that_an_empty_list_has_not(text: str) -> None:
    assert only_mistake(text, "events[0].at=3s") == (
        "--set events[0].at=3s: events[0]: expected an entry that events has, "
        "got no such entry: the list events is empty"
    )


def test_an_override_of_an_entry_of_what_is_no_list() -> None:
    message = only_mistake(MINIMAL, "network[0]=3")
    assert message.startswith("--set network[0]=3: network[0]: expected network to be a list, got")


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
    assert consensus.pop("signatures") == "real"
    assert consensus.pop("certificates") == ChainParams().certificates
    assert consensus.pop("protocol") == Pbft.name
    params = {f.name: f.default for f in dataclasses.fields(ConsensusParams)}
    assert make_batching(str(consensus.pop("batching"))) == ConsensusParams().batching
    del params["batching"]
    assert consensus == params
    chain = {f.name: f.default for f in msgspec.structs.fields(Chain)}
    assert chain.pop("genesis") is None
    assert chain.pop("accounts") == ()
    chain["base_fee_rule"] = chain.pop("base_fee")
    nodes = {f.name: f.default for f in dataclasses.fields(NodeConfig)}
    assert chain.pop("history") == nodes["history"]
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


def test_a_replay_that_cannot_be_read_is_named_with_its_key_and_the_reason_in_words(
    tmp_path: Path,
) -> None:
    file = replay_file(tmp_path, [])
    missing = tmp_path / "transactions.txt"
    missing.unlink()
    with pytest.raises(ScenarioError) as caught:
        load_scenario(file)
    reason = f"expected a readable file, got No such file or directory: {missing}"
    assert str(caught.value) == f"{file}:8: workload.replay: {reason}"
    with pytest.raises(ScenarioError) as caught:
        load_scenario(file, ["workload.replay=."])
    reason = f"expected a readable file, got Is a directory: {tmp_path}"
    assert str(caught.value) == f"--set workload.replay=.: workload.replay: {reason}"


def test_a_replay_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = replay_file(tmp_path, [])
    (tmp_path / "transactions.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(ScenarioError, match=r"workload\.replay: .*'utf-8' codec can't decode"):
        load_scenario(file)


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
