"""What is prepared in one view is the same everywhere."""

from consensus.trace import Prepared
from primitives.ids import Hash32, Sequence, View
from sim.checkers import PreparedOnce
from sim.checkers.prepared import PLACES_MAX
from tests.unit.sim.checker_histories import History, check_context

ONE, OTHER = Hash32(b"1" * 32), Hash32(b"2" * 32)


def prepared(*found: tuple[int, int, int, Hash32]) -> History:
    history = History()
    for node, view, sequence, digest in found:
        history.add(node, Prepared(View(view), Sequence(sequence), digest))
    return history


def test_one_block_for_each_place_is_right() -> None:
    history = prepared((0, 0, 1, ONE), (1, 0, 1, ONE), (2, 1, 1, OTHER), (3, 0, 2, OTHER))
    assert history.judge(PreparedOnce(check_context())) is None


def test_two_blocks_in_one_view_are_two_quorums_that_share_nobody() -> None:
    violation = prepared((0, 3, 7, ONE), (2, 3, 7, OTHER)).judge(PreparedOnce(check_context()))
    assert violation is not None
    assert (violation.checker, violation.node) == ("prepared", 2)
    assert "in view 3 at 7, where node 0 prepared 3131" in violation.detail


def test_a_replica_may_not_prepare_two_blocks_itself() -> None:
    assert prepared((1, 0, 1, ONE), (1, 0, 1, OTHER)).judge(PreparedOnce(check_context()))


def test_the_memory_of_places_is_bounded() -> None:
    places = [(0, 0, sequence, ONE) for sequence in range(PLACES_MAX + 1)]
    checker = PreparedOnce(check_context())
    assert prepared(*places, (1, 0, 0, OTHER)).judge(checker) is None
    assert prepared((1, 0, PLACES_MAX, OTHER)).judge(checker) is not None
