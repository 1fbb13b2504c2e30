"""Sharing out is chosen where it pays, from what blocks have taken before."""

import msgspec
import pytest

from node.executors.choice import KNOWN_MAX, Estimator, Load, Prices, pays, serial_ps, shared_ps
from tests.unit.node.transfers import stranger, transfer

TRANSFERS = Load(1_000, 0)
CALLS = Load(64, 64 * 1_000_000)


def test_transfers_are_executed_in_turn_and_computations_are_shared_out() -> None:
    assert not pays(Prices(), TRANSFERS, 2)
    assert not pays(Prices(), TRANSFERS, 16)
    assert pays(Prices(), CALLS, 2)


@pytest.mark.parametrize("workers", [0, 1])
def test_one_worker_is_none(workers: int) -> None:
    assert not pays(Prices(), CALLS, workers)


def test_one_transaction_cannot_be_shared_out() -> None:
    assert not pays(Prices(), Load(1, 10**9), 16)


def test_one_long_chain_is_not_shared_out() -> None:
    assert not pays(Prices(), msgspec.structs.replace(CALLS, longest=CALLS.gas), 16)


def test_the_model_adds_up() -> None:
    prices = Prices(transaction=10, gas=2, attempt=3, block=100)
    load = Load(4, 50, longest=30)
    assert serial_ps(prices, load) == 140
    assert shared_ps(prices, load, 2) == 100 + 12 + 70
    assert shared_ps(prices, load, 4) == 100 + 12 + 60


def test_a_slower_machine_is_learnt() -> None:
    estimator = Estimator()
    for _ in range(40):
        estimator.learn_serial(TRANSFERS, 1_000 * 50_000)
        estimator.learn_serial(CALLS, 64 * 1_000_000 * 40)
    assert estimator.prices.transaction == pytest.approx(50_000_000, rel=0.1)
    assert estimator.prices.gas == pytest.approx(40_000, rel=0.1)


def test_dear_handing_over_ends_sharing_and_is_forgotten_in_time() -> None:
    estimator = Estimator()
    while pays(estimator.prices, CALLS, 2):
        estimator.learn_shared(CALLS, 10_000_000_000, 2)
    for _ in range(2_000):
        estimator.learn_serial(CALLS, serial_ps(estimator.prices, CALLS) // 1_000)
    assert pays(estimator.prices, CALLS, 2)


def test_one_busy_moment_changes_no_price_by_more_than_twice() -> None:
    estimator = Estimator()
    estimator.learn_serial(TRANSFERS, 10**15)
    estimator.learn_shared(CALLS, 10**15, 2)
    assert estimator.prices.transaction == 2 * Prices().transaction
    assert estimator.prices.attempt <= 2 * Prices().attempt


def test_what_a_recipient_took_is_expected_again_and_bounded_by_the_limit() -> None:
    estimator = Estimator()
    before = transfer(gas=121_000)
    assert estimator.load([before]).gas == 100_000 // 8
    estimator.learn_gas([before], [50_000])
    assert estimator.load([before]) == Load(1, 50_000, 50_000)
    assert estimator.load([transfer(gas=31_000)]).gas == 10_000
    assert estimator.may_pay([before] * 9, 2)
    assert not estimator.may_pay([transfer()] * 1_000, 2)
    assert estimator.load([before, transfer(1, gas=121_000)]) == Load(2, 100_000, 50_000)


def test_only_so_many_recipients_are_remembered() -> None:
    estimator = Estimator()
    some = transfer()
    for number in range(KNOWN_MAX + 10):
        estimator.learn_gas([msgspec.structs.replace(some, to=stranger(number))], [1_000])
    assert len(estimator._gas_of) == KNOWN_MAX
