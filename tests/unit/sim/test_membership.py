"""Whom a broadcast to a committee reaches, as nodes make it known."""

import msgspec
import pytest

from node.trace import BlockCommitted
from primitives.committee import Committee
from primitives.epoch import Epoch
from primitives.ids import Hash32, Instant
from sim.membership import Membership
from sim.trace import Observation

DIGEST = Hash32(b"c" * 32)
OTHER = Hash32(b"o" * 32)
KEYS = [bytes([number]) * 32 for number in range(6)]


class Known(msgspec.Struct):
    """A closing block, as far as membership looks at it."""

    epoch: Epoch
    closing: bool = True


class Index:
    """Two closing blocks that contradict one another."""

    def __init__(self) -> None:
        first, second = (Committee.of_keys(KEYS[:size]) for size in (5, 6))
        self._known = {
            DIGEST: Known(Epoch(1, first, first)),
            OTHER: Known(Epoch(1, second, second)),
        }

    def block(self, digest: Hash32) -> Known:
        return self._known[digest]


def committed(node: int, digest: Hash32) -> Observation:
    return Observation(Instant(1), node, BlockCommitted(64, digest, digest, 0, 0, 0, 0))


def membership() -> Membership:
    first = Committee.of_keys(KEYS[:4])
    return Membership(first, ((1,), (0,), (), ()), Index(), liars=(3,))  # type: ignore[arg-type]


def test_a_committee_is_nobody_before_its_closing_block_is_final() -> None:
    members = membership()
    assert members("committee", 1) == [0, 2, 3]
    assert members("neighbours", 1) == (0,)
    assert members.seen_by_liar("committee/1", 1) == ()
    with pytest.raises(KeyError, match="committee/1"):
        members("committee/1", 1)


def test_a_liar_may_be_the_first_to_enter_an_epoch() -> None:
    members = membership()
    members.watch(committed(3, DIGEST))
    assert members("committee/1", 3) == [0, 1, 2, 4]


def test_an_honest_node_has_the_last_word() -> None:
    members = membership()
    members.watch(committed(3, OTHER))
    members.watch(committed(0, DIGEST))
    members.watch(committed(3, OTHER))
    assert members("committee/1", 0) == [1, 2, 3, 4]


def test_a_block_that_nobody_has_executed_says_nothing() -> None:
    members = membership()
    members.watch(committed(3, Hash32(b"?" * 32)))
    assert members.seen_by_liar("committee/1", 1) == ()
