"""Rounds of reconciliation: what is announced after one, and what happens when one goes wrong."""

from collections.abc import Iterable, Sequence
from hashlib import sha256

import pytest
from hypothesis import given, strategies as st

from network.codec import Codec
from network.messages import LIMITS as NETWORK_LIMITS, AnnounceTransactions
from network.offences import Offence
from network.reconcile.core import Reconciler, _seed
from network.reconcile.messages import LIMITS, AskMore, AskSketch, Differences, SketchOf
from network.reconcile.sketch import CELL_BYTES, Sketch, cells_for
from network.reconcile.state import SPREAD_FIRST, ReconcileConfig, ReconcileTimer
from primitives.ids import Duration, Hash32, Instant, NodeId
from primitives.machine import Effect, Message, Send, SetTimer
from tests.unit.network.books import Book

ALICE, BOB, CAROL = NodeId(0), NodeId(1), NodeId(2)
NOW = Instant(0)
KEY = b"k" * 16
CONFIG = ReconcileConfig(interval=Duration(100), timeout=Duration(1_000), rest=Duration(10))
TIMER = SetTimer(ReconcileTimer.ROUND, Duration(100))


def name(number: int) -> Hash32:
    return Hash32(sha256(b"%d" % number).digest())


def entries(numbers: Iterable[int]) -> list[tuple[Hash32, int, int]]:
    return [(name(number), 2, 100 + number) for number in numbers]


class Pair:
    """Alice, who begins the rounds, and Bob; what they say goes through the codec."""

    def __init__(self, alice: Iterable[int], bob: Iterable[int]) -> None:
        self.books = {ALICE: Book(), BOB: Book()}
        self.cores = {node: Reconciler(CONFIG, book) for node, book in self.books.items()}
        limits = {**LIMITS, **NETWORK_LIMITS}
        self.codec = Codec(limits, limits)
        self.cores[ALICE].connected(BOB, KEY, asks=True)
        self.cores[BOB].connected(ALICE, KEY, asks=False)
        self.cores[ALICE].add(entries(alice), [BOB])
        self.cores[BOB].add(entries(bob), [ALICE])
        self.told: dict[NodeId, list[bytes]] = {ALICE: [], BOB: []}
        """What each has announced."""
        self.said: list[Message] = []
        self.now = 0

    def round(self) -> None:
        self.now += 100
        self.perform(ALICE, self.cores[ALICE].on_round_timeout(Instant(self.now)))

    def perform(self, node: NodeId, effects: Sequence[Effect]) -> None:
        for effect in effects:
            if not isinstance(effect, Send):
                continue
            message = self.codec.decode(self.codec.encode(effect.message))
            self.said.append(message)
            if isinstance(message, AnnounceTransactions):
                assert all(
                    size == 100 + self.number(raw)
                    for raw, size in zip(message.hashes, message.sizes, strict=True)
                )
                self.told[node] += message.hashes
            else:
                self.perform(effect.to, handle(self.cores[effect.to], node, message, self.now))

    @staticmethod
    def number(raw: bytes) -> int:
        return next(number for number in range(2_000) if name(number) == raw)

    def pending(self) -> list[int]:
        links = (self.cores[ALICE].state.links[BOB], self.cores[BOB].state.links[ALICE])
        return [len(link.pending) for link in links]


def handle(core: Reconciler, sender: NodeId, message: Message, now: int = 0) -> Sequence[Effect]:
    handlers = {
        AskSketch: core.on_ask_sketch,
        SketchOf: core.on_sketch_of,
        AskMore: core.on_ask_more,
        Differences: core.on_differences,
    }
    effects: Sequence[Effect] = handlers[type(message)](Instant(now), sender, message)  # type: ignore[operator]
    return effects


def names(numbers: Iterable[int]) -> list[bytes]:
    return sorted(name(number) for number in numbers)


def test_each_announces_what_the_other_lacks_and_nothing_else() -> None:
    pair = Pair(range(100), range(10, 105))
    pair.round()
    assert sorted(pair.told[ALICE]) == names(range(10))
    assert sorted(pair.told[BOB]) == names(range(100, 105))
    assert pair.pending() == [0, 0]
    assert [type(message) for message in pair.said if type(message) in LIMITS] == [
        AskSketch,
        SketchOf,
        Differences,
    ]
    counts = pair.cores[ALICE].state.counts
    assert (counts.rounds, counts.plain, counts.extended, counts.failed) == (1, 0, 0, 0)
    assert counts.differences == 15


