"""What stands in a block's access list, and what must not: EIP-7928, scope and edge cases.

Each test runs one transaction under Osaka's rules. An account that an instruction could not pay to
look at does not stand in the list, so many of them have just enough gas, or one unit too little.
"""

import pytest

from contracts.context import BlockContext
from contracts.evm import Evm
from contracts.transaction import execute_transaction
from node.access_list import AccessListBuilder
from primitives.account_key import AccountKey
from primitives.address import contract_address
from primitives.block_access_list import AccountChanges, SlotChanges
from primitives.fork import Fork
from primitives.ids import Address, Gas, Hash32, Wei
from primitives.keccak import keccak256
from primitives.system_contracts import HISTORY_ADDRESS
from primitives.transaction import (
    AccessListEntry,
    Authorization,
    DynamicFeeTransaction,
    SetCodeTransaction,
    Transaction,
    sign_authorization,
)
from storage.account import Account
from storage.changes import StateChanges
from storage.journal import Journal
from storage.state import StateLayer
from tests.unit.contracts.rig import push, pushes

KEY = bytes(31) + b"\x05"
AUTHORITY = AccountKey(KEY).address
SENDER, HERE, THERE, MINER = (Address(bytes([n]) * 20) for n in (0x51, 0xC0, 0xC1, 0xFE))
DELEGATED, NOBODY = Address(b"\xd1" * 20), Address(b"\x77" * 20)
T = int.from_bytes(THERE, "big")
D = int.from_bytes(DELEGATED, "big")
N = int.from_bytes(NOBODY, "big")
PLENTY = 1_000_000
COLD, COLD_SLOT, VALUE, NEW = 2_600, 2_100, 9_000, 25_000
BASE_FEE = 7


def state(code: str, balance: int) -> StateLayer:
    codes = {
        HERE: bytes.fromhex(code),
        THERE: b"\x00",
        DELEGATED: b"\xef\x01\x00" + THERE,
    }
    accounts = {
        address: Account(1, Wei(0), code_hash=keccak256(code)) for address, code in codes.items()
    }
    accounts[HERE] = Account(1, Wei(balance), code_hash=keccak256(codes[HERE]))
    accounts[SENDER] = Account(0, Wei(10**18))
    by_hash = {keccak256(code): code for code in codes.values()}
    return StateLayer(None, StateChanges(accounts, {HERE: {1: 11}}, {}, by_hash))


def call(gas: int, tip: int = 0, listed: tuple[AccessListEntry, ...] = ()) -> Transaction:
    """A call of HERE that gets `gas`, whatever it costs to begin with."""
    intrinsic = 21_000 + sum(2_400 + 1_900 * len(entry.storage_keys) for entry in listed)
    fee = Wei(BASE_FEE + tip)
    limit = Gas(intrinsic + gas)
    return DynamicFeeTransaction(1, 0, Wei(tip), fee, limit, HERE, Wei(0), b"", listed)


def run(
    code: str, gas: int = PLENTY, balance: int = 0, tx: Transaction | None = None
) -> dict[Address, AccountChanges]:
    """Run a transaction that calls `code` with so much gas; return the list by address."""
    layer = state(code, balance)
    journal, builder = Journal(layer), AccessListBuilder()
    context = BlockContext(
        fork=Fork.OSAKA,
        chain_id=1,
        number=300,
        timestamp=1_000,
        fee_recipient=MINER,
        gas_limit=Gas(30_000_000),
        base_fee=Wei(BASE_FEE),
        prev_randao=Hash32(bytes(32)),
        blob_base_fee=Wei(1),
        block_hash=lambda number: keccak256(str(number).encode()),
    )
    execute_transaction(Evm(Fork.OSAKA), journal, tx or call(gas), SENDER, context, 30_000_000, 0)
    builder.note(1, journal.finish(), layer)
    return {each.address: each for each in builder.build()}


ALWAYS = {SENDER, HERE, MINER}
LOOKS = {
    "BALANCE": (push(T) + "31", 3),
    "EXTCODESIZE": (push(T) + "3b", 3),
    "EXTCODEHASH": (push(T) + "3f", 3),
    "EXTCODECOPY": (pushes(T, 0, 0, 0) + "3c", 12),
    "CALL": (pushes(0, T, 0, 0, 0, 0, 0) + "f1", 21),
    "CALLCODE": (pushes(0, T, 0, 0, 0, 0, 0) + "f2", 21),
    "DELEGATECALL": (pushes(0, T, 0, 0, 0, 0) + "f4", 18),
    "STATICCALL": (pushes(0, T, 0, 0, 0, 0) + "fa", 18),
    "SELFDESTRUCT": (push(T) + "ff", 3 + 5_000),
}
"""Code that looks at THERE, and what it costs but for that look."""


@pytest.mark.parametrize("name", LOOKS)
def test_an_account_that_an_instruction_looks_at_stands_there(name: str) -> None:
    code, cost = LOOKS[name]
    assert run(code, cost + COLD)[THERE] == AccountChanges(THERE)


@pytest.mark.parametrize("name", LOOKS)
def test_an_account_that_could_not_be_paid_for_does_not_stand_there(name: str) -> None:
    code, cost = LOOKS[name]
    assert set(run(code, cost + COLD - 1)) == ALWAYS


@pytest.mark.parametrize("opcode", ["f1", "f2"])
def test_a_call_whose_value_could_not_be_paid_for_looks_at_nobody(opcode: str) -> None:
    code = pushes(0, T, 1, 0, 0, 0, 0) + opcode
    assert THERE not in run(code, 21 + COLD + VALUE - 1, balance=5)
    assert THERE in run(code, 21 + COLD + VALUE, balance=5)


