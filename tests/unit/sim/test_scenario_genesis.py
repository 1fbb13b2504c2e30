"""`[chain] genesis`: what a genesis file in go-ethereum's form sets, and what contradicts it."""

from pathlib import Path
from typing import Any

import pytest

from primitives.account_key import AccountKey
from primitives.address import format_address
from primitives.blob_schedule import BlobSchedule
from primitives.errors import InvalidInput
from primitives.fork import Fork
from primitives.params import Upgrade
from sim.assembly import build_world
from sim.cli import main
from sim.founding import chain_params
from sim.genesis import genesis_form
from sim.scenario import ScenarioError, decode_scenario, format_scenario, load_scenario
from sim.scenario.portable import portable
from sim.workload.accounts import account_secret
from tests.unit.sim.genesis_files import COUNTER, write_genesis
from tests.unit.sim.scenario_texts import with_section


def scenario_file(directory: Path, lines: str = "", **changes: object) -> Path:
    """Write a scenario and the genesis file that it names."""
    write_genesis(directory, **changes)
    file = directory / "x.toml"
    file.write_text(with_section("chain", f'genesis = "genesis.json"\n{lines}'))
    return file


def mistake(file: Path, *overrides: str) -> str:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(file, overrides)
    return str(caught.value)


def test_keys_that_are_left_out_are_those_of_the_file(tmp_path: Path) -> None:
    chain = load_scenario(scenario_file(tmp_path)).chain
    assert chain.genesis == str(tmp_path / "genesis.json")
    assert (chain.chain_id, chain.gas_limit, chain.base_fee_initial) == (77, 10_000_000, 10**9)


def test_the_rules_and_their_times_are_those_of_the_file(tmp_path: Path) -> None:
    blobs = {"target": 10, "max": 15, "baseFeeUpdateFraction": 8_346_193}
    file = scenario_file(
        tmp_path,
        'timestamp_rule = "strict"',
        config__osakaTime=110,
        config__bpo1Time=120,
        config__blobSchedule={"prague": {**blobs, "max": 12}, "bpo1": blobs},
    )
    scenario = load_scenario(file)
    params = chain_params(scenario, genesis_form(scenario))
    assert (params.fork, params.blobs) == (Fork.PRAGUE, BlobSchedule(10, 12, 8_346_193))
    last = Upgrade(120, Fork.OSAKA, BlobSchedule(10, 15, 8_346_193))
    assert params.upgrades == (Upgrade(110, Fork.OSAKA), last)
    assert params.timestamp_rule == "strict"


def test_a_base_fee_that_the_file_leaves_open_is_the_scenarios(tmp_path: Path) -> None:
    file = scenario_file(tmp_path, 'base_fee_initial = "7 wei"', baseFeePerGas=None)
    assert load_scenario(file).chain.base_fee_initial == 7


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "chain_id = 5",
            "chain.chain_id: expected 77, as genesis.json says, or no such key, got 5",
        ),
        ("gas_limit = 30_000_000", "chain.gas_limit: expected 10000000, as genesis.json says"),
        ('base_fee_initial = "7 wei"', "chain.base_fee_initial: expected 1000000000, as genesis"),
    ],
)
def test_a_key_that_contradicts_the_file_is_refused_by_name(
    tmp_path: Path, line: str, message: str
) -> None:
    file = scenario_file(tmp_path, line)
    assert mistake(file).startswith(f"{file}:9: {message}")


@pytest.mark.parametrize("at", [200, None])
def test_a_network_begins_with_prague_or_later(tmp_path: Path, at: int | None) -> None:
    file = scenario_file(tmp_path, config__pragueTime=at, config__osakaTime=at)
    field = f"{tmp_path / 'genesis.json'}: genesis.config.pragueTime: expected a time no later than"
    assert mistake(file).startswith(field)
    assert mistake(file).endswith(f"got {str(at).lower()}")


def test_a_file_that_is_not_there_is_named_with_the_key(tmp_path: Path) -> None:
    file = scenario_file(tmp_path)
    missing = tmp_path / "genesis.json"
    missing.unlink()
    reason = f"expected a readable file, got No such file or directory: {missing}"
    assert mistake(file) == f"{file}:8: chain.genesis: {reason}"


def test_what_is_wrong_in_the_file_is_named_by_file_and_field(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = scenario_file(tmp_path, **{f"alloc__{COUNTER}__balance": "much"})
    place = f"{tmp_path / 'genesis.json'}: genesis.alloc.{COUNTER}.balance"
    assert main(["run", str(file), "--out", str(tmp_path / "runs")]) == 2
    assert capsys.readouterr().err.startswith(f"orrery: {place}: expected a number below 2**256")


def test_an_account_of_the_workload_is_refused_where_the_nonce_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = format_address(AccountKey(account_secret(1, 0)).address)
    changes: dict[str, Any] = {f"alloc__{taken}": {"balance": "1", "nonce": "3"}}
    file = scenario_file(tmp_path, **changes)
    with pytest.raises(InvalidInput, match=r"chain\.genesis: expected accounts that the run"):
        build_world(load_scenario(file), seed=1)
    assert main(["run", str(file), "--out", str(tmp_path / "runs")]) == 2
    assert capsys.readouterr().err.startswith(f"orrery: {file}:8: chain.genesis: expected accounts")


def test_a_resolved_scenario_says_both_and_they_agree(tmp_path: Path) -> None:
    scenario = load_scenario(scenario_file(tmp_path))
    assert decode_scenario(format_scenario(scenario)) == scenario


def test_a_scenario_and_what_lies_beside_it_can_be_moved(tmp_path: Path) -> None:
    file = scenario_file(tmp_path)
    scenario = load_scenario(file)
    text, beside = portable(scenario)
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    (moved / "scenario.toml").write_text(text)
    for name, content in beside.items():
        (moved / name).write_text(content)
    (tmp_path / "genesis.json").unlink()
    again = load_scenario(moved / "scenario.toml")
    assert again.chain.genesis == str(moved / "genesis.json")
    assert genesis_form(again) is not None
    assert format_scenario(again).replace(str(moved), str(tmp_path)) == format_scenario(scenario)
