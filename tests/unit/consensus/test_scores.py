"""Whom a replica asks: not those that it can prove a lie of, as long as there is anybody else."""

import pytest

from consensus.effects import FellBehind
from consensus.messages import GetProposal
from consensus.state import Misdeeds, Timer
from primitives.ids import Sequence
from tests.unit.consensus.rig import only, sent_to
from tests.unit.consensus.test_forged_payloads import BLOCK, misled


@pytest.mark.parametrize(
    ("scores", "spared"),
    [({}, (1, 2, 3)), ({2: 1}, (1, 3)), ({1: 9, 3: 1}, (2,)), ({1: 1, 2: 1, 3: 1}, (1, 2, 3))],
)
def test_known_liars_are_spared_unless_nobody_else_is_left(
    scores: dict[int, int], spared: tuple[int, ...]
) -> None:
    assert Misdeeds(scores=scores).spare((1, 2, 3)) == spared


def test_a_payload_is_asked_of_those_that_nothing_is_proven_of() -> None:
    rig, _ = misled()
    rig.state.misdeeds.scores[1] = 1
    asked = []
    for _ in range(3):
        asked += [peer for peer, _ in sent_to(rig.fire(Timer.REPAIR, 100), GetProposal)]
    assert asked == [2, 2, 2]
    rig.state.misdeeds.scores[2] = 4
    for _ in range(2):
        asked += [peer for peer, _ in sent_to(rig.fire(Timer.REPAIR, 100), GetProposal)]
    assert sorted(asked[3:]) == [1, 2]


def test_final_blocks_are_fetched_from_those_that_nothing_is_proven_of() -> None:
    rig, _ = misled()
    rig.commit(BLOCK, [0, 1, 2])
    rig.state.repair.witnesses = (0, 1, 2)
    rig.state.misdeeds.scores |= {0: 1, 2: 1}
    peers = []
    for _ in range(4):
        peers += [each.peer for each in only(rig.fire(Timer.REPAIR, 100), FellBehind)]
    assert set(peers) == {1}
    assert rig.state.repair.horizon == Sequence(1)


def test_the_votes_of_a_known_liar_count_all_the_same() -> None:
    rig, _ = misled()
    rig.state.misdeeds.scores[1] = 7
    rig.prepare(BLOCK, [1, 2])
    slot = rig.state.slots[Sequence(1)]
    assert slot.prepare_count == 2
