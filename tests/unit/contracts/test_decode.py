"""Decoding: where jumps may go, what a basic block is, and how much decoded code is kept."""

import pytest

from contracts.decode import decode_block, jump_targets
from contracts.evm import Evm
from contracts.opcodes import Op
from contracts.rules import rules_for
from primitives.fork import Fork
from tests.unit.contracts.naive_state import NaiveState
from tests.unit.contracts.rig import HERE, OTHER, contract, execute, push, pushes

INSTRUCTIONS = rules_for(Fork.OSAKA).instructions


@pytest.mark.parametrize(
    ("code", "targets"),
    [
        ("", ()),
        ("5b", (0,)),
        ("605b5b", (2,)),
        ("615b5b5b", (3,)),
        ("7f" + "5b" * 33, (33,)),
        ("5f5b", (1,)),
        ("5b7f5b", (0,)),
        ("0c5b", (1,)),
    ],
)
def test_immediates_hide_jumpdests(code: str, targets: tuple[int, ...]) -> None:
    assert jump_targets(bytes.fromhex(code)) == set(targets)


@pytest.mark.parametrize(
    ("code", "stop", "gas", "needs", "growth"),
    [
        ("01", 2, 3, 2, 0),
        ("6001600201", 6, 9, 0, 2),
        ("80808050", 5, 11, 1, 3),
        ("9050", 3, 5, 2, 0),
        ("5b01", 3, 4, 2, 0),
        ("015b", 1, 3, 2, 0),
        ("5401", 1, 100, 1, 0),
        ("5a01", 1, 2, 0, 1),
        ("0c01", 1, 0, 0, 0),
        ("60", 3, 3, 0, 1),
        ("f100", 1, 100, 7, 0),
        ("600056", 3, 11, 0, 1),
    ],
)
def test_what_is_known_of_a_block(code: str, stop: int, gas: int, needs: int, growth: int) -> None:
    block = decode_block(bytes.fromhex(code), 0, INSTRUCTIONS)
    assert (block.stop, block.gas, block.needs, block.growth) == (stop, gas, needs, growth)


def test_an_immediate_goes_on_with_zeros_behind_the_end() -> None:
    first, last = decode_block(bytes.fromhex("6201"), 0, INSTRUCTIONS).steps
    assert (first.immediate, last.opcode) == (0x010000, Op.STOP)
    for stepped_runs in (0, 48):
        assert execute("6201", evm=Evm(stepped_runs=stepped_runs)).stack == [0x010000]


def test_code_that_is_kept_is_bounded() -> None:
    evm = Evm(code_bytes_kept=3)
    state = NaiveState({HERE: contract("6001"), OTHER: contract("6002")})
    first = evm.program_of(state, HERE)
    assert evm.program_of(state, HERE) is first
    evm.program_of(state, OTHER)
    assert evm.program_of(state, HERE) is not first


def test_a_block_is_made_ready_when_it_has_run_often_enough() -> None:
    loop = push(0) + "5b" + pushes(1) + "01" + push(10) + "8110600257"
    for stepped_runs, ready in ((0, True), (5, True), (10, False)):
        frame = execute(loop, evm=Evm(stepped_runs=stepped_runs))
        assert frame.stack == [10]
        assert (frame.program.blocks[2].needs <= 1_024) == ready
