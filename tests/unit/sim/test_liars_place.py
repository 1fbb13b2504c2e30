"""A liar's place: it follows the honest machine, and lies are told by index to nodes."""

import msgspec
import numpy as np
import pytest

from consensus.messages import Commit, NewView, Prepare, PrePrepare, ViewChange
from consensus.origin import Origin
from consensus.signing import binding
from node.epochs import Place
from node.seat import OwnMessage
from node.verifiers import Keys
from primitives.bls import BlsKey
from primitives.committee import Committee, Member
from primitives.epoch import Epoch
from primitives.ids import Hash32, NodeId, Sequence, View
from primitives.machine import Broadcast, Effect, Loopback, Message, Received, Send, TimerFired
from sim.liars.context import LiarContext
from sim.liars.hearing import Hearing
from sim.liars.place import Places, find_place, genesis_origin
from sim.liars.ticking import TICK
from tests.unit.sim.checker_histories import GENESIS
from tests.unit.sim.liar_rigs import KEYS, Bench, proposal, votes

NODES = (5, 2, 6, 0, 3)
"""Of the later committee, by index."""


def later(number: int = 1, nodes: tuple[int, ...] = NODES, since: int = 8) -> Epoch:
    """Return an epoch whose committee are other nodes in another order."""
    members = tuple(Member(NodeId(node), KEYS[node].public_key) for node in nodes)
    return Epoch(number, Committee(members), Committee(members), since)


def bench(name: str, node: int, accomplices: tuple[int, ...] | None = None) -> Bench:
    return Bench(name, node, accomplices=accomplices, epoch=later())


# ---------------------------------------------------------------- the place


class Followed:
    """As much of a node's `Epochs` as a liar looks at."""

    def __init__(self, node: int) -> None:
        self.node = node
        self.epoch = later(0, tuple(range(5)), 0)

    def origin(self) -> Origin | None:
        number = self.epoch.number
        return Origin(Sequence(self.epoch.since), GENESIS.digest) if number else None

    def place(self) -> Place | None:
        index = self.epoch.committee.index_of(self.node)
        return None if index is None else Place(index, Keys(KEYS[self.node]))


def places(followed: Followed, accomplices: tuple[int, ...]) -> Places:
    return Places(
        followed,  # type: ignore[arg-type]
        GENESIS.digest,
        tuple(map(NodeId, accomplices)),
        lambda epoch: np.random.default_rng(100 + epoch),
    )


def test_a_place_is_that_of_the_epoch_which_the_honest_machine_is_in() -> None:
    followed = Followed(2)
    place = places(followed, (2, 3))
    first = place()
    assert place() is first
    assert (first.epoch, first.index, first.group) == (0, 2, "committee")
    assert first.binding == binding(GENESIS.digest)
    assert first.origin == genesis_origin(GENESIS.digest) == Origin(Sequence(0), GENESIS.digest)
    assert first.victims == (0, 1, 4)

    followed.epoch = later()
    second = place()
    assert (second.epoch, second.index, second.group) == (1, 1, "committee/1")
    assert second.committee.nodes == NODES
    assert second.binding == binding(GENESIS.digest, epoch=1)
    assert second.origin.sequence == 8
    assert second.keys == Keys(KEYS[2])
    assert second.victims == (0, 5, 6)

    followed.epoch = later(2, (0, 1, 3, 4), 16)
    third = place()
    assert (third.index, third.keys) == (None, None)
    assert third.victims == (0, 1, 4)


def test_accomplices_draw_the_same_halves_in_an_epoch_whichever_they_come_from() -> None:
    one, other = Followed(2), Followed(3)
    first, second = places(one, (2, 3)), places(other, (2, 3))
    assert first().halves == second().halves
    one.epoch = later(1)
    first()
    one.epoch = other.epoch = later(2)
    assert first().halves == second().halves
    assert first().drawn == second().drawn
    draws = [
        find_place(later(), first().origin, GENESIS.digest, (), np.random.default_rng(seed)).drawn
        for seed in range(20)
    ]
    assert len(dict.fromkeys(draws)) > 10


def test_halves_part_the_drawn_ones() -> None:
    found = find_place(
        later(), Origin(Sequence(8), GENESIS.digest), GENESIS.digest, (NodeId(6),), Fixed()
    )
    assert found.drawn == (5, 3, 2, 0)
    assert found.halves == ((3, 5), (0, 2))


