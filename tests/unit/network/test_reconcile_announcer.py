"""Whom a node that reconciles tells at once, whom it lets wait, and what it remembers of that."""

from collections.abc import Sequence

from hypothesis import given, strategies as st
from msgspec.structs import replace

from network.announcements import Entry
from network.draws import seeded_draws
from network.gossip import Gossip
from network.gossip_state import GossipConfig, GossipTimer
from network.messages import AnnounceTransactions, GetTransactions
from network.reconcile import Reconciler, ReconcilingAnnouncer, begins
from primitives.ids import Hash32, Instant, NodeId
from primitives.keccak import keccak256
from primitives.machine import Effect, Send, SetTimer
from tests.unit.network.books import Book
from tests.unit.network.reconcile_material import CONFIG, NOW, entries, name

OWN = NodeId(0)
PEERS = [NodeId(number) for number in range(1, 7)]


class Rig:
    """A node's gossip, which announces by reconciling."""

    def __init__(self, peers: Sequence[NodeId] = PEERS, fanout: int = 2) -> None:
        self.pool: dict[Hash32, bytes] = {}
        self.gossip = Gossip(GossipConfig(), self.pool, keccak256, Book())
        draws, config = seeded_draws(b"draws"), replace(CONFIG, fanout=fanout, heard_max=8)
        self.core = Reconciler(config, Book(), self.gossip, draws)
        self.announcer = ReconcilingAnnouncer(OWN, config, self.core, draws)
        self.gossip.announcer = self.announcer
        self.started = self.announcer.start(NOW, peers)

    def announce(self, *numbers: int) -> dict[NodeId, list[bytes]]:
        return told(self.announcer.announce(NOW, listed(*numbers)))

    def waiting(self) -> dict[NodeId, list[bytes]]:
        links = self.core.state.links
        return {peer: list(link.pending) for peer, link in links.items() if link.pending}


def listed(*numbers: int) -> list[Entry]:
    return list(entries(numbers).items())


def told(effects: Sequence[Effect]) -> dict[NodeId, list[bytes]]:
    found: dict[NodeId, list[bytes]] = {}
    for effect in effects:
        if isinstance(effect, Send) and isinstance(effect.message, AnnounceTransactions):
            found.setdefault(effect.to, []).extend(effect.message.hashes)
    return found


@given(st.integers(0, 50), st.integers(0, 50))
def test_exactly_one_end_of_a_link_begins_the_rounds(one: int, other: int) -> None:
    if one != other:
        assert begins(NodeId(one), NodeId(other)) != begins(NodeId(other), NodeId(one))


def test_each_node_begins_the_rounds_of_about_half_its_links() -> None:
    for own in range(20):
        others = [NodeId(other) for other in range(20) if other != own]
        assert 9 <= sum(begins(NodeId(own), other) for other in others) <= 10


def test_two_are_told_at_once_and_the_others_wait() -> None:
    rig = Rig()
    at_once = rig.announce(1)
    assert len(at_once) == 2
    assert set(at_once) | set(rig.waiting()) == set(PEERS)
    assert not set(at_once) & set(rig.waiting())
    assert all(names == [name(1)] for names in (*at_once.values(), *rig.waiting().values()))


def test_who_is_told_at_once_is_drawn_for_each_transaction() -> None:
    rig = Rig()
    pairs = {tuple(sorted(rig.announce(number))) for number in range(60)}
    assert len(pairs) > 10


def test_nobody_is_told_what_it_has_told_of() -> None:
    rig = Rig()
    for peer in PEERS[:5]:
        rig.announcer.heard(peer, [name(1)])
    assert rig.announce(1) == {PEERS[5]: [name(1)]}
    assert rig.waiting() == {}


def test_what_a_peer_tells_of_later_does_not_wait_for_it_any_more() -> None:
    rig = Rig(fanout=1)
    (first,) = rig.announce(1)
    last = next(peer for peer in PEERS if peer != first)
    rig.announcer.heard(last, [name(1)])
    assert last not in rig.waiting()
    assert len(rig.waiting()) == 4


