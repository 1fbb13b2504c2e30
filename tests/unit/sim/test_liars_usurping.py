"""The liar that proclaims views: its own signatures are true, and nobody else's."""

import pytest

from consensus.messages import Commit, NewView
from consensus.new_view_rules import open_view
from consensus.origin import Origin
from primitives.ids import Hash32, NodeId, Sequence, View
from primitives.machine import Broadcast, Effect, Received, TimerFired
from sim.liars.ticking import TICK
from tests.unit.sim.checker_histories import GENESIS
from tests.unit.sim.liar_rigs import Bench


def proclaimed(effects: list[Effect]) -> NewView:
    (message,) = [e.message for e in effects if isinstance(e, Broadcast)]
    assert isinstance(message, NewView)
    return message


@pytest.mark.parametrize(("heard", "wanted"), [(0, 2), (1, 2), (2, 6), (5, 6), (6, 10)])
def test_usurping_proclaims_the_next_view_that_it_would_lead(heard: int, wanted: int) -> None:
    bench = Bench("usurping", 2, 4)
    vote = Commit(View(heard), Sequence(40), Hash32(bytes(32)), 1, b"")
    bench.step(Received(NodeId(1), vote))
    message = proclaimed(bench.step(TimerFired(TICK)))
    assert message.view == wanted
    assert bench.is_signed(message)
    opening = open_view(message, 4, 3, Origin(Sequence(0), GENESIS.digest))
    assert (opening.base_sequence, opening.chain) == (0, ())


def test_usurping_cannot_sign_for_the_others() -> None:
    bench = Bench("usurping", 2, 4)
    votes = proclaimed(bench.step(TimerFired(TICK))).votes
    assert [bench.is_signed(vote) for vote in votes] == [False, False, True, False]
