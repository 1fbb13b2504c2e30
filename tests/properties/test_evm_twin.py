"""The virtual machine equals one that runs instruction by instruction."""

from random import Random

import pytest
from hypothesis import given, settings, strategies as st

from contracts.context import BlockContext, TransactionContext
from contracts.evm import Evm
from contracts.frame import Frame
from contracts.machine import run
from primitives.fork import Fork
from primitives.ids import Address, Gas, Hash32, Wei
from primitives.keccak import keccak256
from tests.properties.naive_evm import Call, NaiveEvm
from tests.properties.random_programs import CONTRACTS, random_accounts
from tests.unit.contracts.naive_state import NaiveState

ORIGIN = Address(b"\x0f" * 20)
FORKS = (Fork.BERLIN, Fork.LONDON, Fork.SHANGHAI, Fork.CANCUN, Fork.PRAGUE, Fork.OSAKA)
EVMS = {fork: (Evm(fork), Evm(fork, stepped_runs=0), Evm(fork, stepped_runs=1)) for fork in FORKS}
"""One that steps through most code, one that never does, one that begins by stepping."""


def block_of(fork: Fork) -> BlockContext:
    return BlockContext(
        fork, 1, 300, 1_000, Address(b"\xfe" * 20), Gas(30_000_000), Wei(7), Hash32(b"\x33" * 32),
        Wei(1), lambda number: keccak256(str(number).encode()),
    )  # fmt: skip


def run_machine(evm: Evm, state: NaiveState, data: bytes, gas: int) -> Frame:
    """Call the first contract on the machine under test."""
    program = evm.program_of(state, CONTRACTS[0])
    assert program is not None
    world = evm, state, block_of(evm.fork), TransactionContext(ORIGIN, Wei(9))
    mark = state.snapshot()
    frame = Frame(world, program, ORIGIN, CONTRACTS[0], gas, 0, data, mark)
    run(frame)
    return frame


def run_naive(fork: Fork, state: NaiveState, data: bytes, gas: int) -> Call:
    """Call the first contract on the twin."""
    call = Call(ORIGIN, CONTRACTS[0], state.code(CONTRACTS[0]), 0, data, gas)
    NaiveEvm(state, block_of(fork), ORIGIN, 9).run(call)
    return call


def accesses(state: NaiveState) -> tuple[set[object], ...]:
    """Return what was looked at: accounts, balances, existence, slots."""
    return (
        {address for _, address, _ in state.seen},
        {address for method, address, _ in state.seen if method == "balance"},
        {address for method, address, _ in state.seen if method == "is_empty"},
        {(method, address, slot) for method, address, slot in state.seen if slot is not None},
    )


def compare(random: Random, gas: int, fork: Fork) -> str | None:
    """Run a random program on both, and compare all that can be seen; return how it ended."""
    accounts, data = random_accounts(random), random.randbytes(random.randrange(70))
    state, naive_state = NaiveState(accounts), NaiveState(accounts)
    frame = run_machine(random.choice(EVMS[fork]), state, data, gas)
    call = run_naive(fork, naive_state, data, gas)
    shown = {address.hex(): account.code.hex() for address, account in accounts.items()}
    assert (frame.failure, frame.reverted) == (call.failure, call.reverted), shown
    assert frame.gas == call.gas, shown
    assert frame.output == call.output, shown
    assert (0 if frame.has_failed else frame.refund) == call.refund, shown
    for each in (state, naive_state):  # these are warm whether they were noted or not
        each.now.warm_addresses -= set(EVMS[fork][0].precompiles)
    assert state.now == naive_state.now, shown
    assert accesses(state) == accesses(naive_state), shown
    if call.failure is None and not call.reverted:
        assert frame.stack == call.stack, shown
        assert frame.memory == call.memory, shown
    return call.failure


GAS = st.integers(0, 200_000) | st.integers(30_000, 300_000) | st.integers(0, 1_000)


@given(st.integers(0, 2**64), GAS, st.sampled_from(FORKS))
@settings(max_examples=600)
def test_random_programs(seed: int, gas: int, fork: Fork) -> None:
    compare(Random(seed), gas, fork)


@pytest.mark.slow
@pytest.mark.soak
@given(st.integers(0, 2**64), GAS, st.sampled_from(FORKS))
@settings(max_examples=10_000)
def test_many_random_programs(seed: int, gas: int, fork: Fork) -> None:
    compare(Random(seed), gas, fork)


def test_every_halt_is_met() -> None:
    """What is compared covers all exceptional halts that programs of this size can meet."""
    ends = {compare(Random(seed), 30_000, FORKS[seed % len(FORKS)]) for seed in range(300)}
    assert ends >= {
        None, "InvalidJump", "InvalidOpcode", "OutOfGas", "ReturnDataOutOfBounds", "StackUnderflow",
    }  # fmt: skip
