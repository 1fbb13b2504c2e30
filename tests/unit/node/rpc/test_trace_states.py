"""The tracer of states: what a transaction looks at, and what it changes."""

from collections.abc import Callable
from typing import Any

import pytest

from contracts.delegation import designator
from contracts.opcodes import Op
from node.rpc.traced import TraceRoom
from primitives.address import contract_address
from primitives.genesis import GenesisContract
from primitives.ids import Address, Gas, Wei
from primitives.keccak import keccak256
from primitives.transaction import (
    Authorization,
    SetCodeTransaction,
    encode_transaction,
    sign_authorization,
    sign_transaction,
)
from tests.unit.node.rpc import small_contracts as small
from tests.unit.node.rpc.chain_rig import CHAIN, Rig, hexed, signed
from tests.unit.node.rpc.tokens import SUPPLY, TOKEN, deploy, pay
from tests.unit.node.transfers import ETHER, GWEI, account, private_key, stranger

STATES = {"tracer": "prestateTracer"}
CHANGES = {**STATES, "tracerConfig": {"diffMode": True}}
LOOKING, MAKING, ENDING = (stranger(740 + number) for number in range(3))
LOOK = b"\x73" + account(3) + bytes([Op.BALANCE, Op.PUSH0, Op.SLOAD, Op.STOP])
MAKE = bytes.fromhex("5f5f5f5ff5505f5f5ff05000")
"""CREATE2 with nothing and salt 0, then CREATE with nothing."""
END = b"\x73" + stranger(9) + bytes([Op.SELFDESTRUCT])


@pytest.fixture
def rig(make_rig: Callable[..., Rig]) -> Rig:
    more = (
        GenesisContract(LOOKING, LOOK, storage=((0, 5), (1, 6))),
        GenesisContract(MAKING, MAKE, nonce=1),
        GenesisContract(ENDING, END),
    )
    return make_rig(contracts=small.CONTRACTS + more)


def trace_of(rig: Rig, digest: str, config: dict[str, Any]) -> dict[str, Any]:
    trace: dict[str, Any] = rig.ask("debug_traceTransaction", digest, config)
    return trace


def word(value: int) -> str:
    return f"0x{value:064x}"


def recipient(rig: Rig) -> str:
    miner: str = rig.ask("eth_getBlockByNumber", "latest")["miner"]
    return miner


def test_what_a_transaction_looks_at_is_shown_as_it_was(rig: Rig) -> None:
    digest = rig.send(signed(0, 0, LOOKING))
    rig.mine()
    pre = trace_of(rig, digest, STATES)
    assert pre == {
        hexed(account(0)): {"balance": hex(10 * ETHER)},
        hexed(account(3)): {"balance": hex(10 * ETHER)},
        hexed(LOOKING): {
            "balance": "0x0",
            "code": hexed(LOOK),
            "nonce": 1,
            "storage": {word(0): word(5)},
        },
    }


def test_what_was_not_there_is_left_out_unless_asked_for(rig: Rig) -> None:
    digest = rig.send(signed(0, 0, stranger(1), value=3, gas=21_000))
    rig.mine()
    assert hexed(stranger(1)) not in trace_of(rig, digest, STATES)
    config = {**STATES, "tracerConfig": {"includeEmpty": True}}
    pre = trace_of(rig, digest, config)
    assert pre[hexed(stranger(1))] == {"balance": "0x0"}
    assert recipient(rig) in pre


def test_code_and_storage_may_be_left_out(rig: Rig) -> None:
    digest = rig.send(signed(0, 0, LOOKING))
    rig.mine()
    config = {**STATES, "tracerConfig": {"disableCode": True, "disableStorage": True}}
    assert trace_of(rig, digest, config)[hexed(LOOKING)] == {"balance": "0x0", "nonce": 1}


def test_what_has_changed_is_shown_before_and_after(rig: Rig) -> None:
    before = int(rig.ask("eth_getBalance", hexed(account(0))), 16)
    digest = rig.send(signed(0, 0, small.COUNTING))
    rig.mine()
    after = int(rig.ask("eth_getBalance", hexed(account(0))), 16)
    shown = trace_of(rig, digest, CHANGES)
    miner = recipient(rig)
    tip = rig.ask("eth_getBalance", miner)
    assert shown["post"] == {
        hexed(account(0)): {"balance": hex(after), "nonce": 1},
        hexed(small.COUNTING): {"storage": {word(0): word(8)}},
        miner: {"balance": tip},
    }
    counting = shown["pre"].pop(hexed(small.COUNTING))
    assert counting["storage"] == {word(0): word(7)}
    assert "code" in counting
    assert shown["pre"] == {hexed(account(0)): {"balance": hex(before)}}


