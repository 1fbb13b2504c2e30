"""debug_traceTransaction and debug_traceCall: every instruction, and every call."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from contracts.opcodes import Op
from node.rpc.call_runner import CallLimits
from node.rpc.node_methods import MethodLimits
from primitives.address import contract_address
from primitives.genesis import GenesisContract
from primitives.keccak import keccak256
from sim.contracts import encode_arguments
from tests.unit.node.rpc import small_contracts as small
from tests.unit.node.rpc.chain_rig import Rig, hexed, signed
from tests.unit.node.rpc.tokens import (
    HOLDERS,
    SUPPLY,
    TOKEN,
    TRANSFER_TOPIC,
    creation,
    deploy,
    pay,
    transfer_data,
    view,
)
from tests.unit.node.transfers import account, raw_transfer, stranger

NOTHING = hexed(bytes(32))
CALLS = {"tracer": "callTracer"}
PRECOMPILED, ENDING, CREATING = stranger(720), stranger(721), stranger(722)
HASHING = small.call_code(bytes(19) + b"\x02")  # type: ignore[arg-type]
"""Calls SHA-256."""
CREATES = bytes.fromhex("60fe5f5360015f5ff0505f5f5ff000")
"""Creates with an initcode that fails, then one that is empty."""


@pytest.fixture
def contracts(make_rig: Callable[..., Rig]) -> Rig:
    more = (
        GenesisContract(PRECOMPILED, HASHING),
        GenesisContract(ENDING, b"\x73" + stranger(9) + bytes([Op.SELFDESTRUCT])),
        GenesisContract(CREATING, CREATES, nonce=1),
    )
    return make_rig(contracts=small.CONTRACTS + more)


def call(to: bytes, data: bytes = b"", **fields: Any) -> dict[str, Any]:
    return {"from": hexed(account(0)), "to": hexed(to), "input": hexed(data), **fields}


def test_every_step_of_a_call(contracts: Rig) -> None:
    trace = contracts.ask("debug_traceCall", call(small.COUNTING), "latest")
    steps = trace["structLogs"]
    ops = ["PUSH0", "SLOAD", "PUSH1", "ADD", "DUP1", "PUSH0", "SSTORE", "STOP"]
    assert [step["op"] for step in steps] == ops
    assert [step["pc"] for step in steps] == [0, 1, 2, 4, 5, 6, 7, 8]
    assert [step["gasCost"] for step in steps] == [2, 2_100, 3, 3, 3, 2, 2_900, 0]
    assert {step["depth"] for step in steps} == {1}
    assert [step["stack"] for step in steps] == [
        [], ["0x0"], ["0x7"], ["0x7", "0x1"], ["0x8"], ["0x8", "0x8"], ["0x8", "0x8", "0x0"],
        ["0x8"],
    ]  # fmt: skip
    key = f"0x{0:064x}"
    stored = [step.get("storage") for step in steps]
    assert stored[1] == {key: f"0x{7:064x}"}
    assert stored[6] == {key: f"0x{8:064x}"}
    assert [each for each in stored if each is not None] == [stored[1], stored[6]]
    assert (trace["failed"], trace["returnValue"]) == (False, "0x")
    assert trace["gas"] == 21_000 + sum(step["gasCost"] for step in steps)


def test_gas_goes_down_by_what_steps_cost(contracts: Rig) -> None:
    trace = contracts.ask("debug_traceCall", call(small.CALLING), "latest")
    steps = trace["structLogs"]
    assert {step["depth"] for step in steps} == {1, 2}
    for step, following in pairwise(steps):
        if step["depth"] == following["depth"] and step["op"] != "CALL":
            assert following["gas"] == step["gas"] - step["gasCost"]
    (calling,) = [step for step in steps if step["op"] == "CALL"]
    inside = next(step for step in steps if step["depth"] == 2)
    assert calling["gasCost"] == inside["gas"] + 2_600, "what it gives away, and a cold account"


@pytest.mark.parametrize(
    ("config", "present"),
    [
        ({}, {"stack", "storage"}),
        ({"disableStack": True}, {"storage"}),
        ({"disableStorage": True}, {"stack"}),
        ({"enableMemory": True, "enableReturnData": True}, {"stack", "storage", "memory"}),
    ],
)
def test_what_steps_show_is_chosen(rig: Rig, config: dict[str, Any], present: set[str]) -> None:
    deploy(rig)
    request = call(TOKEN, transfer_data(HOLDERS[0], 5))
    steps = rig.ask("debug_traceCall", request, "latest", config)["structLogs"]
    shown = {name for step in steps for name in step}
    assert shown == {"pc", "op", "gas", "gasCost", "depth"} | present
    if "memory" in present:
        assert steps[-1]["memory"][2] == f"0x{0x80:064x}"
        assert "memory" not in steps[0], "there is none yet"


def test_steps_may_be_limited(contracts: Rig) -> None:
    trace = contracts.ask("debug_traceCall", call(small.COUNTING), "latest", {"limit": 3})
    assert len(trace["structLogs"]) == 3
    assert trace["failed"] is False


def test_a_step_that_fails_says_why(contracts: Rig) -> None:
    trace = contracts.ask("debug_traceCall", call(small.INVALID), "latest")
    (step,) = trace["structLogs"]
    assert (step["op"], step["error"]) == ("INVALID", "invalid opcode")
    assert trace["failed"] is True
    trace = contracts.ask("debug_traceCall", call(small.LOOPING, gas=hex(22_000)), "latest")
    assert trace["structLogs"][-1]["error"] == "out of gas"


def test_a_transaction_is_traced_where_it_stood(rig: Rig) -> None:
    """Each of three transfers in one block sees what those before it have left."""
    creating = deploy(rig)
    hashes = pay(rig, 1, 1, 2, 3)
    pay(rig, 4, 4)
    for place, digest in enumerate(hashes):
        trace = rig.ask("debug_traceTransaction", digest)
        receipt = rig.ask("eth_getTransactionReceipt", digest)
        assert trace["gas"] == int(receipt["gasUsed"], 16)
        assert trace["returnValue"] == f"0x{1:064x}"
        loads = [step for step in trace["structLogs"] if step["op"] == "SLOAD"]
        (left,) = loads[0]["storage"].values()
        assert int(left, 16) == SUPPLY - sum(range(1, place + 1))
    trace = rig.ask("debug_traceTransaction", creating)
    receipt = rig.ask("eth_getTransactionReceipt", creating)
    assert trace["gas"] == int(receipt["gasUsed"], 16)


def test_a_traced_call_of_the_token(rig: Rig) -> None:
    deploy(rig)
    (digest,) = pay(rig, 1, 5)
    receipt = rig.ask("eth_getTransactionReceipt", digest)
    trace = rig.ask("debug_traceTransaction", digest, {**CALLS, "tracerConfig": {"withLog": True}})
    (log,) = trace.pop("logs")
    assert trace == {
        "type": "CALL",
        "from": hexed(account(0)),
        "to": hexed(TOKEN),
        "value": "0x0",
        "gas": hex(1_000_000),
        "gasUsed": receipt["gasUsed"],
        "input": hexed(transfer_data(HOLDERS[0], 5)),
        "output": f"0x{1:064x}",
    }
    assert log["topics"][0] == TRANSFER_TOPIC
    assert (log["index"], log["position"], int(log["data"], 16)) == ("0x0", "0x0", 5)


def test_calls_inside_calls(contracts: Rig) -> None:
    trace = contracts.ask("debug_traceCall", call(small.CALLING), "latest", CALLS)
    (inner,) = trace["calls"]
    assert (inner["type"], inner["from"], inner["to"]) == (
        "CALL", hexed(small.CALLING), hexed(small.COUNTING),
    )  # fmt: skip
    assert inner["gasUsed"] == hex(2 + 2_100 + 3 * 3 + 2 + 2_900)
    assert int(inner["gas"], 16) < int(trace["gas"], 16) * 63 // 64
    top = contracts.ask(
        "debug_traceCall", call(small.CALLING), "latest",
        {**CALLS, "tracerConfig": {"onlyTopCall": True}},
    )  # fmt: skip
    assert "calls" not in top


def test_calls_without_a_frame_are_shown_too(contracts: Rig) -> None:
    trace = contracts.ask("debug_traceCall", call(PRECOMPILED), "latest", CALLS)
    (inner,) = trace["calls"]
    assert (inner["to"], inner["gasUsed"]) == (f"0x{2:040x}", hex(60))
    assert inner["output"].startswith("0xe3b0c442")
    trace = contracts.ask("debug_traceCall", call(small.PAYING), "latest", CALLS)
    (inner,) = trace["calls"]
    assert (inner["error"], inner["value"]) == ("insufficient balance for transfer", "0x3")
    assert (trace["error"], "output" in trace) == ("execution reverted", False)
    paid = {hexed(small.PAYING): {"balance": "0x5"}}
    trace = contracts.ask(
        "debug_traceCall", call(small.PAYING), "latest", {**CALLS, "stateOverrides": paid}
    )
    assert ("error" in trace["calls"][0], trace["calls"][0]["gasUsed"]) == (False, "0x0")


def test_what_a_call_costs_is_what_it_is_given_too(contracts: Rig) -> None:
    """Also where it gives all back at once; a creation is not counted so (as go-ethereum does)."""
    for to, op in ((PRECOMPILED, "CALL"), (CREATING, "CREATE")):
        steps = contracts.ask("debug_traceCall", call(to), "latest")["structLogs"]
        inner = contracts.ask("debug_traceCall", call(to), "latest", CALLS)["calls"][0]
        step = next(each for each in steps if each["op"] == op)
        given = int(inner["gas"], 16)
        assert step["gasCost"] == (100 + given if op == "CALL" else 32_000 + 2)


def test_creations_and_ends(contracts: Rig) -> None:
    trace = contracts.ask("debug_traceCall", call(CREATING), "latest", CALLS)
    failed, empty = trace["calls"]
    assert (failed["type"], failed["error"]) == ("CREATE", "invalid opcode")
    assert (failed["input"], failed["gasUsed"]) == ("0xfe", failed["gas"])
    assert "to" not in failed
    assert empty["to"] == hexed(contract_address(CREATING, 2))
    trace = contracts.ask("debug_traceCall", call(ENDING), "latest", CALLS)
    (end,) = trace["calls"]
    assert (end["type"], end["to"], end["value"]) == ("SELFDESTRUCT", hexed(stranger(9)), "0x0")


def test_a_creation_by_a_transaction(rig: Rig) -> None:
    digest = deploy(rig)
    trace = rig.ask("debug_traceTransaction", digest, CALLS)
    assert (trace["type"], trace["to"]) == ("CREATE", hexed(TOKEN))
    assert trace["input"] == hexed(creation())
    assert trace["output"] == rig.ask("eth_getCode", hexed(TOKEN))


def test_reverts_come_with_their_reason(contracts: Rig) -> None:
    data = bytes.fromhex("08c379a0") + encode_arguments(("string",), ("no way",))
    trace = contracts.ask("debug_traceCall", call(small.REVERTING, data), "latest", CALLS)
    assert (trace["error"], trace["revertReason"]) == ("execution reverted", "no way")
    assert trace["output"] == hexed(data)


def test_logs_of_what_failed_are_left_out(rig: Rig) -> None:
    deploy(rig)
    request = call(TOKEN, transfer_data(HOLDERS[0], SUPPLY + 1))
    config = {**CALLS, "tracerConfig": {"withLog": True}}
    trace = rig.ask("debug_traceCall", request, "latest", config)
    assert trace["error"] == "execution reverted"
    assert "logs" not in trace


def test_logs_that_were_taken_back_are_left_out(contracts: Rig) -> None:
    config = {**CALLS, "tracerConfig": {"withLog": True}}
    trace = contracts.ask("debug_traceCall", call(small.TAKING_BACK), "latest", config)
    assert (trace["error"], "logs" in trace) == ("execution reverted", False)
    trace = contracts.ask("debug_traceCall", call(small.EMITTING), "latest", config)
    assert len(trace["logs"]) == 1


def test_logs_have_the_index_that_receipts_give_them(contracts: Rig) -> None:
    """That in the block, where logs that were taken back do not count."""
    topic, code = b"\x05" * 32, bytes.fromhex("5f5f5f5f5f73") + small.TAKING_BACK
    code += bytes.fromhex("5af1505f5fa000")
    config = {**CALLS, "tracerConfig": {"withLog": True}}
    first = contracts.send(signed(0, 0, small.EMITTING, topic))
    second = contracts.send(signed(0, 1, small.EMITTING, topic))
    contracts.mine()
    for digest, index in ((first, "0x0"), (second, "0x1")):
        (log,) = contracts.ask("debug_traceTransaction", digest, config)["logs"]
        receipt = contracts.ask("eth_getTransactionReceipt", digest)
        assert log["index"] == receipt["logs"][0]["logIndex"] == index
    changed = {**config, "stateOverrides": {hexed(stranger(3)): {"code": hexed(code)}}}
    trace = contracts.ask("debug_traceCall", call(stranger(3)), "latest", changed)
    assert "logs" not in trace["calls"][0]
    assert [(log["index"], log["position"]) for log in trace["logs"]] == [("0x0", "0x1")]


def test_a_call_on_behalf_has_the_value_of_its_caller(contracts: Rig) -> None:
    code = bytes.fromhex("5f5f5f5f73") + small.COUNTING + bytes.fromhex("5af4")
    changed = {**CALLS, "stateOverrides": {hexed(stranger(3)): {"code": hexed(code)}}}
    trace = contracts.ask("debug_traceCall", call(stranger(3), value="0x5"), "latest", changed)
    (inner,) = trace["calls"]
    assert (inner["type"], inner["value"]) == ("DELEGATECALL", "0x5")


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("debug_traceTransaction", (NOTHING,), "transaction not found"),
        ("debug_traceTransaction", (NOTHING, {"tracer": "4byteTracer"}), "tracer not found"),
        ("debug_traceTransaction", (NOTHING, {"limit": -1}), "cannot unmarshal"),
        ("debug_traceCall", ({}, "0x9"), "block #9 not found"),
        ("debug_traceCall", ({}, {"blockHash": NOTHING}), f"block {NOTHING} not found"),
        ("debug_traceCall", ({}, "latest", {"txIndex": "0x0"}), "txIndex is not supported"),
        ("debug_traceBlockByNumber", ("3",), "invalid argument 0: hex string without 0x prefix"),
        ("debug_traceBlockByNumber", ("0x0",), "genesis is not traceable"),
        ("debug_traceBlockByNumber", ("0x9",), "block #9 not found"),
        ("debug_traceBlockByNumber", ("pending",), "on top of pending is not supported"),
        ("debug_traceBlockByHash", (NOTHING,), f"block {NOTHING} not found"),
    ],
)  # fmt: skip
def test_traces_that_cannot_be_made(
    rig: Rig, name: str, parameters: tuple[object, ...], message: str
) -> None:
    assert message in rig.refused(name, *parameters).message


def test_traces_are_bounded_in_time(make_rig: Callable[..., Rig]) -> None:
    limits = MethodLimits(calls=CallLimits(gas=1 << 40, time_ns=20_000_000, slice_ns=1_000_000))
    rig = make_rig(contracts=small.CONTRACTS, limits=limits)
    error = rig.refused("debug_traceCall", call(small.LOOPING), "latest", {"limit": 1})
    assert (error.code, error.message) == (-32000, "execution timeout")


@pytest.mark.parametrize("timeout", ["0s", "-5s", "1ns", "0.000001ms", "0"])
def test_a_caller_may_set_a_shorter_time(contracts: Rig, timeout: str) -> None:
    """Whatever it is, the time of the node itself (5 s) is not used up."""
    config = {"timeout": timeout, "limit": 1}
    request = call(small.LOOPING, gas=hex(1 << 40))
    error = contracts.refused("debug_traceCall", request, "latest", config)
    assert (error.code, error.message) == (-32000, "execution timeout")


@pytest.mark.parametrize("timeout", ["1h", "99999h1.5m", "+3000s"])
def test_a_longer_time_than_is_needed_changes_nothing(contracts: Rig, timeout: str) -> None:
    plain = contracts.ask("debug_traceCall", call(small.COUNTING), "latest")
    config = {"timeout": timeout}
    assert contracts.ask("debug_traceCall", call(small.COUNTING), "latest", config) == plain


@pytest.mark.parametrize(
    ("timeout", "message"),
    [
        ("soon", 'time: invalid duration "soon"'),
        ("", 'time: invalid duration ""'),
        (5, "json: cannot unmarshal number into Go value of type string"),
    ],
)
def test_a_time_that_is_none_is_refused(contracts: Rig, timeout: object, message: str) -> None:
    config = {"timeout": timeout}
    error = contracts.refused("debug_traceTransaction", NOTHING, config)
    assert (error.code, error.message) == (-32602, f"invalid argument 1: {message}")


def test_states_that_are_not_kept_cannot_be_traced_on(rig: Rig) -> None:
    deploy(rig)
    (digest,) = pay(rig, 1, 5)
    for nonce in range(20):
        rig.mine(raw_transfer(1, nonce, stranger(1), 1))
    assert "missing trie node" in rig.refused("debug_traceTransaction", digest).message


def test_raw_forms_hash_to_their_names(rig: Rig) -> None:
    encoded = signed(0, 0, stranger(1), gas=21_000)
    digest = rig.send(encoded)
    rig.mine()
    assert rig.ask("debug_getRawTransaction", digest) == hexed(encoded)
    block = rig.ask("eth_getBlockByNumber", "latest")
    header = bytes.fromhex(rig.ask("debug_getRawHeader", "latest")[2:])
    assert hexed(keccak256(header)) == block["hash"]
    whole = bytes.fromhex(rig.ask("debug_getRawBlock", block["hash"])[2:])
    assert hexed(whole) == hexed(rig.backend.node.ledger.tip.payload)
    (receipt,) = rig.ask("debug_getRawReceipts", "0x1")
    assert receipt.startswith("0x02f9")
    assert rig.ask("debug_getRawTransaction", hexed(bytes(32))) is None
    assert view("name()")["to"] == hexed(TOKEN)
