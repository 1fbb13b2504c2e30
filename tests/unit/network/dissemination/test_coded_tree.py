"""What a node does with shreds: good ones, false ones, too few, and those of a lying leader."""

import dataclasses

import pytest
from msgspec.structs import replace

from network.costs import PROVEN
from network.dissemination import (
    BlockBody,
    DisseminationTimer,
    GetShreds,
    LeaderContradicts,
    PayloadArrived,
    PayloadLost,
    Place,
    TreeConfig,
)
from network.dissemination.reed_solomon import ReedSolomon
from network.dissemination.shreds import cut
from network.dissemination.tree import tree_orders
from network.dissemination.tree_state import Phase
from network.mesh import Verdict
from network.offences import Offence
from primitives.errors import InvalidInput
from primitives.ids import Duration, Instant, NodeId
from primitives.machine import NOTHING, Effect, SetTimer, Work
from tests.unit.network.books import Book
from tests.unit.network.dissemination.material import (
    BLOCK,
    CODE,
    CONFIG,
    DOMAIN,
    KEYS,
    LEADER,
    NODES,
    NOW,
    PLACE,
    arrived,
    forged,
    make,
    passed_on,
    request,
    sent,
    settled,
    shreds_of,
    take,
)

REPAIR = DisseminationTimer.REPAIR


def test_the_leader_sends_each_shred_to_the_first_of_its_tree() -> None:
    core = make(0)
    effects = settled(core, core.publish(NOW, PLACE, BLOCK))
    orders = tree_orders(DOMAIN, PLACE, [NodeId(node) for node in range(1, NODES)], CODE.total)
    assert sent(effects) == [
        (NodeId(order[0]), shred) for order, shred in zip(orders.tolist(), shreds_of(), strict=True)
    ]


def test_a_leader_alone_sends_nothing() -> None:
    core = make(0, size=1)
    assert settled(core, core.publish(NOW, PLACE, BLOCK)) == []


def test_only_the_leader_publishes_and_only_what_is_not_too_long() -> None:
    with pytest.raises(InvalidInput, match=r"dissemination\.place: expected node 2 leads"):
        make(2).publish(NOW, PLACE, BLOCK)
    core = make(0, TreeConfig(data=1, parity=1))
    with pytest.raises(InvalidInput, match="at most 1048576 bytes"):
        core.publish(NOW, PLACE, bytes((1 << 20) + 1))


def test_k_shreds_of_any_kind_give_the_block_once() -> None:
    core = make(5)
    shreds = shreds_of()
    assert arrived(take(core, shreds[5:])) == []
    assert arrived(take(core, shreds[1:3])) == [BLOCK]
    assert arrived(take(core, shreds)) == []
    assert core.statistics.duplicates == 9
    assert core.statistics.duplicate_bytes == 9 * len(shreds[0].data)
    assert core.statistics.signatures_checked == 1


def test_what_arrives_is_the_leader_s_and_named_by_the_root() -> None:
    shreds = shreds_of()
    (arrival,) = [e for e in take(make(5), shreds[:4]) if isinstance(e, PayloadArrived)]
    assert arrival == PayloadArrived(PLACE, shreds[0].commitment.root, BLOCK, LEADER)


def test_every_shred_is_passed_on_once_also_those_that_have_not_come() -> None:
    shreds = shreds_of()
    received: dict[int, list[int]] = {node: [] for node in range(1, NODES)}
    for node in range(1, NODES):
        core = make(node)
        effects = take(core, [*shreds[:2], shreds[1], *shreds[6:]])
        effects += take(core, shreds)
        for to, message in sent(effects):
            received[to].append(message.index)  # type: ignore[attr-defined]
    others = [NodeId(node) for node in range(1, NODES)]
    orders = tree_orders(DOMAIN, PLACE, others, CODE.total).tolist()
    # All but the firsts, who hear from the leader, got each shred exactly once.
    for node, indexes in received.items():
        firsts = [index for index, order in enumerate(orders) if order[0] == node]
        assert sorted(indexes + firsts) == list(range(CODE.total))


def test_a_new_shred_leaves_before_the_block_is_whole() -> None:
    shreds = shreds_of()
    nodes = [make(node) for node in range(1, NODES)]
    assert sum(len(passed_on(take(core, shreds[:1]))) for core in nodes) == NODES - 2


