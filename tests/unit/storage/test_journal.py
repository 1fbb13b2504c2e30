"""What a journal notes of a transaction: what it saw, what it changes, and what it only moved."""

import pickle

from primitives.access import BALANCE, CODE, EXISTENCE, NONCE, AccessSet, slot_key
from primitives.ids import Address, Hash32, Wei
from primitives.keccak import keccak256
from primitives.receipt import Log
from storage.account import Account
from storage.changes import StateChanges
from storage.journal import Journal
from storage.outcome import Outcome
from storage.state import StateLayer, StateOverlay

RICH, POOR, NOBODY, CONTRACT = (Address(bytes([number]) * 20) for number in (1, 2, 3, 4))
CODE_BYTES = b"\x60\x00"


def state() -> StateLayer:
    return StateLayer(
        None,
        StateChanges(
            {
                RICH: Account(5, Wei(100)),
                POOR: Account(0, Wei(1)),
                CONTRACT: Account(1, Wei(0), keccak256(CODE_BYTES)),
            },
            {CONTRACT: {1: 11, 2: 22}},
            {},
            {keccak256(CODE_BYTES): CODE_BYTES},
        ),
    )


def applied(base: StateLayer, *outcomes: Outcome) -> StateLayer:
    overlay = StateOverlay(base)
    for outcome in outcomes:
        assert overlay.accepts(outcome)
        overlay.apply(outcome)
    return overlay.commit()


def test_an_amount_that_is_moved_is_a_delta_and_no_sight() -> None:
    journal = Journal(state())
    assert journal.take_balance(RICH, 30)
    journal.add_balance(POOR, 30)
    outcome = journal.finish()
    assert outcome.accesses == AccessSet((), (), (RICH + BALANCE, POOR + BALANCE))
    assert [sight.balance_min for sight in outcome.sights] == [30]
    assert outcome.touched == (RICH, POOR)
    after = applied(state(), outcome, outcome, outcome)
    assert (after.balance(RICH), after.balance(POOR)) == (10, 91)


def test_payments_commute_up_to_running_dry() -> None:
    journal = Journal(state())
    assert journal.take_balance(RICH, 60)
    outcome = journal.finish()
    overlay = StateOverlay(state())
    overlay.apply(outcome)
    assert not overlay.accepts(outcome)


def test_the_bound_is_what_the_worst_moment_needed() -> None:
    """ADR 13: also of a call that was taken back, for it has steered the execution."""
    journal = Journal(state())
    assert journal.take_balance(RICH, 20)
    journal.add_balance(RICH, 50)
    mark = journal.snapshot()
    assert journal.take_balance(RICH, 120)
    journal.revert(mark)
    assert journal.take_balance(RICH, 5)
    [sight] = journal.finish().sights
    assert sight.balance_min == 90


def test_asking_and_failing_see_the_balance() -> None:
    for asked in (True, False):
        journal = Journal(state())
        if asked:
            assert journal.balance(POOR) == 1
        else:
            assert not journal.take_balance(POOR, 2)
        journal.add_balance(POOR, 4)
        outcome = journal.finish()
        assert outcome.accesses == AccessSet((POOR + BALANCE,), (POOR + BALANCE,))
        overlay = StateOverlay(state())
        overlay.add_balance(POOR, 1)
        assert not overlay.accepts(outcome)


def test_existence_is_seen_without_the_balance() -> None:
    journal = Journal(state())
    assert journal.is_empty(NOBODY)
    assert not journal.is_empty(RICH)
    outcome = journal.finish()
    assert outcome.accesses == AccessSet((RICH + EXISTENCE, NOBODY + EXISTENCE), ())
    overlay = StateOverlay(state())
    overlay.add_balance(RICH, 1)
    assert overlay.accepts(outcome)
    overlay.add_balance(NOBODY, 1)
    assert not overlay.accepts(outcome)


def test_who_was_just_paid_exists_whatever_was_there_before() -> None:
    journal = Journal(state())
    journal.add_balance(NOBODY, 1)
    assert not journal.is_empty(NOBODY)
    outcome = journal.finish()
    assert outcome.accesses == AccessSet((), (), (NOBODY + BALANCE, NOBODY + EXISTENCE))
    assert not outcome.sights


def test_paying_into_existence_is_a_delta_and_creating_is_a_write() -> None:
    journal = Journal(state())
    journal.begin_contract(NOBODY)
    journal.set_nonce(NOBODY, 1)
    journal.set_code(NOBODY, b"\x00")
    journal.store(NOBODY, 7, 8)
    writes = journal.finish().accesses.writes
    suffixes = (CODE, EXISTENCE, NONCE)
    assert writes == tuple(sorted([slot_key(NOBODY, 7), *[NOBODY + each for each in suffixes]]))


