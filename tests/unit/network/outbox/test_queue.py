"""What waits for a peer, beside a plain list of it; and the rules by which it is dropped."""

import pytest
from hypothesis import given, settings, strategies as st

from network.outbox import (
    CLASS_LIMITS,
    ClassLimits,
    Drop,
    DropRule,
    Outbox,
    OutboxConfig,
    PeerQueue,
    Priority,
)
from primitives.errors import InvalidInput
from primitives.ids import NodeId

ALICE = NodeId(1)
RULES = {
    Priority.CONSENSUS: ClassLimits(4, 40, DropRule.DISCONNECT),
    Priority.BLOCK: ClassLimits(3, 50, DropRule.OLDEST),
    Priority.TRANSACTION: ClassLimits(4, 30, DropRule.NEWEST),
    Priority.SYNC: ClassLimits(2, 60, DropRule.NEWEST),
}
CONFIG = OutboxConfig(RULES, bytes_max=80)

Entry = tuple[Priority, int, int]
"""Class, name and size."""


class Twin:
    """One list of everything that waits, in the order in which it came."""

    def __init__(self) -> None:
        self.waiting: list[Entry] = []
        self.dropped: dict[Priority, int] = dict.fromkeys(Priority, 0)

    def of(self, priority: Priority) -> list[Entry]:
        return [entry for entry in self.waiting if entry[0] is priority]

    def bytes(self, entries: list[Entry]) -> int:
        return sum(size for _, _, size in entries)

    def lose(self, entry: Entry) -> None:
        self.waiting.remove(entry)
        self.dropped[entry[0]] += 1

    def push(self, entry: Entry) -> Drop:
        before, dropped = list(self.waiting), dict(self.dropped)
        if self.fits(entry):
            self.waiting.append(entry)
            return Drop.NO
        self.waiting, self.dropped = before, dropped
        self.dropped[entry[0]] += 1
        return Drop.PEER if RULES[entry[0]].rule is DropRule.DISCONNECT else Drop.MESSAGE

    def fits(self, entry: Entry) -> bool:
        """Make room by the rules; False when there is none to be made."""
        priority, _, size = entry
        limits = RULES[priority]
        while (own := self.of(priority)) and (
            len(own) >= limits.messages_max or self.bytes(own) + size > limits.bytes_max
        ):
            if limits.rule is not DropRule.OLDEST:
                return False
            self.lose(own[0])
        if size > limits.bytes_max:
            return False
        while self.bytes(self.waiting) + size > CONFIG.bytes_max:
            lower = [other for other in self.waiting if other[0] > priority]
            if not lower and limits.rule is DropRule.OLDEST:
                lower = self.of(priority)
            if not lower:
                return False
            least = max(other[0] for other in lower)
            self.lose(next(other for other in lower if other[0] is least))
        return True

    def take(self, bytes_max: int) -> list[Entry]:
        taken: list[Entry] = []
        for entry in sorted(self.waiting, key=lambda entry: entry[0]):
            if taken and self.bytes([*taken, entry]) > bytes_max:
                break
            taken.append(entry)
        self.waiting = [entry for entry in self.waiting if entry not in taken]
        return taken


STEPS = st.one_of(
    st.integers(0, 60), st.tuples(st.sampled_from(list(Priority)), st.integers(1, 62))
)


@settings(max_examples=300)
@given(st.lists(STEPS, max_size=50))
def test_the_queue_does_what_the_twin_does(steps: list[int | tuple[Priority, int]]) -> None:
    queue, twin = PeerQueue[Entry](CONFIG), Twin()
    for name, step in enumerate(steps):
        if isinstance(step, int):
            assert queue.take(step) == twin.take(step)
        else:
            entry = (step[0], name, step[1])
            assert queue.push(step[0], entry, step[1]) is twin.push(entry)
        assert queue.bytes_held == twin.bytes(twin.waiting) <= CONFIG.bytes_max
        assert len(queue) == len(twin.waiting)
        for priority in Priority:
            own = twin.of(priority)
            assert queue.depth(priority) == (len(own), twin.bytes(own))
            assert queue.statistics(priority).dropped == twin.dropped[priority]


