"""Which precompiles a fork has, and what they cost there."""

import pytest

from contracts.precompiles import precompiles_for
from primitives.fork import Fork
from tests.unit.contracts.precompiles.calls import gas, precompile

BERLIN, OSAKA = Fork.BERLIN, Fork.OSAKA


@pytest.mark.parametrize(
    ("fork", "numbers"),
    [
        (Fork.FRONTIER, range(0x01, 0x05)),
        (Fork.SPURIOUS_DRAGON, range(0x01, 0x05)),
        (Fork.BYZANTIUM, range(0x01, 0x09)),
        (Fork.PETERSBURG, range(0x01, 0x09)),
        (Fork.ISTANBUL, range(0x01, 0x0A)),
        (Fork.SHANGHAI, range(0x01, 0x0A)),
        (Fork.CANCUN, range(0x01, 0x0B)),
        (Fork.PRAGUE, range(0x01, 0x12)),
        (Fork.OSAKA, [*range(0x01, 0x12), 0x100]),
    ],
)
def test_a_fork_has_its_precompiles(fork: Fork, numbers: range | list[int]) -> None:
    table = precompiles_for(fork)
    assert [int.from_bytes(address, "big") for address in table] == list(numbers)
    assert all(contract.address == address for address, contract in table.items())
    assert len({contract.name for contract in table.values()}) == len(table)


@pytest.mark.parametrize(
    ("number", "size", "price"),
    [
        (0x01, 0, 3_000),
        (0x02, 0, 60),
        (0x02, 32, 72),
        (0x02, 33, 84),
        (0x03, 1, 720),
        (0x04, 64, 21),
        (0x04, 65, 24),
        (0x06, 0, 150),
        (0x07, 0, 6_000),
        (0x08, 0, 45_000),
        (0x08, 191, 45_000),
        (0x08, 384, 113_000),
        (0x0A, 0, 50_000),
        (0x0B, 0, 375),
        (0x0C, 160, 12_000),
        (0x0C, 0, 0),
        (0x0C, 159, 0),
        (0x0C, 2 * 160, 22_776),
        (0x0C, 128 * 160, 128 * 12_000 * 519 // 1_000),
        (0x0C, 300 * 160, 300 * 12_000 * 519 // 1_000),
        (0x0D, 0, 600),
        (0x0E, 288, 22_500),
        (0x0E, 3 * 288, 3 * 22_500 * 923 // 1_000),
        (0x0E, 129 * 288, 129 * 22_500 * 524 // 1_000),
        (0x0F, 0, 37_700),
        (0x0F, 2 * 384, 102_900),
        (0x10, 0, 5_500),
        (0x11, 0, 23_800),
        (0x100, 0, 6_900),
    ],
)
def test_prices_in_osaka(number: int, size: int, price: int) -> None:
    assert gas(number, bytes(size)) == price


@pytest.mark.parametrize(
    ("number", "size", "before", "after"),
    [(0x06, 0, 500, 150), (0x07, 0, 40_000, 6_000), (0x08, 384, 260_000, 113_000)],
)
def test_istanbul_made_bn254_cheaper(number: int, size: int, before: int, after: int) -> None:
    assert gas(number, bytes(size), Fork.PETERSBURG) == before
    assert gas(number, bytes(size), Fork.ISTANBUL) == after


def test_a_fork_keeps_the_functions_of_the_one_before_where_nothing_changed() -> None:
    for number in (*range(0x01, 0x05), *range(0x06, 0x12)):
        assert precompile(number, OSAKA).run == precompile(number, Fork.PRAGUE).run
    assert precompile(0x05, OSAKA).run != precompile(0x05, Fork.PRAGUE).run
