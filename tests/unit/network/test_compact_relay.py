"""Rebuilding a block: what is asked for, of whom, and what happens when an answer goes wrong."""

from collections.abc import Sequence

import pytest

from network.compact.form import BlockParts
from network.compact.messages import (
    BlockTransactions,
    CompactBlock,
    GetBlockTransactions,
    GetCompactBlock,
    GetWholeBlock,
    SendCompact,
    WholeBlock,
)
from network.compact.relay import CompactRelay
from network.compact.state import (
    BlockLost,
    BlockRebuilt,
    CompactConfig,
    CompactTimer,
)
from network.compact.trace import CompactMismatched, CompactRebuilt
from network.costs import HASHED, MATCHED, REBUILT
from network.offences import Offence
from primitives.ids import Duration, Instant, NodeId
from primitives.machine import CancelTimer, Effect, Emit, Send, SetTimer, Work
from tests.unit.network.books import Book
from tests.unit.network.compact_material import (
    ALICE,
    BOB,
    CAROL,
    NOW,
    SECOND,
    Layout,
    block,
    digest,
    form,
    hashes,
    message_to,
    payload,
    publish,
    relay,
    sent,
    transaction,
)

BODY = block(range(5))
NAME, WHOLE = digest(BODY), payload(BODY)
ALARM = SetTimer(CompactTimer.REQUEST, Duration(SECOND))
NO_ALARM = CancelTimer(CompactTimer.REQUEST)


def pool(*numbers: int) -> list[bytes]:
    return [transaction(number) for number in numbers]


def rebuilt(effects: Sequence[Effect]) -> list[BlockRebuilt]:
    return [effect for effect in effects if isinstance(effect, BlockRebuilt)]


def bodies(*numbers: int) -> tuple[bytes, ...]:
    return tuple(pool(*numbers))


def test_a_block_that_the_pool_holds_is_there_at_once() -> None:
    core = relay(BODY, pool(0, 1, 2, 3, 4, 77, 78))
    effects = core.receiver.begin(NOW, ALICE, form(BODY), b"proof")
    traced = effects[2]
    assert effects[:2] == [Work(MATCHED, 7), Work(REBUILT, 5)]
    assert isinstance(traced, Emit)
    assert isinstance(traced.event, CompactRebuilt)
    assert effects[3:] == [BlockRebuilt(NAME, WHOLE, b"proof", ALICE, ())]
    assert not core.receiver.state.rebuilds


def test_what_is_missing_is_asked_for_by_its_places() -> None:
    core = relay(BODY, pool(0, 3))
    effects = core.receiver.begin(NOW, ALICE, form(BODY, 1))
    assert effects == [Work(MATCHED, 2), Send(ALICE, GetBlockTransactions(1, NAME, (2, 1))), ALARM]
    effects = core.on_message(NOW, ALICE, BlockTransactions(1, bodies(2, 4)))
    assert effects[:2] == [Work(HASHED, 2), Work(REBUILT, 5)]
    fetched = tuple(hashes(bodies(2, 4)))
    assert rebuilt(effects) == [BlockRebuilt(NAME, WHOLE, b"", ALICE, fetched)]
    assert effects[-1] == NO_ALARM


def test_bytes_are_counted() -> None:
    core = relay(BODY, pool(0, 3))
    core.receiver.begin(NOW, ALICE, form(BODY, 1))
    core.on_message(NOW, ALICE, BlockTransactions(1, bodies(2, 4)))
    savings = core.savings
    assert (savings.rebuilt, savings.at_once, savings.whole, savings.lost) == (1, 0, 0, 0)
    assert (savings.matched, savings.prefilled, savings.fetched) == (2, 1, 2)
    assert savings.full_bytes == len(WHOLE)
    assert savings.fetched_bytes == sum(len(raw) for raw in bodies(2, 4))
    assert 6 * 4 + len(transaction(1)) < savings.compact_bytes < 6 * 4 + 60
    total = savings.compact_bytes + savings.fetched_bytes
    assert savings.share_saved() == 1 - total / len(WHOLE)


def test_an_empty_block_is_rebuilt() -> None:
    empty = block([])
    effects = relay(empty).receiver.begin(NOW, ALICE, form(empty))
    assert rebuilt(effects) == [BlockRebuilt(NAME, payload(empty), b"", ALICE, ())]


# --- collisions -------------------------------------------------------------------------------


