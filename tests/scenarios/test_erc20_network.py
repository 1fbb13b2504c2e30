"""An ERC-20, compiled from Solidity now, on a network whose primary crashes while it is used."""

from pathlib import Path

import pytest

from node.execution_setting import ExecutionEngine, block_setting
from node.execution_transaction import run_transaction
from node.validation import check_transaction
from primitives.account_key import AccountKey
from primitives.ids import Address, Hash32, NodeId
from primitives.keccak import keccak256
from primitives.params import ChainParams
from sim.assembly import build_world
from sim.checkers import CheckerSuite
from sim.contracts import Artifact, encode_arguments, encode_call, mapping_slot
from sim.driving import DrivenNetwork, drive_network
from sim.run import run_checkers
from sim.scenario import decode_table
from sim.workload.accounts import account_secret
from sim.workload.calls import Call
from sim.workload.minting import Purse
from sim.workload.site import created_address
from tests.scenarios.solidity import SOURCES, compile_source, needs_solc

GWEI = 10**9
SUPPLY = 10**24
USERS = 6
CREATION_GAS, CALL_GAS = 1_000_000, 100_000
TRANSFERRED = keccak256(b"Transfer(address,address,uint256)")


class Bank:
    """The users of the token: what they own according to what they have sent."""

    def __init__(self, net: DrivenNetwork, artifact: Artifact) -> None:
        self.net = net
        self.keys = [AccountKey(account_secret(net.seed, index)) for index in range(USERS)]
        self.purse = Purse(self.keys, net.scenario.chain.chain_id)
        self.token = created_address(self.keys[0].address, 0)
        self.balances = [SUPPLY, *[0] * (USERS - 1)]
        self.slot = artifact.slot("balanceOf")
        data = artifact.creation_code + encode_arguments(["uint256"], [SUPPLY])
        self.sent = [self.send(0, Call(None, 0, data, CREATION_GAS))]

    def send(self, user: int, call: Call, node: int = 1) -> Hash32:
        raw, _ = self.purse.sign(user, call, GWEI, 20 * GWEI)
        return self.net.submit(raw, node)

    def transfer(self, sender: int, receiver: int, amount: int, node: int = 1) -> None:
        data = encode_call("transfer(address,uint256)", self.keys[receiver].address, amount)
        self.sent.append(self.send(sender, Call(self.token, 0, data, CALL_GAS), node))
        if self.balances[sender] >= amount:
            self.balances[sender] -= amount
            self.balances[receiver] += amount

    def stored(self, node: int) -> list[int]:
        """Return the balances as they stand in the storage of a node's head."""
        state = self.net.world.node(NodeId(node)).ledger.tip.state
        return [state.slot(self.token, mapping_slot(self.slot, key.address)) for key in self.keys]

    def asked(self, node: int) -> list[int]:
        """Return the balances as the contract tells them on a node's head."""
        head = self.net.world.node(NodeId(node)).ledger.tip
        params = ChainParams(chain_id=self.net.scenario.chain.chain_id)
        engine = ExecutionEngine()
        setting = block_setting(head.block.header, head.child_ancestors(), params, engine)
        answers = []
        stranger = AccountKey(account_secret(self.net.seed, USERS))
        for key in self.keys:
            data = encode_call("balanceOf(address)", key.address)
            purse = Purse([stranger], params.chain_id)
            raw, _ = purse.sign(0, Call(self.token, 0, data, CALL_GAS), 0, 20 * GWEI)
            run = run_transaction(check_transaction(raw, params), head.state, setting)
            assert run.result.succeeded
            answers.append(int.from_bytes(run.result.output, "big"))
        return answers


@needs_solc
@pytest.mark.parametrize("scheduler", ["serial", "critical-path"])
def test_balances_agree_on_every_node_after_a_primary_crash(tmp_path: Path, scheduler: str) -> None:
    artifact = compile_source(SOURCES / "Token.sol", tmp_path)
    net = drive_network(
        validators=4,
        followers=1,
        consensus={"request_timeout": "1s", "view_change_timeout": "1s"},
        execution={"scheduler": scheduler},
        latency="uniform",
        latency_value="5ms",
    )
    bank = Bank(net, artifact)
    net.run_for("2s")
    net.expect(committed=bank.sent)
    for user in range(1, USERS):
        bank.transfer(0, user, 1_000 * user)
    net.run_for("1s")
    for user in range(1, USERS):
        bank.transfer(user, (user + 1) % USERS, 10 * user)
    crashed = net.crash("primary")
    assert crashed == 0
    for user in range(1, USERS):
        bank.transfer(user, 0, 7, node=2)
    net.run_for("10s")
    bank.transfer(2, 3, 10**30, node=2)  # more than there is: it fails, and is paid for
    net.run_for("2s")
    net.restart()
    net.run_for("5s")
    net.expect(committed=bank.sent, min_view=1, agreement_within=0)
    net.finish()
    assert sum(bank.balances) == SUPPLY
    assert len(set(bank.balances)) == USERS
    for node in range(net.world.size):
        assert bank.stored(node) == bank.balances, f"node {node}"
        assert bank.asked(node) == bank.balances, f"node {node}"
    _check_history(net, bank)


def _check_history(net: DrivenNetwork, bank: Bank) -> None:
    """Every transfer that succeeded wrote its event, the one that could not wrote none."""
    node = net.world.node(NodeId(3))
    written, failed = 0, 0
    for height in range(1, node.ledger.height + 1):
        block = net.world.block(node.ledger.digest(height))
        for receipt in block.receipts:
            failed += not receipt.status
            for log in receipt.logs:
                assert log.address == Address(bank.token)
                assert log.topics[0] == TRANSFERRED
                written += 1
    assert (written, failed) == (len(bank.sent) - 1, 1)


@pytest.mark.parametrize("kind", ["erc20", "mainnet-like"])
def test_a_deployers_contracts_are_used_when_they_are_there(kind: str) -> None:
    """The artifacts that ship need no compiler. The creator's first node crashes as it begins."""
    sizes = {"tokens": 4, "pairs": 2, "collections": 2} if kind == "mainnet-like" else {}
    workload = {"kind": kind, "accounts": 30, "rate": 40, "deploy": "transaction", **sizes}
    table: dict[str, object] = {
        "name": "deployed",
        "duration": "16s",
        "network": {"validators": 4, "latency": "uniform", "latency_value": "5ms"},
        "consensus": {"request_timeout": "1s", "view_change_timeout": "1s"},
        "execution": {"scheduler": "optimistic", "building": "optimistic"},
        "workload": workload,
        "events": [{"at": "300ms", "kind": "crash", "node": "primary", "for": "5s"}],
        "expect": {"agreement": True, "min_view_changes": 1},
    }
    scenario = decode_table(table)
    world = build_world(scenario, seed=1)
    suite = CheckerSuite(run_checkers(scenario, world))
    world.subscribe_honest(suite.consumer(world))
    world.run_until(scenario.duration)
    assert suite.finish(world) is None
    states = {world.node(NodeId(node)).ledger.tip.state.root() for node in range(4)}
    assert len(states) == 1
    block, calls = world.head, 0
    while block.number:
        assert all(receipt.status for receipt in block.receipts), f"block {block.number}"
        calls += sum(bool(receipt.logs) for receipt in block.receipts)
        block = world.block(block.block.header.parent_hash)
    assert calls > 150
