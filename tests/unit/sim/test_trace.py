"""The trace: what its digest covers, whom it tells and in which order, what it counts."""

import hashlib

import msgspec

from primitives.machine import TraceEvent
from sim.trace import Delivery, Observation, Trace, Traffic


class Rose(TraceEvent, frozen=True, gc=False):
    name = "test.rose"

    height: int
    color: str = "red"


class Fell(TraceEvent, frozen=True, gc=False):
    """Has the fields of `Rose`, and another name."""

    name = "test.fell"

    height: int
    color: str = "red"


def digest(*records: tuple[int, int, TraceEvent]) -> str:
    trace = Trace()
    for at_ns, node, event in records:
        trace.event(at_ns, node, event)
    return trace.digest()


def test_the_digest_covers_time_node_name_and_every_field() -> None:
    digests = [
        digest((5, 1, Rose(7))),
        digest((6, 1, Rose(7))),
        digest((5, 2, Rose(7))),
        digest((5, -1, Rose(7))),
        digest((5, 1, Fell(7))),
        digest((5, 1, Rose(8))),
        digest((5, 1, Rose(7, "white"))),
    ]
    assert len(set(digests)) == len(digests)
    assert digest((5, 1, Rose(7, "red"))) == digests[0]


def test_the_digest_covers_order_and_number() -> None:
    one, other = (5, 1, Rose(7)), (5, 2, Fell(7))
    digests = [digest(), digest(one), digest(one, one), digest(one, other), digest(other, one)]
    assert len(set(digests)) == len(digests)


def test_the_digest_is_that_of_the_encoded_records() -> None:
    encoded = [
        msgspec.msgpack.encode((5, 1, "test.rose", {"height": 7, "color": "red"})),
        msgspec.msgpack.encode((9, -1, "test.fell", {"height": 8, "color": "blue"})),
    ]
    expected = hashlib.blake2b(b"".join(encoded), digest_size=16).hexdigest()
    assert digest((5, 1, Rose(7)), (9, -1, Fell(8, "blue"))) == expected


def test_traffic_deliveries_and_consumers_leave_the_digest_alone() -> None:
    trace = Trace()
    trace.subscribe(lambda _: None, lambda _: None, lambda _: None)
    trace.sent(1, 0, "Prepare", 3, 100)
    trace.delivered(2, 0, 1, "Prepare")
    trace.event(5, 1, Rose(7))
    assert trace.digest() == digest((5, 1, Rose(7)))


def test_consumers_are_told_in_the_order_of_their_subscription() -> None:
    trace, heard = Trace(), list[tuple[str, object]]()
    trace.subscribe(events=lambda seen: heard.append(("first", seen)))
    trace.event(5, 1, Rose(7))
    trace.subscribe(events=lambda seen: heard.append(("second", seen)))
    trace.event(6, -1, Fell(8))
    earlier, later = Observation(5, 1, Rose(7)), Observation(6, -1, Fell(8))
    assert heard == [("first", earlier), ("first", later), ("second", later)]


def test_a_consumer_hears_of_nothing_that_it_did_not_ask_for() -> None:
    trace, events, traffic, deliveries = Trace(), list[object](), list[object](), list[object]()
    trace.subscribe(events=events.append)
    trace.subscribe(traffic=traffic.append)
    trace.subscribe(deliveries=deliveries.append)
    trace.event(1, 0, Rose(7))
    trace.sent(2, 3, "Prepare", 4, 100)
    trace.delivered(3, 3, 1, "Prepare")
    assert events == [Observation(1, 0, Rose(7))]
    assert traffic == [Traffic(2, 3, "Prepare", 4, 400)]
    assert deliveries == [Delivery(3, 3, 1, "Prepare")]


def test_only_a_consumer_of_deliveries_makes_them_wanted() -> None:
    trace = Trace()
    trace.subscribe(events=lambda _: None, traffic=lambda _: None)
    assert not trace.wants_deliveries
    trace.subscribe(deliveries=lambda _: None)
    assert trace.wants_deliveries


def test_messages_and_bytes_count_every_copy_though_nobody_listens() -> None:
    trace = Trace()
    assert (trace.messages, trace.bytes) == (0, 0)
    trace.sent(1, 0, "Prepare", 3, 100)
    trace.sent(2, 1, "Commit", 1, 7)
    trace.sent(3, 1, "Commit", 0, 7)
    trace.delivered(3, 0, 1, "Prepare")
    assert (trace.messages, trace.bytes) == (4, 307)