def test_a_sketch_costs_in_proportion_to_the_difference() -> None:
    pair = Pair(range(1_000), range(1_000))
    pair.cores[ALICE].state.links[BOB].spread = 0
    pair.round()
    (answer,) = [message for message in pair.said if isinstance(message, SketchOf)]
    assert len(answer.cells) == cells_for(0) * CELL_BYTES == 150
    assert pair.told == {ALICE: [], BOB: []}


@pytest.mark.parametrize(("alice", "bob"), [(5, 0), (0, 5), (0, 0), (3, 3)])
def test_small_sets_are_announced_plainly(alice: int, bob: int) -> None:
    """A sketch would be longer than what it saves."""
    pair = Pair(range(alice), range(100, 100 + bob))
    pair.round()
    assert sorted(pair.told[ALICE]) == names(range(alice))
    assert sorted(pair.told[BOB]) == names(range(100, 100 + bob))
    assert pair.pending() == [0, 0]
    assert pair.cores[ALICE].state.counts.plain == 1


def test_a_second_sketch_helps_where_the_first_was_too_small() -> None:
    pair = Pair(range(100), range(30, 130))
    pair.cores[ALICE].state.links[BOB].spread = 60
    pair.round()
    counts = pair.cores[ALICE].state.counts
    assert (counts.extended, counts.failed, counts.differences) == (1, 0, 60)
    assert sorted(pair.told[ALICE]) == names(range(30))


def test_all_is_announced_where_two_sketches_do_not_do() -> None:
    pair = Pair(range(300), range(200, 500))
    pair.cores[ALICE].state.links[BOB].spread = 1
    pair.round()
    counts = pair.cores[ALICE].state.counts
    assert (counts.extended, counts.failed) == (1, 1)
    assert sorted(pair.told[ALICE]) == names(range(300))
    assert sorted(pair.told[BOB]) == names(range(200, 500))
    assert pair.pending() == [0, 0]
    assert pair.cores[ALICE].state.links[BOB].spread == 3


def test_what_is_expected_follows_what_was_found() -> None:
    pair = Pair(range(100), range(10, 110))
    link = pair.cores[ALICE].state.links[BOB]
    assert link.spread == SPREAD_FIRST == 64
    pair.round()
    shown = 20 * 256 // 100
    assert link.spread == (64 + shown + 1) // 2


def test_what_the_peer_has_told_is_not_told_to_it() -> None:
    pair = Pair(range(5), [])
    pair.cores[ALICE].heard(BOB, names(range(3)))
    pair.cores[ALICE].heard(CAROL, names(range(5)))
    pair.round()
    assert sorted(pair.told[ALICE]) == names([3, 4])


def test_what_comes_during_a_round_waits_for_the_next() -> None:
    core = Reconciler(CONFIG, Book())
    core.connected(BOB, KEY, asks=True)
    core.add(entries([1]), [BOB])
    core.on_round_timeout(NOW)
    core.add(entries([2]), [BOB])
    (told,) = core.on_sketch_of(NOW, BOB, SketchOf(1, 0, b""))
    assert isinstance(told, Send)
    assert isinstance(told.message, AnnounceTransactions)
    assert told.message.hashes == (name(1),)
    assert list(core.state.links[BOB].pending) == [name(2)]
    assert core.on_sketch_of(NOW, BOB, SketchOf(1, 0, b"")) == (), "the round is over"


def test_rounds_go_to_one_peer_after_the_other() -> None:
    core = Reconciler(CONFIG, Book())
    assert core.connected(BOB, KEY, asks=True) == (TIMER,)
    assert core.connected(CAROL, KEY, asks=True) == ()
    assert core.connected(ALICE, KEY, asks=False) == ()
    asked = [core.on_round_timeout(Instant(at)) for at in (100, 200, 300)]
    first, second = AskSketch(1, 0, SPREAD_FIRST), AskSketch(1, 0, SPREAD_FIRST)
    assert asked[0] == (Send(BOB, first), TIMER)
    assert asked[1] == (Send(CAROL, second), TIMER)
    assert asked[2] == (TIMER,), "the round with Bob is still going on"


