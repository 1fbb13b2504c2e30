"""Peers that reconcile wrongly: what they cost, and what is held against them."""

import pytest

from network.costs import SKETCH_CELL, SKETCHED
from network.offences import Offence
from network.reconcile.core import Reconciler
from network.reconcile.messages import AskMore, AskSketch, Differences, SketchOf
from network.reconcile.rounds import NAMES, key_of
from network.reconcile.sketch import CELL_BYTES, Sketch, cells_for, element_name
from primitives.ids import Instant, NodeId
from primitives.machine import Message, Send, Work
from tests.unit.network.books import Book
from tests.unit.network.reconcile_material import (
    ALICE,
    BOB,
    CAROL,
    CONFIG,
    NOW,
    SALT,
    TIMER,
    announced,
    answering,
    ask,
    asked,
    entries,
    garbage,
    handle,
    messages,
    name,
    reconciler,
)


@pytest.mark.parametrize("cells", [b"x" * CELL_BYTES, bytes(3 * CELL_BYTES + 1)])
def test_cells_that_are_cut_off_are_an_offence(cells: bytes) -> None:
    book = Book()
    core = asked(book)
    number = core.state.links[BOB].round_last
    assert core.on_sketch_of(NOW, BOB, SketchOf(number, 5, cells)) == []
    assert book.offences == {BOB: {Offence.CUT_OFF: 1}}
    assert len(core.state.links[BOB].pending) == 100


def test_a_hostile_sketch_ends_in_plain_announcements_and_is_no_offence() -> None:
    book = Book()
    core = asked(book)
    number = core.state.links[BOB].round_last
    assert messages(core.on_sketch_of(NOW, BOB, garbage(core))) == [AskMore(number)]
    effects = core.on_sketch_of(NOW, BOB, garbage(core))
    assert messages(effects)[0] == Differences(number, found=False, wanted=b"")
    assert len(announced(effects)) == 100
    assert not book.offences


def test_after_some_hostile_sketches_no_more_are_taken_for_a_while() -> None:
    """They cost their receiver work and the sender none."""
    core = reconciler()
    core.connected(NOW, BOB, asks=True)
    told: list[bytes] = []
    for turn in range(CONFIG.failures_max):
        core.add(NOW, BOB, entries(range(100 * turn, 100 * turn + 100)))
        assert len(messages(core.on_round_timeout(NOW))) == 1
        core.on_sketch_of(NOW, BOB, garbage(core))
        told += announced(core.on_sketch_of(NOW, BOB, garbage(core)))
    assert len(told) == 300
    assert core.on_round_timeout(Instant(CONFIG.plain_time - 1)) == [TIMER]
    assert announced(core.add(NOW, BOB, entries([1_000]))) == [name(1_000)]
    core.add(Instant(CONFIG.plain_time), BOB, entries([1_001]))
    again = messages(core.on_round_timeout(Instant(CONFIG.plain_time)))
    assert isinstance(again[0], AskSketch)


