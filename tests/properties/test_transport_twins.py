"""The transport's queues and buckets, each beside a twin that does it the long way."""

from collections.abc import Sequence
from fractions import Fraction

from hypothesis import given, strategies as st

from network.messages import GetBlocks, GetStatus
from network.outbox import Bound, DropRule, Outbox, OutboxConfig, Put, Traffic, traffic_of
from network.transport.bucket import TokenBucket
from network.transport.inbox import Arrival, Inbox
from primitives.ids import Duration, Instant, NodeId
from primitives.machine import Message
from tests.unit.network.transport.world import Vote

SECOND = 1_000_000_000
HOLD = Duration(50)
Waiting = tuple[Traffic, int, int, int]
"""(class, number, size, since)"""


class NaiveOutbox:
    """One list in order of arrival."""

    def __init__(self, config: OutboxConfig) -> None:
        self.bounds, self.bytes_max = config.bounds, config.bytes_max
        self.waiting: list[Waiting] = []
        self.dropped = 0

    def of(self, traffic: Traffic) -> list[Waiting]:
        return [each for each in self.waiting if each[0] is traffic]

    def put(self, traffic: Traffic, number: int, size: int, now: int) -> Put:
        before = list(self.waiting)
        if not self.make_room(traffic, size):
            self.waiting = before
            self.dropped += 1
            is_fatal = self.bounds[traffic].rule is DropRule.PEER
            return Put.OVERFLOW if is_fatal else Put.DROPPED
        lost = len(before) - len(self.waiting)
        self.dropped += lost
        self.waiting.append((traffic, number, size, now))
        return Put.DISPLACED if lost else Put.KEPT

    def make_room(self, traffic: Traffic, size: int) -> bool:
        """First in its class, then among all, from the least urgent upwards."""
        bound = self.bounds[traffic]
        is_news = bound.rule is DropRule.OLDEST
        while (own := self.of(traffic)) and (
            len(own) + 1 > bound.messages or sum(each[2] for each in own) + size > bound.bytes
        ):
            if not is_news:
                return False
            self.waiting.remove(own[0])
        while self.waiting and sum(each[2] for each in self.waiting) + size > self.bytes_max:
            lower = [each for each in self.waiting if each[0] > traffic - is_news]
            if not lower:
                return False
            least = max(each[0] for each in lower)
            self.waiting.remove(next(each for each in lower if each[0] is least))
        return True

    def expire(self, now: int) -> None:
        fresh = [
            each
            for each in self.waiting
            if now - each[3] <= HOLD or self.bounds[each[0]].rule is DropRule.PEER
        ]
        self.dropped += len(self.waiting) - len(fresh)
        self.waiting = fresh

    def take(self, size_max: int) -> list[int]:
        ordered = sorted(self.waiting, key=lambda each: each[0])  # stable
        taken: list[Waiting] = []
        for each in ordered:
            total = sum(other[2] for other in taken)
            if taken and (total + each[2] > size_max or total >= size_max):
                break
            taken.append(each)
        for each in taken:
            self.waiting.remove(each)
        return [each[1] for each in taken]


BOUNDS = st.builds(Bound, st.integers(1, 5), st.integers(1, 60), st.sampled_from(DropRule))
PUTS = st.tuples(st.sampled_from(Traffic), st.integers(1, 30), st.integers(0, 20))
TAKES = st.tuples(st.none(), st.integers(1, 80), st.integers(0, 20))


@given(
    bounds=st.tuples(BOUNDS, BOUNDS, BOUNDS, BOUNDS),
    bytes_max=st.integers(1, 120),
    steps=st.lists(st.one_of(PUTS, PUTS, TAKES), max_size=60),
)
def test_an_outbox_keeps_takes_and_drops_what_a_plain_list_does(
    bounds: Sequence[Bound], bytes_max: int, steps: Sequence[tuple[Traffic | None, int, int]]
) -> None:
    config = OutboxConfig(dict(zip(Traffic, bounds, strict=True)), bytes_max, HOLD)
    dropped = [0] * len(Traffic)
    outbox = Outbox[int](config, dropped)
    twin = NaiveOutbox(config)
    now = 0
    for number, (traffic, size, passed) in enumerate(steps):
        now += passed
        outbox.expire(Instant(now))
        twin.expire(now)
        if traffic is None:
            assert outbox.take(size, Instant(now)) == twin.take(size)
        else:
            assert outbox.put(traffic, number, size, Instant(now)) is twin.put(
                traffic, number, size, now
            )
        assert outbox.length == len(twin.waiting)
        assert outbox.bytes == sum(each[2] for each in twin.waiting)
        for each in Traffic:
            own = twin.of(each)
            assert outbox.depth(each) == (len(own), sum(waiting[2] for waiting in own))
        assert sum(dropped) == twin.dropped