class Fixed(np.random.Generator):
    """Draws the last one first."""

    def __init__(self) -> None:
        super().__init__(np.random.PCG64(1))

    def permutation(self, count: int) -> list[int]:  # type: ignore[override]
        return list(reversed(range(count)))


def test_without_a_vote_nothing_can_be_signed() -> None:
    outside = Bench("silent", 1, epoch=later())
    assert outside.place.index is None
    with pytest.raises(AssertionError, match="only a validator"):
        outside.context.sign(Commit(View(0), Sequence(9), Hash32(bytes(32)), 0, b""))


def test_votes_are_signed_by_the_vote_key_of_the_epoch_and_the_rest_by_the_other() -> None:
    rig, vote_key = bench("silent", 2), BlsKey(bytes([7]) * 32)
    commit = votes(rig)[1]
    rig.place = msgspec.structs.replace(rig.place, keys=Keys(KEYS[2], vote_key))
    assert len(rig.context.sign(commit).signature) != 64
    assert rig.is_signed(rig.context.sign(proposal(rig, view=1)))


def test_its_own_is_what_it_proposes_under_its_index() -> None:
    rig = bench("silent", 2)
    context: LiarContext = rig.context
    assert context.is_own(proposal(rig, 9, view=1))
    assert context.is_own(proposal(rig, 9, view=6))
    assert not context.is_own(proposal(rig, 9, view=2)), "its node, and not its index"
    shown = msgspec.structs.replace(proposal(rig, 9, view=1), payload=b"")
    assert not context.is_own(shown)


def test_hearing_begins_anew_with_each_epoch() -> None:
    rig = bench("silent", 2)
    hearing = Hearing()

    def hear(view: int, sequence: int) -> tuple[int, int]:
        vote = Commit(View(view), Sequence(sequence), Hash32(bytes(32)), 1, b"")
        hearing.listen(Received(NodeId(6), vote), rig.place)
        return hearing.view, hearing.sequence

    assert hear(3, 8) == (0, 8), "a late vote of the epoch before"
    assert hear(2, 11) == (2, 11)
    assert hear(1, 10) == (2, 11)
    rig.enter(later(2, since=16), 2)
    assert hear(7, 15) == (0, 16)


# ---------------------------------------------------------------- the lies


def test_an_equivocating_voter_signs_by_its_index_for_the_nodes_of_the_epoch() -> None:
    rig = bench("equivocating-voter", 6)
    assert rig.place.index == 2
    _, misled = rig.place.halves
    for honest in votes(rig):
        told = rig.say(honest)
        assert sorted(told) == [0, 2, 3, 5]
        assert [node for node, said in told.items() if said != [honest]] == [
            node for node in rig.committee.nodes if node in misled
        ]
        for node in misled:
            (false,) = told[node]
            assert isinstance(false, Prepare | Commit)
            assert false.replica == 2
            assert rig.is_signed(false)
            assert false.digest != honest.digest


def test_an_equivocating_primary_leads_by_its_index() -> None:
    rig = bench("equivocating-primary", 5)
    assert rig.place.index == 0
    honest = proposal(rig, 9)
    _, misled = rig.place.halves
    told = rig.say(honest)
    assert sorted(told) == [0, 2, 3, 6]
    for node, (shown, vote) in told.items():
        assert isinstance(shown, PrePrepare)
        assert isinstance(vote, Prepare)
        assert (shown != honest) is (node in misled)
        assert vote.replica == 0
        assert rig.is_signed(shown)
        assert rig.is_signed(vote)


def test_accomplices_know_their_primary_by_its_node() -> None:
    primary, second = bench("colluding", 5, (3, 5)), bench("colluding", 3, (3, 5))
    honest = proposal(primary, 1)
    assert second.place.index == 4
    second.step(Received(NodeId(5), honest))
    own = votes(second)[1]
    told = second.say(own)
    _, misled = second.place.halves
    assert misled
    for node in misled:
        (false,) = told[node]
        assert isinstance(false, Commit)
        assert (false.digest, false.replica) == (primary_story(primary, honest, node), 4)
        assert second.is_signed(false)
    stranger = bench("colluding", 3, (3, 5))
    stranger.step(Received(NodeId(0), honest))
    assert all(said == [own] for said in stranger.say(own).values()), "node 0 is not the primary"


