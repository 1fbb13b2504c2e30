"""The small parts around a driver: clock, queue, hub, known validators."""

from itertools import pairwise

import pytest

from node.runtime.clock import SLOWED, ChainClock
from node.runtime.hub import EventHub
from node.runtime.queues import BoundedQueue
from node.runtime.validators import KnownValidators
from node.trace import TransactionSubmitted
from primitives.committee import Committee, Member
from primitives.ids import Instant, NodeId
from primitives.machine import TraceEvent
from tests.unit.node.harness import validator_key


def test_the_clock_counts_from_genesis_and_never_goes_back() -> None:
    wall, monotonic = 90 * 10**9, 5
    clock = ChainClock(100, lambda: wall, lambda: monotonic)
    assert clock.now() == 0, "the chain has not begun"
    monotonic += 10**9
    assert clock.now() == 0, "for no node of it"
    wall = 102 * 10**9 + 7
    assert clock.now() == 2 * 10**9 + 7
    wall -= 10**9
    assert clock.now() == 2 * 10**9 + 7
    wall += 2 * 10**9
    assert clock.now() == 3 * 10**9 + 7


def test_a_clock_that_was_set_back_goes_on_and_is_caught_up_with() -> None:
    """What was asked for is late some time, however far the machine's clock is behind."""
    wall, monotonic = 100 * 10**9, 0
    clock = ChainClock(0, lambda: wall, lambda: monotonic)
    told = [clock.now()]
    wall -= 20 * 10**9
    for _ in range(60):
        told.append(clock.now())
        wall += 10**9
        monotonic += 10**9
    steps = [later - earlier for earlier, later in pairwise(told)]
    assert steps[0] == 0
    assert set(steps[1:41]) == {10**9 // SLOWED}
    assert set(steps[42:]) == {10**9}
    assert told[-1] == wall - 10**9
    wall -= 5 * 10**9
    assert clock.now() == told[-1]
    monotonic += 10**9
    assert clock.now() == told[-1] + 10**9 // SLOWED


def test_a_full_queue_turns_away_and_counts() -> None:
    queue: BoundedQueue[int] = BoundedQueue(2)
    assert [queue.put(number) for number in (1, 2, 3)] == [True, True, False]
    assert (queue.take(), len(queue), queue.peak, queue.drops) == (1, 1, 2, 1)
    assert queue.put(4)
    assert [queue.take(), queue.take(), queue.take()] == [2, 4, None]


class Heard:
    def __init__(self, *, raises: bool = False) -> None:
        self.seen: list[object] = []
        self.raises = raises

    def event(self, at: Instant, event: TraceEvent) -> None:
        self._note(at, event)

    def sent(self, at: Instant, kind: str, count: int, size: int) -> None:
        self._note(at, kind, count, size)

    def stored(self, at: Instant, size: int, wait_ns: int) -> None:
        self._note(at, size, wait_ns)

    def _note(self, *what: object) -> None:
        if self.raises:
            raise RuntimeError("a broken sink")
        self.seen.append(what)


def publish(hub: EventHub, what: str) -> None:
    if what == "event":
        hub.event(Instant(1), TransactionSubmitted(b"h"))
    elif what == "sent":
        hub.sent(Instant(1), "Prepare", 3, 468)
    else:
        hub.stored(Instant(1), 10, 20)


def test_the_hub_tells_all_until_they_have_had_enough() -> None:
    hub, first, second = EventHub(lambda sink, error: None), Heard(), Heard()
    end = hub.subscribe(first)
    hub.subscribe(second)
    for what in ("event", "sent", "stored"):
        publish(hub, what)
    assert (
        first.seen
        == second.seen
        == [
            (1, TransactionSubmitted(b"h")),
            (1, "Prepare", 3, 468),
            (1, 10, 20),
        ]
    )
    end()
    end()
    publish(hub, "sent")
    assert (len(first.seen), len(second.seen)) == (3, 4)


@pytest.mark.parametrize("what", ["event", "sent", "stored"])
def test_a_sink_that_raises_is_let_go_and_the_others_hear_on(what: str) -> None:
    broken: list[tuple[object, str]] = []
    hub = EventHub(lambda sink, error: broken.append((sink, str(error))))
    bad, good = Heard(raises=True), Heard()
    hub.subscribe(bad)
    hub.subscribe(good)
    publish(hub, what)
    publish(hub, what)
    assert broken == [(bad, "a broken sink")]
    assert len(good.seen) == 2


def test_known_validators_grow_and_keep_the_first_key() -> None:
    keys = [validator_key(number).public_key for number in range(4)]
    known = KnownValidators(Committee.of_keys(keys[:2]))
    assert dict(known) == {0: keys[0], 1: keys[1]}
    known.learn(Committee((Member(NodeId(1), keys[3]), Member(NodeId(5), keys[2]))))
    assert dict(known) == {0: keys[0], 1: keys[1], 5: keys[2]}
    assert known.get(NodeId(9)) is None
    assert len(known) == 3
