"""The gate around a `Persist`: what waits, what goes, in which order."""

import pytest
from hypothesis import given, strategies as st

from primitives.durability import DurabilityGate, core_of
from primitives.ids import NodeId, Token
from primitives.machine import Broadcast, Event, Loopback, Message, Received, Send


class Vote(Message, frozen=True, gc=False, tag="durability-vote"):
    core = "votes"


class Due(Event, frozen=True, gc=False):
    core = "chain"


@pytest.mark.parametrize(
    ("effect", "core"),
    [
        (Send(NodeId(1), Vote()), "votes"),
        (Broadcast("all", Vote()), "votes"),
        (Loopback(Due()), "chain"),
        (Loopback(Received(NodeId(0), Vote())), "votes"),
    ],
)
def test_an_effect_belongs_to_the_core_of_its_message_or_event(effect, core):
    assert core_of(effect) == core


def test_nothing_waits_before_a_persist():
    gate: DurabilityGate[str] = DurabilityGate()
    assert gate.idle
    assert not gate.holds("votes")


def test_a_persist_holds_its_own_core_only():
    gate: DurabilityGate[str] = DurabilityGate()
    gate.begin("votes", Token(1))
    assert gate.holds("votes")
    assert not gate.holds("chain")
    assert not gate.idle


def test_what_waits_goes_in_its_order_once_durable():
    gate: DurabilityGate[str] = DurabilityGate()
    gate.begin("votes", Token(1))
    gate.hold("votes", "first")
    gate.hold("votes", "second")
    assert gate.durable("votes", Token(1)) == ["first", "second"]
    assert not gate.holds("votes")
    assert gate.idle


def test_each_waits_for_the_persists_before_it_only():
    gate: DurabilityGate[str] = DurabilityGate()
    gate.begin("votes", Token(1))
    gate.hold("votes", "behind one")
    gate.begin("votes", Token(2))
    gate.hold("votes", "behind both")
    assert gate.durable("votes", Token(1)) == ["behind one"]
    assert gate.holds("votes")
    assert gate.durable("votes", Token(2)) == ["behind both"]


def test_a_later_persist_that_is_durable_first_releases_nothing():
    gate: DurabilityGate[str] = DurabilityGate()
    gate.begin("votes", Token(1))
    gate.hold("votes", "behind one")
    gate.begin("votes", Token(2))
    gate.hold("votes", "behind both")
    assert gate.durable("votes", Token(2)) == []
    assert gate.holds("votes")
    assert gate.durable("votes", Token(1)) == ["behind one", "behind both"]
    assert gate.idle


def test_a_token_used_twice_stands_for_two_persists():
    gate: DurabilityGate[str] = DurabilityGate()
    gate.begin("votes", Token(1))
    gate.hold("votes", "a")
    gate.begin("votes", Token(1))
    gate.hold("votes", "b")
    assert gate.durable("votes", Token(1)) == ["a"]
    assert gate.durable("votes", Token(1)) == ["b"]


class NaiveGate:
    """One list of everything that ever happened; an item may go when no unfinished Persist of
    its core stands before it."""

    def __init__(self):
        self.history = []

    def begin(self, core, token):
        self.history.append(["persist", core, token])

    def offer(self, core, item):
        self.history.append(["item", core, item])
        return self.settle()

    def durable(self, core, token):
        for entry in self.history:
            if entry == ["persist", core, token]:
                entry[0] = "done"
                break
        return self.settle()

    def settle(self):
        gone = []
        for position, (kind, core, item) in enumerate(self.history):
            before = self.history[:position]
            if kind == "item" and ["persist", core] not in [entry[:2] for entry in before]:
                gone.append(item)
                self.history[position] = ["gone", core, item]
        return gone


@given(data=st.data(), steps=st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=40))
def test_the_gate_equals_a_naive_one(data, steps):
    gate: DurabilityGate[int] = DurabilityGate()
    naive = NaiveGate()
    pending: dict[str, list[int]] = {"votes": [], "chain": []}
    for number, (kind, flag) in enumerate(steps):
        core = "votes" if flag else "chain"
        if kind == 0:
            gate.begin(core, Token(number))
            naive.begin(core, number)
            pending[core].append(number)
            continue
        if kind == 1 and pending[core]:
            token = data.draw(st.sampled_from(pending[core]))
            pending[core].remove(token)
            gone = gate.durable(core, Token(token))
            assert gone == naive.durable(core, token)
            continue
        assert gate.holds(core) == bool(pending[core])
        assert gate.idle == (not pending["votes"] and not pending["chain"])
        if gate.holds(core):
            gate.hold(core, number)
        expected = [] if pending[core] else [number]
        assert naive.offer(core, number) == expected
