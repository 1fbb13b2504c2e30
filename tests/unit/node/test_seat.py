"""A replica's place in a committee whose indexes are not its nodes' numbers."""

from collections.abc import Mapping, Sequence

import pytest

from consensus.effects import VERIFIED, Exposed, FellBehind
from consensus.engine import MessageHandler
from consensus.messages import Decided, GetProposal, ReplicaStatus
from consensus.trace import EvidenceFound, PrePrepared, ViewEntered
from node.seat import OwnMessage, Seat
from primitives.committee import Committee, Member
from primitives.ids import Hash32, Instant, NodeId, Sequence as Place, View
from primitives.machine import (
    NOTHING,
    Broadcast,
    Effect,
    Emit,
    Event,
    Loopback,
    Message,
    Received,
    Send,
    Started,
)

NODES = (4, 0, 7, 2)
COMMITTEE = Committee(tuple(Member(NodeId(n), bytes([n]) * 32) for n in NODES))
OWN = 1
STATUS = ReplicaStatus(View(0), Place(0), alone=True)
DIGEST = Hash32(bytes(32))


class Core:
    """Answers with what it is given, and remembers who spoke to it."""

    view = View(3)
    delivered = Place(9)
    scores: Mapping[int, int] = {2: 5}

    def __init__(self, *effects: Effect) -> None:
        self.answer: Sequence[Effect] = effects
        self.heard: list[tuple[int, Message]] = []

    @property
    def handlers(self) -> Mapping[type[Message], MessageHandler]:
        return {ReplicaStatus: self.take}

    def take(self, now: Instant, sender: NodeId, message: Message) -> Sequence[Effect]:
        self.heard.append((sender, message))
        return self.answer

    def step(self, now: Instant, event: Event) -> Sequence[Effect]:
        return self.answer

    def retire(self) -> Sequence[Effect]:
        return self.answer


def seat(core: Core) -> Seat:
    return Seat(core, COMMITTEE, OWN, 6)


def given(core: Core, sender: int) -> Sequence[Effect]:
    return seat(core).handlers[ReplicaStatus](Instant(0), NodeId(sender), STATUS)


@pytest.mark.parametrize(("node", "index"), [(4, 0), (7, 2), (2, 3)])
def test_consensus_hears_of_indexes(node: int, index: int) -> None:
    core = Core()
    given(core, node)
    assert core.heard == [(index, STATUS)]


@pytest.mark.parametrize("node", [0, 1, 3, 9])
def test_strangers_and_what_claims_to_be_its_own_are_not_heard(node: int) -> None:
    core = Core(Send(NodeId(2), STATUS))
    assert given(core, node) == ()
    assert core.heard == []


@pytest.mark.parametrize(
    ("inside", "outside"),
    [
        (Send(NodeId(2), STATUS), Send(NodeId(7), STATUS)),
        (FellBehind(Place(5), NodeId(3)), FellBehind(Place(5), NodeId(2))),
        (Exposed(NodeId(3), "commit"), Exposed(NodeId(2), "commit")),
        (
            Emit(ViewEntered(View(4), NodeId(0), 6)),
            Emit(ViewEntered(View(4), NodeId(4), 6)),
        ),
        (
            Emit(EvidenceFound(NodeId(3), "commit", View(4), Place(8), 6)),
            Emit(EvidenceFound(NodeId(2), "commit", View(4), Place(8), 6)),
        ),
        (
            Loopback(Received(NodeId(OWN), STATUS)),
            Loopback(OwnMessage(6, STATUS)),
        ),
    ],
)
def test_the_network_hears_of_nodes(inside: Effect, outside: Effect) -> None:
    other = Broadcast("committee/6", STATUS)
    assert list(given(Core(other, inside), 4)) == [other, outside]
    assert list(seat(Core(inside)).step(Instant(0), Started())) == [outside]


@pytest.mark.parametrize(
    "effect",
    [
        Broadcast("committee/6", STATUS),
        Emit(PrePrepared(View(0), Place(1), DIGEST, 6)),
        Loopback(Started()),
    ],
)
def test_what_names_no_peer_stays_as_it_is(effect: Effect) -> None:
    assert list(given(Core(effect), 4)) == [effect]


def test_the_usual_answer_to_a_vote_passes_by_identity() -> None:
    for answer in (VERIFIED, NOTHING):
        core = Core()
        core.answer = answer
        assert given(core, 4) is answer


def test_its_own_messages_come_back_under_its_index() -> None:
    core = Core(Send(NodeId(0), GetProposal(Place(1), DIGEST)))
    effects = seat(core).on_own_message(Instant(0), OwnMessage(6, STATUS))
    assert core.heard == [(OWN, STATUS)]
    assert [effect.to for effect in effects if isinstance(effect, Send)] == [4]


def test_those_of_another_epoch_do_not() -> None:
    """The replica of this epoch would believe them without a look at their signatures."""
    core = Core()
    for epoch in (5, 7):
        assert seat(core).on_own_message(Instant(0), OwnMessage(epoch, STATUS)) == ()
    assert core.heard == []


def test_it_shows_its_core() -> None:
    shown = seat(Core())
    assert (shown.view, shown.delivered, dict(shown.scores)) == (3, 9, {7: 5})
    assert Decided not in shown.handlers