@pytest.mark.parametrize(
    "change",
    [
        lambda shred: replace(shred, data=bytes(len(shred.data))),
        lambda shred: replace(shred, data=shred.data + bytes(64)),
        lambda shred: replace(shred, index=1),
        lambda shred: replace(shred, index=200),
        lambda shred: replace(shred, proof=shred.proof[1:]),
        lambda shred: replace(shred, proof=()),
        lambda shred: replace(shred, commitment=replace(shred.commitment, signature=bytes(64))),
        lambda shred: replace(shred, commitment=replace(shred.commitment, signature=b"")),
        lambda shred: replace(shred, commitment=replace(shred.commitment, root=bytes(32))),
        lambda shred: replace(shred, commitment=replace(shred.commitment, view=1)),
        lambda shred: replace(shred, commitment=replace(shred.commitment, sequence=2)),
        lambda shred: replace(shred, commitment=replace(shred.commitment, length=700)),
        lambda shred: replace(shred, commitment=replace(shred.commitment, data=2)),
        lambda shred: replace(shred, commitment=replace(shred.commitment, parity=5)),
    ],
)
def test_a_changed_shred_is_the_fault_of_whoever_sent_it(change) -> None:
    book = Book()
    fresh, begun = make(5, book=book), make(5, book=book)
    take(begun, shreds_of()[2:3])
    for core in (fresh, begun):
        assert take(core, [change(shreds_of()[0])], sender=4) == []
        assert core.statistics.false == 1
        assert len(core.drafts) == (core is begun)
    assert book.offences == {NodeId(4): {Offence.FALSE_SHRED: 2}}
    assert arrived(take(begun, shreds_of()[:4])) == [BLOCK]


def test_a_leader_that_signs_two_blocks_is_proven_to_have_done_so() -> None:
    book = Book()
    core = make(5, book=book)
    first, second, third = shreds_of(), shreds_of(b"another"), shreds_of(b"a third")
    take(core, first[:1])
    (proof,) = take(core, second[:1])
    assert proof == LeaderContradicts(LEADER, first[0].commitment, second[0].commitment)
    assert take(core, [*second[1:], *third]) == []
    assert core.statistics.signatures_checked == 2
    assert arrived(take(core, first[1:])) == [BLOCK]
    assert book.offences == {}


def test_shreds_that_are_no_code_word_make_no_block_whichever_come() -> None:
    def change(pieces: list[bytes]) -> None:
        pieces[6] = bytes(len(pieces[6]))

    shreds = forged(change)
    root = shreds[0].commitment.root
    for first in range(5):
        core = make(5)
        effects = take(core, shreds[first : first + 4])
        assert arrived(effects) == []
        assert effects[-1] == PayloadLost(PLACE, root, is_miscoded=True)
        assert take(core, shreds) == []
        assert core.on_message(NOW, NodeId(4), request(shreds, 0, 1, 2, 3)) == NOTHING


def test_filling_that_is_not_zero_is_no_code_word_either() -> None:
    def change(pieces: list[bytes]) -> None:
        pieces[:] = CODE.encode(BLOCK + b"hidden")

    effects = take(make(5), forged(change)[:4])
    assert [effect for effect in effects if isinstance(effect, PayloadLost)]


def test_a_code_that_is_not_agreed_on_is_refused_although_the_leader_has_signed_it() -> None:
    book = Book()
    for code in (ReedSolomon(2, 6), ReedSolomon(4, 3), ReedSolomon(6, 2)):
        shreds = cut(code, DOMAIN, PLACE, BLOCK, KEYS[LEADER])
        assert take(make(5, book=book), shreds, sender=4) == []
    assert book.offences == {NodeId(4): {Offence.FALSE_SHRED: 8 + 7 + 8}}


def test_shreds_of_a_wrong_length_are_refused_although_the_leader_has_signed_them() -> None:
    def change(pieces: list[bytes]) -> None:
        pieces[0] = pieces[0][:64]

    core = make(5)
    assert arrived(take(core, forged(change))) == []
    assert core.statistics.false == 1


def test_the_same_block_under_another_signature_is_no_contradiction() -> None:
    class Lenient:
        def verify(self, public_key: bytes, payload: bytes, signature: bytes) -> bool:
            return True

    book = Book()
    core = make(5, book=book)
    core._verifier = Lenient()
    shreds = shreds_of()
    take(core, shreds[:1])
    again = replace(shreds[1], commitment=replace(shreds[1].commitment, signature=bytes(64)))
    assert take(core, [again]) == []
    assert book.offences == {}


