"""Calls of the block itself, requests, deposits."""

from hashlib import sha256

import pytest

from contracts.delegation import designator
from contracts.deposits import (
    DEPOSIT_EVENT,
    MalformedDeposit,
    deposit_requests,
)
from contracts.evm import Evm
from contracts.system import (
    SystemCallFailed,
    read_consolidation_requests,
    read_withdrawal_requests,
    requests_hash,
    store_parent_hash,
    store_parent_root,
    system_call,
)
from primitives.fork import Fork
from primitives.header import EMPTY_REQUESTS_HASH
from primitives.ids import Address, Hash32
from primitives.receipt import Log
from primitives.system_contracts import (
    BEACON_ROOTS_ADDRESS,
    CONSOLIDATION_REQUESTS_ADDRESS,
    DEPOSIT_ADDRESS,
    HISTORY_ADDRESS,
    SYSTEM_ADDRESS,
    WITHDRAWAL_REQUESTS_ADDRESS,
)
from tests.unit.contracts.naive_state import NaiveState
from tests.unit.contracts.rig import block_of, contract

STORE_INPUT = "60003560005500"
WHO_AND_GAS = "3360005260" + "00355a60205260406000f3"
OTHER = Address(b"\x77" * 20)
ROOT = Hash32(b"\x44" * 32)
ROOT_INT = int.from_bytes(ROOT, "big")


def test_a_system_call_comes_from_the_system_address_with_its_own_gas() -> None:
    state = NaiveState({BEACON_ROOTS_ADDRESS: contract(WHO_AND_GAS)})
    output = system_call(Evm(), state, block_of(), BEACON_ROOTS_ADDRESS, b"")
    assert output is not None
    assert output[12:32] == SYSTEM_ADDRESS
    assert 29_999_900 < int.from_bytes(output[32:], "big") < 30_000_000
    assert state.nonce(SYSTEM_ADDRESS) == 0


def test_nothing_is_warm_for_a_call_of_the_block_not_even_a_precompile() -> None:
    """EIP-2929 warms precompiles at the start of a transaction, which this is none."""
    cost_of_balance = "5a60013150" + "5a9003" + "60005260206000f3"
    state = NaiveState({BEACON_ROOTS_ADDRESS: contract(cost_of_balance)})
    output = system_call(Evm(), state, block_of(), BEACON_ROOTS_ADDRESS, b"")
    assert output is not None
    assert int.from_bytes(output, "big") == 3 + 2_600 + 2 + 2


def test_a_system_call_follows_a_delegation() -> None:
    """EELS does, since Prague; a designator has no instruction that could run."""
    code = designator(OTHER).hex()
    for fork, stored, output in ((Fork.PRAGUE, ROOT_INT, b""), (Fork.CANCUN, 0, None)):
        state = NaiveState({HISTORY_ADDRESS: contract(code), OTHER: contract(STORE_INPUT)})
        assert system_call(Evm(fork), state, block_of(fork), HISTORY_ADDRESS, ROOT) == output
        assert (state.load(HISTORY_ADDRESS, 0), state.load(OTHER, 0)) == (stored, 0)


def test_a_system_call_warms_the_delegate_alone() -> None:
    cost_of_balance = "5a73" + OTHER.hex() + "31505a9003" + "60005260206000f3"
    state = NaiveState(
        {HISTORY_ADDRESS: contract(designator(OTHER).hex()), OTHER: contract(cost_of_balance)}
    )
    output = system_call(Evm(), state, block_of(), HISTORY_ADDRESS, b"")
    assert output is not None
    assert int.from_bytes(output, "big") == 3 + 100 + 2 + 2


def test_a_delegate_without_code_answers_with_nothing() -> None:
    state = NaiveState({WITHDRAWAL_REQUESTS_ADDRESS: contract(designator(OTHER).hex())})
    assert read_withdrawal_requests(Evm(), state, block_of()) == b""


def test_the_parents_root_and_hash_are_stored_from_their_forks_on() -> None:
    for store, target, since in (
        (store_parent_root, BEACON_ROOTS_ADDRESS, Fork.CANCUN),
        (store_parent_hash, HISTORY_ADDRESS, Fork.PRAGUE),
    ):
        for fork in (Fork.SHANGHAI, Fork.CANCUN, Fork.PRAGUE, Fork.OSAKA):
            state = NaiveState({target: contract(STORE_INPUT)})
            store(Evm(fork), state, block_of(fork), ROOT)
            assert state.load(target, 0) == (ROOT_INT if fork >= since else 0)


def test_storing_without_the_contract_or_with_a_failing_one_changes_nothing() -> None:
    store_parent_hash(Evm(), NaiveState(), block_of(), ROOT)
    state = NaiveState({HISTORY_ADDRESS: contract("6001600055fe")})
    store_parent_hash(Evm(), state, block_of(), ROOT)
    assert state.load(HISTORY_ADDRESS, 0) == 0


@pytest.mark.parametrize(
    ("read", "target"),
    [
        (read_withdrawal_requests, WITHDRAWAL_REQUESTS_ADDRESS),
        (read_consolidation_requests, CONSOLIDATION_REQUESTS_ADDRESS),
    ],
)
def test_requests_must_be_answered(read: object, target: Address) -> None:
    assert callable(read)
    state = NaiveState({target: contract("60aa60005360016000f3")})
    assert read(Evm(), state, block_of()) == b"\xaa"
    for accounts in ({}, {target: contract("fe")}):
        with pytest.raises(SystemCallFailed):
            read(Evm(), NaiveState(accounts), block_of())


def test_requests_hash_leaves_out_what_is_empty() -> None:
    assert requests_hash(()) == requests_hash((b"\0", b"\1")) == EMPTY_REQUESTS_HASH
    inner = sha256(b"\1abc").digest()
    assert requests_hash((b"\0", b"\1abc")) == sha256(inner).digest()


FIELDS = (b"\x01" * 48, b"\x02" * 32, b"\x03" * 8, b"\x04" * 96, b"\x05" * 8)


def event(fields: tuple[bytes, ...] = FIELDS) -> bytearray:
    """Return the data of a deposit event as Solidity lays it out."""
    head, tail = b"", b""
    for field in fields:
        head += (160 + len(tail)).to_bytes(32, "big")
        tail += len(field).to_bytes(32, "big") + field.ljust(-(-len(field) // 32) * 32, b"\0")
    return bytearray(head + tail)


def log(data: bytes, address: Address = DEPOSIT_ADDRESS, topic: bytes = DEPOSIT_EVENT) -> Log:
    return Log(address, (Hash32(topic),), data)


def test_deposits_are_read_from_the_contracts_events_only() -> None:
    data = bytes(event())
    logs = [
        log(data), log(b"x", Address(b"\1" * 20)), log(b"x", topic=bytes(32)), log(data),
        Log(DEPOSIT_ADDRESS, (), b"x"),
    ]  # fmt: skip
    assert deposit_requests(logs) == b"".join(FIELDS) * 2


@pytest.mark.parametrize("place", [31, 63, 95, 127, 159, 191, 287, 351, 415, 543])
def test_a_malformed_deposit_is_an_error(place: int) -> None:
    data = event()
    data[place] ^= 1
    with pytest.raises(MalformedDeposit):
        deposit_requests([log(bytes(data))])


def test_a_deposit_of_another_size_is_an_error() -> None:
    with pytest.raises(MalformedDeposit):
        deposit_requests([log(bytes(event()) + b"\0")])