def misled(book: Book) -> CompactRelay:
    """Return a core that has matched all ids and found that the whole is not what it should be.

    Its layout knows another body for the header than that of the form: to the core this is the
    same as a transaction of the pool that has the id of another.
    """
    core = relay(block([0, 1, 2, 3, 99]), pool(0, 1, 2, 3, 4), book=book)
    effects = core.receiver.begin(NOW, ALICE, form(BODY))
    assert effects == [
        Work(MATCHED, 5),
        Work(REBUILT, 5),
        Emit(CompactMismatched(NAME)),
        Send(ALICE, GetWholeBlock(1, NAME)),
        ALARM,
    ]
    return core


def test_bip152_a_wrong_match_leads_to_the_whole_block_and_nobody_is_punished() -> None:
    book = Book()
    core = misled(book)
    whole = payload(block([0, 1, 2, 3, 99]))
    effects = core.on_message(NOW, ALICE, WholeBlock(1, whole, b"proof"))
    assert effects[0] == Work(REBUILT, 5)
    assert rebuilt(effects) == [BlockRebuilt(NAME, whole, b"proof", ALICE, ())]
    assert effects[-1] == NO_ALARM
    assert not book.offences
    assert (core.savings.mismatches, core.savings.whole) == (1, 1)
    assert core.savings.share_saved() < 0


def test_a_whole_block_that_its_header_does_not_commit_to_is_a_lie() -> None:
    book = Book()
    core = misled(book)
    core.receiver.want(NOW, NAME, BOB)
    effects = core.on_message(NOW, ALICE, WholeBlock(1, payload(block([0]))))
    assert sent(effects) == [(BOB, GetWholeBlock(2, NAME))]
    assert book.offences == {ALICE: {Offence.FALSE_BLOCK: 1}}


def test_a_rest_that_is_no_rest_leads_to_the_whole_block() -> None:
    core = relay(BODY, pool(*range(5)))
    wrong = BlockParts(BODY.header, BODY.transactions, b"another rest")
    effects = core.receiver.begin(NOW, ALICE, form(wrong))
    assert message_to(effects, ALICE) == GetWholeBlock(1, NAME)


# --- answers that go wrong --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "offence"),
    [
        ((), Offence.EMPTY),
        (bodies(4), Offence.OTHER_PARTS),
        (bodies(2, 4, 4), Offence.OTHER_PARTS),
        (bodies(4, 2), Offence.OTHER_PARTS),
        (bodies(2, 99), Offence.OTHER_PARTS),
    ],
)
def test_other_transactions_than_asked_for_lead_to_the_next_holder(
    answer: tuple[bytes, ...], offence: Offence
) -> None:
    """It is asked for the whole: the places that are missing are the first one's word."""
    book = Book()
    core = relay(BODY, pool(0, 1, 3), book=book)
    core.receiver.begin(NOW, ALICE, form(BODY))
    assert core.receiver.want(NOW, NAME, BOB) == ()
    effects = core.on_message(NOW, ALICE, BlockTransactions(1, answer))
    assert sent(effects) == [(BOB, GetWholeBlock(2, NAME))]
    assert book.offences == {ALICE: {offence: 1}}
    effects = core.on_message(NOW, BOB, WholeBlock(2, WHOLE))
    assert rebuilt(effects) == [BlockRebuilt(NAME, WHOLE, b"", BOB, ())]


def test_a_silent_peer_loses_its_turn() -> None:
    book = Book()
    core = relay(BODY, pool(0, 1, 3), book=book)
    core.receiver.begin(NOW, ALICE, form(BODY))
    core.receiver.begin(NOW, BOB, form(BODY))
    core.receiver.begin(NOW, CAROL, form(BODY))
    book.offences[BOB] = {"earlier": 1}
    effects = core.on_request_timeout(Instant(SECOND))
    assert effects == [Send(CAROL, GetWholeBlock(2, NAME)), ALARM]
    assert book.offences[ALICE] == {Offence.SILENCE: 1}
    assert core.on_message(NOW, ALICE, BlockTransactions(1, bodies(2, 4))) == ()
    assert book.offences[ALICE][Offence.UNASKED] == 1


def test_who_has_failed_is_not_asked_again_for_that_block() -> None:
    core = relay(BODY)
    core.receiver.begin(NOW, ALICE, form(BODY))
    core.receiver.want(NOW, NAME, BOB)
    core.on_request_timeout(Instant(SECOND))
    assert core.receiver.want(Instant(SECOND), NAME, ALICE) == ()
    assert core.on_request_timeout(Instant(2 * SECOND)) == [BlockLost(NAME)]


