"""Coded trees with liars: the honest get the leader's block, or all find out that there is none."""

from collections.abc import Sequence

from hypothesis import given, settings, strategies as st
from msgspec.structs import replace

from network.dissemination import (
    BlockShred,
    CodedTree,
    GetShreds,
    LeaderContradicts,
    TreeConfig,
)
from network.dissemination.tree_state import Phase
from network.offences import Offence
from primitives.ids import Instant, NodeId
from primitives.machine import Message
from tests.properties.virtual_links import PLACE, Lie, VirtualLinks, withhold
from tests.unit.network.books import Book
from tests.unit.network.dissemination.material import BLOCK, LEADER, forged, make, shreds_of

SECOND = 1_000_000_000
HASH = bytes(32)


def change_data(to: NodeId, message: Message) -> Sequence[Message]:
    if not isinstance(message, BlockShred):
        return (message,)
    return (replace(message, data=bytes(len(message.data))),)


def change_proof(to: NodeId, message: Message) -> Sequence[Message]:
    if not isinstance(message, BlockShred):
        return (message,)
    return (replace(message, proof=(HASH, *message.proof[1:])),)


def sign_itself(to: NodeId, message: Message) -> Sequence[Message]:
    """Send the shreds of another block under a commitment that the leader has not signed."""
    if not isinstance(message, BlockShred):
        return (message,)
    other = shreds_of(b"another", PLACE)[message.index]
    return (replace(other, commitment=replace(other.commitment, signature=bytes(64))),)


def repeat(to: NodeId, message: Message) -> Sequence[Message]:
    """Send everything ten times, and ask for everything ten times."""
    root = shreds_of()[0].commitment.root
    return (message,) * 10 + (GetShreds(1, 0, root, tuple(range(8))),) * 10


LIES: dict[str, Lie] = {
    "withholds": withhold(BlockShred),
    "is dead": withhold(Message),
    "changes data": change_data,
    "changes proofs": change_proof,
    "signs itself": sign_itself,
    "repeats": repeat,
}
FALSE = {"changes data", "changes proofs", "signs itself"}


def network_of(
    size: int, lies: dict[int, Lie], fanout: int, book: Book | None = None
) -> VirtualLinks:
    config = TreeConfig(data=4, parity=4, fanout=fanout)
    return VirtualLinks([make(node, config, size=size, book=book) for node in range(size)], lies)


def publish(network: VirtualLinks, block: bytes = BLOCK) -> None:
    network.act(0, network.policies[0].publish(Instant(network.now), PLACE, block))


