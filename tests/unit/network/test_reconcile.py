"""Rounds of reconciliation: what is announced after one, and what waits for another."""

import msgspec
import pytest
from hypothesis import given, strategies as st

from network.costs import MATCHED
from network.reconcile import core as core_module, rounds
from network.reconcile.messages import LIMITS, AskSketch, Differences, SketchOf
from network.reconcile.sketch import CELL_BYTES, cells_for, element_name
from network.reconcile.state import GONE_MAX, SPREAD_FIRST, ReconcileConfig
from primitives.ids import Duration, Instant, NodeId
from primitives.machine import Send, Work
from tests.unit.network.books import Book
from tests.unit.network.reconcile_material import (
    ALICE,
    BOB,
    CAROL,
    CONFIG,
    NOW,
    TIMER,
    Local,
    Pair,
    announced,
    asked,
    entries,
    messages,
    name,
    names,
    reconciler,
)


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


@pytest.mark.parametrize(("alice", "bob"), [(5, 0), (0, 5), (0, 0), (1, 1), (30, 2)])
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
    core = asked(Book(), range(1, 2))
    core.add(NOW, BOB, entries([2]))
    number = core.state.links[BOB].round_last
    assert announced(core.on_sketch_of(NOW, BOB, SketchOf(number, 0, b""))) == [name(1)]
    assert list(core.state.links[BOB].pending) == [name(2)]
    assert core.on_sketch_of(NOW, BOB, SketchOf(number, 0, b"")) == (), "the round is over"


def test_what_the_peer_tells_during_a_round_is_not_told_to_it_at_its_end() -> None:
    core = asked(Book(), range(1, 3))
    core.heard(BOB, [name(1)])
    number = core.state.links[BOB].round_last
    assert announced(core.on_sketch_of(NOW, BOB, SketchOf(number, 0, b""))) == [name(2)]


def test_what_is_in_a_block_by_now_is_told_to_nobody() -> None:
    pair = Pair(range(100), range(100))
    pair.locals[ALICE].gone = set(names(range(100)))
    pair.round()
    assert pair.told[ALICE] == []
    assert sorted(pair.told[BOB]) == names(range(100)), "who is behind has it still waiting"


def test_rounds_go_to_one_peer_after_the_other() -> None:
    core = reconciler()
    assert core.connected(NOW, BOB, asks=True) == (TIMER,)
    assert core.connected(NOW, CAROL, asks=True) == ()
    assert core.connected(NOW, ALICE, asks=False) == ()
    asked = [core.on_round_timeout(Instant(at)) for at in (100, 200, 300)]
    assert [effect.to for turn in asked for effect in turn if isinstance(effect, Send)] == [
        BOB,
        CAROL,
    ]
    assert all(turn[-1] == TIMER for turn in asked)
    assert asked[2] == [TIMER], "both rounds are still going on"


def test_each_round_has_a_salt_and_a_number_of_its_own() -> None:
    core = reconciler()
    core.connected(NOW, BOB, asks=True)
    asks = [messages(core.on_round_timeout(Instant(at)))[0] for at in (0, 1_000, 2_000)]
    assert len({ask.salt for ask in asks if isinstance(ask, AskSketch)}) == 3
    numbers = [ask.round for ask in asks if isinstance(ask, AskSketch)]
    assert numbers == list(range(numbers[0], numbers[0] + 3))


def test_a_round_that_is_not_answered_is_begun_anew_and_nothing_is_lost() -> None:
    core = asked(Book(), range(1, 2))
    first = core.state.links[BOB].round_last
    (again,) = messages(core.on_round_timeout(Instant(1_000)))
    assert isinstance(again, AskSketch)
    assert (again.round, again.count) == (first + 1, 1)
    assert core.on_sketch_of(NOW, BOB, SketchOf(first, 0, b"")) == ()
    assert list(core.state.links[BOB].pending) == [name(1)]


def test_whoever_begins_anew_is_answered_whatever_number_it_counts_from() -> None:
    """After a crash a node knows of no rounds, and its peers may not have noticed."""
    pair = Pair(range(5), range(5, 10))
    pair.round()
    pair.cores[ALICE] = reconciler()
    pair.cores[ALICE].state.links.clear()
    pair.cores[ALICE].connected(NOW, BOB, asks=True)
    pair.cores[ALICE].state.links[BOB].round_last = 0
    pair.cores[BOB].add(NOW, ALICE, entries(range(20, 40)))
    pair.cores[ALICE].add(NOW, BOB, entries(range(20, 38)))
    pair.round()
    assert sorted(pair.told[BOB]) == names([*range(5, 10), 38, 39])
    assert not any(book.offences for book in pair.books.values())


