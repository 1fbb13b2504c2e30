"""What each instruction costs, by table: the numbers are those of the EIPs, not of the code."""

import pytest

from contracts.opcodes import INSTRUCTIONS, Instruction
from primitives.fork import Fork
from tests.unit.contracts.rig import OTHER, contract, execute, push, pushes, used

GAS = 3
"""Of a PUSH."""
OTHER_INT = int.from_bytes(OTHER, "big")

STATIC = {
    2: "30 32 33 34 36 38 3a 3d 41 42 43 44 45 46 48 4a 58 59 5a 5f",
    5: "47",
}


@pytest.mark.parametrize(
    ("price", "opcode"), [(gas, op) for gas, ops in STATIC.items() for op in ops.split()]
)
def test_instructions_without_operands(price: int, opcode: str) -> None:
    assert used(execute(opcode)) == price


@pytest.mark.parametrize(
    ("operands", "opcode", "price"),
    [
        *[((1, 2), f"{op:02x}", 3) for op in (1, 3, *range(0x10, 0x15), *range(0x1A, 0x1E))],
        *[((1, 2), op, 3) for op in ("16", "17", "18")],
        *[((1, 2), op, 5) for op in ["02", "04", "05", "06", "07", "0b"]],
        *[((1, 2, 3), op, 8) for op in ("08", "09")],
        *[((1,), op, 3) for op in ["15", "19", "35", "49"]],
        ((1,), "1e", 5),
        ((1,), "40", 20),
        ((1,), "50", 2),
        ((1,), "80", 3),
        ((1, 2), "90", 3),
        ((2, 0), "0a", 10),
        ((2, 255), "0a", 60),
        ((2, 256), "0a", 110),
        ((2, 2**255), "0a", 10 + 32 * 50),
        ((0,), "51", 6),
        ((1,), "51", 9),
        ((0, 1), "52", 6),
        ((32, 1), "53", 9),
        ((0, 0), "20", 30),
        ((0, 32), "20", 39),
        ((0, 33), "20", 30 + 12 + 6),
        ((0, 0, 0), "37", 3),
        ((0, 0, 33), "37", 3 + 6 + 6),
        ((0, 0, 1), "39", 3 + 3 + 3),
        ((0, 0, 0), "3e", 3),
        ((0, 64, 32), "5e", 3 + 3 + 9),
        ((64, 0, 32), "5e", 3 + 3 + 9),
        ((2**200, 0, 0), "5e", 3),
        ((0, 0), "a0", 375),
        ((0, 1), "a0", 375 + 8 + 3),
        ((0, 0, 1, 2, 3, 4), "a4", 1875),
        ((0,), "5c", 100),
        ((0, 1), "5d", 100),
        ((0, 0), "f3", 0),
        ((0, 32), "f3", 3),
        ((0, 1), "fd", 3),
        ((0,), "54", 2_100),
        ((0, 0), "55", 2_200),
        ((0, 1), "55", 22_100),
        ((OTHER_INT,), "31", 2_600),
        ((OTHER_INT,), "3b", 2_600),
        ((OTHER_INT,), "3f", 2_600),
        ((OTHER_INT, 0, 0, 33), "3c", 2_600 + 6 + 6),
        ((1,), "31", 100),
        ((OTHER_INT,), "ff", 5_000 + 2_600 + 25_000),
        ((0, 0, 0), "f0", 32_000),
        ((0, 0, 33), "f0", 32_000 + 4 + 6),
        ((0, 0, 33, 0), "f5", 32_000 + 4 + 12 + 6),
        ((0, OTHER_INT, 0, 0, 0, 0, 0), "f1", 2_600),
        ((0, OTHER_INT, 0, 0, 0, 0, 33), "f1", 2_606),
        ((0, OTHER_INT, 1, 0, 0, 0, 0), "f1", 2_600 + 9_000 + 25_000 - 2_300),
        ((0, OTHER_INT, 1, 0, 0, 0, 0), "f2", 2_600 + 9_000 - 2_300),
        ((0, OTHER_INT, 0, 0, 0, 0), "f4", 2_600),
        ((0, OTHER_INT, 0, 0, 0, 0), "fa", 2_600),
    ],
)
def test_instructions_with_operands(operands: tuple[int, ...], opcode: str, price: int) -> None:
    frame = execute(pushes(*operands) + opcode)
    assert frame.failure is None
    assert used(frame) == GAS * len(operands) + price