def made_up(core: Reconciler, turn: int, count: int = 200) -> list[int]:
    """Answer Alice's round with a sketch of what nobody has; return what she asks Bob for."""
    core.on_round_timeout(Instant(turn))
    link = core.state.links[BOB]
    if link.asked is None:
        return []
    sketch = Sketch(key_of(link.asked.salt, 0), cells_for(count + 100))
    sketch.add(range(1_000 * turn, 1_000 * turn + count))
    sketch.add(element_name(key_of(link.asked.salt, NAMES), each) for each in link.asked.entries)
    answer = SketchOf(link.round_last, count, sketch.pack())
    effects = handle(core, BOB, answer, turn)
    return [len(m.wanted) // 6 for m in messages(effects) if isinstance(m, Differences)]


def test_who_never_announces_what_its_sketches_name_is_soon_told_plainly() -> None:
    """They can be taken apart, so no round fails; and each costs more than garbage does."""
    book = Book()
    core = reconciler(book=book)
    core.connected(NOW, BOB, asks=True)
    core.add(NOW, BOB, entries(range(20)))
    asked_for = [made_up(core, turn) for turn in range(1, CONFIG.failures_max + 3)]
    assert asked_for == [[200]] * (CONFIG.failures_max + 1) + [[]]
    assert core.state.links[BOB].plain_until > CONFIG.plain_time
    assert not book.offences


@pytest.mark.parametrize("kept", [[0, 100], [100, 100], [0, 200]])
def test_who_announces_half_of_what_it_is_asked_for_goes_on_being_asked(kept: list[int]) -> None:
    core = reconciler()
    core.connected(NOW, BOB, asks=True)
    for turn in range(1, 12):
        assert made_up(core, turn) == [200]
        core.heard(BOB, [name(each) for each in range(kept[turn % 2])])
    few = [made_up(core, turn, 64) for turn in range(20, 32)]
    assert few == [[64]] * 12, "so few may be lost on their way"


def test_one_round_that_tells_something_makes_up_for_those_before() -> None:
    core = asked(Book())
    core.state.links[BOB].failures = 2
    number, salt = core.state.links[BOB].round_last, core.state.links[BOB].asked.salt  # type: ignore[union-attr]
    sketch = Sketch(key_of(salt, 0), 30)
    sketch.add(element_name(key_of(salt, NAMES), each) for each in entries(range(100)))
    core.on_sketch_of(NOW, BOB, SketchOf(number, 100, sketch.pack()))
    assert core.state.links[BOB].failures == 0
    assert core.state.counts.failed == 0


def test_rounds_that_are_begun_and_never_ended_come_to_an_end() -> None:
    """Each costs a sketch, and the asker nothing."""
    core = answering(Book())
    for turn in (1, 2):
        assert announced(core.on_ask_sketch(Instant(10 * turn), ALICE, ask(turn + 1))) == []
    told = core.on_ask_sketch(Instant(30), ALICE, ask(9))
    assert len(announced(told)) == 100
    assert messages(told)[-1] == SketchOf(9, 0, b"")
    assert not any(isinstance(effect, Work) for effect in told)


def test_names_that_nobody_has_are_passed_over_and_cut_off_ones_are_an_offence() -> None:
    book = Book()
    core = answering(book)
    link = core.state.links[ALICE]
    assert link.answered is not None
    (first, *_) = link.answered.names
    wanted = first.to_bytes(6, "little") + b"nobody"
    assert len(announced(core.on_differences(NOW, ALICE, Differences(1, True, wanted)))) == 1
    assert not book.offences
    core = answering(book)
    assert core.on_differences(NOW, ALICE, Differences(1, found=True, wanted=b"12345")) == []
    assert book.offences == {ALICE: {Offence.CUT_OFF: 1}}


@pytest.mark.parametrize(
    ("sender", "message"),
    [
        (ALICE, ask(2)),
        (ALICE, SketchOf(1, 0, b"")),
        (ALICE, AskMore(2)),
        (CAROL, AskMore(1)),
        (ALICE, Differences(2, found=False, wanted=b"")),
        (CAROL, Differences(1, found=False, wanted=b"")),
    ],
)
def test_what_is_out_of_turn_is_ignored(sender: NodeId, message: Message) -> None:
    """Rounds leave time between them, and are begun by one end only."""
    book = Book()
    core = answering(book)
    assert handle(core, sender, message, now=9) == ()
    assert book.offences == {sender: {Offence.UNASKED: 1}}
    assert core.state.links[ALICE].answered is not None


def test_who_takes_this_node_for_a_neighbour_learns_to_announce_plainly() -> None:
    assert answering(Book()).on_ask_sketch(NOW, CAROL, ask(7)) == (
        Send(CAROL, SketchOf(7, 0, b"")),
    )


def test_who_begins_the_rounds_is_not_asked_for_sketches() -> None:
    book = Book()
    assert asked(book).on_ask_sketch(NOW, BOB, ask(5)) == ()
    assert book.offences == {BOB: {Offence.UNASKED: 1}}


def test_a_round_ends_once_and_a_later_one_ends_it() -> None:
    end = Differences(1, found=False, wanted=b"")
    core = answering(Book())
    assert core.on_differences(NOW, ALICE, end)
    assert core.on_differences(NOW, ALICE, end) == ()
    core = answering(Book())
    assert core.on_ask_sketch(Instant(10), ALICE, ask(2, count=0))
    assert core.on_differences(Instant(10), ALICE, end) == ()


def test_a_second_sketch_has_as_much_time_as_the_first() -> None:
    core = asked(Book())
    assert core.on_sketch_of(Instant(900), BOB, garbage(core))
    assert core.on_round_timeout(Instant(1_000)) == [TIMER]


def test_only_two_sketches_are_given_for_one_round() -> None:
    book = Book()
    core = answering(book)
    (second,) = messages(core.on_ask_more(NOW, ALICE, AskMore(1)))
    assert isinstance(second, SketchOf)
    assert len(second.cells) == 2 * 15 * CELL_BYTES
    assert core.on_ask_more(NOW, ALICE, AskMore(1)) == ()
    assert book.offences == {ALICE: {Offence.UNASKED: 1}}


def test_a_rested_peer_may_begin_another_round() -> None:
    core = answering(Book())
    assert core.on_ask_sketch(Instant(10), ALICE, ask(2))


def test_work_is_charged_by_transactions_and_by_cells() -> None:
    core = answering(Book())
    (work, _) = core.on_ask_sketch(Instant(10), ALICE, ask(2))
    assert work == Work(SKETCHED, 100)
    asker = asked(Book())
    assert asker.on_sketch_of(NOW, BOB, garbage(asker))[:2] == [
        Work(SKETCHED, 100),
        Work(SKETCH_CELL, 30),
    ]
    assert asker.on_sketch_of(NOW, BOB, garbage(asker))[:2] == [
        Work(SKETCHED, 100),
        Work(SKETCH_CELL, 60),
    ], "both are taken apart"


def test_two_sketches_of_a_round_place_elements_differently() -> None:
    core = answering(Book())
    link = core.state.links[ALICE]
    assert link.answered is not None
    keys = {key_of(salt, part) for salt in (SALT, b"other.on") for part in (0, 1, NAMES)}
    assert len(keys) == 6
    sketches = []
    for key in sorted(keys):
        sketch = Sketch(key, 15)
        sketch.add(link.answered.names)
        sketches.append(sketch.pack())
    assert len(set(sketches)) == 6
