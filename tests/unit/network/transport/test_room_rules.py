"""Who gets room and who waits, by a clock that stands; without a socket."""

from network.outbox import Traffic
from network.transport import RoomLimits
from network.transport.room import Claim, Rooms
from primitives.ids import Duration, Instant, NodeId

LIMIT = 8_000
GUESTS = 8
SHARE = LIMIT // 2 // GUESTS
PATIENCE = Duration(100)


class House:
    """Rooms whose time and callers a test has in its hand."""

    def __init__(self) -> None:
        self.now = Instant(0)
        self.served: list[int] = []
        limits = RoomLimits(LIMIT, LIMIT)
        self.rooms = Rooms(limits, lambda: GUESTS, GUESTS, lambda: self.now)

    def enter(self, node: int) -> Claim:
        return self.rooms.enter(NodeId(node), lambda: self.served.append(node), is_guest=True)

    def begin(self, node: int, size: int, traffic: Traffic = Traffic.SYNC) -> tuple[Claim, bool]:
        """Begin a message of a new peer; return whether there was room."""
        claim = self.enter(node)
        return claim, self.rooms.ask(claim, size, traffic)


def test_peers_that_keep_to_their_shares_take_nothing_of_what_is_common() -> None:
    house = House()
    for node in range(1, GUESTS):
        assert house.begin(node, SHARE)[1]
    assert house.begin(0, SHARE + 3 * LIMIT // 8)[1]


def test_of_what_is_common_others_leave_the_last_quarter_to_votes_and_proposals() -> None:
    house = House()
    assert house.begin(0, SHARE + 3 * LIMIT // 8)[1]
    assert not house.begin(1, SHARE + 1)[1]
    assert house.begin(2, SHARE + LIMIT // 8, Traffic.CONSENSUS)[1]
    assert not house.begin(3, SHARE + 1, Traffic.CONSENSUS)[1]
    for node in range(4, GUESTS):
        assert house.begin(node, SHARE)[1]


def test_what_is_kept_of_peers_that_are_gone_is_in_nobodys_share() -> None:
    house = House()
    for node in range(3 * GUESTS):
        claim, _ = house.begin(100 + node, 0)
        house.rooms.hold(NodeId(100 + node), SHARE // 2)
        house.rooms.leave(claim)
    assert house.rooms.used[1] == 3 * LIMIT // 4
    assert not house.begin(0, SHARE + 1)[1]
    assert house.begin(1, SHARE)[1]
    assert house.begin(2, SHARE)[1]
    for node in range(3 * GUESTS):
        house.rooms.hold(NodeId(100 + node), -(SHARE // 2))
    assert house.served == [0]


def test_no_more_than_the_room_is_ever_given_away() -> None:
    house = House()
    for node in range(3 * GUESTS):
        claim, _ = house.begin(100 + node, 0)
        house.rooms.hold(NodeId(100 + node), SHARE // 2)
        house.rooms.leave(claim)
    for node in range(GUESTS):
        house.begin(node, SHARE)
    assert house.rooms.used[1] == LIMIT
    assert house.begin(50, 1)[1] is False