def primary_story(rig: Bench, honest: PrePrepare, node: int) -> bytes:
    (shown,) = rig.say(honest)[node]
    assert isinstance(shown, PrePrepare)
    return shown.digest


def test_withholding_serves_a_quorum_of_the_committee_of_the_epoch() -> None:
    rig = bench("withholding", 5)
    honest = proposal(rig, 9)
    served = [node for node, said in rig.say(honest).items() if said == [honest]]
    assert len(served) == rig.committee.quorum - 1
    assert all(node in rig.committee.nodes for node in served)


@pytest.mark.parametrize("name", ["twins", "two-faced"])
def test_the_split_moves_with_the_committee(name: str) -> None:
    rig = Bench(name, 2, 7)
    vote = votes(rig)[0]

    def first_hears() -> list[int]:
        heard = []
        for node in rig.committee.nodes:
            before = len(rig.honest.heard)
            rig.step(Received(node, vote))
            if node != 2 and len(rig.honest.heard) > before:
                heard.append(int(node))
        return sorted(heard)

    assert first_hears() == list(rig.place.halves[0])
    rig.enter(later(), 2)
    assert first_hears() == list(rig.place.halves[0])
    assert first_hears() != list(Bench(name, 2, 7).place.halves[0])


def ticks(rig: Bench, count: int = 40) -> list[Effect]:
    return [effect for _ in range(count) for effect in rig.step(TimerFired(TICK))]


def said(effects: list[Effect]) -> list[Message]:
    return [effect.message for effect in effects if isinstance(effect, Send | Broadcast)]


def test_a_flood_is_one_of_the_epoch() -> None:
    rig = bench("flooding", 6)
    rig.step(Received(NodeId(5), Commit(View(2), Sequence(11), Hash32(bytes(32)), 0, b"")))
    effects = ticks(rig)
    assert {e.group for e in effects if isinstance(e, Broadcast)} == {"committee/1"}
    found = said(effects)
    assert {type(message) for message in found} == {PrePrepare, Prepare, Commit}
    for message in found:
        assert isinstance(message, PrePrepare | Prepare | Commit)
        assert rig.is_signed(message)
        assert message.view == 2
        assert message.sequence > 11


def test_usurping_proclaims_a_view_above_the_closing_block_to_itself_too() -> None:
    rig = bench("usurping", 6)
    told, looped, _ = rig.step(TimerFired(TICK))
    assert isinstance(told, Broadcast)
    assert told.group == "committee/1"
    message = told.message
    assert isinstance(message, NewView)
    assert message.view == 2, "the next that its index leads"
    assert rig.is_signed(message)
    assert [vote.base_sequence for vote in message.votes] == [8] * 5
    assert [rig.is_signed(vote) for vote in message.votes] == [i == 2 for i in range(5)]
    assert looped == Loopback(OwnMessage(1, message))


def test_garbage_is_signed_by_index_and_goes_to_members() -> None:
    rig = bench("garbage", 6)
    effects = [effect for effect in ticks(rig, 2_000) if isinstance(effect, Send)]
    assert {effect.to for effect in effects} == {0, 2, 3, 5}
    inner = [e.message.vote if isinstance(e.message, ViewChange) else e.message for e in effects]
    signed = [m for m in inner if isinstance(m, Commit) and m.replica == 2 and rig.is_signed(m)]
    assert signed


@pytest.mark.parametrize(
    "name", ["equivocating-primary", "equivocating-voter", "invalid-state-root", "colluding"]
)
def test_whoever_has_no_vote_passes_on_what_it_is_given(name: str) -> None:
    rig = Bench(name, 1, epoch=later())
    member = bench("silent", 5)
    shown: tuple[Message, ...] = (proposal(member, 9), *votes(member))
    for message in shown:
        rig.step(Received(NodeId(5), message))
        assert all(told == [message] for told in rig.say(message).values())


@pytest.mark.parametrize("name", ["flooding", "usurping"])
def test_noise_that_must_be_signed_ends_with_the_vote(name: str) -> None:
    rig = bench(name, 6)
    assert said(ticks(rig))
    rig.enter(later(2, (0, 1, 3, 4), 16), 6)
    assert said(ticks(rig)) == []
    rig.enter(later(3, NODES, 24), 6)
    assert said(ticks(rig)), "and comes back with it"


def test_unsigned_noise_goes_on() -> None:
    rig = Bench("garbage", 1, epoch=later())
    assert len(said(ticks(rig))) == 40
