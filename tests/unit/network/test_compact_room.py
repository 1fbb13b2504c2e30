"""How many blocks may be on their way, and for how long one is waited for."""

from network.compact.state import CompactConfig, CompactTimer
from primitives.ids import Duration
from primitives.machine import SetTimer
from tests.unit.network.compact_material import (
    ALICE,
    BOB,
    NOW,
    SECOND,
    block,
    digest,
    form,
    relay,
)

BODY = block(range(5))
NAME = digest(BODY)
ALARM = SetTimer(CompactTimer.REQUEST, Duration(SECOND))


def test_one_peer_cannot_fill_the_table_of_rebuilds() -> None:
    core = relay(BODY, config=CompactConfig(rebuilds_max=3, rebuilds_per_peer=2))
    blocks = [block([number], header=b"%d" % number) for number in range(5)]
    asked = [bool(core.receiver.begin(NOW, ALICE, form(parts))) for parts in blocks[:3]]
    asked += [bool(core.receiver.begin(NOW, BOB, form(parts))) for parts in blocks[3:]]
    assert asked == [True, True, False, True, False]


def test_the_present_primary_has_room_of_its_own() -> None:
    core = relay(BODY, config=CompactConfig(rebuilds_max=1))
    blocks = [block([number], header=b"%d" % number) for number in range(6)]
    begin = core.receiver.begin
    assert begin(NOW, ALICE, form(blocks[0]))
    assert not begin(NOW, BOB, form(blocks[1]), proposed=True)
    asked = [bool(begin(NOW, BOB, form(b), proposed=True, room=2)) for b in blocks[2:5]]
    assert asked == [True, True, False]
    assert not begin(NOW, BOB, form(blocks[5]))


def test_a_proposal_is_waited_for_as_long_as_its_primary_may_be() -> None:
    core = relay(BODY, config=CompactConfig(proposal_timeout=Duration(9_000_000_000)))
    (*_, alarm) = core.receiver.begin(NOW, ALICE, form(BODY), proposed=True)
    assert alarm == SetTimer(CompactTimer.REQUEST, Duration(9_000_000_000))
    core.receiver.want(NOW, NAME, BOB)
    (*_, alarm) = core.disconnected(NOW, ALICE)
    assert alarm == ALARM
