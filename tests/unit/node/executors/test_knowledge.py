"""A worker's memory equals the state, whatever way it is sent along the chain."""

from random import Random

import msgspec
import pytest

from node.executors.knowledge import Knowledge, Layers, cells_of_keys
from node.executors.warm import WarmState
from node.executors.wire import Answer, AskCell, AskCode, AskStorage, Report, unpack_int
from node.executors.work import BlockWork
from primitives.access import slot_key
from primitives.ids import Address, Hash32, Wei
from primitives.keccak import keccak256
from storage.account import Account
from storage.journal import Journal
from storage.state import StateLayer, StateOverlay
from tests.properties.parallel_blocks import random_block

PEOPLE = [Address(bytes([number]) * 20) for number in range(1, 5)]
SLOTS = range(3)
CODE = b"\x60\x00"


class Talk:
    """A worker's memory, and the coordinator's book of it, in one process."""

    def __init__(self) -> None:
        self.knowledge = Knowledge()
        self.layers = Layers()
        self.asked = 0
        self.work: BlockWork | None = None
        self.state = WarmState(self.answer)

    def answer(self, question: Report) -> Answer:
        self.asked += 1
        assert self.work is not None
        match question:
            case AskCell():
                slot = None if question.slot is None else unpack_int(question.slot)
                return Answer(self.knowledge.answer(question.address, slot))
            case AskCode():
                return Answer(code=self.work.base.code(question.code_hash))
            case AskStorage():
                but = [unpack_int(slot) for slot in question.but]
                return Answer(has_storage=self.work.base.has_storage(question.address, but))
            case _:
                raise AssertionError(question)

    def turn_to(self, name: Hash32, overlay: StateOverlay) -> None:
        some = random_block(1)
        setting = msgspec.structs.replace(some.setting, parent_hash=name)
        self.work = BlockWork(setting, (), overlay, overlay.changes())
        update = self.knowledge.turn_to(self.work, self.layers)
        if update.forget_all:
            self.state.forget_all()
        self.state.forget(update.forget)
        self.state.learn(update.changed)


def change(random: Random, overlay: StateOverlay) -> None:
    """Change something of somebody, maybe all."""
    journal = Journal(overlay)
    who = random.choice(PEOPLE)
    match random.randrange(5):
        case 0:
            journal.add_balance(who, 1)
        case 1:
            journal.set_nonce(who, journal.nonce(who) + 1)
            journal.store(who, random.choice(SLOTS), random.randrange(3))
        case 2:
            journal.begin_contract(who)
            journal.set_nonce(who, 1)
            journal.set_code(who, CODE + bytes([random.randrange(2)]))
        case 3:
            journal.take_balance(who, journal.balance(who))
            journal.destroy(who)
        case _:
            journal.take_balance(who, 1)
    overlay.apply(journal.finish())


def look(random: Random, talk: Talk, overlay: StateOverlay) -> None:
    """Ask the worker for something, and compare."""
    who, slot = random.choice(PEOPLE), random.choice(SLOTS)
    account = overlay.account(who)
    assert talk.state.account(who) == account
    assert talk.state.slot(who, slot) == overlay.slot(who, slot)
    assert talk.state.has_storage(who, (slot,)) == overlay.has_storage(who, (slot,))
    if account is not None:
        assert talk.state.code(account.code_hash) == overlay.code(account.code_hash)


@pytest.mark.parametrize("seed", range(60))
def test_what_a_worker_knows_is_what_the_state_is(seed: int) -> None:
    random = Random(seed)
    talk = Talk()
    first = StateLayer(None, {PEOPLE[0]: Account(1, Wei(5)), PEOPLE[1]: Account(0, Wei(1))})
    chain = [(Hash32(bytes(32)), first)]
    for height in range(1, 20):
        name, layer = chain[-1] if random.random() < 0.7 else random.choice(chain)
        overlay = StateOverlay(layer)
        for _ in range(random.randrange(3)):
            change(random, overlay)
        talk.turn_to(name, overlay)
        before = StateOverlay(layer) if random.random() < 0.2 else None
        for _ in range(6):
            look(random, talk, overlay)
        if before is not None:
            # Given up: another block comes on the same one, and none of its beginning is true.
            talk.turn_to(name, before)
            look(random, talk, before)
        for _ in range(random.randrange(4)):
            change(random, overlay)
        child = overlay.commit()
        new = Hash32(keccak256(bytes([height])))
        if random.random() < 0.9:
            talk.layers.add(new, name, child.all_changes)
        chain.append((new, child))


def test_a_worker_that_follows_asks_for_nothing_twice() -> None:
    talk = Talk()
    layer, name = StateLayer(None, {PEOPLE[0]: Account(1, Wei(5))}), Hash32(bytes(32))
    for height in range(1, 5):
        overlay = StateOverlay(layer)
        talk.turn_to(name, overlay)
        account = talk.state.account(PEOPLE[0])
        assert account is not None
        assert account.balance == 4 + height
        journal = Journal(overlay)
        journal.add_balance(PEOPLE[0], 1)
        overlay.apply(journal.finish())
        layer, parent = overlay.commit(), name
        name = Hash32(bytes([height]) * 32)
        talk.layers.add(name, parent, layer.all_changes)
    assert talk.asked == 1


def test_what_goes_along_is_not_asked_for() -> None:
    talk = Talk()
    overlay = StateOverlay(StateLayer(None, {PEOPLE[0]: Account(1, Wei(5))}))
    talk.turn_to(Hash32(bytes(32)), overlay)
    cells = cells_of_keys((PEOPLE[0] + b"b", slot_key(PEOPLE[1], 2), b"", b"short", PEOPLE[2]))
    assert cells == [(PEOPLE[0], None), (PEOPLE[1], 2)]
    given = talk.knowledge.needed(cells)
    talk.state.learn(given)
    assert talk.state.account(PEOPLE[0]) == Account(1, Wei(5))
    assert talk.state.slot(PEOPLE[1], 2) == 0
    assert talk.asked == 0
    assert not talk.knowledge.needed(cells).accounts
