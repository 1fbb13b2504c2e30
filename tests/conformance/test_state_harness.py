"""The runner of state tests notices whatever is wrong: each doctored case is found out."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from contracts.evm import Evm
from primitives.account_key import AccountKey
from primitives.fork import Fork
from primitives.ids import Address, Gas, Wei
from primitives.keccak import keccak256
from primitives.rlp import EMPTY_LIST
from primitives.transaction import DynamicFeeTransaction, encode_transaction, sign_transaction
from tests.conformance.state_benches import BENCHES
from tests.conformance.state_cases import UnreadableCase, read_cases
from tests.conformance.state_runs import problems_of
from tests.unit.contracts.naive_state import NaiveState, state_root

KEY = bytes(31) + b"\x07"
SENDER = AccountKey(KEY).address
CONTRACT, RECIPIENT = Address(b"\xc0" * 20), Address(b"\xfe" * 20)
CODE = bytes.fromhex("6001600255")
"""Stores 1 in slot 2."""
GAS = 21_000 + 3 + 3 + 22_100
"""What the call takes: it is set out here what must come of it."""

Test = dict[str, Any]


def hexadecimal(data: bytes) -> str:
    return f"0x{data.hex()}"


def account(nonce: int, balance: int, code: bytes = b"") -> dict[str, Any]:
    return {
        "nonce": hex(nonce),
        "balance": hex(balance),
        "code": hexadecimal(code),
        "storage": {},
    }


def after() -> Test:
    contract = account(1, 0, CODE)
    contract["storage"] = {"0x2": "0x1"}
    return {
        hexadecimal(SENDER): account(1, 10**18 - 8 * GAS),
        hexadecimal(CONTRACT): contract,
        hexadecimal(RECIPIENT): account(0, GAS),
    }


def root_of(alloc: Test) -> bytes:
    return state_root(NaiveState.from_json(alloc))


def sample() -> Test:
    """A call that stores something, in Cancun; all that is to come of it is right."""
    transaction = sign_transaction(
        DynamicFeeTransaction(1, 0, Wei(1), Wei(20), Gas(60_000), CONTRACT, Wei(0), b""), KEY
    )
    return {
        "env": {
            "currentCoinbase": hexadecimal(RECIPIENT),
            "currentGasLimit": hex(30_000_000),
            "currentNumber": "0x1",
            "currentTimestamp": "0x3e8",
            "currentDifficulty": "0x0",
            "currentRandom": hexadecimal(bytes(32)),
            "currentBaseFee": "0x7",
            "currentExcessBlobGas": "0x0",
        },
        "pre": {
            hexadecimal(SENDER): account(0, 10**18),
            hexadecimal(CONTRACT): account(1, 0, CODE),
        },
        "transaction": {
            "nonce": "0x0",
            "gasLimit": [hex(60_000)],
            "value": ["0x0"],
            "data": ["0x"],
            "to": hexadecimal(CONTRACT),
            "sender": hexadecimal(SENDER),
            "secretKey": hexadecimal(KEY),
            "maxFeePerGas": "0x14",
            "maxPriorityFeePerGas": "0x1",
        },
        "post": {
            "Cancun": [
                {
                    "hash": hexadecimal(root_of(after())),
                    "logs": hexadecimal(keccak256(EMPTY_LIST)),
                    "txbytes": hexadecimal(encode_transaction(transaction)),
                    "indexes": {"data": 0, "gas": 0, "value": 0},
                }
            ]
        },
    }


def problems(test: Test, bench: str = "journal") -> list[str]:
    cases = read_cases(Path("sample.json"), json.loads(json.dumps({"sample": test})))
    evm = Evm(Fork.CANCUN)
    return [found for case in cases for found in problems_of(case, BENCHES[bench], evm, None)]


@pytest.mark.parametrize("bench", BENCHES)
def test_a_right_case_has_no_problem(bench: str) -> None:
    assert problems(sample(), bench) == []


def edit(*path: str | int, value: object) -> Callable[[Test], None]:
    def change(test: Test) -> None:
        place: Any = test
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value

    return change


POST = ("post", "Cancun", 0)
WRONG: Mapping[str, Callable[[Test], None]] = {
    "another root": edit(*POST, "hash", value=hexadecimal(bytes(32))),
    "other logs": edit(*POST, "logs", value=hexadecimal(bytes(32))),
    "another sender": edit("transaction", "sender", value=hexadecimal(RECIPIENT)),
    "another nonce in the fields": edit("transaction", "nonce", value="0x1"),
    "other data in the fields": edit("transaction", "data", value=["0x00"]),
    "another fee in the fields": edit("transaction", "maxFeePerGas", value="0x15"),
    "an error that does not come": edit(*POST, "expectException", value="SENDER_NOT_EOA"),
    "an error that nobody knows": edit(*POST, "expectException", value="NO_SUCH_ERROR"),
    "a wei more before": edit("pre", hexadecimal(SENDER), value=account(0, 10**18 + 1)),
    "another account before": edit("pre", hexadecimal(RECIPIENT), value=account(1, 0)),
    "another base fee": edit("env", "currentBaseFee", value="0x8"),
    "another fee recipient": edit("env", "currentCoinbase", value=hexadecimal(SENDER)),
    "another chain": edit("config", value={"chainid": "0x2"}),
    "no room in the block": edit("env", "currentGasLimit", value="0x100"),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("bench", BENCHES)
def test_whatever_is_wrong_is_a_problem(wrong: str, bench: str) -> None:
    test = sample()
    WRONG[wrong](test)
    assert problems(test, bench)


def test_the_wrong_error_is_a_problem_and_the_right_one_is_none() -> None:
    test = sample()
    edit("env", "currentBaseFee", value="0x15")(test)
    untouched = sample()["pre"]
    for name, is_right in (
        ("TransactionException.INSUFFICIENT_MAX_FEE_PER_GAS", True),
        ("SENDER_NOT_EOA|TransactionException.INSUFFICIENT_MAX_FEE_PER_GAS", True),
        ("TransactionException.SENDER_NOT_EOA", False),
    ):
        post = test["post"]["Cancun"][0]
        post["expectException"] = name
        post["hash"] = hexadecimal(root_of(untouched))
        assert (problems(test) == []) is is_right


UNKNOWN: Mapping[str, Callable[[Test], None]] = {
    "fork": edit("post", "Atlantis", value=[]),
    "field of the test": edit("extra", value=1),
    "field of the environment": edit("env", "currentMood", value="0x0"),
    "field of the transaction": edit("transaction", "mood", value="0x0"),
    "field of the outcome": edit(*POST, "mood", value="0x0"),
    "field of an account": edit("pre", hexadecimal(SENDER), "mood", value="0x0"),
    "field of the configuration": edit("config", value={"mood": 1}),
}


@pytest.mark.parametrize("unknown", UNKNOWN)
def test_what_is_unknown_is_refused(unknown: str) -> None:
    test = sample()
    UNKNOWN[unknown](test)
    with pytest.raises(UnreadableCase):
        problems(test)