def test_the_next_holder_is_asked_for_the_form_if_none_is_here_and_may_push_from_then_on() -> None:
    core = relay(BODY, pool(*range(5)))
    for peer in (ALICE, BOB):
        core.on_message(NOW, peer, SendCompact(high=False))
        core.receiver.want(NOW, NAME, peer)
    effects = core.on_request_timeout(Instant(SECOND))
    assert sent(effects) == [(BOB, GetCompactBlock(2, NAME))]
    effects = core.on_message(Instant(SECOND), BOB, CompactBlock(2, form(BODY)))
    assert rebuilt(effects)
    assert sent(effects) == [(BOB, SendCompact(high=True))]


def test_a_timer_that_fires_early_asks_nobody() -> None:
    core = relay(BODY)
    core.receiver.begin(NOW, ALICE, form(BODY))
    effects = core.on_request_timeout(Instant(SECOND - 1))
    assert effects == [SetTimer(CompactTimer.REQUEST, Duration(1))]


def test_a_block_that_nobody_gives_is_lost_and_may_come_again() -> None:
    core = relay(BODY)
    core.receiver.begin(NOW, ALICE, form(BODY))
    effects = core.on_request_timeout(Instant(SECOND))
    assert effects == [BlockLost(NAME)]
    assert core.savings.lost == 1
    assert sent(core.receiver.begin(Instant(SECOND), ALICE, form(BODY)))


def test_a_malformed_form_is_an_offence() -> None:
    book = Book()
    core = relay(BODY, book=book)
    bad = form(BlockParts(b"", BODY.transactions))
    assert core.receiver.begin(NOW, ALICE, bad) == ()
    assert book.offences == {ALICE: {Offence.MALFORMED: 1}}


def test_answers_with_numbers_or_of_peers_that_were_not_asked_are_ignored() -> None:
    book = Book()
    core = relay(BODY, pool(0, 1, 3), book=book)
    core.receiver.begin(NOW, ALICE, form(BODY))
    for peer, message in (
        (BOB, BlockTransactions(1, bodies(2, 4))),
        (ALICE, BlockTransactions(2, bodies(2, 4))),
        (ALICE, WholeBlock(1, WHOLE)),
        (ALICE, CompactBlock(1, form(BODY))),
    ):
        assert core.on_message(NOW, peer, message) == ()
    assert book.offences == {BOB: {Offence.UNASKED: 1}, ALICE: {Offence.UNASKED: 3}}
    assert rebuilt(core.on_message(NOW, ALICE, BlockTransactions(1, bodies(2, 4))))


# --- announcements and pushes -----------------------------------------------------------------


def test_in_low_bandwidth_mode_an_announced_block_is_asked_for() -> None:
    core = relay(BODY, pool(*range(5)))
    core.on_message(NOW, ALICE, SendCompact(high=False))
    effects = core.receiver.want(NOW, NAME, ALICE)
    assert effects == [Send(ALICE, GetCompactBlock(1, NAME)), ALARM]
    effects = core.on_message(NOW, ALICE, CompactBlock(1, form(BODY), b"proof"))
    assert rebuilt(effects) == [BlockRebuilt(NAME, WHOLE, b"proof", ALICE, ())]
    assert message_to(effects, ALICE) == SendCompact(high=True)


def test_a_peer_that_knows_no_compact_blocks_is_asked_for_the_whole() -> None:
    core = relay(BODY)
    assert sent(core.receiver.want(NOW, NAME, ALICE)) == [(ALICE, GetWholeBlock(1, NAME))]
    effects = core.on_message(NOW, ALICE, WholeBlock(1, WHOLE))
    assert rebuilt(effects)
    assert sent(effects) == []


def test_another_block_than_was_asked_for_is_an_offence() -> None:
    book = Book()
    other = block([1], header=b"another header")
    core = relay(BODY, book=book)
    core.on_message(NOW, ALICE, SendCompact(high=False))
    core.receiver.want(NOW, NAME, ALICE)
    core.receiver.want(NOW, NAME, BOB)
    effects = core.on_message(NOW, ALICE, CompactBlock(1, form(other)))
    assert sent(effects) == [(BOB, GetWholeBlock(2, NAME))]
    core.on_message(NOW, BOB, WholeBlock(2, payload(other)))
    assert book.offences == {
        ALICE: {Offence.OTHER_PARTS: 1},
        BOB: {Offence.OTHER_PARTS: 1},
    }


