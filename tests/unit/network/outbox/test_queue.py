"""What waits for a peer: the order in which it leaves, and the rules by which it is dropped.

`tests/properties/test_transport_twins.py` holds the queue beside a plain list.
"""

import pytest

from network.outbox import BOUNDS, Bound, DropRule, Outbox, OutboxConfig, Put, Traffic
from primitives.errors import InvalidInput
from primitives.ids import Duration, Instant

RULES = {
    Traffic.CONSENSUS: Bound(4, 40, DropRule.PEER),
    Traffic.BLOCKS: Bound(3, 50, DropRule.OLDEST),
    Traffic.TRANSACTIONS: Bound(4, 30, DropRule.NEWEST),
    Traffic.SYNC: Bound(2, 60, DropRule.NEWEST),
}
CONFIG = OutboxConfig(RULES, bytes_max=80, hold=Duration(50))
NOW = Instant(0)


class Rig:
    """An outbox and what it counts."""

    def __init__(self, config: OutboxConfig = CONFIG) -> None:
        self.dropped = [0] * len(Traffic)
        self.outbox = Outbox[str](config, self.dropped)

    def put(self, traffic: Traffic, item: str, size: int) -> Put:
        return self.outbox.put(traffic, item, size, NOW)

    def take(self, size: int) -> list[str]:
        return self.outbox.take(size, NOW)


def test_consensus_goes_before_blocks_before_transactions_before_sync() -> None:
    rig = Rig(OutboxConfig())
    for traffic in (Traffic.SYNC, Traffic.BLOCKS, Traffic.TRANSACTIONS, Traffic.CONSENSUS):
        rig.put(traffic, f"{traffic.name} 1", 10)
        rig.put(traffic, f"{traffic.name} 2", 10)
    assert rig.take(45) == ["CONSENSUS 1", "CONSENSUS 2", "BLOCKS 1", "BLOCKS 2"]
    assert rig.take(1) == ["TRANSACTIONS 1"]
    assert rig.take(1) == ["TRANSACTIONS 2"]
    assert rig.take(1_000) == ["SYNC 1", "SYNC 2"]
    assert rig.take(1_000) == []


def test_a_newer_block_takes_the_place_of_the_oldest_one() -> None:
    rig = Rig()
    assert [rig.put(Traffic.BLOCKS, str(n), 10) for n in range(4)] == [Put.KEPT] * 3 + [
        Put.DISPLACED
    ]
    assert rig.dropped[Traffic.BLOCKS] == 1
    assert rig.take(100) == ["1", "2", "3"]


def test_an_answer_that_finds_no_room_is_dropped() -> None:
    rig = Rig()
    assert rig.put(Traffic.SYNC, "first", 60) is Put.KEPT
    assert rig.put(Traffic.SYNC, "second", 1) is Put.DROPPED
    assert rig.dropped[Traffic.SYNC] == 1
    assert rig.take(100) == ["first"]


def test_less_urgent_messages_make_room_and_more_urgent_ones_do_not() -> None:
    rig = Rig()
    rig.put(Traffic.SYNC, "sync", 60)
    assert rig.put(Traffic.CONSENSUS, "vote", 40) is Put.DISPLACED
    assert rig.outbox.depth(Traffic.SYNC) == (0, 0)
    assert rig.put(Traffic.SYNC, "sync", 41) is Put.DROPPED
    assert rig.dropped[Traffic.SYNC] == 2
    assert rig.take(100) == ["vote"]


def test_what_is_not_taken_after_all_drops_nothing() -> None:
    rig = Rig()
    rig.put(Traffic.CONSENSUS, "vote", 31)
    rig.put(Traffic.BLOCKS, "old", 1)
    assert rig.put(Traffic.BLOCKS, "new", 50) is Put.DROPPED
    assert rig.take(100) == ["vote", "old"]


def test_a_message_longer_than_every_bound_goes_if_nothing_else_waits() -> None:
    rig = Rig()
    assert rig.put(Traffic.BLOCKS, "huge", 1_000) is not Put.DROPPED
    assert rig.take(10) == ["huge"]
    rig.put(Traffic.CONSENSUS, "vote", 1)
    assert rig.put(Traffic.BLOCKS, "huge", 1_000) is Put.DROPPED


def test_a_peer_that_does_not_take_votes_is_to_be_dropped() -> None:
    rig = Rig()
    outcomes = [rig.put(Traffic.CONSENSUS, str(number), 1) for number in range(5)]
    assert outcomes == [Put.KEPT] * 4 + [Put.OVERFLOW]
    assert rig.take(2) == ["0", "1"]


def test_what_has_waited_too_long_does_not_leave() -> None:
    rig = Rig()
    rig.put(Traffic.BLOCKS, "old", 1)
    assert rig.outbox.take(100, Instant(51)) == []
    assert rig.dropped[Traffic.BLOCKS] == 1
    assert rig.outbox.bytes == 0


def test_votes_grow_old_only_for_a_peer_that_is_not_connected() -> None:
    """On a connection they go, or cost it: nobody says them again."""
    rig = Rig()
    rig.put(Traffic.CONSENSUS, "vote", 1)
    rig.outbox.expire(Instant(51), linked=True)
    assert rig.outbox.take(100, Instant(51)) == ["vote"]
    rig.put(Traffic.CONSENSUS, "vote", 1)
    rig.outbox.expire(Instant(51), linked=False)
    assert rig.outbox.take(100, Instant(51)) == []
    assert rig.dropped[Traffic.CONSENSUS] == 1


def test_every_class_needs_a_bound() -> None:
    with pytest.raises(InvalidInput, match="SYNC"):
        OutboxConfig({traffic: BOUNDS[traffic] for traffic in list(Traffic)[:3]})
