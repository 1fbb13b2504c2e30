from collections.abc import Sequence

import pytest

from network.costs import ANNOUNCED, HASHED, SERVED
from network.gossip import Gossip, TransactionsFetched
from network.gossip_state import GossipConfig, GossipTimer, KnownHashes
from network.messages import AnnounceTransactions, GetTransactions, PooledTransactions
from primitives.ids import Duration, Hash32, Instant, NodeId
from primitives.machine import Broadcast, Effect, Message, Send, SetTimer, Work
from tests.unit.network.books import Book, noted

ALICE, BOB, CAROL = NodeId(1), NodeId(2), NodeId(3)
SECOND = 1_000_000_000
CONFIG = GossipConfig(request_timeout=Duration(SECOND), hashes_per_request=2, requests_per_peer=1)


def digest(raw: bytes) -> Hash32:
    return Hash32(raw.rjust(32, b"#"))


class Pool:
    def __init__(self, *transactions: bytes) -> None:
        self.held = {digest(raw): raw for raw in transactions}

    def get(self, transaction: Hash32) -> bytes | None:
        return self.held.get(transaction)


def gossip(
    config: GossipConfig = CONFIG, pool: Pool | None = None, book: Book | None = None
) -> Gossip:
    return Gossip(config, pool or Pool(), digest, book or Book())


def announcement(*transactions: bytes) -> AnnounceTransactions:
    return AnnounceTransactions(
        bytes(len(transactions)),
        tuple(len(raw) for raw in transactions),
        tuple(digest(raw) for raw in transactions),
    )


def announce(core: Gossip, sender: NodeId, *transactions: bytes, at: int = 0) -> Sequence[Effect]:
    return core.on_announce_transactions(Instant(at), sender, announcement(*transactions))


def sent(effects: Sequence[Effect]) -> list[tuple[NodeId, Message]]:
    return [(effect.to, effect.message) for effect in effects if isinstance(effect, Send)]


def asked(request: int, *transactions: bytes) -> GetTransactions:
    return GetTransactions(request, tuple(digest(raw) for raw in transactions))


def answer(core: Gossip, sender: NodeId, request: int, *raws: bytes) -> Sequence[Effect]:
    return core.on_pooled_transactions(Instant(0), sender, PooledTransactions(request, raws))


def admitted(core: Gossip, *transactions: bytes, at: int = 0, own: bool = False) -> list[Effect]:
    entries = [(digest(raw), 2, len(raw)) for raw in transactions]
    return list(core.admitted(Instant(at), entries, own=own))


def hashes(effects: Sequence[Effect]) -> list[list[bytes]]:
    return [list(e.message.hashes) for e in effects if isinstance(e, Broadcast)]  # type: ignore[attr-defined]


def test_admitted_transactions_are_announced_together_after_the_delay() -> None:
    core = gossip()
    announce_later = SetTimer(GossipTimer.ANNOUNCE, CONFIG.announce_delay)
    first = admitted(core, b"a")
    assert announce_later in first
    assert admitted(core, b"bb") == []
    (effect,) = core.on_announce_timeout(Instant(0))
    expected = AnnounceTransactions(b"\x02\x02", (1, 2), (digest(b"a"), digest(b"bb")))
    assert effect == Broadcast("neighbours", expected)
    assert admitted(core, b"c") == [announce_later]


def test_a_long_announcement_is_split() -> None:
    core = gossip(GossipConfig(hashes_per_announcement=2))
    admitted(core, *(bytes([n]) for n in range(5)))
    effects = core.on_announce_timeout(Instant(0))
    assert [len(announced) for announced in hashes(effects)] == [2, 2, 1]


def test_own_transactions_are_announced_again_while_they_are_pooled() -> None:
    pool = Pool(b"a", b"b", b"c")
    core = gossip(GossipConfig(repeat_interval=Duration(100)), pool)
    repeat = SetTimer(GossipTimer.REPEAT, Duration(100))
    assert repeat in admitted(core, b"a", b"b", own=True)
    assert repeat not in admitted(core, b"c", own=True, at=50)
    core.on_announce_timeout(Instant(50))
    effects = core.on_repeat_timeout(Instant(100))
    assert hashes(effects) == [[digest(b"a"), digest(b"b")]]
    assert effects[-1] == repeat
    del pool.held[digest(b"b")]
    assert hashes(core.on_repeat_timeout(Instant(200))) == [[digest(b"a"), digest(b"c")]]
    pool.held.clear()
    assert core.on_repeat_timeout(Instant(300)) == ()
    assert repeat in admitted(core, b"d", own=True, at=400)


