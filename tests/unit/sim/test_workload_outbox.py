"""Where transactions go, and how clients insist on those that do not commit."""

from primitives.ids import Duration, Hash32, Instant, NodeId
from sim.workload.outbox import Flight, Outbox
from tests.unit.sim.workload_worlds import SECOND, View

A, B = Hash32(b"a" * 32), Hash32(b"b" * 32)


def outbox(resend_after: float = 5) -> Outbox:
    nodes = [NodeId(10), NodeId(11), NodeId(12)]
    return Outbox(nodes, Duration(round(resend_after * SECOND)))


def s(seconds: float) -> Instant:
    return Instant(round(seconds * SECOND))


def flight(account: int) -> Flight:
    return Flight(b"raw%d" % account, account, account)


def test_an_account_has_one_home_node():
    box, view = outbox(), View()
    homes = [box.send(s(1), bytes([k]) * 32, flight(k), view).node for k in range(6)]  # type: ignore[arg-type]
    assert homes == [10, 11, 12, 10, 11, 12]


def test_crashed_home_is_skipped_and_used_again_once_it_is_up():
    box, view = outbox(), View()
    view.down = [NodeId(11), NodeId(12)]
    assert box.send(s(1), A, flight(1), view).node == 10
    view.down = []
    assert box.send(s(2), B, flight(1), view).node == 11


def test_when_all_are_down_the_home_is_tried():
    box, view = outbox(), View()
    view.down = [NodeId(10), NodeId(11), NodeId(12)]
    assert box.send(s(1), A, flight(2), view).node == 12


def test_repetitions_move_on_and_wait_twice_as_long_each_time():
    box, view = outbox(), View()
    box.send(s(1), A, flight(0), view)
    seen = []
    for _ in range(4):
        at = box.next_at()
        again = box.resend(view)
        assert again.raw == b"raw0"
        assert at == again.at_ns
        seen.append((again.at_ns // SECOND, again.node))
    assert seen == [(6, 11), (16, 12), (36, 10), (76, 11)]


def test_what_has_committed_is_not_repeated():
    box, view = outbox(), View()
    box.send(s(1), A, flight(0), view)
    box.send(s(2), B, flight(1), view)
    assert [each.account for each in box.settle([A])] == [0]
    assert box.next_at() == s(7)
    assert box.in_flight == 1
    assert [each.account for each in box.settle([A, B, B])] == [1]
    assert box.next_at() is None
    assert box.in_flight == 0


def test_unknown_hashes_are_nobodys():
    assert outbox().settle([A, B]) == []


def test_without_patience_nothing_is_repeated():
    box = outbox(resend_after=0)
    box.send(s(1), A, flight(0), View())
    assert box.next_at() is None
    assert box.in_flight == 1
