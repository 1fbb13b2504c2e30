"""Calls: gas of the called, value, depth, return data, code of others."""

import sys
import threading

import pytest

from primitives.fork import Fork
from primitives.ids import Address
from tests.unit.contracts.naive_state import NaiveAccount
from tests.unit.contracts.rig import (
    GAS,
    HERE,
    ORIGIN,
    OTHER,
    contract,
    execute,
    push,
    pushes,
    used,
    word,
)

OTHER_INT = int.from_bytes(OTHER, "big")
STORE_TOP = "600055"
RETURN_GAS = "5a60005260206000f3"
LOAD_OUTPUT = "600051"


def call(gas: int = 2**255, value: int = 0, room: int = 32, target: int = OTHER_INT) -> str:
    return pushes(gas, target, value, 0, 0, 0, room) + "f1"


def test_a_call_gets_all_but_a_64th() -> None:
    frame = execute(call() + LOAD_OUTPUT, others={OTHER: contract(RETURN_GAS)})
    left = GAS - 7 * 3 - 2_600 - 3
    assert frame.stack[-1] == left - left // 64 - 2


def test_a_call_gets_no_more_than_it_asks_for() -> None:
    frame = execute(call(gas=1_000) + LOAD_OUTPUT, others={OTHER: contract(RETURN_GAS)})
    assert frame.stack[-1] == 998


def test_before_eip_150_a_call_must_not_ask_for_too_much() -> None:
    others = {OTHER: contract(RETURN_GAS)}
    assert execute(call(), others=others, fork=Fork.HOMESTEAD).failure == "OutOfGas"
    assert execute(call(1_000), others=others, fork=Fork.HOMESTEAD).stack == [1]


def test_value_brings_a_stipend() -> None:
    frame = execute(call(0, 1) + LOAD_OUTPUT, others={OTHER: contract(RETURN_GAS)})
    assert frame.stack[-1] == 2_298
    assert frame.state.balance(OTHER) == 1


def test_value_that_is_not_there_fails_the_call_and_gives_its_gas_back() -> None:
    frame = execute(call(0, 1_001), others={OTHER: contract("00")})
    assert frame.stack == [0]
    assert used(frame) == 7 * 3 + 2_600 + 9_000 + 3 - 2_300
    assert frame.state.balance(OTHER) == 0


def test_a_failed_call_costs_all_its_gas_and_takes_value_back() -> None:
    frame = execute(call(1_000, 1), others={OTHER: contract("fe")})
    assert frame.stack == [0]
    assert used(frame) == 7 * 3 + 2_600 + 9_000 + 3 + 1_000
    assert frame.state.balance(HERE) == 1_000


@pytest.mark.parametrize(
    ("opcode", "expected"),
    [
        ("f1", (OTHER_INT, int.from_bytes(HERE, "big"), 5)),
        ("f2", (int.from_bytes(HERE, "big"), int.from_bytes(HERE, "big"), 5)),
        ("f4", (int.from_bytes(HERE, "big"), int.from_bytes(ORIGIN, "big"), 9)),
        ("fa", (OTHER_INT, int.from_bytes(HERE, "big"), 0)),
    ],
)
def test_who_and_what_a_call_sees(opcode: str, expected: tuple[int, ...]) -> None:
    callee = contract("3060005233602052346040526060" + "6000f3")
    value = (5,) if opcode in ("f1", "f2") else ()
    code = pushes(100_000, OTHER_INT, *value, 0, 0, 0, 96) + opcode
    frame = execute(code, others={OTHER: callee}, value=9)
    assert bytes(frame.memory) == b"".join(word(each) for each in expected)


def test_output_is_cut_to_its_place_and_return_data_is_not() -> None:
    callee = contract(push(2**256 - 1) + "60005260206000f3")
    frame = execute(call(room=4) + "3d", others={OTHER: callee})
    assert bytes(frame.memory) == b"\xff" * 4 + bytes(28)
    assert frame.stack[-1] == 32
    frame = execute(call(room=64) + "3d", others={OTHER: callee})
    assert bytes(frame.memory) == b"\xff" * 32 + bytes(32)


