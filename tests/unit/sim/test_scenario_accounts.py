"""Accounts that a scenario funds beside those of its load."""

import pytest

from primitives.address import parse_address
from primitives.errors import InvalidInput
from primitives.first_balance import parse_first_balance
from sim.founding import found
from sim.scenario import decode_scenario
from sim.workload.accounts import derive_accounts
from tests.unit.sim.scenario_texts import only_mistake, with_section

WALLET = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
ETHER = 10**18


def test_accounts_stand_in_genesis_beside_those_of_the_load() -> None:
    text = with_section("chain", f'accounts = ["{WALLET} = 1.5 ether"]')
    plain = found(decode_scenario(with_section("chain", "")), 1).genesis
    genesis = found(decode_scenario(text), 1).genesis
    assert genesis.alloc == (*plain.alloc, (parse_address(WALLET), 3 * ETHER // 2))


@pytest.mark.parametrize(
    ("account", "place"),
    [
        (WALLET, 'chain.accounts[0]: expected ADDRESS=AMOUNT, as in 0x12...=1000ether, got "0xf3'),
        (f"{WALLET[:-1]}=1 ether", "chain.accounts[0]: expected 0x and 40 hexadecimal digits"),
        (f"{WALLET}=1 pound", "chain.accounts[0]: expected a number and one of"),
    ],
)
def test_what_is_no_account_is_refused_with_its_place(account: str, place: str) -> None:
    assert place in only_mistake(with_section("chain", f'accounts = ["{account}"]'))


def test_an_account_of_the_load_is_refused() -> None:
    taken = derive_accounts(1, 1)[0].address
    text = with_section("chain", f'accounts = ["0x{taken.hex()}=1 ether"]')
    with pytest.raises(InvalidInput) as caught:
        found(decode_scenario(text), 1)
    assert caught.value.where == "chain.accounts"


def test_an_account_may_not_be_there_twice() -> None:
    text = with_section("chain", f'accounts = ["{WALLET}=1 ether", "{WALLET}=2 ether"]')
    with pytest.raises(InvalidInput) as caught:
        found(decode_scenario(text), 1)
    assert caught.value.where == "chain.accounts"


def test_an_amount_may_stand_apart() -> None:
    joined, apart = (
        parse_first_balance(f"{WALLET}=2gwei"),
        parse_first_balance(f"{WALLET} = 2 gwei"),
    )
    assert joined == apart == (parse_address(WALLET), 2 * 10**9)
