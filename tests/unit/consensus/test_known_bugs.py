"""Bugs that other implementations of PBFT have had, each a run that our code must survive."""

import pytest

from consensus.effects import ChainAdvanced, Deliver, FellBehind, RequestBlock
from consensus.messages import Decided, NewView, Prepare
from primitives.ids import Sequence
from tests.unit.consensus.harness import Network
from tests.unit.consensus.rig import Rig, chain, new_view, only, sent, view_change, vote
from tests.unit.consensus.toys import commit_certificate

SIZES = (4, 5, 6, 7, 8)


def test_fabric_1174_nothing_moves_the_last_delivery_back() -> None:
    """A watermark that moved to an older checkpoint lowered lastExec: blocks ran twice."""
    rig = Rig()
    blocks = chain(6)
    for block in blocks[:5]:
        rig.decide(block)
    old = commit_certificate(4, [0, 2, 3], 0, 3, blocks[2].digest)
    assert not only(rig.receive(2, Decided(old)), Deliver)
    assert not only(rig.give(ChainAdvanced(Sequence(3), blocks[2].digest, old)), Deliver)
    votes = [vote(4, i, 1, base=(3, blocks[2].digest)) for i in (0, 2, 3)]
    effects = rig.receive(1, new_view(4, 1, votes, trail=(old,)))
    assert not only(effects, Deliver)
    assert (rig.replica.view, rig.replica.delivered) == (1, 5)
    assert rig.replica.head == blocks[4].digest


def test_fabric_1111_a_view_begins_at_a_base_that_some_of_its_quorum_lack() -> None:
    """The checkpoint was chosen from another set than the backups', and they refused the view."""
    blocks = chain(4)
    trail = tuple(commit_certificate(4, [0, 2, 3], 0, b.sequence, b.digest) for b in blocks)
    primary = Rig(1)
    primary.decide(blocks[0])
    primary.suspect()
    primary.receive(2, view_change(4, 2, 1, trail=trail))
    (begun,) = sent(primary.receive(3, view_change(4, 3, 1)), NewView)
    behind = Rig(3)
    effects = behind.receive(1, begun)
    assert behind.replica.view == primary.replica.view == 1
    assert [each.sequence for each in only(effects, FellBehind)] == [4]
    assert primary.state.floor == behind.state.floor == 4


def test_fabric_1119_a_proposal_of_a_primary_that_is_ahead_is_kept() -> None:
    """Its watermarks move first; backups that dropped what follows ran into a view change."""
    rig = Rig()
    reach = rig.state.params.reach
    blocks = chain(reach + 1)
    for block in blocks:
        rig.pre_prepare(block)
    rig.prepare(blocks[0], [2, 3])
    (prepare,) = sent(rig.commit(blocks[0], [0, 2, 3]), Prepare)
    assert prepare.sequence == reach + 1


@pytest.mark.parametrize("n", SIZES)
def test_indy_plenum_673_sequences_go_on_in_a_new_view(n: int) -> None:
    """ppSeqNo began anew in each view, and with it what the proof of safety counts on."""
    net = Network(n, seed=n)
    net.submit(range(8))
    net.run_until(net.all_included, 1_000)
    height = net.nodes[1].height
    net.crash(0)
    net.submit(range(8, 16))
    net.run_until(net.all_included, 4_000)
    certificates = [certificate for _, certificate in net.nodes[1].chain]
    assert [each.sequence for each in certificates] == list(range(1, len(certificates) + 1))
    assert certificates[height].view >= 1


def test_indy_plenum_264_a_new_primary_builds_on_what_is_delivered() -> None:
    """lastPrePrepareSeqNo was reset with the view, and the primary proposed 1 again."""
    rig = Rig(1)
    blocks = chain(3)
    for block in blocks:
        rig.decide(block)
    rig.suspect()
    base = tuple(rig.state.trail)
    rig.receive(0, view_change(4, 0, 1, trail=base))
    rig.receive(3, view_change(4, 3, 1, trail=base))
    assert rig.replica.view == 1
    (request,) = only([*rig.effects, *rig.work()], RequestBlock)
    assert (request.sequence, request.parent) == (4, blocks[2].digest)


def test_indy_plenum_1174_the_window_goes_on_from_the_last_delivery_in_a_new_view() -> None:
    """Watermarks were reset to zero, and what lay above the window of view 0 was refused."""
    rig = Rig(3)
    window = rig.state.params.window
    blocks = chain(window + 4)
    for block in blocks[:-1]:
        rig.decide(block)
    trail = tuple(rig.state.trail)
    base = (trail[-1].sequence, trail[-1].digest)
    rig.receive(1, new_view(4, 1, [vote(4, i, 1, base=base) for i in (0, 1, 2)], trail=trail))
    assert sent(rig.pre_prepare(blocks[-1], view=1), Prepare)
    assert Sequence(2 * window + 4) not in rig.state.slots


@pytest.mark.parametrize("index", [1, 3], ids=["new primary", "backup"])
def test_concord_bft_2707_a_block_that_becomes_final_after_the_ask_spoils_no_view_change(
    index: int,
) -> None:
    """A stable checkpoint that came after the VIEW-CHANGE made the replica ignore the new view."""
    rig = Rig(index)
    first, second = chain(2)
    rig.decide(first)
    rig.suspect()
    own = rig.state.changing.own
    assert own is not None
    assert own.vote.base_sequence == 1
    rig.pre_prepare(second)
    rig.commit(second, [i for i in range(4) if i != index])
    assert rig.replica.delivered == 2
    trail = tuple(commit_certificate(4, [0, 2, 3], 0, b.sequence, b.digest) for b in (first,))
    others = [i for i in (0, 2) if i != index]
    if index == 1:
        answers = [rig.receive(i, view_change(4, i, 1, trail=trail)) for i in others]
        assert sent(answers[-1], NewView)
    else:
        votes = [vote(4, i, 1, base=(1, first.digest)) for i in (0, 1, 2)]
        rig.receive(1, new_view(4, 1, votes, trail=trail))
    assert (rig.replica.view, rig.replica.delivered) == (1, 2)
    assert sent(rig.pre_prepare(chain(3)[2], view=1), Prepare) or index == 1


@pytest.mark.parametrize("n", SIZES)
def test_themis_a_view_change_passes_through_a_view_whose_primary_is_dead_too(n: int) -> None:
    faults = Network(n).judge.faults
    net = Network(n, seed=n)
    net.submit(range(4))
    net.run_until(net.all_included, 1_000)
    for index in range(faults):
        net.crash(index)
    net.submit(range(4, 12))
    net.run_until(net.all_included, 10_000)
    assert min(net.views()[faults:]) >= faults
