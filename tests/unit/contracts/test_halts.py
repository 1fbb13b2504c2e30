"""Every exceptional halt: its cause, and that it takes all gas and every change."""

import pytest

from contracts.machine import run as run_frame
from primitives.fork import Fork
from primitives.ids import Address
from tests.unit.contracts.rig import HERE, OTHER, contract, execute, push, pushes

OTHER_INT = int.from_bytes(OTHER, "big")


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        ("01", "StackUnderflow"),
        ("600101", "StackUnderflow"),
        ("8f", "StackUnderflow"),
        ("600190", "StackUnderflow"),
        ("5b600056", "OutOfGas"),
        ("5b6001600056", "StackOverflow"),
        ("fe", "InvalidOpcode"),
        ("0c", "InvalidOpcode"),
        ("600456", "InvalidJump"),
        ("6003565b00", None),
        ("600456605b00", "InvalidJump"),
        ("600160055700", "InvalidJump"),
        ("600060055700", None),
        (push(2**255) + "56", "InvalidJump"),
        (push(2**64) + "51", "OutOfGas"),
        (pushes(0, 0, 1) + "3e", "ReturnDataOutOfBounds"),
        (pushes(0, 1, 0) + "3e", "ReturnDataOutOfBounds"),
        (pushes(0, 0, 49_153) + "f0", "InitcodeTooLarge"),
    ],
)
def test_halt(code: str, failure: str | None) -> None:
    frame = execute(code)
    assert frame.failure == failure
    if failure is not None:
        assert (frame.gas, frame.output) == (0, b"")


@pytest.mark.parametrize(
    "write",
    [
        pushes(0, 1) + "55",
        pushes(0, 1) + "5d",
        pushes(0, 0) + "a0",
        pushes(0, 0, 0) + "f0",
        pushes(0, 0, 0, 0) + "f5",
        pushes(0, OTHER_INT, 1, 0, 0, 0, 0) + "f1",
        pushes(OTHER_INT) + "ff",
    ],
)
def test_nothing_is_written_in_a_static_call(write: str) -> None:
    assert execute(write, is_static=True).failure == "WriteInStaticContext"
    assert execute(write).failure is None
    call = pushes(50_000, OTHER_INT, 0, 0, 0, 0) + "fa"
    frame = execute(call, others={OTHER: contract(write)})
    assert frame.stack == [0]


def test_a_static_call_may_call_without_value() -> None:
    call = pushes(0, OTHER_INT, 0, 0, 0, 0, 0) + "f1"
    assert execute(call, is_static=True).stack == [1]


def test_a_halt_takes_changes_back() -> None:
    frame = execute(pushes(0, 1) + "55" + pushes(0, 1) + "5d" + pushes(0, 0) + "a0" + "fe")
    assert frame.state.load(HERE, 0) == 0
    assert frame.state.load_transient(HERE, 0) == 0
    assert not frame.state.now.logs  # type: ignore[attr-defined]
    assert not frame.state.warm_slot(HERE, 0)


def test_revert_keeps_gas_and_output() -> None:
    frame = execute(pushes(0, 1) + "55" + push(7) + "600052" + "60206000fd")
    assert frame.reverted
    assert frame.failure is None
    assert frame.output == (7).to_bytes(32, "big")
    assert frame.gas > 0
    assert frame.state.load(HERE, 0) == 0


def test_a_block_that_cannot_be_paid_makes_no_access() -> None:
    """The block's check fails before its SLOAD; an instruction-wise machine would stop as well."""
    frame = execute(push(5) + "54", gas=102)
    assert frame.failure == "OutOfGas"
    assert ("load", HERE, 5) not in frame.state.seen  # type: ignore[attr-defined]


def test_an_access_that_was_paid_is_made_although_the_surcharge_fails_later() -> None:
    frame = execute(push(5) + "54" + "50" * 3, gas=3 + 2_100)
    assert frame.failure == "OutOfGas"
    assert ("load", HERE, 5) in frame.state.seen  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("initcode", "failure"),
    [
        (push(0xEF << 248, 32) + "60005260016000f3", "InvalidCodePrefix"),
        (push(24_577) + "6000f3", "CodeTooLarge"),
        (push(24_576) + "6000f3", None),
        (push(3_000) + "6000f3", None),
    ],
)
def test_code_that_is_not_kept(initcode: str, failure: str | None) -> None:
    frame = execute("00")
    program = frame.evm.initcode_program(bytes.fromhex(initcode))
    frame.program, frame.resume = program, program.entry
    frame.created = Address(b"\xcc" * 20)
    frame.gas = 10_000_000
    run_frame(frame)
    assert frame.failure == failure


def test_initcode_may_return_0xef_before_london() -> None:
    code = push(0x60EF60005360016000F3 << 176, 32) + "600052" + pushes(0, 0, 10) + "f0"
    assert execute(code, fork=Fork.BERLIN).stack != [0]
    assert execute(code, fork=Fork.LONDON).stack == [0]