def test_who_connects_again_still_gets_what_waited_for_it() -> None:
    core = asked(Book(), range(3))
    core.connected(NOW, BOB, asks=True)
    link = core.state.links[BOB]
    assert link.asked is None
    assert list(link.pending) == [name(0), name(1), name(2)]


def test_who_was_gone_for_a_moment_still_gets_what_waited_for_it() -> None:
    """Its connection has broken, say, and it has dialled anew."""
    core = asked(Book(), range(3))
    core.disconnected(BOB)
    core.connected(NOW, BOB, asks=True)
    assert list(core.state.links[BOB].pending) == [name(0), name(1), name(2)]
    core.disconnected(BOB)
    for other in range(10, 10 + GONE_MAX):
        core.connected(NOW, NodeId(other), asks=True)
        core.add(NOW, NodeId(other), entries([4]))
        core.disconnected(NodeId(other))
    assert len(core.state.gone) == GONE_MAX
    core.connected(NOW, BOB, asks=True)
    assert not core.state.links[BOB].pending, "so many are remembered, and no more"


def test_the_timer_rests_when_there_is_nobody_to_reconcile_with() -> None:
    core = reconciler()
    core.connected(NOW, BOB, asks=True)
    core.disconnected(BOB)
    assert core.on_round_timeout(NOW) == ()
    assert core.connected(NOW, BOB, asks=True) == (TIMER,)


def test_peers_that_do_not_reconcile_are_told_plainly() -> None:
    assert announced(reconciler().add(NOW, BOB, entries([1, 2]))) == [name(1), name(2)]


def test_the_oldest_are_announced_plainly_beyond_the_limit() -> None:
    local = Local()
    core = reconciler(ReconcileConfig(pending_max=3, hashes_per_announcement=1), local=local)
    core.connected(NOW, BOB, asks=True)
    assert core.add(NOW, BOB, entries([1, 2, 3])) == ()
    local.gone = {name(2)}
    told = core.add(NOW, BOB, entries([4, 5]))
    assert announced(told) == [name(1)]
    assert list(core.state.links[BOB].pending) == [name(3), name(4), name(5)]


def test_who_never_asks_is_told_plainly_in_the_end() -> None:
    """A peer that is down or lazy must not keep transactions from whoever lies behind it."""
    core = reconciler(msgspec.structs.replace(CONFIG, patience=Duration(500)))
    core.connected(NOW, BOB, asks=False)
    core.add(NOW, BOB, entries([1]))
    assert core.on_round_timeout(Instant(500)) == [TIMER]
    assert announced(core.on_round_timeout(Instant(501))) == [name(1)]
    assert core.state.counts.flushed == 1
    core.add(NOW, BOB, entries([2]))
    assert core.on_round_timeout(Instant(600)) == [TIMER]


def test_with_many_peers_a_turn_may_take_longer() -> None:
    core = reconciler(msgspec.structs.replace(CONFIG, patience=Duration(500)))
    for peer in range(1, 11):
        core.connected(NOW, NodeId(peer), asks=False)
    core.add(NOW, BOB, entries([1]))
    assert announced(core.on_round_timeout(Instant(3_000))) == []
    assert announced(core.on_round_timeout(Instant(3_001))) == [name(1)]


# --- what is on its way, and names that are shared --------------------------------------------


def test_what_is_on_its_way_already_is_not_asked_for() -> None:
    """Carol has told of it. That Bob has it too is worth knowing if Carol keeps silent."""
    pair = Pair(range(50), range(60))
    pair.locals[ALICE].heard_of = [name(55), name(3), name(70)]
    pair.round()
    assert sorted(pair.told[BOB]) == names([*range(50, 55), *range(56, 60)])
    assert pair.locals[ALICE].holders == {BOB: [name(55)]}
    assert Work(MATCHED, 3) in pair.work
    assert pair.told[ALICE] == []


def test_of_two_transactions_with_one_name_one_waits_for_another_round(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Names that are this short are shared by many; each salt lets others share."""

    def short(key: bytes, element: bytes) -> int:
        return element_name(key, element) % 97

    monkeypatch.setattr(rounds, "element_name", short)
    monkeypatch.setattr(core_module, "element_name", short)
    pair = Pair(range(100), [])
    pair.cores[BOB].add(NOW, ALICE, entries(range(500, 540)))
    kept = []
    for _ in range(60):
        pair.round()
        kept.append(pair.pending()[0])
    assert 0 < kept[0] < 100
    assert kept[-1] == 0
    # Two that only one end has, and that share a name with one of the other's, stay unseen.
    assert len(set(pair.told[ALICE])) >= 50
    assert not any(book.offences for book in pair.books.values())


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