def test_who_cannot_reconcile_is_told_at_once_in_addition() -> None:
    rig = Rig()
    rig.announcer.connected(NOW, PEERS[0], reconciles=False)
    rig.announcer.heard(PEERS[0], [name(2)])
    at_once = rig.announce(1, 2)
    assert at_once.pop(PEERS[0]) == [name(1)]
    assert sum(len(names) for names in at_once.values()) == 4
    assert PEERS[0] not in rig.waiting()


def test_who_is_gone_is_told_nothing() -> None:
    rig = Rig(fanout=6)
    rig.announcer.disconnected(PEERS[0])
    assert set(rig.announce(1)) == set(PEERS[1:])
    for peer in PEERS:
        rig.announcer.disconnected(peer)
    assert rig.announce(2) == {}
    assert rig.announcer.repeat(NOW, listed(2)) == []


def test_what_waits_too_long_is_told_to_some_again_and_waits_for_no_round() -> None:
    """All others know it, most likely: in a round it would look like something new."""
    rig = Rig()
    seen = set()
    for _ in range(30):
        again = told(rig.announcer.repeat(NOW, listed(1)))
        assert len(again) == 2
        seen |= set(again)
    assert seen == set(PEERS)
    assert rig.waiting() == {}


def test_it_begins_at_a_moment_of_its_own_and_not_without_neighbours() -> None:
    (timer,) = Rig().started
    assert isinstance(timer, SetTimer)
    assert 0 < timer.delay_ns <= CONFIG.interval
    assert Rig(peers=()).started == []


def test_who_has_told_of_what_is_remembered_for_some_only() -> None:
    rig = Rig()
    rig.announcer.heard(PEERS[0], [name(number) for number in range(9)])
    assert PEERS[0] in {**rig.announce(0), **rig.waiting()}
    assert PEERS[0] not in {peer for peer, names in rig.waiting().items() if name(1) in names}


# --- with the gossip core ---------------------------------------------------------------------


def test_gossip_announces_by_it_and_tells_it_what_is_heard() -> None:
    rig = Rig()
    rig.pool[name(1)] = b"body"
    rig.gossip.on_announce_transactions(
        NOW, PEERS[0], AnnounceTransactions(b"\x02", (100,), (name(1),))
    )
    rig.gossip.admitted(NOW, [(name(1), 2, 100)], own=True)
    at_once = told(rig.gossip.on_announce_timeout(NOW))
    assert len(at_once) == 2
    assert PEERS[0] not in {**at_once, **rig.waiting()}
    later = Instant(GossipConfig().repeat_interval)
    effects = rig.gossip.on_repeat_timeout(later)
    assert len(told(effects)) == 2
    assert isinstance(effects[-1], SetTimer)
    assert effects[-1].timer is GossipTimer.REPEAT


def test_a_peer_whose_sketch_has_shown_something_can_be_asked_for_it() -> None:
    """It did not announce that, because it was on its way; from somebody who keeps silent."""
    rig = Rig()
    gossip = rig.gossip
    asked = gossip.on_announce_transactions(
        NOW, PEERS[0], AnnounceTransactions(b"\x02", (100,), (name(1),))
    )
    assert [effect.to for effect in asked if isinstance(effect, Send)] == [PEERS[0]]
    assert list(gossip.coming()) == [name(1)]
    gossip.shown(PEERS[1], [name(1)])
    again = gossip.on_fetch_timeout(Instant(GossipConfig().request_timeout))
    (request,) = [effect for effect in again if isinstance(effect, Send)]
    assert (request.to, type(request.message)) == (PEERS[1], GetTransactions)


def test_what_a_sketch_shows_of_those_that_left_the_pool_is_not_wanted_again() -> None:
    """A block had it before it was announced; nobody would ever ask for it, or need it."""
    rig = Rig()
    gossip = rig.gossip
    gossip.admitted(NOW, [(name(1), 2, 100)], own=False)
    assert list(gossip.coming()) == [name(1)]
    gossip.shown(PEERS[1], [name(1)])
    assert not gossip.state.wanted
    assert not gossip.state.queues
    assert PEERS[1] not in {**told(gossip.on_announce_timeout(NOW)), **rig.waiting()}
