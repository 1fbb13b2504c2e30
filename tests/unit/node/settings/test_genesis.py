"""The genesis file of a live chain: what a scenario's chain starts from, written and read again."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from node.settings import read_genesis, write_genesis
from primitives.blob_schedule import BlobSchedule
from primitives.errors import InvalidInput
from primitives.fork import Fork
from primitives.genesis import Genesis, genesis_contracts, genesis_hash
from primitives.params import ChainParams, Upgrade
from sim.assembly import build_world
from sim.founding import found
from sim.scenario import Scenario, decode_scenario, load_scenario
from tests.unit.sim.genesis_files import genesis_table

SHORT = """
name = "short"
duration = "1s"
[network]
validators = 4
"""
CONTRACTS = SHORT + '[workload]\nkind = "erc20"\nrate = 10.0\naccounts = 20\ntokens = 2\n'
BLS = SHORT + '[consensus]\ncertificates = "bls"\n'
CHANGES = SHORT + '[[events]]\nat = "500ms"\nkind = "committee"\nrekey = [1]\n'


def hash_of_run(scenario: Scenario, seed: int) -> bytes:
    world = build_world(scenario, seed, with_clients=False)
    world.close()
    return genesis_hash(world.environment.genesis)


def again(genesis: Genesis) -> Genesis:
    return read_genesis(write_genesis(genesis))


def test_a_file_begins_the_chain_of_the_quickstart() -> None:
    scenario = load_scenario(Path("scenarios/quickstart.toml"))
    genesis = found(scenario, 1).genesis
    assert genesis_hash(again(genesis)) == hash_of_run(scenario, 1)
    assert again(genesis).committee == genesis.committee
    assert again(genesis).params == genesis.params


@pytest.mark.parametrize("text", [CONTRACTS, BLS, CHANGES], ids=["contracts", "bls", "governance"])
def test_a_file_begins_the_chain_of_a_run(text: str) -> None:
    scenario = decode_scenario(text)
    read = again(found(scenario, 3).genesis)
    assert genesis_hash(read) == hash_of_run(scenario, 3)
    if text is CONTRACTS:
        assert any(contract.code for contract in read.contracts)
    if text is BLS:
        assert all(member.possession for member in read.committee.members)
    if text is CHANGES:
        assert any(read.params.governance)


def test_a_file_begins_the_chain_of_a_run_with_ethereums_genesis(tmp_path: Path) -> None:
    (tmp_path / "geth.json").write_text(json.dumps(genesis_table()))
    scenario = decode_scenario(SHORT + '[chain]\ngenesis = "geth.json"\n', directory=tmp_path)
    genesis = found(scenario, 1).genesis
    assert genesis.contracts
    assert genesis.timestamp
    assert genesis_hash(again(genesis)) == hash_of_run(scenario, 1)
    assert genesis_contracts(again(genesis)) == genesis_contracts(genesis)


def test_every_parameter_is_kept() -> None:
    genesis = found(decode_scenario(SHORT), 1).genesis
    params = ChainParams(
        chain_id=7,
        base_fee_rule="fixed",
        base_fee_initial=genesis.params.base_fee_initial,
        timestamp_rule="strict",
        fork=Fork.PRAGUE,
        beacon_rule="given",
        withdrawal_rule="given",
        gas_limit_rule="ethereum",
        block_access_list=True,
        blobs=BlobSchedule(1, 2, 3),
        upgrades=(Upgrade(9, Fork.OSAKA), Upgrade(10, Fork.OSAKA, BlobSchedule(4, 5, 6))),
    )
    assert again(Genesis(params, genesis.alloc, genesis.committee, 4)).params == params
    named = {field.name for field in dataclasses.fields(ChainParams)}
    assert set(json.loads(write_genesis(genesis))["params"]) == named


def broken(**changes: Any) -> str:
    plain = json.loads(write_genesis(found(decode_scenario(SHORT), 1).genesis))
    plain.pop("hash")
    for name, value in changes.items():
        part, _, key = name.partition("__")
        if key:
            plain[part][key] = value
        else:
            plain[part] = value
    return json.dumps(plain)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("{", "genesis.json"),
        ("[]", "genesis.json"),
        ('{"config": {}}', "genesis.json.config"),
        (broken(format="other"), "genesis.json: format"),
        (broken(params__chain_id="x"), "genesis.json: params.chain_id"),
        (broken(params__chain_ids=1), "genesis.json: params.chain_ids"),
        (broken(params__fork="PARISH"), "genesis.json: params.fork"),
        (broken(params__fork=[]), "genesis.json: params.fork"),
        (broken(params__timestamp_rule="lax"), "chain.timestamp_rule"),
        (broken(params__upgrades=[{}]), "genesis.json: params.upgrades[0].timestamp"),
        (broken(params__block_access_list=1), "genesis.json: params.block_access_list"),
        (broken(params__governance="0x1"), "address"),
        (broken(committee=[]), "committee"),
        (broken(committee={}), "genesis.json: committee"),
        (broken(committee=[{"node": 0}]), "genesis.json: committee[0].public_key"),
        (
            broken(committee=[{"node": 0, "public_key": "0x1"}]),
            "genesis.json: committee[0].public_key",
        ),
        (broken(alloc={"0x1": {}}), "genesis.json: alloc.0x1"),
        (broken(timestamp=-1), "genesis.json: timestamp"),
        (broken(hash="0x00"), "genesis.json: hash"),
    ],
)
def test_a_file_that_is_wrong_is_refused_by_the_path_in_it(text: str, where: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_genesis(text)
    assert refused.value.where == where