def test_return_data_of_a_revert_and_after_a_halt() -> None:
    frame = execute(call() + "3d", others={OTHER: contract("60076000fd")})
    assert frame.stack == [0, 7]
    frame = execute(call(1_000) + "3d", others={OTHER: contract("fe")})
    assert frame.stack == [0, 0]


def test_an_inner_revert_takes_warmth_back() -> None:
    """EIP-2929: what was accessed in a reverted call is cold again."""
    look = push(7) + "54" + "60006000fd"
    code = pushes(50_000, OTHER_INT, 0, 0, 0, 0) + "f450" + push(7) + "54"
    frame = execute(code, others={OTHER: contract(look)})
    inner = 3 + 2_100 + 6
    assert used(frame) == 6 * 3 + 2_600 + inner + 2 + 3 + 2_100


def test_refunds_of_a_failed_call_are_lost() -> None:
    clear = pushes(0, 0) + "55"
    kept = execute(
        pushes(90_000, OTHER_INT, 0, 0, 0, 0) + "f4",
        others={OTHER: contract(clear)},
        storage={0: 1},
    )
    lost = execute(
        pushes(90_000, OTHER_INT, 0, 0, 0, 0) + "f4",
        others={OTHER: contract(clear + "fe")},
        storage={0: 1},
    )
    assert (kept.refund, lost.refund) == (4_800, 0)


def recursive(opcode: str = "f1") -> str:
    """Code that counts its calls in slot 0 and calls itself with all its gas."""
    count = "600054" + "600101" + "600055"
    value = "6000" if opcode == "f1" else ""
    return count + "6000600060006000" + value + "305a" + opcode


def test_depth_is_limited_to_1024_and_needs_no_interpreter_stack() -> None:
    """In a thread with a small stack and under a recursion limit that nesting would break."""
    found = []

    def body() -> None:
        frame = execute(recursive(), gas=10**15)
        found.append((frame.failure, frame.state.load(HERE, 0)))

    limit, size = sys.getrecursionlimit(), threading.stack_size(256 * 1024)
    try:
        sys.setrecursionlimit(200)
        thread = threading.Thread(target=body)
        thread.start()
        thread.join()
    finally:
        sys.setrecursionlimit(limit)
        threading.stack_size(size)
    assert found == [(None, 1_025)]


def test_a_delegation_runs_the_code_of_another_once() -> None:
    third = Address(b"\xcc" * 20)
    others = {
        OTHER: contract("ef0100" + third.hex()),
        third: contract("3060005260206000f3"),
    }
    frame = execute(call() + LOAD_OUTPUT, others=others)
    assert frame.stack == [1, OTHER_INT]
    others[third] = contract("ef0100" + HERE.hex())
    assert execute(call(1_000), others=others).stack == [0]
    assert execute(call(1_000), others=others, fork=Fork.CANCUN).stack == [0]


def test_a_delegation_to_a_precompile_runs_nothing() -> None:
    others = {OTHER: contract("ef0100" + bytes(19).hex() + "02")}
    frame = execute(call() + "3d", others=others)
    assert frame.stack == [1, 0]


def test_extcode_shows_the_delegation_itself() -> None:
    others = {OTHER: contract("ef0100" + "cc" * 20)}
    assert execute(push(OTHER_INT) + "3b", others=others).stack == [23]


def test_a_precompile_that_fails_takes_value_back() -> None:
    frame = execute(call(100, 1, target=9))
    assert frame.stack == [0]
    assert frame.state.balance(HERE) == 1_000


@pytest.mark.parametrize(("nonce", "balance", "expected"), [(0, 0, 0), (1, 0, None), (0, 1, None)])
def test_extcodehash_of_empty_accounts_is_zero(
    nonce: int, balance: int, expected: int | None
) -> None:
    frame = execute(push(OTHER_INT) + "3f", others={OTHER: NaiveAccount(nonce, balance)})
    assert (frame.stack[0] == 0) == (expected == 0)