def test_consensus_goes_before_blocks_before_transactions_before_sync() -> None:
    queue = PeerQueue[str](OutboxConfig())
    for priority in (Priority.SYNC, Priority.BLOCK, Priority.TRANSACTION, Priority.CONSENSUS):
        queue.push(priority, f"{priority.name} 1", 10)
        queue.push(priority, f"{priority.name} 2", 10)
    assert queue.take(45) == ["CONSENSUS 1", "CONSENSUS 2", "BLOCK 1", "BLOCK 2"]
    assert queue.take(1) == ["TRANSACTION 1"]
    assert queue.take(0) == ["TRANSACTION 2"]
    assert queue.take(1_000) == ["SYNC 1", "SYNC 2"]
    assert queue.take(1_000) == []


def test_what_is_larger_than_all_room_drops_nothing_else() -> None:
    queue = PeerQueue[str](CONFIG)
    queue.push(Priority.BLOCK, "old", 50)
    assert queue.push(Priority.BLOCK, "huge", 51) is Drop.MESSAGE
    assert queue.take(100) == ["old"]


def test_nor_does_what_fits_its_class_and_not_the_whole() -> None:
    classes = {**RULES, Priority.BLOCK: ClassLimits(3, 100, DropRule.OLDEST)}
    queue = PeerQueue[str](OutboxConfig(classes, bytes_max=80))
    queue.push(Priority.BLOCK, "old", 30)
    assert queue.push(Priority.BLOCK, "huge", 90) is Drop.MESSAGE
    assert queue.take(100) == ["old"]


def test_nor_does_what_only_more_urgent_messages_could_make_room_for() -> None:
    queue = PeerQueue[str](CONFIG)
    queue.push(Priority.CONSENSUS, "vote", 31)
    queue.push(Priority.BLOCK, "old", 1)
    assert queue.push(Priority.BLOCK, "new", 50) is Drop.MESSAGE
    assert queue.take(100) == ["vote", "old"]


def test_less_urgent_messages_make_room_and_more_urgent_ones_do_not() -> None:
    queue = PeerQueue[str](CONFIG)
    queue.push(Priority.SYNC, "sync", 60)
    assert queue.push(Priority.CONSENSUS, "vote", 40) is Drop.NO
    assert queue.depth(Priority.SYNC) == (0, 0)
    assert queue.statistics(Priority.SYNC).dropped_bytes == 60
    assert queue.push(Priority.SYNC, "sync", 41) is Drop.MESSAGE
    assert queue.take(100) == ["vote"]


def test_a_peer_that_does_not_take_votes_is_to_be_dropped() -> None:
    outbox = Outbox[int](CONFIG)
    outbox.connected(ALICE)
    pushed = [outbox.push(ALICE, Priority.CONSENSUS, number, 1) for number in range(5)]
    assert pushed == [Drop.NO] * 4 + [Drop.PEER]
    assert outbox.take(ALICE, 2) == [0, 1]


def test_a_slow_peer_takes_no_room_from_others() -> None:
    outbox = Outbox[str](CONFIG)
    bob = NodeId(2)
    outbox.connected(ALICE)
    outbox.connected(bob)
    while outbox.push(ALICE, Priority.TRANSACTION, "announcement", 10) is Drop.NO:
        pass
    assert outbox.push(bob, Priority.TRANSACTION, "announcement", 10) is Drop.NO
    queue = outbox.queue(ALICE)
    assert queue is not None
    assert queue.bytes_held == 30


def test_for_a_peer_that_is_not_connected_nothing_waits() -> None:
    outbox = Outbox[str](CONFIG)
    assert outbox.push(ALICE, Priority.CONSENSUS, "vote", 1) is Drop.MESSAGE
    outbox.connected(ALICE)
    outbox.push(ALICE, Priority.CONSENSUS, "vote", 1)
    outbox.disconnected(ALICE)
    assert outbox.take(ALICE, 100) == []
    outbox.connected(ALICE)
    assert outbox.take(ALICE, 100) == []
    assert outbox.queue(NodeId(5)) is None


def test_every_class_needs_limits() -> None:
    with pytest.raises(InvalidInput, match="SYNC"):
        OutboxConfig({priority: CLASS_LIMITS[priority] for priority in list(Priority)[:3]})
