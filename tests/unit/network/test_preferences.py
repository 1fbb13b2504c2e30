"""Whom gossip and sync ask first, and that they pass on what their book says of offences."""

from network.messages import AnnounceTransactions, GetSnapshot
from network.offences import Offence
from network.sync import Sync
from network.sync_state import SyncConfig
from primitives.ids import Instant
from primitives.machine import Emit
from tests.unit.network.books import Book, Noted, noted
from tests.unit.network.test_gossip import (
    announce as announce_transactions,
    answer as give,
    asked as wanted,
    digest as named,
    gossip,
)
from tests.unit.network.test_sync import (
    ALICE,
    BOB,
    CAROL,
    CONFIG,
    SECOND,
    Chain,
    announce,
    answer,
    asked,
    sent,
    sync,
    traced,
)


def test_of_other_announcers_the_one_that_stands_best_is_asked_next() -> None:
    book = Book()
    book.count(Instant(0), BOB, Offence.FOREIGN)
    core = gossip(book=book)
    for peer in (ALICE, BOB, CAROL):
        announce_transactions(core, peer, b"a")
    effects = core.on_fetch_timeout(Instant(SECOND))
    assert sent(effects) == [(CAROL, wanted(2, b"a"))]
    effects = core.on_fetch_timeout(Instant(2 * SECOND))
    assert sent(effects) == [(BOB, wanted(3, b"a"))], "better than nobody"


def test_gossip_passes_on_what_the_book_says() -> None:
    core = gossip(book=Book(speaks=True))
    uneven = AnnounceTransactions(b"", (1,), (named(b"a"),))
    assert core.on_announce_transactions(Instant(0), BOB, uneven) == (
        Emit(Noted(BOB, Offence.UNEVEN)),
    )
    assert give(core, BOB, 9) == (Emit(Noted(BOB, Offence.UNASKED)),)
    announce_transactions(core, ALICE, b"a", b"b")
    assert Emit(Noted(ALICE, Offence.FOREIGN)) in give(core, ALICE, 1, b"c")
    announce_transactions(core, CAROL, b"d")
    assert Emit(Noted(CAROL, Offence.SILENCE)) in core.on_fetch_timeout(Instant(SECOND))


def speaking() -> Sync:
    return Sync(CONFIG, Chain(0), Book(speaks=True), 0)


def test_blocks_are_asked_of_whoever_stands_best() -> None:
    core = sync()
    noted(core)[ALICE] = {"two statements that contradict each other": 1}
    core.state.heights = {ALICE: 3, BOB: 3}
    assert asked(core.fell_behind(Instant(0), CAROL, 3)) == [(BOB, 1)]


def test_a_peer_of_bad_name_is_better_than_none() -> None:
    core = sync()
    noted(core)[ALICE] = {"two statements that contradict each other": 9}
    assert asked(announce(core, ALICE, 3)) == [(ALICE, 1)]


def test_states_are_asked_of_whoever_stands_best() -> None:
    core = sync(SyncConfig(snapshot_gap=1, offers_max=2))
    noted(core)[ALICE] = {"two statements that contradict each other": 1}
    core.state.heights = {ALICE: 90, BOB: 90, CAROL: 90}
    effects = core.fell_behind(Instant(0), BOB, 90)
    offers = [to for to, message in sent(effects) if isinstance(message, GetSnapshot)]
    assert offers == [BOB, CAROL]


def test_sync_passes_on_what_the_book_says() -> None:
    core = speaking()
    assert traced(answer(core, BOB, 7, 1)) == [Noted(BOB, Offence.UNASKED)]
    announce(core, ALICE, 1)
    assert traced(answer(core, ALICE, 1)) == [Noted(ALICE, Offence.EMPTY)]
    announce(core, ALICE, 1)
    assert traced(answer(core, ALICE, 2, 1, 2)) == [Noted(ALICE, Offence.EXCESS)]
    announce(core, BOB, 1)
    assert traced(core.on_request_timeout(Instant(SECOND))) == [Noted(BOB, Offence.SILENCE)]
    announce(core, BOB, 1)
    answer(core, BOB, 4, 1)
    assert traced(core.checked(Instant(0), Offence.FALSE_BLOCK)) == [
        Noted(BOB, Offence.FALSE_BLOCK)
    ]


def test_a_chunk_for_an_earlier_life_is_not_taken_for_one_that_is_asked_for_now() -> None:
    numbers = []
    for born in (Instant(0), Instant(SECOND)):
        core = sync(SyncConfig(snapshot_gap=1, offers_max=3))
        core.state.heights = {ALICE: 90, BOB: 90, CAROL: 90}
        effects = core.fell_behind(born, BOB, 90)
        numbers.append([m.request for _, m in sent(effects) if isinstance(m, GetSnapshot)])
    assert numbers[0] == [1, 2, 3]
    assert min(numbers[1]) > 1_000
