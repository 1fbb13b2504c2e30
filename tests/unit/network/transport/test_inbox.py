"""What waits for the node is taken by urgency, and from every peer; but nothing waits for ever."""

from network.messages import AnnounceBlock, AnnounceTransactions, GetStatus
from network.transport import Inbox
from primitives.ids import NodeId
from primitives.machine import Message
from tests.unit.network.transport.world import Vote

FLOODER, FRIEND = NodeId(1_000), NodeId(1)
TRANSACTIONS = AnnounceTransactions(b"", (), ())


def inbox() -> Inbox:
    return Inbox(10_000, 1 << 30, lambda _: None, lambda _: None)


def taken(box: Inbox, count: int) -> list[tuple[NodeId, Message]]:
    found = [box.take() for _ in range(count)]
    return [(each[0], each[1]) for each in found if each is not None]


def test_votes_go_before_transactions_and_these_before_what_syncs() -> None:
    box = inbox()
    for message in (GetStatus(), TRANSACTIONS, Vote(1)):
        box.put(FRIEND, message, 10)
    assert [message for _, message in taken(box, 3)] == [Vote(1), TRANSACTIONS, GetStatus()]


def test_a_flood_of_votes_does_not_keep_the_others_transactions_out() -> None:
    box = inbox()
    for number in range(1_000):
        box.put(FLOODER, Vote(number), 10)
    for message in (TRANSACTIONS, GetStatus(), AnnounceBlock(1, bytes(32))):
        box.put(FRIEND, message, 10)
    first = taken(box, 60)
    assert {type(message) for peer, message in first if peer == FRIEND} == {
        AnnounceTransactions,
        GetStatus,
        AnnounceBlock,
    }
    assert sum(peer == FLOODER for peer, _ in first[:9]) >= 8


def test_all_comes_out_once_and_each_peers_votes_in_order() -> None:
    box = inbox()
    for number in range(100):
        box.put(FLOODER, Vote(number), 10)
        box.put(FRIEND, TRANSACTIONS if number % 2 else Vote(number), 10)
    found = taken(box, 300)
    assert len(found) == 200
    assert (box.length, box.bytes) == (0, 0)
    for peer in (FLOODER, FRIEND):
        votes = [each.number for who, each in found if who == peer and isinstance(each, Vote)]
        assert votes == sorted(votes)
