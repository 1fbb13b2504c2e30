"""Transactions signed by somebody else: eth-account signs, Orrery executes, arithmetic judges."""

from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

pytest.importorskip("eth_account", reason="eth-account signs the transactions of this test")

from eth_account import Account
from eth_utils.address import to_checksum_address

from primitives.ids import Address
from sim.assembly import build_world
from sim.scenario import decode_scenario

COUNT = 1_000
SENDERS = 25
CHAIN_ID = 77
BALANCE = 10**18
TRANSFER_GAS = 21_000
BASE_FEE = 7

SCENARIO = """
name = "external-replay"
duration = "40s"

[network]
validators = 4

[chain]
chain_id = 77
base_fee = "fixed"
base_fee_initial = "7 wei"

[workload]
kind = "replay"
replay = "signed.txt"
rate = 50
balance = "1 ether"
"""


@dataclass
class Ledger:
    """Plain arithmetic: what every account should own in the end."""

    balances: dict[str, int] = field(default_factory=dict)
    nonces: dict[str, int] = field(default_factory=dict)
    tips: int = 0

    def transfer(self, sender: str, to: str, value: int, tip: int) -> None:
        self.nonces[sender] = self.nonces.get(sender, 0) + 1
        self.tips += TRANSFER_GAS * tip
        spent = value + TRANSFER_GAS * (BASE_FEE + tip)
        self.balances[sender] = self.balances.get(sender, BALANCE) - spent
        self.balances[to] = self.balances.get(to, 0) + value


def signed_lines(ledger: Ledger) -> list[str]:
    """Sign transfers of all three executable types to senders and to strangers."""
    draws = Random(20261120)
    accounts = [Account.from_key(bytes([1] * 31 + [k + 1])) for k in range(SENDERS)]
    for account in accounts:
        ledger.balances[account.address] = BALANCE
    lines = []
    for number in range(COUNT):
        account = accounts[draws.randrange(SENDERS)]
        stranger = to_checksum_address(b"\x51" * 18 + number.to_bytes(2, "big"))
        to = draws.choice(accounts).address if number % 3 else stranger
        value, tip = draws.randrange(10**12), draws.randrange(1, 50)
        fields: dict[str, object] = {
            "chainId": CHAIN_ID,
            "nonce": ledger.nonces.get(account.address, 0),
            "to": to,
            "value": value,
            "gas": TRANSFER_GAS,
        }
        if number % 4:
            fields |= {"maxFeePerGas": BASE_FEE + 50, "maxPriorityFeePerGas": tip}
        else:
            fields |= {"gasPrice": BASE_FEE + tip}
            if number % 8:
                fields |= {"accessList": []}
                fields["gas"] = TRANSFER_GAS
        lines.append(account.sign_transaction(fields).raw_transaction.hex())
        ledger.transfer(account.address, to, value, tip)
    return lines


def test_replayed_transactions_end_with_the_predicted_balances(tmp_path: Path) -> None:
    ledger = Ledger()
    lines = signed_lines(ledger)
    assert len(lines) >= 1_000
    (tmp_path / "signed.txt").write_text("\n".join(lines) + "\n")
    scenario = decode_scenario(SCENARIO, directory=tmp_path)
    world = build_world(scenario, seed=3)

    world.run_until(scenario.duration)

    for node in range(4):
        state = world.node(node).ledger.tip.state
        for address, balance in ledger.balances.items():
            assert state.balance(Address(bytes.fromhex(address[2:]))) == balance, address
        for address, nonce in ledger.nonces.items():
            assert state.nonce(Address(bytes.fromhex(address[2:]))) == nonce, address
        known = {bytes.fromhex(address[2:]) for address in ledger.balances}
        others = [a.balance for key, a in state.accounts().items() if key not in known]
        assert sum(others) == ledger.tips