def test_a_round_that_is_not_answered_is_begun_anew_and_nothing_is_lost() -> None:
    core = Reconciler(CONFIG, Book())
    core.connected(BOB, KEY, asks=True)
    core.add(entries([1]), [BOB])
    core.on_round_timeout(NOW)
    assert core.on_round_timeout(Instant(1_000))[0] == Send(BOB, AskSketch(2, 1, SPREAD_FIRST))
    assert core.on_sketch_of(NOW, BOB, SketchOf(1, 0, b"")) == ()
    assert list(core.state.links[BOB].pending) == [name(1)]


def test_the_timer_rests_when_there_is_nobody_to_ask() -> None:
    core = Reconciler(CONFIG, Book())
    core.connected(BOB, KEY, asks=True)
    core.disconnected(BOB)
    assert core.on_round_timeout(NOW) == ()
    assert core.connected(BOB, KEY, asks=True) == (TIMER,)


def test_peers_that_do_not_reconcile_are_told_plainly() -> None:
    core = Reconciler(CONFIG, Book())
    (told,) = core.add(entries([1, 2]), [BOB])
    assert isinstance(told, Send)
    assert (told.to, told.message.hashes) == (BOB, (name(1), name(2)))  # type: ignore[attr-defined]


def test_the_oldest_are_announced_plainly_beyond_the_limit() -> None:
    core = Reconciler(ReconcileConfig(pending_max=3, hashes_per_announcement=1), Book())
    core.connected(BOB, KEY, asks=True)
    assert core.add(entries([1, 2, 3]), [BOB]) == []
    told = core.add(entries([4, 5]), [BOB])
    assert [effect.message.hashes for effect in told] == [(name(1),), (name(2),)]  # type: ignore[attr-defined]
    assert list(core.state.links[BOB].pending) == [name(3), name(4), name(5)]


# --- peers that do wrong ----------------------------------------------------------------------


def asked(book: Book) -> Reconciler:
    """Return Alice's core after she has begun a round with Bob."""
    core = Reconciler(CONFIG, book)
    core.connected(BOB, KEY, asks=True)
    core.add(entries(range(100)), [BOB])
    core.on_round_timeout(NOW)
    return core


def answering(book: Book) -> Reconciler:
    """Return Bob's core after he has answered Alice with a sketch."""
    core = Reconciler(CONFIG, book)
    core.connected(ALICE, KEY, asks=False)
    core.add(entries(range(100)), [ALICE])
    assert core.on_ask_sketch(NOW, ALICE, AskSketch(1, 100, 0))
    return core


@pytest.mark.parametrize("cells", [b"x" * CELL_BYTES, bytes(3 * CELL_BYTES + 1)])
def test_cells_that_are_cut_off_are_an_offence(cells: bytes) -> None:
    book = Book()
    core = asked(book)
    assert core.on_sketch_of(NOW, BOB, SketchOf(1, 5, cells)) == ()
    assert book.offences == {BOB: {Offence.MALFORMED: 1}}
    assert len(core.state.links[BOB].pending) == 100


def test_a_hostile_sketch_ends_in_plain_announcements() -> None:
    core = asked(Book())
    hostile = SketchOf(1, 5, b"\x01" * 30 * CELL_BYTES)
    assert core.on_sketch_of(NOW, BOB, hostile) == (Send(BOB, AskMore(1)),)
    end, told = core.on_sketch_of(NOW, BOB, hostile)
    assert end == Send(BOB, Differences(1, found=False, wanted=b""))
    assert isinstance(told, Send)
    assert len(told.message.hashes) == 100  # type: ignore[attr-defined]


def test_names_that_nobody_has_are_passed_over_and_cut_off_ones_are_an_offence() -> None:
    book = Book()
    core = answering(book)
    link = core.state.links[ALICE]
    assert link.answered is not None
    (first, *_) = link.answered.names
    wanted = first.to_bytes(6, "little") + b"nobody"
    (told,) = core.on_differences(NOW, ALICE, Differences(1, found=True, wanted=wanted))
    assert isinstance(told, Send)
    assert len(told.message.hashes) == 1  # type: ignore[attr-defined]
    assert not book.offences
    core = answering(book)
    assert core.on_differences(NOW, ALICE, Differences(1, found=True, wanted=b"12345")) == ()
    assert book.offences == {ALICE: {Offence.MALFORMED: 1}}


