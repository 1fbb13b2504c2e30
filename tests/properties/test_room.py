"""Room for all peers together: never more than its bound, and nobody waits for ever."""

from collections.abc import Sequence

from hypothesis import given, strategies as st

from network.outbox import Traffic
from network.transport.config import RoomLimits
from network.transport.room import Claim, Rooms
from primitives.ids import Duration, Instant, NodeId

LIMIT = 800
SHARE = LIMIT // 2 // 4
"""Of one of four."""
SIZE_MAX = 3 * LIMIT // 8
LONG = SHARE + SIZE_MAX
"""As much as one peer may ever have, but for votes and proposals."""

STEP = st.tuples(
    st.sampled_from(("ask", "end", "take", "leave")),
    st.integers(0, 3),
    st.integers(1, SIZE_MAX),
    st.sampled_from(Traffic),
)


class World:
    """Four followers, and the messages that they send one after another."""

    def __init__(self) -> None:
        self.rooms = Rooms(RoomLimits(LIMIT, LIMIT), lambda: 4, 4, lambda: Instant(0))
        self.claims: dict[int, Claim] = {}
        self.told: set[int] = set()
        """Whose claim has been served after a wait."""
        self.asked: dict[int, int] = {}
        """Bytes of the message that each has begun or wants to begin."""
        self.kept: dict[int, list[int]] = {}
        """What the node has not taken."""

    def claim(self, peer: int) -> Claim:
        if peer not in self.claims:

            def on_room() -> None:
                self.told.add(peer)

            self.claims[peer] = self.rooms.enter(NodeId(peer), on_room, is_guest=True)
        return self.claims[peer]

    def ask(self, peer: int, size: int, traffic: Traffic) -> None:
        if peer not in self.asked:
            self.asked[peer] = size
            if self.rooms.ask(self.claim(peer), size, traffic):
                self.told.add(peer)

    def end(self, peer: int) -> None:
        """All of a message is there: the node gets it."""
        if peer in self.told:
            self.told.remove(peer)
            size = self.asked.pop(peer)
            self.rooms.hold(NodeId(peer), size)
            self.rooms.settle(self.claims[peer])
            self.kept.setdefault(peer, []).append(size)

    def take(self, peer: int) -> None:
        if self.kept.get(peer):
            self.rooms.hold(NodeId(peer), -self.kept[peer].pop(0))

    def leave(self, peer: int) -> None:
        if peer in self.claims:
            self.rooms.leave(self.claims.pop(peer))
            self.asked.pop(peer, None)
            self.told.discard(peer)

    def used(self) -> int:
        begun = sum([self.asked[peer] for peer in self.told])
        return begun + sum([sum(each) for each in self.kept.values()])


@given(steps=st.lists(STEP, max_size=120))
def test_no_more_is_kept_than_there_is_room_for_and_all_is_counted(
    steps: Sequence[tuple[str, int, int, Traffic]],
) -> None:
    world = World()
    for name, peer, size, traffic in steps:
        match name:
            case "ask":
                world.ask(peer, size, traffic)
            case "end":
                world.end(peer)
            case "take":
                world.take(peer)
            case _:
                world.leave(peer)
        assert world.rooms.used == (0, world.used())
        assert world.used() <= LIMIT


@given(steps=st.lists(STEP, max_size=120))
def test_whoever_waits_is_served_once_the_others_have_ended_and_the_node_has_taken(
    steps: Sequence[tuple[str, int, int, Traffic]],
) -> None:
    world = World()
    for _, peer, size, traffic in steps:
        world.ask(peer, size, traffic)
        if size % 3 == 0:
            world.end(peer)
    for _ in range(5):  # one round for each of them serves at least one
        for peer in range(4):
            world.end(peer)
            world.take(peer)
            while world.kept.get(peer):
                world.take(peer)
    assert not world.asked
    assert world.rooms.used == (0, 0)


@given(steps=st.lists(STEP, max_size=60), size=st.integers(1, SHARE))
def test_a_peer_always_has_its_share_and_no_follower_takes_what_validators_need(
    steps: Sequence[tuple[str, int, int, Traffic]], size: int
) -> None:
    world = World()
    for _, peer, bytes_, traffic in steps:
        if peer:
            world.ask(peer, bytes_, traffic)
            if bytes_ % 2:
                world.end(peer)
    world.ask(0, size, Traffic.SYNC)
    assert 0 in world.told
    validator = world.rooms.enter(NodeId(9), lambda: None, is_guest=False)
    assert world.rooms.ask(validator, SIZE_MAX, Traffic.SYNC)


def test_votes_and_proposals_go_before_what_has_waited_longer() -> None:
    world = World()
    world.ask(1, LONG, Traffic.SYNC)
    world.ask(2, LONG, Traffic.SYNC)
    world.ask(3, LONG, Traffic.CONSENSUS)
    assert world.told == {1}
    world.end(1)
    world.take(1)
    assert world.told == {3}
    world.leave(3)
    assert world.told == {2}


def test_whoever_comes_back_under_ever_new_numbers_keeps_no_more_than_there_is_room_for() -> None:
    world = World()
    for number in range(100):
        peer = 10 + number
        world.ask(peer, SHARE, Traffic.SYNC)
        world.end(peer)
        world.leave(peer)
    assert LIMIT - SHARE < world.used() <= LIMIT
    world.ask(0, SHARE, Traffic.SYNC)
    assert not world.told
    world.take(10)
    assert world.told == {0}


def test_what_is_short_does_not_wait_behind_what_is_long() -> None:
    world = World()
    world.ask(1, LONG, Traffic.SYNC)
    world.ask(2, LONG, Traffic.SYNC)
    world.ask(3, SHARE + 1, Traffic.SYNC)
    assert world.told == {1}
    world.leave(1)
    assert world.told == {3}


def test_who_has_begun_is_hoarding_only_while_others_wait_for_long() -> None:
    now = Instant(0)
    rooms = Rooms(RoomLimits(LIMIT, LIMIT), lambda: 4, 4, lambda: now)
    slow, other = [rooms.enter(NodeId(each), lambda: None, is_guest=True) for each in range(2)]
    assert rooms.ask(slow, SIZE_MAX, Traffic.SYNC)
    patience = Duration(10)
    assert not rooms.is_hoarding(slow, Instant(1_000), patience)
    now = Instant(1_000)
    assert not rooms.ask(other, SIZE_MAX, Traffic.SYNC)
    assert not rooms.is_hoarding(slow, Instant(1_009), patience)
    assert rooms.is_hoarding(slow, Instant(1_010), patience)
    assert not rooms.is_hoarding(other, Instant(2_000), patience)
    rooms.leave(slow)
    assert not rooms.is_hoarding(other, Instant(2_000), patience)
