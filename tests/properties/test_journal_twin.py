"""The journal and the overlay do what a state of plain dicts does that copies everything."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from hypothesis import given, settings, strategies as st

from primitives.access import CODE, SLOT_KEY_BYTES
from primitives.ids import Address, Wei
from primitives.keccak import keccak256
from primitives.receipt import Log
from storage.account import Account
from storage.changes import StateChanges
from storage.journal import Journal
from storage.outcome import Outcome
from storage.state import StateLayer, StateOverlay
from tests.unit.contracts.naive_state import NaiveAccount, NaiveState, state_root

ADDRESSES = [Address(bytes(19) + bytes([number])) for number in range(1, 6)]
"""With RIPEMD's among them, whose touch outlives a revert."""
CODES = [b"", b"\x00", b"\x60\x00"]

ADDRESS = st.sampled_from(ADDRESSES)
SLOT = st.integers(0, 3)
VALUE = st.integers(0, 2)
AMOUNT = st.integers(0, 3)

Step = tuple[Any, ...]
"""Name of a method, and its arguments; `call` has a list of steps and whether it fails."""

STEP: st.SearchStrategy[Step] = st.one_of(
    st.tuples(
        st.sampled_from(
            ["balance", "nonce", "code", "code_hash", "is_empty", "was_created", "has_storage"]
        ),
        ADDRESS,
    ),
    st.tuples(st.sampled_from(["destroy", "begin_contract", "warm_address"]), ADDRESS),
    st.tuples(st.sampled_from(["add_balance", "take_balance", "take_balance"]), ADDRESS, AMOUNT),
    st.tuples(st.just("set_nonce"), ADDRESS, VALUE),
    st.tuples(st.just("set_code"), ADDRESS, st.sampled_from(CODES)),
    st.tuples(st.sampled_from(["load", "original", "load_transient", "warm_slot"]), ADDRESS, SLOT),
    st.tuples(st.sampled_from(["store", "store", "store_transient"]), ADDRESS, SLOT, VALUE),
    st.tuples(st.just("append_log"), ADDRESS.map(lambda address: Log(address, (), b""))),
)

PROGRAM = st.recursive(
    st.lists(STEP, max_size=6),
    lambda inner: st.lists(
        st.one_of(STEP, st.tuples(st.just("call"), inner, st.booleans())), max_size=6
    ),
    max_leaves=8,
)

PRE = st.dictionaries(
    ADDRESS,
    st.builds(
        NaiveAccount,
        st.integers(0, 1),
        st.integers(0, 4),
        st.sampled_from(CODES),
        st.dictionaries(SLOT, st.integers(1, 2), max_size=3),
    ),
)


READS = ["balance", "nonce", "code", "code_hash", "is_empty", "has_storage"]
MOVES = ["add_balance", "take_balance", "take_balance"]


def random_step(source: Random) -> Step:
    """Return a step on one of three accounts, more often one that moves an amount."""
    address = source.choice(ADDRESSES[:3])
    slot, value = source.randrange(2), source.randrange(3)
    steps: list[Step] = [
        (source.choice(READS), address),
        (source.choice(MOVES), address, value),
        (source.choice(MOVES), address, value + 1),
        ("load", address, slot),
        ("original", address, slot),
        ("store", address, slot, value),
    ]
    if source.random() < 0.2:
        steps = [
            ("set_nonce", address, value),
            ("set_code", address, source.choice(CODES)),
            ("destroy", address),
            ("begin_contract", address),
        ]
    return source.choice(steps)


def random_program(source: Random, depth: int = 0) -> list[Step]:
    """Return a program of a few steps, some of them calls."""
    steps: list[Step] = []
    for _ in range(source.randrange(1, 7)):
        if depth < 2 and source.random() < 0.2:
            steps.append(("call", random_program(source, depth + 1), source.random() < 0.5))
        else:
            steps.append(random_step(source))
    return steps


def random_state(source: Random) -> dict[Address, NaiveAccount]:
    """Return a state in which accounts are poor, and some are missing or empty."""
    return {
        address: NaiveAccount(
            source.choice((0, 0, 1)),
            source.choice((0, 0, 1, 3)),
            source.choice((b"", *CODES)),
            {slot: source.randrange(1, 3) for slot in range(source.randrange(3))},
        )
        for address in ADDRESSES[:3]
        if source.random() < 0.7
    }


@dataclass
class Run:
    """What a program was told, in order."""

    answers: list[object] = field(default_factory=list)


def play(state: Any, program: list[Step], run: Run) -> None:
    """Let a program run on a state; it goes on differently after each answer."""
    for step in program:
        if step[0] == "call":
            mark = state.snapshot()
            play(state, step[1], run)
            if step[2]:
                state.revert(mark)
        else:
            run.answers.append(getattr(state, step[0])(*step[1:]))
            # What it does next depends on what it was told.
            if run.answers[-1] == 1 and step[0] in ("balance", "load", "nonce"):
                state.store(step[1], 3, len(run.answers))


