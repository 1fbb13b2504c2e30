"""Running in slices, or watched instruction by instruction, gives what the machine gives."""

from collections.abc import Generator
from functools import partial
from random import Random

import pytest
from hypothesis import given, settings, strategies as st

from contracts.context import TransactionContext
from contracts.evm import Evm
from contracts.frame import Frame
from contracts.halts import ExceptionalHalt
from contracts.machine import run
from contracts.sliced import SLICE_BLOCKS, run_sliced
from contracts.watching import run_watched
from primitives.fork import Fork
from primitives.ids import Wei
from tests.properties.random_programs import CONTRACTS, random_accounts
from tests.properties.test_evm_twin import GAS, ORIGIN, block_of
from tests.unit.contracts.naive_state import NaiveState
from tests.unit.contracts.rig import HERE, contract

FORKS = (Fork.BERLIN, Fork.CANCUN, Fork.OSAKA)


class Accountant:
    """A watcher that keeps its own account of each frame's gas."""

    def __init__(self) -> None:
        self.steps = 0
        self.calls = 0
        self.failures = 0
        self.ends = 0
        self._left: dict[int, int] = {}
        """Gas of each frame after its last instruction."""
        self._paid: int | None = None

    def before(self, f: Frame, pc: int, op: int) -> None:
        self.steps += 1
        assert f.program.padded[pc] == op
        known = self._left.get(id(f))
        assert known is None or f.gas >= known, "only a call that ends gives gas back"
        self._left[id(f)] = f.gas
        self._paid = None

    def on_call(self, f: Frame, gas: int, value: int, data: bytes) -> None:
        self.calls += 1
        self._paid = self._left[id(f)] - f.gas
        assert self._paid >= 0

    def after(self, f: Frame, pc: int, op: int) -> None:
        assert f.gas <= self._left[id(f)] or self._paid is not None
        self._left[id(f)] = f.gas

    def failed(self, f: Frame, pc: int, op: int, halt: ExceptionalHalt) -> None:
        self.failures += 1

    def ended(self, f: Frame) -> None:
        self.ends += 1
        self._left.pop(id(f), None)


def framed(evm: Evm, state: NaiveState, data: bytes, gas: int) -> Frame:
    program = evm.program_of(state, CONTRACTS[0])
    assert program is not None
    world = evm, state, block_of(evm.fork), TransactionContext(ORIGIN, Wei(9))
    return Frame(world, program, ORIGIN, CONTRACTS[0], gas, 0, data, state.snapshot())


def exhaust(steps: Generator[None, None, None]) -> int:
    return sum(1 for _ in steps)


def seen(frame: Frame, state: NaiveState) -> tuple[object, ...]:
    ended = frame.failure, frame.reverted, frame.gas, frame.output, frame.refund
    return *ended, state.now


@given(st.integers(0, 2**64), GAS, st.sampled_from(FORKS), st.sampled_from([0, 1, 1 << 40]))
@settings(max_examples=300)
def test_all_runners_agree(seed: int, gas: int, fork: Fork, stepped_runs: int) -> None:
    random = Random(seed)
    accounts, data = random_accounts(random), random.randbytes(random.randrange(70))
    results = []
    accountant = Accountant()
    watched = Evm(fork, stepped_runs=stepped_runs, watcher=accountant)
    for runner in (run, run_sliced, partial(run_watched, watcher=accountant)):
        evm = Evm(fork, stepped_runs=stepped_runs) if runner in (run, run_sliced) else watched
        state = NaiveState(accounts)
        frame = framed(evm, state, data, gas)
        steps = runner(frame)
        if steps is not None:
            exhaust(steps)
        results.append(seen(frame, state))
    assert results[0] == results[1] == results[2]
    assert accountant.ends >= 1
    assert accountant.steps >= 1 or not accounts[CONTRACTS[0]].code


@pytest.mark.parametrize(
    "code",
    [
        "5b5b585f5260205ff3",  # returns the place of PC
        "5f" * 1_025,  # one item too many
        "5f" * 1_024 + "00",
        "01",
        "60",
        "62ffff",
        "5b" * 70 + "58586002565b00",
    ],
)
def test_instructions_at_their_limits(code: str) -> None:
    seen_by = []
    for runner in (run, run_sliced, partial(run_watched, watcher=Accountant())):
        state = NaiveState({CONTRACTS[0]: contract(code)})
        frame = framed(Evm(Fork.OSAKA, stepped_runs=1 << 40), state, b"", 100_000)
        steps = runner(frame)
        if steps is not None:
            exhaust(steps)
        seen_by.append((*seen(frame, state), frame.stack))
    assert seen_by[0] == seen_by[1] == seen_by[2]


def test_a_loop_is_left_after_each_slice() -> None:
    """JUMPDEST PUSH1 0 JUMP runs until its gas is gone: 12 gas each time."""
    state = NaiveState({HERE: contract("5b600056")})
    evm = Evm(Fork.OSAKA)
    program = evm.program_of(state, HERE)
    assert program is not None
    world = evm, state, block_of(Fork.OSAKA), TransactionContext(ORIGIN, Wei(9))
    rounds = 1_000
    frame = Frame(world, program, ORIGIN, HERE, 12 * rounds, 0, b"", state.snapshot())
    slices = exhaust(run_sliced(frame))
    assert frame.failure == "OutOfGas"
    assert rounds // SLICE_BLOCKS <= slices <= rounds // SLICE_BLOCKS + 2