@pytest.mark.parametrize(
    ("sender", "message"),
    [
        (CAROL, AskSketch(2, 1, 0)),
        (ALICE, AskSketch(1, 1, 0)),
        (ALICE, AskSketch(2, 1, 0)),
        (ALICE, SketchOf(1, 0, b"")),
        (ALICE, AskMore(2)),
        (CAROL, AskMore(1)),
        (ALICE, Differences(2, found=False, wanted=b"")),
        (CAROL, Differences(1, found=False, wanted=b"")),
    ],
)
def test_what_is_out_of_turn_is_ignored(sender: NodeId, message: Message) -> None:
    """Rounds go up, leave time between them, and are begun by one end only."""
    book = Book()
    core = answering(book)
    assert handle(core, sender, message, now=9) == ()
    assert book.offences == {sender: {Offence.UNASKED: 1}}
    assert core.state.links[ALICE].answered is not None


def test_who_begins_the_rounds_is_not_asked_for_sketches() -> None:
    book = Book()
    assert asked(book).on_ask_sketch(NOW, BOB, AskSketch(5, 1, 0)) == ()
    assert book.offences == {BOB: {Offence.UNASKED: 1}}


def test_a_round_ends_once_and_a_later_one_ends_it() -> None:
    end = Differences(1, found=False, wanted=b"")
    core = answering(Book())
    assert core.on_differences(NOW, ALICE, end)
    assert core.on_differences(NOW, ALICE, end) == ()
    core = answering(Book())
    assert core.on_ask_sketch(Instant(10), ALICE, AskSketch(2, 0, 0))
    assert core.on_differences(Instant(10), ALICE, end) == ()


def test_a_second_sketch_has_as_much_time_as_the_first() -> None:
    core = asked(Book())
    hostile = SketchOf(1, 5, b"\x01" * 30 * CELL_BYTES)
    assert core.on_sketch_of(Instant(900), BOB, hostile) == (Send(BOB, AskMore(1)),)
    assert core.on_round_timeout(Instant(1_000)) == (TIMER,)


def test_only_two_sketches_are_given_for_one_round() -> None:
    book = Book()
    core = answering(book)
    (second,) = core.on_ask_more(NOW, ALICE, AskMore(1))
    assert isinstance(second, Send)
    assert len(second.message.cells) == 2 * 15 * CELL_BYTES  # type: ignore[attr-defined]
    assert core.on_ask_more(NOW, ALICE, AskMore(1)) == ()
    assert book.offences == {ALICE: {Offence.UNASKED: 1}}


def test_a_rested_peer_may_begin_another_round() -> None:
    core = answering(Book())
    assert core.on_ask_sketch(Instant(10), ALICE, AskSketch(2, 100, 0))


def test_two_sketches_of_a_round_place_elements_differently() -> None:
    core = answering(Book())
    link = core.state.links[ALICE]
    assert link.answered is not None
    seeds = {_seed(KEY, number, part) for number in (1, 2) for part in (0, 1)}
    assert len(seeds) == 4
    sketches = []
    for seed in sorted(seeds):
        sketch = Sketch(seed, 15)
        sketch.add(link.answered.names)
        sketches.append(sketch.pack())
    assert len(set(sketches)) == 4


@given(st.sets(st.integers(0, 300)), st.sets(st.integers(0, 300)), st.integers(0, 300))
def test_after_a_round_each_has_been_told_what_it_lacked(
    alice: set[int], bob: set[int], spread: int
) -> None:
    pair = Pair(sorted(alice), sorted(bob))
    pair.cores[ALICE].state.links[BOB].spread = spread
    pair.round()
    assert set(names(alice - bob)) <= set(pair.told[ALICE]) <= set(names(alice))
    assert set(names(bob - alice)) <= set(pair.told[BOB]) <= set(names(bob))
    assert pair.pending() == [0, 0]
    assert not any(book.offences for book in pair.books.values())
    counts = pair.cores[ALICE].state.counts
    if not counts.plain and not counts.failed:
        assert sorted(pair.told[ALICE]) == names(alice - bob)
        assert sorted(pair.told[BOB]) == names(bob - alice)