def test_transactions_of_others_are_announced_again_rarely_and_few_at_a_time() -> None:
    """Their origin may have died after one peer had fetched them."""
    pool = Pool(b"a", b"b", b"c")
    config = GossipConfig(
        repeat_interval=Duration(100), relay_interval=Duration(1000), relays_max=2
    )
    core = gossip(config, pool)
    repeat = SetTimer(GossipTimer.REPEAT, Duration(100))
    assert repeat in admitted(core, b"a", b"b", b"c")
    core.on_announce_timeout(Instant(50))
    assert core.on_repeat_timeout(Instant(900)) == [repeat]
    assert hashes(core.on_repeat_timeout(Instant(1000))) == [[digest(b"a"), digest(b"b")]]
    assert hashes(core.on_repeat_timeout(Instant(1100))) == [[digest(b"c")]]
    assert core.on_repeat_timeout(Instant(1200)) == [repeat]
    del pool.held[digest(b"a")]
    assert hashes(core.on_repeat_timeout(Instant(2200))) == [[digest(b"b"), digest(b"c")]]
    pool.held.clear()
    assert core.on_repeat_timeout(Instant(3300)) == ()


def test_no_more_transactions_of_others_are_watched_than_the_limit() -> None:
    core = gossip(GossipConfig(relayed_max=2), Pool(b"a", b"b", b"c"))
    admitted(core, b"a", b"b", b"c")
    assert list(core.state.relayed) == [digest(b"a"), digest(b"b")]


def test_a_new_transaction_is_asked_for_at_once() -> None:
    effects = announce(gossip(), ALICE, b"a", b"b")
    assert effects == (
        Work(ANNOUNCED, 2),
        Send(ALICE, asked(1, b"a", b"b")),
        SetTimer(GossipTimer.FETCH, Duration(SECOND)),
    )


def test_what_is_known_pooled_or_wanted_is_not_asked_for_again() -> None:
    core = gossip(pool=Pool(b"pooled"))
    core.note_known([digest(b"refused")])
    announce(core, ALICE, b"wanted")
    assert announce(core, BOB, b"pooled", b"refused", b"wanted") == (Work(ANNOUNCED, 3),)


def test_bodies_are_handed_over_once_and_known_afterwards() -> None:
    core = gossip()
    announce(core, ALICE, b"a", b"b")
    work, fetched = answer(core, ALICE, 1, b"a", b"b")
    assert work == Work(HASHED, 2)
    assert fetched == TransactionsFetched(ALICE, (digest(b"a"), digest(b"b")), (b"a", b"b"))
    assert announce(core, BOB, b"a") == (Work(ANNOUNCED, 1),)
    assert core.state.wanted == {}
    assert core.state.requests == {}


def test_requests_are_limited_in_size_and_number_for_each_peer() -> None:
    core = gossip()
    assert sent(announce(core, ALICE, b"a", b"b", b"c")) == [(ALICE, asked(1, b"a", b"b"))]
    assert sent(announce(core, BOB, b"d")) == [(BOB, asked(2, b"d"))]
    assert sent(answer(core, ALICE, 1, b"a", b"b")) == [(ALICE, asked(3, b"c"))]


def test_a_partial_answer_is_followed_by_a_request_for_the_rest() -> None:
    core = gossip()
    announce(core, ALICE, b"a", b"b")
    assert sent(answer(core, ALICE, 1, b"a")) == [(ALICE, asked(2, b"b"))]


def test_an_empty_answer_turns_to_the_next_announcer() -> None:
    core = gossip()
    announce(core, ALICE, b"a")
    announce(core, BOB, b"a")
    assert sent(answer(core, ALICE, 1)) == [(BOB, asked(2, b"a"))]


def test_a_transaction_that_no_announcer_gives_is_forgotten() -> None:
    core = gossip()
    announce(core, ALICE, b"a")
    assert sent(answer(core, ALICE, 1)) == []
    assert core.state.wanted == {}
    assert sent(announce(core, ALICE, b"a")) == [(ALICE, asked(2, b"a"))]


def test_silence_turns_to_the_next_announcer_with_all_that_was_queued() -> None:
    core = gossip()
    announce(core, ALICE, b"a", b"b", b"c")
    announce(core, BOB, b"a", b"c", at=5)
    effects = core.on_fetch_timeout(Instant(SECOND))
    assert sent(effects) == [(BOB, asked(2, b"a", b"c"))]
    assert effects[-1] == SetTimer(GossipTimer.FETCH, Duration(SECOND))
    assert noted(core) == {ALICE: {"no answer in time": 1}}
    assert list(core.state.wanted) == [digest(b"a"), digest(b"c")]


