"""High and low bandwidth: at most three peers push, those that brought blocks first lately."""

import pytest

from network.compact.messages import SendCompact
from network.compact.modes import BandwidthModes
from primitives.ids import NodeId
from primitives.machine import Send
from tests.unit.network.compact_material import ALICE, BOB, CAROL, DAVE

PEERS = (ALICE, BOB, CAROL, DAVE)


def modes(high_max: int = 3) -> BandwidthModes:
    made = BandwidthModes(high_max)
    for peer in PEERS:
        made.on_send_compact(peer, SendCompact(high=False))
    return made


def test_bip152_no_more_than_three_peers_may_be_asked_to_push() -> None:
    for wrong in (4, -1):
        with pytest.raises(ValueError, match="0 to 3 peers"):
            BandwidthModes(wrong)


def test_bip152_the_peer_that_was_first_longest_ago_stops_pushing_for_a_new_one() -> None:
    made = modes()
    for peer in (ALICE, BOB, CAROL):
        assert made.was_first(peer) == [Send(peer, SendCompact(high=True))]
    assert made.was_first(ALICE) == ()
    assert made.was_first(DAVE) == [
        Send(BOB, SendCompact(high=False)),
        Send(DAVE, SendCompact(high=True)),
    ]
    assert made.chosen == [CAROL, ALICE, DAVE]


def test_in_low_bandwidth_mode_nobody_is_asked_to_push() -> None:
    assert modes(high_max=0).was_first(ALICE) == ()


def test_a_peer_that_has_not_said_that_it_is_able_is_not_asked() -> None:
    assert modes().was_first(NodeId(9)) == ()


def test_a_new_peer_is_told_and_need_not_push_yet() -> None:
    assert modes().connected(ALICE) == (Send(ALICE, SendCompact(high=False)),)


def test_blocks_are_pushed_to_who_asked_for_it_until_it_asks_otherwise() -> None:
    made = modes()
    made.on_send_compact(ALICE, SendCompact(high=True))
    made.on_send_compact(BOB, SendCompact(high=True))
    assert list(made.pushed_to) == [ALICE, BOB]
    made.on_send_compact(ALICE, SendCompact(high=False))
    assert list(made.pushed_to) == [BOB]


def test_a_peer_of_another_version_gets_whole_blocks() -> None:
    made = BandwidthModes(3)
    made.on_send_compact(ALICE, SendCompact(high=True, version=2))
    assert not made.able
    assert not made.pushed_to


def test_a_peer_that_is_gone_is_forgotten() -> None:
    made = modes()
    made.on_send_compact(ALICE, SendCompact(high=True))
    made.was_first(ALICE)
    made.disconnected(ALICE)
    made.disconnected(NodeId(9))
    assert ALICE not in made.able
    assert not made.pushed_to
    assert made.chosen == []