def test_changes_of_a_token_are_those_of_its_slots(rig: Rig) -> None:
    creating = deploy(rig)
    (first, second) = pay(rig, 1, 5, 6)
    made = trace_of(rig, creating, CHANGES)
    assert hexed(TOKEN) not in made["pre"]
    assert made["post"][hexed(TOKEN)]["code"] == rig.ask("eth_getCode", hexed(TOKEN))
    assert made["post"][hexed(TOKEN)]["nonce"] == 1
    assert word(SUPPLY) in made["post"][hexed(TOKEN)]["storage"].values()
    for digest, left, amount in ((first, SUPPLY - 5, 5), (second, SUPPLY - 11, 6)):
        post = trace_of(rig, digest, CHANGES)["post"][hexed(TOKEN)]
        assert sorted(post) == ["storage"]
        assert sorted(post["storage"].values()) == sorted([word(left), word(amount)])


def test_what_a_failed_transaction_changes_is_its_fee(rig: Rig) -> None:
    digest = rig.send(signed(0, 0, small.REVERTING, b"\x01", gas=50_000))
    rig.mine()
    shown = trace_of(rig, digest, CHANGES)
    assert set(shown["post"]) == {hexed(account(0)), recipient(rig)}
    assert hexed(small.REVERTING) in trace_of(rig, digest, STATES)


def test_slots_that_begin_and_end_empty(rig: Rig) -> None:
    """Nothing has no row: neither before it is there nor after it has gone.

    Nor has what was looked at and stays as it is.
    """
    set_code, unset_code, look_code = "60095f5500", "5f5f5500", "600154505f5f5500"
    place = hexed(stranger(3))
    request = {"from": hexed(account(0)), "to": place}
    for code, held, expected in (
        (set_code, {}, (None, {word(0): word(9)})),
        (unset_code, {word(0): word(4)}, ({word(0): word(4)}, None)),
        (look_code, {word(0): word(4), word(1): word(6)}, ({word(0): word(4)}, None)),
    ):
        overrides = {place: {"code": "0x" + code, "state": held}}
        config = {**CHANGES, "stateOverrides": overrides}
        shown = rig.ask("debug_traceCall", request, "latest", config)
        found = shown["pre"][place].get("storage"), shown["post"][place].get("storage")
        assert found == expected


def test_contracts_that_are_made_are_those_that_were_not_there(rig: Rig) -> None:
    digest = rig.send(signed(0, 0, MAKING))
    rig.mine()
    salted = keccak256(b"\xff" + MAKING + bytes(32) + keccak256(b""))[12:]
    made = {hexed(salted), hexed(contract_address(MAKING, 2))}
    post = trace_of(rig, digest, CHANGES)["post"]
    assert made <= set(post)
    assert all(post[each]["nonce"] == 1 for each in made)
    assert not made & set(trace_of(rig, digest, STATES))
    wide = {**STATES, "tracerConfig": {"includeEmpty": True}}
    assert made <= set(trace_of(rig, digest, wide))


def test_an_account_that_has_ended_stays_unless_it_is_gone(rig: Rig) -> None:
    """Since EIP-6780 SELFDESTRUCT takes the balance, and nothing else of an older contract."""
    config = {**CHANGES, "stateOverrides": {hexed(ENDING): {"balance": "0x7"}}}
    shown = rig.ask("debug_traceCall", {"to": hexed(ENDING)}, "latest", config)
    assert shown["pre"][hexed(ENDING)]["balance"] == "0x7"
    assert shown["post"][hexed(ENDING)] == {"balance": "0x0"}
    assert shown["post"][hexed(stranger(9))] == {"balance": "0x7"}
    created = rig.send(signed(0, 0, None, END, value=5))
    rig.mine()
    shown = trace_of(rig, created, CHANGES)
    assert hexed(contract_address(account(0), 0)) not in shown["pre"] | shown["post"]
    assert shown["post"][hexed(stranger(9))] == {"balance": "0x5"}