@given(
    rate=st.integers(1, 1_000),
    burst=st.integers(1, 1_000),
    steps=st.lists(st.tuples(st.integers(0, 5 * SECOND), st.integers(0, 3_000), st.booleans())),
)
def test_a_bucket_holds_what_fractions_say(
    rate: int, burst: int, steps: Sequence[tuple[int, int, bool]]
) -> None:
    bucket = TokenBucket(rate, burst, Instant(0))
    tokens, now = Fraction(burst), 0
    for passed, taken, only_if_there in steps:
        now += passed
        tokens = min(Fraction(burst), tokens + Fraction(passed * rate, SECOND))
        if only_if_there:
            fits = tokens >= taken
            assert bucket.try_take(Instant(now), taken) is fits
            tokens -= taken if fits else 0
        else:
            debt = bucket.take(Instant(now), taken)
            tokens -= taken
            # After the debt there is something to take, and a nanosecond earlier there was not.
            assert tokens + Fraction(debt * rate, SECOND) >= 0
            assert debt == 0 or tokens + Fraction((debt - 1) * rate, SECOND) < 0
    assert bucket.is_full(Instant(now)) is (tokens == burst)


MESSAGES: tuple[Message, ...] = (Vote(1), GetBlocks(1, 1, 1), GetStatus())
ARRIVALS = st.tuples(st.integers(0, 3), st.sampled_from(MESSAGES), st.integers(1, 40))


def has_any(waiting: Sequence[Arrival], node: NodeId, traffic: Traffic) -> bool:
    return any(peer == node and traffic_of(said) is traffic for peer, said, _ in waiting)


@given(
    steps=st.lists(st.one_of(ARRIVALS, st.none()), max_size=80),
    messages_max=st.integers(1, 6),
    bytes_max=st.integers(1, 100),
)
def test_an_inbox_gives_all_that_it_gets_the_urgent_first_and_pauses_who_has_filled_his_share(
    steps: Sequence[tuple[int, Message, int] | None], messages_max: int, bytes_max: int
) -> None:
    paused: dict[NodeId, bool] = {}
    inbox = Inbox(
        messages_max,
        bytes_max,
        lambda node: paused.update({node: True}),
        lambda node: paused.update({node: False}),
    )
    waiting: list[tuple[NodeId, Message, int]] = []
    turns: dict[Traffic, list[NodeId]] = {traffic: [] for traffic in Traffic}
    for step in [*steps, *[None] * len(steps)]:
        if step is None:
            taken = inbox.take()
            assert (taken is None) is (not waiting)
            if taken is None:
                continue
            traffic = traffic_of(taken[1])
            assert traffic is min(traffic_of(each[1]) for each in waiting)
            own = [each for each in waiting if each[0] == taken[0]]
            assert taken == next(each for each in own if traffic_of(each[1]) is traffic)
            assert turns[traffic].pop(0) == taken[0]
            waiting.remove(taken)
            if has_any(waiting, taken[0], traffic):
                turns[traffic].append(taken[0])
        else:
            node, message, size = NodeId(step[0]), step[1], step[2]
            inbox.put(node, message, size)
            traffic = traffic_of(message)
            if not has_any(waiting, node, traffic):
                turns[traffic].append(node)
            waiting.append((node, message, size))
        assert (inbox.length, inbox.bytes) == (len(waiting), sum(each[2] for each in waiting))
        for node in [NodeId(each) for each in range(4)]:
            own = [each for each in waiting if each[0] == node]
            full = len(own) >= messages_max or sum(each[2] for each in own) >= bytes_max
            empty = 2 * len(own) <= messages_max and 2 * sum(each[2] for each in own) <= bytes_max
            assert paused.get(node, False) or not full
            assert not paused.get(node, False) or not empty