def layer(accounts: dict[Address, NaiveAccount]) -> StateLayer:
    """Return the same state, empty accounts and all."""
    return StateLayer(
        None,
        StateChanges(
            {
                key: Account(each.nonce, Wei(each.balance), keccak256(each.code))
                for key, each in accounts.items()
            },
            {key: dict(each.storage) for key, each in accounts.items() if each.storage},
            {},
            {keccak256(code): code for code in CODES},
        ),
    )


def executed(reader: StateLayer | StateOverlay, program: list[Step]) -> tuple[Outcome, Run]:
    """Return a program's outcome on a state."""
    run = Run()
    journal = Journal(reader)
    play(journal, program, run)
    return journal.finish(), run


def contents(state: StateLayer) -> StateChanges:
    """Return a state without codes, which are kept for good."""
    found = state.everything()
    return StateChanges(found.accounts, found.slots)


def check_block(pre: dict[Address, NaiveAccount], programs: list[list[Step]]) -> None:
    """Compare answers, logs, contents and roots of a block of programs with plain dicts."""
    naive = NaiveState(pre)
    base = layer(pre)
    overlay = StateOverlay(base)
    for program in programs:
        expected = Run()
        play(naive, program, expected)
        logs = naive.finish()
        outcome, run = executed(overlay, program)
        assert run == expected
        assert outcome.logs == logs
        assert overlay.accepts(outcome)
        overlay.apply(outcome)
    state = overlay.commit()
    assert contents(state) == contents(layer(naive.now.accounts))
    assert state.root() == state_root(naive)
    assert base.root() == state_root(NaiveState(pre))


@settings(max_examples=150)
@given(PRE, st.lists(PROGRAM, max_size=4))
def test_a_block_of_programs_ends_as_on_plain_dicts(
    pre: dict[Address, NaiveAccount], programs: list[list[Step]]
) -> None:
    check_block(pre, programs)


@settings(max_examples=500)
@given(st.integers(0, 2**64))
def test_a_block_of_long_programs_ends_as_on_plain_dicts(seed: int) -> None:
    source = Random(seed)
    check_block(random_state(source), [random_program(source) for _ in range(4)])


@settings(max_examples=500)
@given(st.integers(0, 2**64))
def test_what_is_accepted_on_an_old_state_equals_serial_execution(seed: int) -> None:
    """Programs are drawn from the seed, because the interesting ones are long."""
    source = Random(seed)
    pre = random_state(source)
    programs = [random_program(source) for _ in range(source.randrange(2, 6))]
    base = layer(pre)
    serial, parallel = StateOverlay(base), StateOverlay(base)
    guesses = [executed(base, program) for program in programs]
    for program, (guess, told) in zip(programs, guesses, strict=True):
        outcome, run = executed(serial, program)
        serial.apply(outcome)
        if parallel.accepts(guess):
            assert told == run
            assert guess.logs == outcome.logs
            parallel.apply(guess)
        else:
            parallel.apply(executed(parallel, program)[0])
    assert contents(parallel.commit()) == contents(serial.commit())


def tamed(program: list[Step]) -> list[Step]:
    """Return a program without what no contract can do: to empty what has storage."""
    steps: list[Step] = []
    for step in program:
        if step[0] == "call":
            steps.append(("call", tamed(step[1]), step[2]))
        elif step[0] == "set_nonce":
            steps.append((*step[:2], step[2] + 1))
        elif step[0] != "has_storage" and step[2:] != (b"",):
            steps.append(step)
    return steps


@settings(max_examples=500)
@given(st.integers(0, 2**64))
def test_whoever_is_refused_read_what_somebody_before_has_written(seed: int) -> None:
    """Access sets explain every conflict: nothing runs again that a graph did not warn of."""
    source = Random(seed)
    pre = random_state(source)
    for each in pre.values():
        each.nonce = 1 if each.storage else each.nonce
    base = layer(pre)
    overlay = StateOverlay(base)
    changed: set[bytes] = set()
    for _ in range(source.randrange(2, 6)):
        program = tamed(random_program(source))
        guess, _ = executed(base, program)
        accesses = guess.accesses
        if not overlay.accepts(guess):
            # Whoever reads a slot runs the contract's code.
            codes = {key[:20] + CODE for key in accesses.reads if len(key) == SLOT_KEY_BYTES}
            assert changed & {*accesses.reads, *accesses.deltas, *codes}
        outcome, _ = executed(overlay, program)
        overlay.apply(outcome)
        changed |= {*outcome.accesses.writes, *outcome.accesses.deltas}
        for keys in (accesses.reads, accesses.writes, accesses.deltas):
            assert list(keys) == sorted(set(keys))