def test_an_account_that_delegates_brings_its_delegate(rig: Rig) -> None:
    """Whom it delegates to by this very transaction, that is."""
    entrusted = sign_authorization(
        Authorization(CHAIN.chain_id, Address(LOOKING), 0), private_key(1)
    )
    unsigned = SetCodeTransaction(
        chain_id=CHAIN.chain_id,
        nonce=0,
        max_priority_fee_per_gas=Wei(GWEI),
        max_fee_per_gas=Wei(10 * GWEI),
        gas_limit=Gas(200_000),
        to=account(1),
        value=Wei(0),
        data=b"",
        access_list=(),
        authorizations=(entrusted,),
    )
    digest = rig.send(encode_transaction(sign_transaction(unsigned, private_key(0))))
    rig.mine()
    pre = trace_of(rig, digest, STATES)
    assert {hexed(account(1)), hexed(LOOKING), hexed(account(3))} <= set(pre)
    assert pre[hexed(account(1))] == {
        "balance": hex(10 * ETHER),
        "storage": {word(0): word(0)},
    }, "it has looked at an empty slot"
    post = trace_of(rig, digest, CHANGES)["post"]
    assert post[hexed(account(1))] == {"code": hexed(designator(Address(LOOKING))), "nonce": 1}


def test_every_transaction_of_a_block_is_traced(rig: Rig) -> None:
    deploy(rig)
    hashes = pay(rig, 1, 5, 6, 7)
    number = hex(rig.height)
    block = rig.ask("eth_getBlockByNumber", number)
    logging = {"tracer": "callTracer", "tracerConfig": {"withLog": True}}
    configs: tuple[dict[str, Any], ...] = ({}, logging, CHANGES)
    for config in configs:
        traces = rig.ask("debug_traceBlockByNumber", number, config)
        assert traces == rig.ask("debug_traceBlockByHash", block["hash"], config)
        assert traces == [
            {"txHash": digest, "result": trace_of(rig, digest, config)} for digest in hashes
        ]
        assert rig.ask("debug_traceBlockByNumber", "latest", config) == traces
    assert rig.ask("debug_traceBlockByNumber", "0x1")[0]["result"]["failed"] is False


def test_traces_of_a_request_are_bounded_together(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(rig)
    hashes = pay(rig, 1, 5, 6, 7, 8)
    size = len(str(trace_of(rig, hashes[0], {})))
    monkeypatch.setattr("node.rpc.trace.TraceRoom", lambda: TraceRoom(2 * size))
    assert trace_of(rig, hashes[0], {})["structLogs"]
    error = rig.refused("debug_traceBlockByNumber", "latest")
    assert error.message.startswith("trace is too large")


@pytest.mark.parametrize("tracer", ["callTracer", "prestateTracer", ""])
def test_a_trace_counts_what_it_carries(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, tracer: str
) -> None:
    """A loop that calls with ten kilobytes of input; that opens ten large codes."""
    monkeypatch.setattr("node.rpc.trace.TraceRoom", lambda: TraceRoom(50_000))
    targets = [stranger(800 + place) for place in range(10)]
    code = b"".join(
        bytes.fromhex("5f5f6127105f5f73") + each + bytes.fromhex("5af150") for each in targets
    )
    overrides = {hexed(each): {"code": "0x00" + "00" * 9_999} for each in targets}
    overrides[hexed(stranger(3))] = {"code": hexed(code)}
    config = {"tracer": tracer, "enableMemory": True, "stateOverrides": overrides}
    error = rig.refused("debug_traceCall", {"to": hexed(stranger(3))}, "latest", config)
    assert error.message.startswith("trace is too large")


def test_what_is_not_shown_is_not_counted(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.rpc.trace.TraceRoom", lambda: TraceRoom(10_000))
    code = bytes.fromhex("5f5f6127105f5f73") + small.ECHO + bytes.fromhex("5af150") + b"\x00"
    config = {
        "tracer": "callTracer",
        "tracerConfig": {"onlyTopCall": True},
        "stateOverrides": {hexed(stranger(3)): {"code": hexed(code)}},
    }
    trace = rig.ask("debug_traceCall", {"to": hexed(stranger(3))}, "latest", config)
    assert "calls" not in trace