def test_what_is_far_above_or_decided_is_not_looked_at() -> None:
    core = make(5, TreeConfig(data=4, parity=4, fanout=2, sequences_ahead=3))
    assert take(core, shreds_of(place=Place(4, 0))) == []
    assert len(core.drafts) == 0
    core.advance(NOW, 1)
    assert arrived(take(core, shreds_of(place=Place(4, 0)))) == [BLOCK]
    assert take(core, shreds_of(place=Place(1, 0))) == []
    core.advance(NOW, 4)
    assert len(core.drafts) == 0
    assert core.drafts.bytes_held == 0
    core.advance(NOW, 2)
    assert core.horizon.floor == 4


def test_one_leader_displaces_its_own_blocks_only() -> None:
    each = 8 * 192
    config = TreeConfig(data=4, parity=4, fanout=2, drafts_per_leader=3, bytes_max=5 * each)
    core = make(5, config)
    take(core, shreds_of(place=Place(1, 1))[:1])
    for sequence in range(1, 9):
        take(core, shreds_of(place=Place(sequence, 0))[:1])
    held = [place for place, _ in core.drafts.entries()]
    assert held == [Place(1, 1), Place(6, 0), Place(7, 0), Place(8, 0)]
    take(core, shreds_of(place=Place(1, 2))[:1])
    take(core, shreds_of(place=Place(2, 2))[:1])
    held = [place for place, _ in core.drafts.entries()]
    assert held == [Place(1, 1), Place(7, 0), Place(8, 0), Place(1, 2), Place(2, 2)]
    assert core.drafts.bytes_held == 5 * each
    assert core.statistics.evicted == 6


def asked(effects: list[Effect]) -> dict[int, tuple[int, ...]]:
    return {to: message.indexes for to, message in sent(effects) if isinstance(message, GetShreds)}


def test_what_does_not_come_is_asked_for_with_a_margin_of_several_peers() -> None:
    core = make(5, TreeConfig(data=4, parity=4, fanout=2, repair_peers=2))
    begun = take(core, shreds_of()[:1])
    size = len(shreds_of()[0].data)
    assert begun[:2] == [Work(PROVEN, size), SetTimer(REPAIR, CONFIG.repair_delay)]
    due = Instant(NOW + CONFIG.repair_delay)
    effects = list(core.on_timeout(due, REPAIR))
    requests = asked(effects)
    indexes = sorted(index for part in requests.values() for index in part)
    assert len(requests) == 2
    assert 5 not in requests
    assert len(indexes) == len(set(indexes)) == 4
    assert 0 not in indexes
    assert core.statistics.repairs_asked == 4
    assert effects[-1] == SetTimer(REPAIR, CONFIG.repair_interval)


def test_a_new_shred_puts_off_the_asking() -> None:
    core = make(5)
    take(core, shreds_of()[:1])
    later = Instant(NOW + CONFIG.repair_delay - 10)
    assert not [e for e in take(core, shreds_of()[1:2], at=later) if isinstance(e, SetTimer)]
    effects = core.on_timeout(Instant(NOW + CONFIG.repair_delay), REPAIR)
    assert effects == [SetTimer(REPAIR, Duration(CONFIG.repair_delay - 10))]


def test_the_leader_is_asked_from_the_second_try_and_in_the_end_the_block_is_lost() -> None:
    core = make(5)
    take(core, shreds_of()[:1])
    at, tries = NOW + CONFIG.repair_delay, 0
    while True:
        effects = list(core.on_timeout(Instant(at), REPAIR))
        if not asked(effects):
            break
        tries += 1
        assert tries == 1 or LEADER in asked(effects)
        at += CONFIG.repair_interval
    assert tries == CONFIG.repair_tries_max
    root = shreds_of()[0].commitment.root
    assert effects == [PayloadLost(PLACE, root, is_miscoded=False)]
    assert len(core.drafts) == 0
    assert core.on_timeout(Instant(at), REPAIR) == []


def test_the_leader_is_asked_for_all_that_nobody_else_may_have() -> None:
    """Behind a dead member at the top of a tree; also when others have given something."""
    core = make(5)
    take(core, shreds_of()[:1])
    core.on_timeout(Instant(NOW + CONFIG.repair_delay), REPAIR)
    took = Instant(NOW + CONFIG.repair_delay + 10)
    take(core, shreds_of()[1:2], at=took)
    requests = asked(list(core.on_timeout(Instant(took + CONFIG.repair_delay), REPAIR)))
    assert len(requests[LEADER]) == 3
    others = [index for to, part in requests.items() if to != LEADER for index in part]
    assert set(others) <= set(requests[LEADER]) <= set(range(2, 8))


