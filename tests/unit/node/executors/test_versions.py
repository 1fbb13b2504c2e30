"""A transaction's view holds what those below it did, whatever the order in which they end."""

from collections.abc import Sequence

import pytest
from hypothesis import given, strategies as st

from node.executors.cells import Blocked
from node.executors.versions import MultiVersion
from primitives.block_access_list import AccountChanges, SlotChanges
from primitives.ids import Address, Wei
from storage.account import Account
from storage.journal import Journal
from storage.outcome import Outcome
from storage.reader import StateReader
from storage.state import StateLayer, StateOverlay

PEOPLE = [Address(bytes([number]) * 20) for number in range(1, 4)]
SLOTS = (0, 1)
BASE = StateLayer(None, {PEOPLE[0]: Account(1, Wei(100)), PEOPLE[1]: Account(0, Wei(7))})

Step = tuple[str, int, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["pay", "take", "nonce", "code", "store", "create", "destroy", "touch"]),
        st.integers(0, len(PEOPLE) - 1),
        st.integers(0, 2),
    ),
    max_size=4,
)
BLOCKS = st.lists(STEPS, max_size=5)


def outcome(reader: StateReader, steps: Sequence[Step]) -> Outcome:
    """A transaction that does these steps."""
    journal = Journal(reader)
    for name, person, value in steps:
        who = PEOPLE[person]
        match name:
            case "pay":
                journal.add_balance(who, value)
            case "take":
                journal.take_balance(who, value)
            case "nonce":
                journal.set_nonce(who, journal.nonce(who) + 1)
            case "code":
                journal.set_code(who, bytes([value]))
            case "store":
                # Nobody but a contract, which is not empty, has storage.
                journal.set_nonce(who, journal.nonce(who) + 1)
                journal.store(who, SLOTS[value % 2], value)
            case "create":
                journal.begin_contract(who)
                journal.set_nonce(who, 1)
            case "destroy":
                journal.take_balance(who, journal.balance(who))
                journal.destroy(who)
            case _:
                journal.add_balance(who, 0)
    return journal.finish()


def picture(reader: StateReader) -> list[object]:
    """All that can be asked."""
    found: list[object] = []
    for person in PEOPLE:
        account = reader.account(person)
        found += [account, [reader.slot(person, slot) for slot in SLOTS]]
        found += [reader.has_storage(person), reader.has_storage(person, (0,))]
        if account is not None:
            found.append(reader.code(account.code_hash))
    return found


@given(BLOCKS, st.randoms(use_true_random=False))
def test_each_view_equals_the_state_after_those_below(blocks: list[list[Step]], random) -> None:
    overlay, outcomes, pictures = StateOverlay(BASE), [], []
    for steps in blocks:
        pictures.append(picture(overlay))
        outcomes.append(outcome(overlay, steps))
        overlay.apply(outcomes[-1])
    pictures.append(picture(overlay))
    versions = MultiVersion(BASE)
    order = list(range(len(outcomes)))
    random.shuffle(order)
    for index in order:
        # First something else, which must leave no trace.
        versions.record(index, outcomes[random.choice(order)])
    random.shuffle(order)
    for index in order:
        versions.record(index, outcomes[index])
    assert [picture(versions.view(index)) for index in range(len(outcomes) + 1)] == pictures
    for index in order:
        versions.record(index, None)
    assert picture(versions.view(len(outcomes))) == picture(BASE)


def test_a_view_waits_for_who_runs_again_but_not_for_its_payments() -> None:
    versions = MultiVersion(BASE)
    versions.record(1, outcome(BASE, [("pay", 2, 1), ("store", 1, 1), ("nonce", 0, 0)]))
    versions.expect(1)
    late, early = versions.view(2), versions.view(1)
    assert late.account(PEOPLE[2]) == Account(0, Wei(1))
    for ask in (lambda: late.slot(PEOPLE[1], 1), lambda: late.account(PEOPLE[0])):
        with pytest.raises(Blocked) as blocked:
            ask()
        assert blocked.value.writer == 1
    assert early.slot(PEOPLE[1], 1) == 0
    versions.record(1, outcome(BASE, []))
    assert late.slot(PEOPLE[1], 1) == 0


def test_a_view_can_be_made_of_an_access_list() -> None:
    """Index k of the list is what transaction k - 1 leaves, and so what the next one finds."""
    versions = MultiVersion(BASE)
    changes = AccountChanges(
        PEOPLE[0],
        storage_changes=(SlotChanges(1, ((0, 5), (2, 6))),),
        balance_changes=((1, 50),),
        nonce_changes=((1, 2), (3, 3)),
        code_changes=((2, b"\x01"),),
    )
    versions.assume((changes,))
    nonces, slots = [], []
    for index in range(4):
        account = versions.view(index).account(PEOPLE[0])
        assert account is not None
        assert versions.view(index).code(account.code_hash) == (b"" if index < 2 else b"\x01")
        assert account.balance == (100 if index < 1 else 50)
        nonces.append(account.nonce)
        slots.append(versions.view(index).slot(PEOPLE[0], 1))
    assert nonces == [1, 2, 2, 3]
    assert slots == [5, 5, 6, 6]


def test_storage_of_a_created_contract_is_empty_whatever_was_there() -> None:
    versions = MultiVersion(BASE)
    versions.record(0, outcome(BASE, [("store", 0, 1)]))
    assert versions.view(1).has_storage(PEOPLE[0])
    versions.record(1, outcome(versions.view(1), [("create", 0, 0)]))
    assert not versions.view(2).has_storage(PEOPLE[0])
    assert versions.view(2).slot(PEOPLE[0], 1) == 0


def test_no_view_shows_a_balance_that_is_no_word() -> None:
    """Somebody spends what another one, who runs again, does not pay him any more."""
    base = StateLayer(None, {PEOPLE[0]: Account(1, Wei(100))})
    versions = MultiVersion(base)
    versions.record(0, outcome(versions.view(0), [("pay", 1, 50)]))
    versions.record(1, outcome(versions.view(1), [("take", 1, 40)]))
    versions.record(0, outcome(versions.view(0), []))
    assert versions.view(2).account(PEOPLE[1]) is None
    assert Journal(versions.view(2)).balance(PEOPLE[1]) == 0


def test_a_list_that_claims_too_much_makes_no_balance_above_a_word() -> None:
    claimed = AccountChanges(PEOPLE[1], balance_changes=((1, 2**256 - 1),))
    versions = MultiVersion(BASE)
    versions.assume((claimed,))
    journal = Journal(versions.view(1))
    journal.add_balance(PEOPLE[1], 2**128)
    assert journal.balance(PEOPLE[1]) < 2**256