def test_an_early_timer_waits_for_the_oldest_open_request() -> None:
    core = gossip()
    announce(core, ALICE, b"a")
    announce(core, BOB, b"b", at=400)
    answer(core, ALICE, 1, b"a")
    effects = core.on_fetch_timeout(Instant(SECOND))
    assert effects == [SetTimer(GossipTimer.FETCH, Duration(400))]


def test_a_late_answer_is_not_used() -> None:
    core = gossip()
    announce(core, ALICE, b"a")
    core.on_fetch_timeout(Instant(SECOND))
    assert answer(core, ALICE, 1, b"a") == ()
    assert noted(core)[ALICE]["an answer that was not asked for"] == 1


def test_an_answer_by_someone_else_is_not_used() -> None:
    core = gossip()
    announce(core, ALICE, b"a")
    assert answer(core, BOB, 1, b"a") == ()
    assert core.state.requests[1].peer == ALICE


def test_a_body_that_was_not_asked_for_is_dropped_and_counted() -> None:
    core = gossip()
    announce(core, ALICE, b"a")
    announce(core, BOB, b"a")
    effects = answer(core, ALICE, 1, b"z")
    assert sent(effects) == [(BOB, asked(2, b"a"))]
    assert not any(isinstance(effect, TransactionsFetched) for effect in effects)
    assert noted(core) == {ALICE: {"a transaction that was not asked for": 1}}


def test_an_announcement_that_contradicts_itself_is_dropped_and_counted() -> None:
    core = gossip()
    broken = AnnounceTransactions(b"\x02", (1, 2), (digest(b"a"), digest(b"b")))
    assert core.on_announce_transactions(Instant(0), ALICE, broken) == ()
    assert noted(core) == {ALICE: {"announcement with fields of different length": 1}}


def test_requests_are_served_in_order_without_what_is_not_held() -> None:
    core = gossip(GossipConfig(), Pool(b"a", b"b"))
    request = asked(9, b"b", b"missing", b"a")
    effects = core.on_get_transactions(Instant(0), BOB, request)
    assert effects == (Work(SERVED, 2), Send(BOB, PooledTransactions(9, (b"b", b"a"))))


@pytest.mark.parametrize(("limit", "count"), [(1, 1), (7, 2), (100, 3)])
def test_an_answer_stops_at_its_size_but_gives_at_least_one(limit: int, count: int) -> None:
    raws = (b"aaa", b"bbb", b"ccc")
    core = gossip(GossipConfig(response_bytes=limit), Pool(*raws))
    effects = core.on_get_transactions(Instant(0), BOB, asked(9, *raws))
    assert effects[1] == Send(BOB, PooledTransactions(9, raws[:count]))


def test_one_flooder_cannot_fill_the_table_of_wanted_transactions() -> None:
    core = gossip(GossipConfig(queued_per_peer=3, requests_per_peer=0))
    announce(core, ALICE, *(bytes([n]) for n in range(10)))
    announce(core, BOB, b"honest")
    assert len(core.state.wanted) == 4
    assert core.state.dropped == 7


def test_the_table_of_wanted_transactions_is_bounded() -> None:
    core = gossip(GossipConfig(wanted_max=5, requests_per_peer=0))
    announce(core, ALICE, *(bytes([n]) for n in range(9)))
    assert len(core.state.wanted) == 5


def test_known_hashes_forget_the_oldest_half() -> None:
    known = KnownHashes(4)
    for entry in (b"1", b"2", b"3", b"4"):
        known.add(entry)
    assert all(entry in known for entry in (b"1", b"2", b"3", b"4"))
    known.add(b"5")
    assert b"1" not in known
    assert all(entry in known for entry in (b"3", b"4", b"5"))
    assert len(known) == 3


@pytest.mark.parametrize("most", [1, 2, 4, 7, 100])
def test_many_known_hashes_at_once_are_as_many_one_by_one(most: int) -> None:
    at_once, one_by_one = KnownHashes(most), KnownHashes(most)
    for size in (0, 1, 3, 2, 5, 1, 4):
        entries = [bytes([size, number % 3]) for number in range(size)]
        at_once.update(entries)
        for entry in entries:
            one_by_one.add(entry)
        assert (at_once.younger, at_once.older) == (one_by_one.younger, one_by_one.older)
        assert len(at_once) == len(one_by_one)