def test_a_new_shred_lets_the_asking_begin_anew() -> None:
    core = make(5)
    take(core, shreds_of()[:1])
    at = NOW + CONFIG.repair_delay
    for _ in range(CONFIG.repair_tries_max):
        core.on_timeout(Instant(at), REPAIR)
        at += CONFIG.repair_interval
    take(core, shreds_of()[1:2], at=Instant(at))
    effects = list(core.on_timeout(Instant(at + CONFIG.repair_delay), REPAIR))
    assert asked(effects)


def test_nothing_is_asked_for_when_the_block_is_whole() -> None:
    core = make(5)
    take(core, shreds_of()[:4])
    assert core.on_timeout(Instant(NOW + CONFIG.repair_delay), REPAIR) == []
    assert core.on_timeout(NOW, "another timer") == NOTHING


def test_shreds_are_given_to_members_as_often_as_the_block_has_any() -> None:
    core, shreds = make(5), shreds_of()
    take(core, shreds[:2])
    answer = core.on_message(NOW, NodeId(4), request(shreds, 0, 1, 1, 7))
    assert sent(list(answer)) == [(NodeId(4), shreds[0]), (NodeId(4), shreds[1])]
    take(core, shreds[2:4])
    every = request(shreds, *range(8))
    assert len(core.on_message(NOW, NodeId(4), every)) == 6
    assert core.on_message(NOW, NodeId(4), every) == NOTHING
    assert len(core.on_message(NOW, NodeId(3), every)) == 8
    assert core.on_message(NOW, NodeId(77), every) == NOTHING
    assert core.on_message(NOW, NodeId(4), request(shreds_of(b"x"), 0)) == NOTHING
    assert core.on_message(NOW, NodeId(4), GetShreds(9, 0, bytes(32), (0,))) == NOTHING
    assert core.statistics.repairs_served == 16


def test_a_block_that_the_node_refuses_is_given_to_nobody() -> None:
    core, shreds = make(5), shreds_of()
    take(core, shreds[:4])
    root = shreds[0].commitment.root
    core.judged(NOW, root, Verdict.ACCEPT)
    assert len(core.on_message(NOW, NodeId(4), request(shreds, 0))) == 1
    core.judged(NOW, root, Verdict.REJECT)
    assert core.on_message(NOW, NodeId(4), request(shreds, 0)) == NOTHING
    draft = core.drafts.get(PLACE)
    assert draft is not None
    assert (draft.phase, draft.shreds) == (Phase.REFUSED, {})
    assert take(core, shreds) == []


def test_messages_of_other_policies_are_not_its_own() -> None:
    assert make(5).on_message(NOW, LEADER, BlockBody(1, 0, b"")) == NOTHING


def test_keys_differ() -> None:
    assert len({key.public_key for key in KEYS}) == NODES


def test_shreds_of_another_epoch_are_nobodys_fault() -> None:
    """Members do not enter an epoch at the same moment: one may be ahead, and one behind."""
    book = Book()
    core = make(1, book=book)
    ahead = cut(CODE, b"test, epoch 1", PLACE, BLOCK, KEYS[5], epoch=1)
    assert take(core, ahead) == []
    core.enter(dataclasses.replace(core.roster, domain=b"test, epoch 1", epoch=1), core.signer)
    assert take(core, shreds_of()) == []
    assert not book.offences
    assert not core.drafts.entries()


def test_a_false_name_of_the_epoch_makes_a_shred_false_or_passed_over() -> None:
    book = Book()
    core = make(1, book=book)
    other = cut(CODE, DOMAIN, PLACE, BLOCK, KEYS[LEADER], epoch=1)
    assert take(core, other) == []
    assert not book.offences
    take(core, cut(CODE, b"another", PLACE, BLOCK, KEYS[LEADER])[:1])
    assert book.offences


def test_a_block_that_is_published_again_takes_its_room_once() -> None:
    core = make(0)
    settled(core, core.publish(NOW, PLACE, BLOCK))
    once = core.drafts.bytes_held
    settled(core, core.publish(NOW, PLACE, BLOCK))
    assert core.drafts.bytes_held == once
    core.advance(NOW, PLACE.sequence)
    assert core.drafts.bytes_held == 0
