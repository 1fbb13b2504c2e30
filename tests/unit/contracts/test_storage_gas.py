"""SSTORE's gas and refunds: the tables of EIP-1283, EIP-2200, EIP-2929 and EIP-3529."""

import pytest

from primitives.fork import Fork
from tests.unit.contracts.rig import execute, push, pushes, used


def store(*values: int) -> str:
    """Return code that stores values in slot 0, one after the other."""
    return "".join(pushes(0, value) + "55" for value in values)


@pytest.mark.parametrize(
    ("original", "values", "gas", "refund"),
    [
        (0, (0, 0), 1_612, 0),
        (0, (0, 1), 20_812, 0),
        (0, (1, 0), 20_812, 19_200),
        (0, (1, 2), 20_812, 0),
        (0, (1, 1), 20_812, 0),
        (1, (0, 0), 5_812, 15_000),
        (1, (0, 1), 5_812, 4_200),
        (1, (0, 2), 5_812, 0),
        (1, (2, 0), 5_812, 15_000),
        (1, (2, 3), 5_812, 0),
        (1, (2, 1), 5_812, 4_200),
        (1, (2, 2), 5_812, 0),
        (1, (1, 0), 5_812, 15_000),
        (1, (1, 2), 5_812, 0),
        (1, (1, 1), 1_612, 0),
        (0, (1, 0, 1), 40_818, 19_200),
        (1, (0, 1, 0), 10_818, 19_200),
    ],
)
def test_eip_2200_table(original: int, values: tuple[int, ...], gas: int, refund: int) -> None:
    """The EIP's own test cases; its programs push with six and nine instructions of 3 gas."""
    frame = execute(store(*values), fork=Fork.ISTANBUL, storage={0: original})
    assert (used(frame), frame.refund) == (gas, refund)


@pytest.mark.parametrize(
    ("original", "values", "gas", "refund"),
    [
        (0, (0, 0), 2_312, 0),
        (0, (1, 0), 22_212, 19_900),
        (1, (0, 1), 5_112, 2_800),
        (1, (0, 0), 5_112, 4_800),
        (1, (2, 1), 5_112, 2_800),
        (1, (0, 1, 0), 8_018, 7_600),
    ],
)
def test_london_table(original: int, values: tuple[int, ...], gas: int, refund: int) -> None:
    frame = execute(store(*values), fork=Fork.LONDON, storage={0: original})
    assert (used(frame), frame.refund) == (gas, refund)


def test_berlin_refunds_a_clear_as_before() -> None:
    frame = execute(store(0), fork=Fork.BERLIN, storage={0: 1})
    assert (used(frame), frame.refund) == (6 + 5_000, 15_000)


@pytest.mark.parametrize("fork", [Fork.FRONTIER, Fork.BYZANTIUM, Fork.PETERSBURG])
def test_gross_metering(fork: Fork) -> None:
    frame = execute(store(1, 2, 0), fork=fork)
    assert (used(frame), frame.refund) == (18 + 20_000 + 5_000 + 5_000, 15_000)


def test_constantinople_metered_net_for_a_while() -> None:
    frame = execute(store(1, 0), fork=Fork.CONSTANTINOPLE)
    assert (used(frame), frame.refund) == (12 + 20_000 + 200, 19_800)


@pytest.mark.parametrize(("gas", "failure"), [(2_300, "OutOfGas"), (2_301, None)])
def test_sstore_needs_more_than_the_stipend(gas: int, failure: str | None) -> None:
    code = push(0) + "54" + store(0)
    assert execute(code, gas=gas + 3 + 2_100 + 6).failure == failure


def test_a_slot_stays_warm_for_both_instructions() -> None:
    assert used(execute(push(0) + "54" + store(0))) == 3 + 2_100 + 6 + 100
    assert used(execute(store(0) + push(0) + "54")) == 6 + 2_200 + 3 + 100
