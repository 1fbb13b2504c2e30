"""A block's access list, rule by rule of EIP-7928, from journals over a real state."""

from collections.abc import Callable
from operator import methodcaller

from node.access_list import AccessListBuilder
from primitives.block_access_list import AccountChanges, SlotChanges, check_order
from primitives.ids import Address, Wei
from primitives.keccak import keccak256
from storage.account import Account
from storage.changes import StateChanges
from storage.journal import Journal
from storage.state import StateLayer, StateOverlay

ALICE, BOB, CONTRACT, NEW = (Address(bytes([n]) * 20) for n in (1, 2, 3, 4))
CODE = b"\x60\x00"


def overlay() -> StateOverlay:
    accounts = {
        ALICE: Account(7, Wei(1_000)),
        BOB: Account(0, Wei(50)),
        CONTRACT: Account(1, Wei(0), code_hash=keccak256(CODE)),
    }
    slots = {CONTRACT: {1: 11, 2: 22}}
    return StateOverlay(
        StateLayer(None, StateChanges(accounts, slots, {}, {keccak256(CODE): CODE}))
    )


class Block:
    """Runs one thing after the other and notes each."""

    def __init__(self) -> None:
        self.state = overlay()
        self.builder = AccessListBuilder()

    def run(self, index: int, work: Callable[[Journal], object]) -> None:
        journal = Journal(self.state)
        work(journal)
        outcome = journal.finish()
        self.builder.note(index, outcome, self.state)
        self.state.apply(outcome)

    def account(self, address: Address) -> AccountChanges:
        built = self.builder.build()
        check_order(built)
        [found] = [each for each in built if each.address == address]
        return found


def listed(*steps: Callable[[Journal], object], address: Address) -> AccountChanges:
    block = Block()
    for index, work in enumerate(steps):
        block.run(index, work)
    return block.account(address)


def test_an_account_that_was_only_looked_at_stands_there_with_nothing() -> None:
    for look in ("balance", "nonce", "code", "code_hash", "is_empty"):
        seen = listed(methodcaller(look, BOB), address=BOB)
        assert seen == AccountChanges(BOB), look
    assert listed(lambda j: j.add_balance(NEW, 0), address=NEW) == AccountChanges(NEW)


def test_an_account_that_was_only_made_warm_does_not_stand_there() -> None:
    block = Block()
    block.run(1, lambda j: (j.warm_address(BOB), j.warm_slot(CONTRACT, 1)))
    assert block.builder.build() == ()


def test_balances_are_those_after_each_transaction() -> None:
    def pay(journal: Journal) -> None:
        assert journal.take_balance(ALICE, 100)
        journal.add_balance(BOB, 100)

    assert listed(pay, pay, address=BOB).balance_changes == ((0, 150), (1, 250))
    assert listed(pay, pay, address=ALICE).balance_changes == ((0, 900), (1, 800))


def test_a_balance_that_is_the_same_after_a_transaction_is_no_change() -> None:
    def to_itself(journal: Journal) -> None:
        journal.take_balance(ALICE, 100)
        journal.add_balance(ALICE, 100)

    assert listed(to_itself, address=ALICE) == AccountChanges(ALICE)


def test_payments_with_one_index_leave_the_last_balance() -> None:
    block = Block()
    block.run(1, lambda j: j.add_balance(BOB, 5))
    block.run(2, lambda j: j.add_balance(BOB, 6))
    block.run(2, lambda j: j.add_balance(BOB, 7))
    assert block.account(BOB).balance_changes == ((1, 55), (2, 68))


def test_a_written_slot_is_a_change_and_no_read() -> None:
    found = listed(lambda j: j.store(CONTRACT, 1, 5), address=CONTRACT)
    assert found == AccountChanges(CONTRACT, (SlotChanges(1, ((0, 5),)),))


def test_an_unset_slot_is_a_change_to_zero() -> None:
    found = listed(lambda j: j.store(CONTRACT, 1, 0), address=CONTRACT)
    assert found.storage_changes == (SlotChanges(1, ((0, 0),)),)


def test_a_slot_written_with_its_own_value_is_a_read() -> None:
    def there_and_back(journal: Journal) -> None:
        journal.store(CONTRACT, 1, 5)
        journal.store(CONTRACT, 1, 11)

    for work in (there_and_back, lambda j: j.store(CONTRACT, 1, 11)):
        assert listed(work, address=CONTRACT) == AccountChanges(CONTRACT, storage_reads=(1,))


def test_a_slot_that_another_transaction_changes_is_no_read() -> None:
    for steps in (
        (lambda j: j.load(CONTRACT, 2), lambda j: j.store(CONTRACT, 2, 5)),
        (lambda j: j.store(CONTRACT, 2, 5), lambda j: j.load(CONTRACT, 2)),
    ):
        assert listed(*steps, address=CONTRACT).storage_reads == ()


def test_a_slot_that_comes_back_in_another_transaction_has_two_changes() -> None:
    found = listed(
        lambda j: j.store(CONTRACT, 2, 5), lambda j: j.store(CONTRACT, 2, 22), address=CONTRACT
    )
    assert found.storage_changes == (SlotChanges(2, ((0, 5), (1, 22))),)


def test_what_a_call_did_before_it_failed_was_looked_at() -> None:
    def fail(journal: Journal) -> None:
        mark = journal.snapshot()
        journal.store(CONTRACT, 9, 5)
        journal.load(CONTRACT, 1)
        journal.add_balance(CONTRACT, 5)
        journal.set_nonce(CONTRACT, 8)
        journal.revert(mark)

    assert listed(fail, address=CONTRACT) == AccountChanges(CONTRACT, storage_reads=(1, 9))


def create(journal: Journal) -> None:
    journal.begin_contract(NEW)
    journal.set_nonce(NEW, 1)
    journal.load(NEW, 3)
    journal.store(NEW, 4, 44)
    journal.store(NEW, 5, 0)


def test_a_new_contract_has_nonce_code_and_the_slots_it_looked_at() -> None:
    def deploy(journal: Journal) -> None:
        create(journal)
        journal.set_code(NEW, CODE)

    assert listed(deploy, address=NEW) == AccountChanges(
        NEW,
        (SlotChanges(4, ((0, 44),)),),
        (3, 5),
        nonce_changes=((0, 1),),
        code_changes=((0, CODE),),
    )


def test_a_creation_that_fails_leaves_its_slots_as_reads() -> None:
    def fail(journal: Journal) -> None:
        mark = journal.snapshot()
        create(journal)
        journal.revert(mark)

    assert listed(fail, address=NEW) == AccountChanges(NEW, storage_reads=(3, 4, 5))


def test_a_contract_that_is_destroyed_at_once_leaves_its_slots_as_reads() -> None:
    def vanish(journal: Journal) -> None:
        create(journal)
        journal.destroy(NEW)

    assert listed(vanish, address=NEW) == AccountChanges(NEW, storage_reads=(3, 4, 5))


def test_a_balance_that_was_there_before_goes_with_a_destroyed_contract() -> None:
    block = Block()
    block.run(1, lambda j: j.add_balance(NEW, 5))

    def vanish(journal: Journal) -> None:
        create(journal)
        journal.take_balance(NEW, 5)
        journal.destroy(NEW)

    block.run(2, vanish)
    assert block.account(NEW) == AccountChanges(
        NEW, storage_reads=(3, 4, 5), balance_changes=((1, 5), (2, 0))
    )