def test_a_whole_block_may_answer_for_a_form() -> None:
    core = relay(BODY)
    core.on_message(NOW, ALICE, SendCompact(high=False))
    core.receiver.want(NOW, NAME, ALICE)
    assert rebuilt(core.on_message(NOW, ALICE, WholeBlock(1, WHOLE)))


def test_a_form_that_is_pushed_is_used_though_another_was_asked_for() -> None:
    core = relay(BODY, pool(*range(5)))
    core.on_message(NOW, ALICE, SendCompact(high=False))
    core.receiver.want(NOW, NAME, ALICE)
    effects = core.receiver.begin(NOW, BOB, form(BODY))
    assert [block.peer for block in rebuilt(effects)] == [BOB]
    assert core.on_message(NOW, ALICE, CompactBlock(1, form(BODY))) == ()


def test_who_was_asked_for_the_form_before_one_was_pushed_is_a_holder() -> None:
    core = relay(BODY)
    core.on_message(NOW, ALICE, SendCompact(high=False))
    core.receiver.want(NOW, NAME, ALICE)
    core.receiver.begin(NOW, BOB, form(BODY))
    effects = core.on_request_timeout(Instant(SECOND))
    assert sent(effects) == [(ALICE, GetWholeBlock(3, NAME))]


def test_only_chosen_peers_may_push_and_only_what_is_welcome() -> None:
    book = Book()
    core = relay(BODY, pool(*range(5)), book=book)
    pushed = CompactBlock(0, form(BODY), b"proof")
    assert core.on_message(NOW, ALICE, pushed) == ()
    assert book.offences == {ALICE: {Offence.UNASKED: 1}}
    core.modes.chosen.append(ALICE)
    unwelcome = CompactRelay(
        CompactConfig(),
        Layout(BODY),
        core.receiver._pool,
        book,
        lambda sender, header, certificate: (header, certificate) != (BODY.header, b"proof"),
    )
    unwelcome.modes.chosen.append(ALICE)
    assert unwelcome.on_message(NOW, ALICE, pushed) == ()
    assert rebuilt(core.on_message(NOW, ALICE, pushed))


def test_a_block_that_is_here_is_not_rebuilt() -> None:
    core = relay(BODY, pool(*range(5)))
    publish(core, BODY)
    assert core.receiver.begin(NOW, ALICE, form(BODY)) == ()
    assert core.receiver.want(NOW, NAME, ALICE) == ()


def test_a_block_that_came_in_another_way_is_not_waited_for() -> None:
    core = relay(BODY)
    core.receiver.begin(NOW, ALICE, form(BODY))
    assert publish(core, BODY)[0] == NO_ALARM
    assert core.on_message(NOW, ALICE, BlockTransactions(1, bodies(*range(5)))) == ()
    assert core.receiver.forget(NOW, NAME) == ()


def test_nobody_answers_for_the_certificate_that_another_has_given() -> None:
    core = relay(BODY)
    core.receiver.begin(NOW, ALICE, form(BODY), b"false")
    core.receiver.want(NOW, NAME, BOB)
    core.disconnected(NOW, ALICE)
    effects = core.on_message(NOW, BOB, WholeBlock(2, WHOLE))
    assert rebuilt(effects) == [BlockRebuilt(NAME, WHOLE, b"", BOB, ())]


# --- bounds -----------------------------------------------------------------------------------


def test_no_more_holders_are_remembered_than_the_limit() -> None:
    core = relay(BODY, config=CompactConfig(holders_max=2))
    for peer in range(9):
        core.receiver.want(NOW, NAME, NodeId(peer))
        core.receiver.want(NOW, NAME, NodeId(peer))
    (rebuild,) = core.receiver.state.rebuilds.values()
    assert rebuild.holders == [NodeId(1), NodeId(2)]


def test_what_a_peer_was_asked_for_is_asked_of_others_when_it_is_gone() -> None:
    core = relay(BODY)
    core.receiver.begin(NOW, ALICE, form(BODY))
    for peer in (BOB, CAROL):
        core.receiver.want(NOW, NAME, peer)
    assert core.disconnected(NOW, BOB) == []
    assert sent(core.disconnected(NOW, ALICE)) == [(CAROL, GetWholeBlock(2, NAME))]
    assert core.disconnected(NOW, CAROL) == [BlockLost(NAME), NO_ALARM]