def test_an_account_that_could_not_be_made_was_looked_at() -> None:
    code = pushes(0, N, 1, 0, 0, 0, 0) + "f1"
    assert run(code, 21 + COLD + VALUE + NEW - 1, balance=5)[NOBODY] == AccountChanges(NOBODY)
    heir = push(N) + "ff"
    assert run(heir, 3 + 5_000 + COLD + NEW - 1, balance=5)[NOBODY] == AccountChanges(NOBODY)


def test_a_call_without_the_money_has_looked_at_its_target() -> None:
    found = run(pushes(PLENTY, T, 9, 0, 0, 0, 0) + "f1", balance=5)
    assert found[THERE] == AccountChanges(THERE)
    assert found[HERE] == AccountChanges(HERE)


def test_the_heir_of_something_has_a_balance_and_the_heir_of_nothing_none() -> None:
    found = run(push(T) + "ff", balance=5)
    assert found[THERE].balance_changes == ((1, 5),)
    assert found[HERE].balance_changes == ((1, 0),)
    assert run(push(T) + "ff")[THERE] == AccountChanges(THERE)


def test_a_precompile_that_is_called_stands_there() -> None:
    identity = Address(bytes(19) + b"\x04")
    assert run(pushes(PLENTY, 4, 0, 0, 0, 0) + "fa")[identity] == AccountChanges(identity)


def test_a_creation_that_cannot_start_looks_at_no_address() -> None:
    """Not enough money: nonce and address are left alone."""
    found = run(pushes(9, 0, 0) + "f0", balance=5)
    assert set(found) == ALWAYS
    assert found[HERE] == AccountChanges(HERE)


def test_a_creation_that_fails_has_looked_at_its_address() -> None:
    """The initcode, one byte of memory, is INVALID."""
    created = contract_address(HERE, 1)
    found = run(push(0xFE) + push(0) + "53" + pushes(0, 0, 1) + "f0")
    assert found[created] == AccountChanges(created)
    assert found[HERE].nonce_changes == ((1, 2),)


def test_a_slot_that_could_not_be_paid_for_does_not_stand_there() -> None:
    assert run(push(1) + "54", 3 + COLD_SLOT)[HERE].storage_reads == (1,)
    assert run(push(1) + "54", 3 + COLD_SLOT - 1)[HERE].storage_reads == ()


def test_a_store_looks_at_its_slot_once_it_has_more_than_a_stipend() -> None:
    """EIP-2200 refuses with 2,300 gas or less, before the slot is read to price the rest."""
    code = pushes(1, 5) + "55"
    assert run(code, 6 + 2_300)[HERE].storage_reads == ()
    assert run(code, 6 + 2_301)[HERE].storage_reads == (1,)
    assert run(code)[HERE].storage_changes == (SlotChanges(1, ((1, 5),)),)


def test_what_a_transaction_only_announces_does_not_stand_there() -> None:
    """Reference: EIP-2930 lists make warm; EIP-7928 lists only what was touched."""
    announced = (AccessListEntry(THERE, (Hash32(bytes(32)),)), AccessListEntry(HERE, ()))
    assert set(run("00", tx=call(PLENTY, listed=announced))) == ALWAYS


def test_transient_slots_and_block_hashes_are_no_storage() -> None:
    found = run(pushes(1, 5) + "5d" + push(1) + "5c" + push(299) + "40")
    assert found[HERE] == AccountChanges(HERE)
    assert HISTORY_ADDRESS not in found


def test_the_fee_recipient_stands_there_without_a_tip_too() -> None:
    assert run("00")[MINER] == AccountChanges(MINER)
    assert run("00", tx=call(PLENTY, tip=2))[MINER].balance_changes == ((1, 42_000),)


def test_what_was_taken_back_was_looked_at() -> None:
    code = push(T) + "31" + pushes(1, 5) + "55" + pushes(0, 0) + "fd"
    found = run(code)
    assert found[THERE] == AccountChanges(THERE)
    assert found[HERE] == AccountChanges(HERE, storage_reads=(1,))


def test_a_call_of_a_delegated_account_looks_at_both() -> None:
    code = pushes(0, D, 0, 0, 0, 0) + "fa"
    assert {DELEGATED, THERE} <= set(run(code, 18 + COLD + COLD))


def test_a_delegate_that_could_not_be_paid_for_does_not_stand_there() -> None:
    found = run(pushes(0, D, 0, 0, 0, 0) + "fa", 18 + COLD + COLD - 1)
    assert DELEGATED in found
    assert THERE not in found


def authorized(nonce: int, chain_id: int = 1) -> dict[Address, AccountChanges]:
    grant = sign_authorization(Authorization(chain_id, THERE, nonce, 0, 0, 0), KEY)
    fee = Wei(BASE_FEE)
    tx = SetCodeTransaction(
        1, 0, Wei(0), fee, Gas(100_000), HERE, Wei(0), b"", (), (grant,), 0, 1, 1
    )
    return run("00", tx=tx)


def test_an_authority_has_its_nonce_and_code_and_its_delegate_is_not_looked_at() -> None:
    found = authorized(nonce=0)
    assert found[AUTHORITY].nonce_changes == ((1, 1),)
    assert found[AUTHORITY].code_changes == ((1, b"\xef\x01\x00" + THERE),)
    assert THERE not in found


def test_an_authority_stands_there_if_it_was_looked_at_before_it_was_passed_over() -> None:
    assert authorized(nonce=3)[AUTHORITY] == AccountChanges(AUTHORITY)
    assert AUTHORITY not in authorized(nonce=0, chain_id=2)