@pytest.mark.parametrize(("words", "price"), [(1, 3), (32, 98), (724, 3_195), (10_000, 225_312)])
def test_memory_costs_more_than_linearly(words: int, price: int) -> None:
    assert used(execute(push(32 * words - 32) + "51")) == GAS + 3 + price


def test_memory_is_paid_once() -> None:
    assert used(execute("60205160205160005160405a")) == 3 * 6 + 6 + 3 + 2


@pytest.mark.parametrize(
    ("fork", "prices"),
    [
        (Fork.FRONTIER, (50, 20, 20, None)),
        (Fork.TANGERINE_WHISTLE, (200, 400, 700, None)),
        (Fork.CONSTANTINOPLE, (200, 400, 700, 400)),
        (Fork.ISTANBUL, (800, 700, 700, 700)),
        (Fork.BERLIN, (2_100, 2_600, 2_600, 2_600)),
    ],
)
def test_looking_at_the_state_became_dearer(fork: Fork, prices: tuple[int | None, ...]) -> None:
    for opcode, price in zip(("54", "31", "3b", "3f"), prices, strict=True):
        frame = execute(push(OTHER_INT) + opcode, fork=fork)
        if price is None:
            assert frame.failure == "InvalidOpcode"
        else:
            assert used(frame) == GAS + price


@pytest.mark.parametrize("row", INSTRUCTIONS, ids=lambda row: row.name)
def test_instructions_exist_from_their_fork_on(row: Instruction) -> None:
    for fork in Fork:
        code = "6001" * 7 + f"{row.opcode:02x}"
        is_known = execute(code, fork=fork).failure != "InvalidOpcode"
        assert is_known == (fork >= row.since)


@pytest.mark.parametrize(("fork", "price"), [(Fork.FRONTIER, 30), (Fork.SPURIOUS_DRAGON, 110)])
def test_a_byte_of_an_exponent_costs_more_since_eip_160(fork: Fork, price: int) -> None:
    assert used(execute(pushes(2, 256) + "0a", fork=fork)) == 6 + price


def test_initcode_is_metered_since_shanghai() -> None:
    code = pushes(0, 0, 64) + "f0"
    paris, shanghai = (used(execute(code, fork=fork)) for fork in (Fork.PARIS, Fork.SHANGHAI))
    assert shanghai - paris == 4


def test_code_that_is_deposited_costs_200_a_byte() -> None:
    store = push(0x6005_6000_F3 << 216, 32) + push(0) + "52"
    empty = push(0x6000_6000_F3 << 216, 32) + push(0) + "52"
    create = pushes(0, 0, 5) + "f0"
    assert used(execute(store + create)) - used(execute(empty + create)) == 5 * 200 + 3


def test_a_precompile_is_warm_and_charges_its_own_price() -> None:
    assert used(execute(pushes(1_000, 4, 0, 0, 0, 0, 0) + "f1")) == 7 * GAS + 100 + 15


def test_calling_a_delegation_pays_for_the_second_account_too() -> None:
    target = contract("ef0100" + "cc" * 20)
    code = pushes(0, OTHER_INT, 0, 0, 0, 0, 0) + "f1"
    first = execute(code, others={OTHER: target})
    assert used(first) == 7 * GAS + 2_600 + 2_600
    twice = execute(push(int("cc" * 20, 16)) + "31" + code, others={OTHER: target})
    assert used(twice) == GAS + 2_600 + 7 * GAS + 2_600 + 100