def core(network: VirtualLinks, node: int) -> CodedTree:
    policy = network.policies[node]
    assert isinstance(policy, CodedTree)
    return policy


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_every_honest_node_gets_the_block_once_whatever_a_third_does(data: st.DataObject) -> None:
    size, fanout = data.draw(st.integers(4, 24)), data.draw(st.integers(1, 8))
    liars = data.draw(
        st.dictionaries(
            st.integers(1, size - 1), st.sampled_from(sorted(LIES)), max_size=(size - 1) // 3
        )
    )
    book = Book()
    network = network_of(size, {node: LIES[lie] for node, lie in liars.items()}, fanout, book)
    publish(network)
    network.run(20 * SECOND)
    for node in range(1, size):
        if node not in liars:
            assert network.payloads(node) == [BLOCK]
    assert network.other == []
    assert {int(node) for node in book.offences} <= {n for n, lie in liars.items() if lie in FALSE}
    assert all(set(counts) == {Offence.FALSE_SHRED} for counts in book.offences.values())


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_a_leader_that_sends_but_k_shreds_in_all_is_repaired(data: st.DataObject) -> None:
    """Everybody else is honest: four shreds that reach anybody reach all."""
    size = data.draw(st.integers(3, 12))
    kept = data.draw(st.permutations(range(8)))[:4]

    def keep(to: NodeId, message: Message) -> Sequence[Message]:
        return (message,) if isinstance(message, BlockShred) and message.index in kept else ()

    network = network_of(size, {0: keep}, 3)
    publish(network)
    network.run(20 * SECOND)
    assert [network.payloads(node) for node in range(1, size)] == [[BLOCK]] * (size - 1)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_with_fewer_than_k_nobody_has_the_block_and_everybody_gives_up(
    data: st.DataObject,
) -> None:
    size = data.draw(st.integers(3, 12))
    kept = data.draw(st.permutations(range(8)))[:3]

    def keep(to: NodeId, message: Message) -> Sequence[Message]:
        return (message,) if isinstance(message, BlockShred) and message.index in kept else ()

    network = network_of(size, {0: keep}, 3)
    publish(network)
    network.run(20 * SECOND)
    for node in range(1, size):
        assert network.payloads(node) == []
        assert [lost.is_miscoded for lost in network.lost[node]] == [False]
        assert len(core(network, node).drafts) == 0
    asked = sum(len(m.indexes) for _, _, m in network.sent if isinstance(m, GetShreds))
    assert asked <= (size - 1) * 12 * 8


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 7), st.integers(4, 12))
def test_a_block_that_is_no_code_word_is_found_out_by_all_and_handed_over_by_none(
    index: int, size: int
) -> None:
    def change(pieces: list[bytes]) -> None:
        pieces[index] = bytes(len(pieces[index]))

    bad = forged(change)

    def lie(to: NodeId, message: Message) -> Sequence[Message]:
        return (bad[message.index],) if isinstance(message, BlockShred) else (message,)

    network = network_of(size, {0: lie}, 3)
    publish(network)
    network.run(20 * SECOND)
    for node in range(1, size):
        assert network.payloads(node) == []
        assert [lost.is_miscoded for lost in network.lost[node]] in ([True], [False])
        draft = core(network, node).drafts.get(PLACE)
        assert draft is None or draft.phase is Phase.MISCODED
    assert any(lost.is_miscoded for node in range(1, size) for lost in network.lost[node])


@settings(max_examples=20, deadline=None)
@given(st.integers(4, 12), st.sets(st.integers(1, 11), min_size=1))
def test_two_blocks_for_one_place_are_proven_wherever_both_are_seen(
    size: int, second: set[int]
) -> None:
    """The leader gives one block to some and another to the others."""
    other = shreds_of(b"another")

    def lie(to: NodeId, message: Message) -> Sequence[Message]:
        if not isinstance(message, BlockShred):
            return (message,)
        return (other[message.index],) if to in second else (message,)

    network = network_of(size, {0: lie}, 3)
    publish(network)
    network.run(20 * SECOND)
    for node in range(1, size):
        assert len(network.arrived[node]) <= 1
        assert set(network.payloads(node)) <= {BLOCK, b"another"}
    proofs = [effect for _, effect in network.other]
    firsts = {to for sender, to, m in network.sent if isinstance(m, BlockShred) and sender == 0}
    if firsts & second and firsts - second:
        assert proofs
    for proof in proofs:
        assert isinstance(proof, LeaderContradicts)
        assert proof.leader == LEADER
        assert proof.first.root != proof.second.root


SHREDS = (*shreds_of(), *shreds_of(b"another"))
HOSTILE = st.one_of(
    st.sampled_from(SHREDS),
    st.builds(
        BlockShred,
        st.sampled_from([shred.commitment for shred in SHREDS]),
        st.integers(0, 255),
        st.lists(st.just(HASH), max_size=8).map(tuple),
        st.binary(max_size=200),
    ),
    st.builds(
        GetShreds,
        st.integers(0, 2),
        st.integers(0, 1),
        st.sampled_from([shred.commitment.root for shred in SHREDS]),
        st.lists(st.integers(0, 255), min_size=1, max_size=20).map(tuple),
    ),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), HOSTILE), max_size=60))
def test_whatever_comes_answers_stay_within_what_one_block_has(
    messages: list[tuple[int, Message]],
) -> None:
    node, served = make(5), dict.fromkeys(range(7), 0)
    passed_on = 0
    for sender, message in messages:
        effects = node.on_message(Instant(0), NodeId(sender), message)
        sends = [effect for effect in effects if hasattr(effect, "to")]
        if isinstance(message, GetShreds):
            served[sender] += len(sends)
            assert all(effect.to == sender for effect in sends)
        else:
            passed_on += len(sends)
    assert max(served.values()) <= 8
    assert passed_on <= 8 * 6
    assert len(node.drafts) <= 1
