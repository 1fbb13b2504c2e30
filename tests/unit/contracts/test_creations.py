"""CREATE, CREATE2 and SELFDESTRUCT."""

import pytest

from contracts.creation import salted_address
from primitives.address import contract_address
from primitives.fork import Fork
from primitives.ids import Address
from tests.unit.contracts.naive_state import NaiveAccount, NaiveState
from tests.unit.contracts.rig import HERE, OTHER, contract, execute, push, pushes

OTHER_INT = int.from_bytes(OTHER, "big")
FIRST = contract_address(HERE, 1)
DEPLOY_STOP = "60016000f3"
"""Initcode that returns one zero byte: STOP."""


def create(initcode: str, value: int = 0, salt: int | None = None) -> str:
    """Return code that creates a contract from at most 32 bytes of initcode."""
    data = int(initcode, 16) << 8 * (32 - len(initcode) // 2)
    operands = (value, 0, len(initcode) // 2, *(() if salt is None else (salt,)))
    return push(data) + "600052" + pushes(*operands) + ("f0" if salt is None else "f5")


def test_create_makes_an_account_with_nonce_code_and_value() -> None:
    frame = execute(create(DEPLOY_STOP, value=3))
    state = frame.state
    assert frame.stack == [int.from_bytes(FIRST, "big")]
    assert (state.nonce(FIRST), state.code(FIRST), state.balance(FIRST)) == (1, b"\0", 3)
    assert (state.nonce(HERE), state.balance(HERE)) == (2, 997)
    assert frame.return_data == b""


def test_create2_follows_from_the_salt() -> None:
    """The address of EIP-1014's example 1: creator, salt and initcode of zeros."""
    address = salted_address(Address(bytes(20)), 0, b"\0")
    assert address.hex() == "4d1a2e2bb4f88f0250f26ffff098b0b30b26bf38"
    expected = salted_address(HERE, 7, bytes.fromhex(DEPLOY_STOP))
    assert execute(create(DEPLOY_STOP, salt=7)).stack == [int.from_bytes(expected, "big")]


def test_a_reverted_creation_leaves_its_data_and_the_counted_nonce() -> None:
    frame = execute(create("60056000fd") + "3d")
    assert frame.stack == [0, 5]
    assert frame.state.nonce(HERE) == 2
    assert frame.state.nonce(FIRST) == 0


@pytest.mark.parametrize(
    "existing",
    [NaiveAccount(nonce=1), NaiveAccount(code=b"\0"), NaiveAccount(balance=1, storage={0: 1})],
)
def test_a_taken_address_burns_the_gas(existing: NaiveAccount) -> None:
    """EIP-684 and EIP-7610: code, nonce or storage; value alone does not matter."""
    frame = execute(create(DEPLOY_STOP), others={FIRST: existing})
    assert frame.stack == [0]
    assert frame.gas < 20_000
    assert frame.state.nonce(HERE) == 2


def test_value_alone_takes_no_address() -> None:
    frame = execute(create(DEPLOY_STOP, value=2), others={FIRST: NaiveAccount(balance=5)})
    assert frame.stack != [0]
    assert frame.state.balance(FIRST) == 7


@pytest.mark.parametrize(("balance", "nonce"), [(0, 1), (5, 2**64 - 1)])
def test_a_creation_that_cannot_start_gives_gas_back(balance: int, nonce: int) -> None:
    state = NaiveState({HERE: NaiveAccount(nonce, balance, bytes.fromhex(create("00", 1)))})
    frame = execute("", state=state)
    assert frame.stack == [0]
    assert frame.gas > 900_000
    assert frame.state.nonce(HERE) == nonce


def test_too_little_gas_for_the_code() -> None:
    """EIP-2: since Homestead the creation fails; in Frontier there is a contract without code."""
    code = create("61100060" + "00f3")
    assert execute(code, gas=32_000 + 200_000).stack == [0]
    assert execute(code, gas=32_000 + 200_000, fork=Fork.FRONTIER).stack != [0]


def selfdestruct(heir: Address) -> str:
    return push(int.from_bytes(heir, "big")) + "ff"


def test_selfdestruct_moves_the_balance() -> None:
    frame = execute(selfdestruct(OTHER))
    assert (frame.state.balance(HERE), frame.state.balance(OTHER)) == (0, 1_000)


@pytest.mark.parametrize(("fork", "survives"), [(Fork.SHANGHAI, False), (Fork.CANCUN, True)])
def test_selfdestruct_keeps_the_account_since_cancun(fork: Fork, survives: bool) -> None:
    state = execute(selfdestruct(OTHER), fork=fork).state
    assert isinstance(state, NaiveState)
    state.finish()
    assert (HERE in state.now.accounts) == survives


@pytest.mark.parametrize(("fork", "left"), [(Fork.SHANGHAI, 0), (Fork.CANCUN, 1_000)])
def test_leaving_everything_to_oneself(fork: Fork, left: int) -> None:
    assert execute(selfdestruct(HERE), fork=fork).state.balance(HERE) == left


def test_a_contract_of_the_same_transaction_goes() -> None:
    """EIP-6780's exception: created and destroyed in one transaction; value to itself is burnt."""
    frame = execute(create("30ff", value=4))
    state = frame.state
    assert isinstance(state, NaiveState)
    assert state.balance(FIRST) == 0
    state.finish()
    assert FIRST not in state.now.accounts


def test_selfdestruct_was_refunded_once_an_account_until_london() -> None:
    twice = pushes(50_000, OTHER_INT, 0, 0, 0, 0, 0) + "f1"
    others = {OTHER: contract(selfdestruct(HERE))}
    assert execute(twice * 2, fork=Fork.BERLIN, others=others).refund == 24_000
    assert execute(twice * 2, fork=Fork.LONDON, others=others).refund == 0
    failed = {
        OTHER: contract(selfdestruct(HERE)),
    }
    assert execute(twice + "fe", fork=Fork.BERLIN, others=failed).has_failed


def test_a_new_heir_costs_an_account_only_for_value() -> None:
    rich, poor = execute(selfdestruct(OTHER)), execute(selfdestruct(OTHER), balance=0)
    assert poor.gas - rich.gas == 25_000
