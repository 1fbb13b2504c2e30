"""A network that starts from a genesis file, with a contract in it that its users call."""

import json
import shutil
from pathlib import Path

from primitives.account_key import AccountKey
from primitives.address import format_address, parse_address
from primitives.fork import Fork
from primitives.ids import Gas, NodeId, Wei
from primitives.params import MAX_TRANSACTION_GAS
from primitives.transaction import (
    Authorization,
    SetCodeTransaction,
    encode_transaction,
    sign_authorization,
    sign_transaction,
)
from sim.cli import main
from sim.driving import drive_network
from sim.workload.accounts import account_secret
from sim.workload.calls import Call
from sim.workload.minting import Purse
from tests.unit.sim.genesis_files import COUNTER, genesis_table, write_genesis

GWEI = 10**9
COUNTER_ADDRESS = parse_address(COUNTER)

SCENARIO = """
name = "from-genesis"
duration = "4s"

[network]
validators = 4

[chain]
genesis = "genesis.json"

[consensus]
signatures = "modelled"

[workload]
kind = "replay"
replay = "REPLAY"
rate = 5

[expect]
min_height = 1
stranded_after = "2s"
"""


def test_a_contract_of_the_file_is_called_across_an_upgrade(tmp_path: Path) -> None:
    file = write_genesis(tmp_path, config__osakaTime=104)
    net = drive_network(load=0, chain={"genesis": str(file)})
    purse = Purse([AccountKey(account_secret(net.seed, 0))], chain_id=77)
    call = Call(COUNTER_ADDRESS, 0, b"", 100_000)
    sent = []
    for second in (1, 4):
        net.run_until(f"{second}s")
        sent.append(net.submit(purse.sign(0, call, GWEI, 20 * GWEI)[0]))
    net.run_until("7s")

    net.expect(committed=sent, agreement_within=0)
    for node in range(4):
        state = net.world.node(NodeId(node)).ledger.tip.state
        assert state.slot(COUNTER_ADDRESS, 0) == 43
        assert state.balance(COUNTER_ADDRESS) == 5
    params = net.world.environment.genesis.params
    assert params.fork is Fork.PRAGUE
    assert params.at(net.world.head.block.header.timestamp).fork is Fork.OSAKA
    net.finish()


def test_what_an_upgrade_forbids_is_taken_before_it_only(tmp_path: Path) -> None:
    """Osaka brings a limit of gas to transactions (EIP-7825)."""
    file = write_genesis(tmp_path, config__osakaTime=104, gasLimit="0x1c9c380")
    net = drive_network(load=0, chain={"genesis": str(file)})
    purse = Purse([AccountKey(account_secret(net.seed, index)) for index in range(2)], chain_id=77)
    large = Call(COUNTER_ADDRESS, 0, b"", MAX_TRANSACTION_GAS + 1)
    small = Call(COUNTER_ADDRESS, 0, b"", 100_000)
    sent = []
    for second, user, call in ((1, 0, large), (5, 1, small), (6, 0, large)):
        net.run_until(f"{second}s")
        sent.append(net.submit(purse.sign(user, call, GWEI, 20 * GWEI)[0]))
    net.run_until("8s")

    net.expect(committed=sent[:2], agreement_within=0)
    assert net.refused == {sent[2]: "gas_limit_above_cap"}
    assert net.world.head.state.slot(COUNTER_ADDRESS, 0) == 43
    net.finish()


def test_an_account_that_delegates_to_a_contract_of_the_file_sends_on(tmp_path: Path) -> None:
    """Its authorization takes a nonce (EIP-7702), which no checker misses."""
    net = drive_network(load=0, chain={"genesis": str(write_genesis(tmp_path))})
    secrets = [account_secret(net.seed, index) for index in range(2)]
    signed = sign_authorization(Authorization(77, COUNTER_ADDRESS, 0), secrets[1])
    fees = (Wei(GWEI), Wei(20 * GWEI), Gas(200_000))
    delegating = SetCodeTransaction(
        77, 0, *fees, net.address(1), Wei(0), b"", (), authorizations=(signed,)
    )
    purse = Purse([AccountKey(secret) for secret in secrets], chain_id=77)
    purse.sign(1, Call(None, 0, b"", 0), 0, 0)
    sent = [net.submit(encode_transaction(sign_transaction(delegating, secrets[0])))]
    for second in (2, 4):
        net.run_until(f"{second}s")
        call = Call(net.address(1), 0, b"", 100_000)
        sent.append(net.submit(purse.sign(1, call, GWEI, 20 * GWEI)[0]))
    net.run_until("6s")

    net.expect(committed=sent, agreement_within=0)
    assert net.world.head.state.slot(net.address(1), 0) == 3
    net.finish()


def test_a_run_directory_is_enough_to_run_it_again(tmp_path: Path) -> None:
    """The sender stands in the file with a nonce and a balance, and its transaction is replayed."""
    key = AccountKey(account_secret(5, 0))
    purse = Purse([key], chain_id=77)
    call = Call(COUNTER_ADDRESS, 0, b"", 100_000)
    lines = [purse.sign(0, call, GWEI, 20 * GWEI)[0].hex() for _ in range(4)]
    signed = tmp_path / "signed.txt"
    signed.write_text("\n".join(lines[2:]) + "\n")
    table = genesis_table()
    table["alloc"][format_address(key.address)] = {"balance": str(10**18), "nonce": 2}
    (tmp_path / "genesis.json").write_text(json.dumps(table))
    file = tmp_path / "x.toml"
    file.write_text(SCENARIO.replace("REPLAY", str(signed)))

    assert main(["run", str(file), "--out", str(tmp_path / "runs")]) == 0
    first = tmp_path / "runs" / "from-genesis-1"
    moved = tmp_path / "moved"
    shutil.copytree(first, moved)
    shutil.rmtree(first)
    (tmp_path / "genesis.json").unlink()
    assert main(["run", str(moved / "scenario.toml"), "--out", str(tmp_path / "again")]) == 0
    summaries = [moved, tmp_path / "again" / "from-genesis-1"]
    found = [json.loads((each / "summary.json").read_text()) for each in summaries]
    assert found[0]["digest"] == found[1]["digest"]
    assert found[0]["height"] > 0
