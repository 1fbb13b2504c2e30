"""web3.py, used as its documentation does, against a real node process."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from rlp import decode as decode_rlp  # type: ignore[import-untyped]
from web3 import AsyncWeb3, Web3, WebSocketProvider
from web3.exceptions import ContractCustomError, Web3RPCError
from web3.middleware import SignAndSendRawMiddlewareBuilder

from tests.live.devnet import ETHER, LiveProcess, one_node

ARTIFACT = Path(__file__).parents[2] / "sim" / "contracts" / "artifacts" / "Token.json"
SUPPLY = 10**24
RECEIVER = Web3.to_checksum_address("0x" + "3b" * 20)
OWNER: LocalAccount = Account.from_key("0x" + "3b" * 32)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveProcess]:
    with one_node(tmp_path_factory.mktemp("chain") / "net", [OWNER.address]) as process:
        yield process


@pytest.fixture(scope="module")
def w3(node: LiveProcess) -> Any:
    web3 = Web3(Web3.HTTPProvider(node.url))
    web3.middleware_onion.inject(SignAndSendRawMiddlewareBuilder.build(OWNER), layer=0)
    web3.eth.default_account = OWNER.address
    assert web3.is_connected()
    return web3


@pytest.fixture(scope="module")
def token(w3: Any) -> Any:
    """A contract that was deployed from its compiled form."""
    made = json.loads(ARTIFACT.read_text("utf-8"))
    factory = w3.eth.contract(abi=made["abi"], bytecode="0x" + made["creation"])
    receipt = w3.eth.wait_for_transaction_receipt(factory.constructor(SUPPLY).transact())
    assert receipt["status"] == 1
    assert w3.eth.get_code(receipt["contractAddress"]) == bytes.fromhex(made["runtime"])
    return w3.eth.contract(address=receipt["contractAddress"], abi=made["abi"])


def transfer(w3: Any, value: int = 1) -> Any:
    return w3.eth.wait_for_transaction_receipt(
        w3.eth.send_transaction({"to": RECEIVER, "value": value})
    )


def test_it_sends_and_waits_for_the_receipt(w3: Any) -> None:
    before = w3.eth.get_balance(RECEIVER)
    receipt = transfer(w3, 3 * ETHER)
    assert receipt["status"] == 1
    assert receipt["gasUsed"] == 21_000
    assert w3.eth.get_balance(RECEIVER) - before == 3 * ETHER
    block = w3.eth.get_block(receipt["blockNumber"], full_transactions=True)
    assert receipt["transactionHash"] in [each["hash"] for each in block["transactions"]]
    paid = receipt["effectiveGasPrice"] * receipt["gasUsed"]
    earlier = w3.eth.get_balance(OWNER.address, receipt["blockNumber"] - 1)
    assert w3.eth.get_balance(OWNER.address, receipt["blockNumber"]) == earlier - 3 * ETHER - paid


def test_it_calls_and_estimates(w3: Any, token: Any) -> None:
    assert token.functions.balanceOf(OWNER.address).call() > 0
    assert token.functions.symbol().call() == "ORR"
    move = token.functions.transfer(RECEIVER, 40)
    estimate = move.estimate_gas()
    receipt = w3.eth.wait_for_transaction_receipt(move.transact())
    assert receipt["gasUsed"] <= estimate < 2 * receipt["gasUsed"]
    [event] = token.events.Transfer().process_receipt(receipt)
    assert event["args"] == {"from": OWNER.address, "to": RECEIVER, "value": 40}
    [found] = token.events.Transfer().get_logs(from_block=receipt["blockNumber"])
    assert found["transactionHash"] == receipt["transactionHash"]


def test_a_revert_comes_with_its_reason(token: Any) -> None:
    with pytest.raises(ContractCustomError) as caught:
        token.functions.transfer(RECEIVER, 2 * SUPPLY).call()
    selector = Web3.keccak(text="InsufficientBalance(address,uint256,uint256)")[:4]
    assert str(caught.value.data).startswith("0x" + selector.hex())


def test_state_overrides_change_what_a_call_sees(w3: Any, token: Any) -> None:
    key = Web3.solidity_keccak(["uint256", "uint256"], [int(RECEIVER, 16), 1])
    there = {token.address: {"stateDiff": {"0x" + key.hex(): "0x" + (7**9).to_bytes(32).hex()}}}
    seen = token.functions.balanceOf(RECEIVER).call(state_override=there)
    assert seen == 7**9
    assert token.functions.balanceOf(RECEIVER).call() != seen


def test_refusals_are_those_that_wallets_know(w3: Any, node: LiveProcess) -> None:
    fees = {"gas": 21_000, "maxFeePerGas": 10**10, "maxPriorityFeePerGas": 1, "chainId": 1337}
    transfer(w3)
    stale = OWNER.sign_transaction({"to": RECEIVER, "value": 1, "nonce": 0, **fees})
    with pytest.raises(Web3RPCError, match="nonce too low"):
        w3.eth.send_raw_transaction(stale.raw_transaction)
    poor = Account.from_key("0x" + "77" * 32)
    signed = poor.sign_transaction({"to": RECEIVER, "value": 1, "nonce": 0, **fees})
    with pytest.raises(Web3RPCError, match="insufficient funds for gas"):
        w3.eth.send_raw_transaction(signed.raw_transaction)


def test_fees_can_be_asked_for(w3: Any) -> None:
    history = w3.eth.fee_history(3, "latest", [10, 90])
    assert len(history["baseFeePerGas"]) == len(history["gasUsedRatio"]) + 1
    assert all(len(each) == 2 for each in history["reward"])
    assert w3.eth.gas_price >= history["baseFeePerGas"][-1]
    assert w3.eth.get_block("finalized")["number"] == w3.eth.get_block("latest")["number"]


def test_a_filter_finds_new_blocks(w3: Any) -> None:
    blocks = w3.eth.filter("latest")
    receipt = transfer(w3)
    assert receipt["blockHash"] in blocks.get_new_entries()
    assert blocks.get_new_entries() == []


def test_a_proof_leads_to_the_state_root(w3: Any, token: Any) -> None:
    slot = int.from_bytes(Web3.solidity_keccak(["uint256", "uint256"], [int(OWNER.address, 16), 1]))
    proof = w3.eth.get_proof(token.address, [slot], "latest")
    block = w3.eth.get_block("latest")
    account = decode_rlp(
        walk(block["stateRoot"], bytes.fromhex(token.address[2:]), proof["accountProof"])
    )
    assert account[2] == proof["storageHash"]
    [stored] = proof["storageProof"]
    value = decode_rlp(walk(proof["storageHash"], slot.to_bytes(32), stored["proof"]))
    assert int.from_bytes(value) == token.functions.balanceOf(OWNER.address).call()


def walk(root: bytes, path: bytes, nodes: Any) -> bytes:
    """Follow a proof from its root; return what its leaf holds (naive: EF's yellow paper, D)."""
    nibbles, expected = Web3.keccak(path).hex(), bytes(root)
    for node in nodes:
        assert Web3.keccak(node) == expected
        items = decode_rlp(bytes(node))
        if len(items) == 17:
            expected, nibbles = items[int(nibbles[0], 16)], nibbles[1:]
            continue
        part = items[0].hex()
        rest = part[1:] if part[0] in "13" else part[2:]
        assert nibbles.startswith(rest)
        nibbles = nibbles[len(rest) :]
        if part[0] in "23":
            assert not nibbles
            return bytes(items[1])
        expected = items[1]
    raise AssertionError("the proof ends before its leaf")


def test_a_trace_shows_the_calls(w3: Any, token: Any) -> None:
    receipt = w3.eth.wait_for_transaction_receipt(token.functions.transfer(RECEIVER, 2).transact())
    name = "0x" + receipt["transactionHash"].hex()
    calls = w3.provider.make_request("debug_traceTransaction", [name, {"tracer": "callTracer"}])
    assert calls["result"]["to"] == token.address.lower()
    assert int(calls["result"]["gasUsed"], 16) == receipt["gasUsed"]
    steps = w3.provider.make_request("debug_traceTransaction", [name, {}])["result"]
    assert steps["gas"] == receipt["gasUsed"]
    assert "SSTORE" in {each["op"] for each in steps["structLogs"]}
    config = {"tracer": "prestateTracer", "tracerConfig": {"diffMode": True}, "timeout": "1m"}
    states = w3.provider.make_request("debug_traceTransaction", [name, config])["result"]
    assert set(states["post"][token.address.lower()]) == {"storage"}
    assert states["post"][OWNER.address.lower()]["nonce"] == receipt_nonce(w3, receipt) + 1


def receipt_nonce(w3: Any, receipt: Any) -> int:
    nonce: int = w3.eth.get_transaction(receipt["transactionHash"])["nonce"]
    return nonce


def test_events_arrive_over_a_websocket(node: LiveProcess, w3: Any, token: Any) -> None:
    async def listen() -> list[Any]:
        async with AsyncWeb3(WebSocketProvider(node.ws)) as socket:
            heads = await socket.eth.subscribe("newHeads")
            logs = await socket.eth.subscribe("logs", {"address": token.address})
            syncing = await socket.eth.subscribe("syncing")
            sent = await asyncio.to_thread(token.functions.transfer(RECEIVER, 5).transact)
            found: dict[str, Any] = {}
            async for message in socket.socket.process_subscriptions():
                result = message["result"]
                if message["subscription"] == logs and result["transactionHash"] == sent:
                    found["log"] = result
                elif message["subscription"] == heads:
                    found.setdefault("head", result)
                elif message["subscription"] == syncing:
                    found["syncing"] = result
                if len(found) == 3:
                    assert found["syncing"] is False
                    return [found["log"], found["head"]]
        raise AssertionError("the subscription has ended")

    log, head = asyncio.run(asyncio.wait_for(listen(), 60))
    [event] = token.events.Transfer().process_receipt({"logs": [log]})
    assert event["args"]["value"] == 5
    assert w3.eth.get_block(head["hash"])["number"] == head["number"]
