"""Intrinsic gas: one test for each rule that changed it."""

import msgspec
import pytest

from primitives.fork import Fork
from primitives.ids import Gas
from primitives.transaction import (
    IntrinsicGas,
    Transaction,
    effective_gas_price,
    effective_tip,
    intrinsic_gas,
    max_fee_per_gas,
    max_priority_fee,
)
from tests.unit.primitives.samples import (
    ACCESS_LIST,
    BLOBS,
    DYNAMIC_FEE,
    LEGACY,
    LIST,
    PERMISSION,
    PLAIN,
    SET_CODE,
)


def gas(tx: Transaction, fork: Fork, **change: object) -> IntrinsicGas:
    return intrinsic_gas(msgspec.structs.replace(tx, **change), fork)


@pytest.mark.parametrize("fork", list(Fork))
def test_a_plain_transfer_costs_21000(fork: Fork) -> None:
    found = gas(PLAIN, fork)
    assert found.required == 21_000
    assert found.minimum == 21_000
    assert found.floor == (21_000 if fork >= Fork.PRAGUE else 0)


@pytest.mark.parametrize(
    ("fork", "required"),
    [
        (Fork.FRONTIER, 21_000 + 2 * 4 + 3 * 68),
        (Fork.PETERSBURG, 21_000 + 2 * 4 + 3 * 68),
        (Fork.ISTANBUL, 21_000 + 2 * 4 + 3 * 16),
        (Fork.OSAKA, 21_000 + 2 * 4 + 3 * 16),
    ],
)
def test_data_costs_by_the_byte_eip_2028(fork: Fork, required: int) -> None:
    assert gas(LEGACY, fork, data=b"\x00a\x00bc").required == required


@pytest.mark.parametrize(
    ("fork", "required"),
    [
        (Fork.FRONTIER, 21_000 + 68),
        (Fork.HOMESTEAD, 53_000 + 68),
        (Fork.PARIS, 53_000 + 16),
        (Fork.SHANGHAI, 53_000 + 16 + 2),
    ],
)
def test_creation_costs_eip_2_and_eip_3860(fork: Fork, required: int) -> None:
    assert gas(LEGACY, fork, to=None, data=b"a").required == required


@pytest.mark.parametrize(("size", "words"), [(0, 0), (1, 1), (32, 1), (33, 2), (49_152, 1_536)])
def test_creation_code_costs_by_the_word(size: int, words: int) -> None:
    found = gas(LEGACY, Fork.CANCUN, to=None, data=bytes(size))
    assert found.required == 53_000 + 4 * size + 2 * words


def test_data_of_a_call_is_no_creation_code() -> None:
    assert gas(LEGACY, Fork.CANCUN, data=bytes(64)).required == 21_000 + 4 * 64


def test_access_lists_cost_by_address_and_key_eip_2930() -> None:
    expected = 21_000 + 4 + 16 + 2 * 2_400 + 2 * 1_900
    assert gas(ACCESS_LIST, Fork.BERLIN).required == expected
    assert gas(DYNAMIC_FEE, Fork.OSAKA, access_list=LIST * 3).required == 21_000 + 3 * 8_600


def test_authorizations_cost_25000_each_eip_7702() -> None:
    found = gas(SET_CODE, Fork.PRAGUE, data=b"", access_list=(), authorizations=(PERMISSION,) * 3)
    assert found.required == 21_000 + 3 * 25_000
    assert found.floor == 21_000


def test_the_floor_of_eip_7623() -> None:
    found = gas(LEGACY, Fork.PRAGUE, data=b"\x00" * 100 + b"a" * 50)
    assert found.required == 21_000 + 100 * 4 + 50 * 16
    assert found.floor == 21_000 + 10 * (100 + 4 * 50)
    assert found.minimum == found.floor
    before = gas(LEGACY, Fork.CANCUN, data=b"\x00" * 100 + b"a" * 50)
    assert before == IntrinsicGas(found.required, Gas(0))


def test_a_long_access_list_lifts_the_cost_above_the_floor() -> None:
    found = gas(DYNAMIC_FEE, Fork.PRAGUE, data=b"a" * 10, access_list=LIST)
    assert found.floor == 21_000 + 400
    assert found.minimum == found.required == 21_000 + 160 + 8_600


def test_blobs_cost_no_execution_gas() -> None:
    assert gas(BLOBS, Fork.CANCUN).required == 21_000


@pytest.mark.parametrize(
    ("tx", "base_fee", "tip"),
    [
        (LEGACY, 0, 20 * 10**9),
        (LEGACY, 10**9, 19 * 10**9),
        (DYNAMIC_FEE, 0, 10**9),
        (DYNAMIC_FEE, 10**9, 10**9),
        (DYNAMIC_FEE, 10**9 + 1, 10**9 - 1),
        (DYNAMIC_FEE, 2 * 10**9, 0),
        (DYNAMIC_FEE, 2 * 10**9 + 5, -5),
    ],
)
def test_the_tip_is_what_the_base_fee_leaves(tx: Transaction, base_fee: int, tip: int) -> None:
    assert effective_tip(tx, base_fee) == tip
    assert effective_gas_price(tx, base_fee) == base_fee + tip


def test_caps_are_the_same_question_for_all_types() -> None:
    assert max_fee_per_gas(LEGACY) == max_priority_fee(LEGACY) == LEGACY.gas_price
    assert max_fee_per_gas(ACCESS_LIST) == max_priority_fee(ACCESS_LIST) == ACCESS_LIST.gas_price
    assert max_fee_per_gas(DYNAMIC_FEE) == 2 * 10**9
    assert max_priority_fee(DYNAMIC_FEE) == 10**9