def test_slots_are_read_and_written_by_themselves() -> None:
    journal = Journal(state())
    assert journal.load(CONTRACT, 1) == 11
    journal.store(CONTRACT, 2, 0)
    journal.store(CONTRACT, 3, 0)
    assert journal.original(CONTRACT, 2) == 22
    outcome = journal.finish()
    keys = [slot_key(CONTRACT, slot) for slot in (1, 2, 3)]
    assert outcome.accesses == AccessSet(tuple(keys), (keys[1],))
    after = applied(state(), outcome)
    assert dict(after.everything().slots[CONTRACT]) == {1: 11}


def test_a_revert_takes_back_warmth_logs_and_transient_slots() -> None:
    """EIP-2929, EIP-1153."""
    journal = Journal(state())
    assert not journal.warm_address(RICH)
    mark = journal.snapshot()
    assert journal.warm_address(RICH)
    assert not journal.warm_address(POOR)
    assert not journal.warm_slot(CONTRACT, 1)
    journal.store_transient(CONTRACT, 1, 2)
    journal.append_log(Log(CONTRACT, (), b""))
    inner = journal.snapshot()
    journal.store_transient(CONTRACT, 1, 3)
    journal.revert(inner)
    assert journal.load_transient(CONTRACT, 1) == 2
    journal.revert(mark)
    assert journal.warm_address(RICH)
    assert not journal.warm_address(POOR)
    assert not journal.warm_slot(CONTRACT, 1)
    assert journal.load_transient(CONTRACT, 1) == 0
    assert journal.finish().logs == ()


def test_what_a_reverted_call_looked_at_stays_seen() -> None:
    journal = Journal(state())
    mark = journal.snapshot()
    assert journal.load(CONTRACT, 1) == 11
    journal.set_nonce(RICH, 6)
    journal.revert(mark)
    outcome = journal.finish()
    assert outcome.accesses == AccessSet((RICH + NONCE, slot_key(CONTRACT, 1)), ())
    assert not outcome.changes
    assert outcome.touched == (RICH, CONTRACT)


def test_a_destroyed_contract_goes_with_storage_and_comes_back_without() -> None:
    journal = Journal(state())
    journal.destroy(CONTRACT)
    assert journal.load(CONTRACT, 1) == 11, "until the transaction ends it goes on as it is"
    gone = journal.finish()
    overlay = StateOverlay(state())
    overlay.apply(gone)
    assert overlay.account(CONTRACT) is None
    again = Journal(overlay)
    assert not again.has_storage(CONTRACT)
    again.begin_contract(CONTRACT)
    again.set_nonce(CONTRACT, 1)
    again.store(CONTRACT, 2, 5)
    overlay.apply(again.finish())
    layer = overlay.commit()
    assert [layer.slot(CONTRACT, slot) for slot in (1, 2)] == [0, 5]
    assert dict(layer.everything().slots[CONTRACT]) == {2: 5}
    fresh = StateChanges(layer.accounts(), {CONTRACT: {2: 5}})
    assert layer.root() == StateLayer(None, fresh).root()


def test_a_touched_empty_account_goes_and_an_untouched_one_stays() -> None:
    """EIP-161; such accounts are in states of public tests only."""
    base = StateLayer(None, StateChanges({POOR: Account(), NOBODY: Account()}))
    journal = Journal(base)
    journal.add_balance(POOR, 0)
    assert journal.balance(NOBODY) == 0
    after = applied(base, journal.finish())
    assert list(after.accounts()) == [NOBODY]


def test_code_of_this_block_can_be_called() -> None:
    overlay = StateOverlay(state())
    journal = Journal(overlay)
    journal.set_code(RICH, b"\xef\x01\x00" + POOR)
    overlay.apply(journal.finish())
    assert Journal(overlay).code(RICH) == b"\xef\x01\x00" + POOR
    assert overlay.commit().code(keccak256(b"\xef\x01\x00" + POOR))[3:] == POOR


def test_an_outcome_crosses_to_another_process_whole() -> None:
    journal = Journal(state())
    journal.store(CONTRACT, 2**255, 2**256 - 1)
    journal.append_log(Log(CONTRACT, (Hash32(bytes(32)),), b"data"))
    outcome = journal.finish()
    assert pickle.loads(pickle.dumps(outcome)) == outcome  # noqa: S301 (made here)
