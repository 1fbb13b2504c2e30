"""How replicas that were away find back: crashes, partitions, lost messages."""

import pytest

from consensus.effects import ChainAdvanced, Deliver, FellBehind
from consensus.messages import Commit, Decided, NewView, Prepare, PrePrepare, ReplicaStatus
from consensus.state import Timer
from primitives.ids import Sequence, View
from primitives.machine import Message
from tests.unit.consensus.harness import Network
from tests.unit.consensus.rig import (
    Rig,
    chain,
    delay_of,
    new_view,
    only,
    sent,
    sent_to,
    view_change,
    vote,
)
from tests.unit.consensus.toys import commit_certificate


def entered(rig: Rig, view: int) -> NewView:
    proof = new_view(4, view, [vote(4, i, view) for i in (0, 1, 2)])
    rig.receive(view % 4, proof)
    return proof


def test_a_status_of_a_past_view_is_answered_with_the_new_view() -> None:
    rig = Rig(3)
    proof = entered(rig, 2)
    ((peer, answer),) = sent_to(rig.receive(0, ReplicaStatus(View(1), Sequence(0), True)), NewView)
    assert (peer, answer) == (0, proof)


def test_a_view_change_of_a_past_view_is_answered_with_the_new_view() -> None:
    """f+1 of the others answer each time, and all of them in turn."""
    answers = []
    for index in (1, 2, 3):
        rig = Rig(index)
        entered(rig, 6)
        for _ in range(3):
            rig.now += rig.state.params.repair_interval
            answers += sent_to(rig.receive(0, view_change(4, 0, 5)), NewView)
    assert len(answers) == 6


def test_a_late_view_change_of_the_view_that_has_just_begun_is_not_answered() -> None:
    rig = Rig(3)
    entered(rig, 2)
    assert rig.receive(0, view_change(4, 0, 2)) == []


def test_a_status_below_the_own_head_is_answered_with_a_certificate() -> None:
    rig = Rig()
    (block,) = chain(1)
    rig.decide(block)
    status = ReplicaStatus(View(0), Sequence(0), False)
    ((peer, answer),) = sent_to(rig.receive(3, status), Decided)
    assert (peer, answer.certificate.digest) == (3, block.digest)
    assert rig.receive(3, status) == []  # not again so soon
    rig.now += rig.state.params.repair_interval
    assert rig.receive(3, status)


def test_a_status_of_the_same_height_is_answered_with_the_own_votes() -> None:
    rig = Rig()
    (block,) = chain(1)
    rig.pre_prepare(block)
    rig.prepare(block, [2])
    effects = rig.receive(3, ReplicaStatus(View(0), Sequence(0), False))
    assert [type(message) for _, message in sent_to(effects, Message)] == [Prepare, Commit]
    primary = Rig(0)
    primary.work()
    primary.build(block)
    effects = primary.receive(3, ReplicaStatus(View(0), Sequence(0), False))
    assert [message.digest for _, message in sent_to(effects, PrePrepare)] == [block.digest]


def test_a_certificate_above_the_head_has_the_node_fetch() -> None:
    rig = Rig()
    far = commit_certificate(4, [0, 2, 3], 0, 40, b"d" * 32)
    (behind,) = only(rig.receive(2, Decided(far)), FellBehind)
    assert (behind.sequence, behind.peer) == (40, 2)
    assert not only(rig.receive(3, Decided(far)), FellBehind)
    (again,) = only(rig.fire(Timer.REPAIR, 100), FellBehind)
    assert again.sequence == 40


def test_a_replica_that_has_lost_what_it_signed_asks_another() -> None:
    base = commit_certificate(4, [0, 2, 3], 0, 40, b"d" * 32)
    votes = [vote(4, i, 1, base=(40, base.digest)) for i in (0, 1, 3)]
    begun = new_view(4, 1, votes, trail=(base,))
    for index, asked in ((0, 2), (2, 0)):
        (behind,) = only(Rig(index).receive(1, begun), FellBehind)
        assert behind.peer == asked


def test_a_certificate_of_a_block_at_hand_delivers_it() -> None:
    rig = Rig()
    (block,) = chain(1)
    rig.pre_prepare(block)
    certificate = commit_certificate(4, [0, 2, 3], 0, 1, block.digest)
    effects = rig.receive(2, Decided(certificate))
    assert only(effects, Deliver)
    assert not only(effects, FellBehind)


@pytest.mark.parametrize("signers", [[0, 2], [2, 0, 3], [0, 0, 2, 3]])
def test_a_bad_certificate_is_not_believed(signers: list[int]) -> None:
    rig = Rig()
    forged = commit_certificate(4, signers, 0, 40, b"d" * 32)
    assert not only(rig.receive(2, Decided(forged)), FellBehind)
    assert rig.state.repair.horizon == 0


def test_f_plus_1_peers_beyond_the_window_mean_to_be_behind() -> None:
    rig = Rig(1, 7)
    far = [chain(1, start=s)[0] for s in (50, 60, 70)]
    assert not rig.commit(far[0], [2])
    assert not rig.commit(far[1], [3])
    (behind,) = only(rig.commit(far[2], [4]), FellBehind)
    assert behind.sequence == 50 - 6  # a voter for 50 has delivered 50 - 2 * pipeline_depth
    assert not only(rig.commit(far[2], [5]), FellBehind)


def test_one_peer_cannot_make_a_replica_fall_behind() -> None:
    rig = Rig()
    for sequence in range(50, 500, 13):
        assert rig.commit(chain(1, start=sequence)[0], [2]) == []


def test_f_plus_1_peers_in_a_later_view_are_asked_for_its_proof() -> None:
    rig = Rig()
    (block,) = chain(1)
    assert rig.commit(block, [2], view=3) == []
    assert delay_of(rig.commit(block, [3], view=3), Timer.REPAIR) == 100 * 10**6
    ((peer, status),) = sent_to(rig.fire(Timer.REPAIR, 100), ReplicaStatus)
    assert peer in (2, 3)
    assert status.alone
    entered(rig, 3)
    assert not sent_to(rig.fire(Timer.REPAIR, 100), ReplicaStatus)


def test_a_committed_block_without_its_payload_is_fetched() -> None:
    """The primary was silent to this replica alone."""
    rig = Rig()
    (block,) = chain(1)
    assert not only(rig.commit(block, [0, 2, 3]), FellBehind)
    (behind,) = only(rig.fire(Timer.REPAIR, 100), FellBehind)
    assert behind.sequence == 1
    certificate = commit_certificate(4, [0, 2, 3], 0, 1, block.digest)
    rig.give(ChainAdvanced(Sequence(1), block.digest, certificate))
    assert rig.replica.delivered == 1
    assert not rig.fire(Timer.REPAIR, 100)


def test_a_replica_goes_on_from_fetched_blocks() -> None:
    rig = Rig()
    blocks = chain(12)
    certificates = [commit_certificate(4, [0, 2, 3], 0, b.sequence, b.digest) for b in blocks[:10]]
    rig.pre_prepare(blocks[10])
    rig.pre_prepare(blocks[11])
    event = ChainAdvanced(Sequence(10), blocks[9].digest, certificates[9], tuple(certificates[:9]))
    prepares = sent(rig.give(event), Prepare)
    assert [prepare.sequence for prepare in prepares] == [11, 12]
    assert [certificate.sequence for certificate in rig.state.trail] == [5, 6, 7, 8, 9, 10]
    assert rig.give(event) == []


def test_a_crashed_primary_is_replaced_and_comes_back() -> None:
    net = Network(4, seed=1)
    net.submit(range(4))
    net.run_until(net.all_included, 500)
    net.crash(0)
    net.submit(range(4, 12))
    net.run_until(net.all_included, 3000)
    assert min(net.views()[1:]) >= 1
    net.restart(0)
    net.run_until(lambda: len(set(net.views())) == 1 and len(set(net.heights())) == 1, 1000)
    net.submit(range(12, 20))
    net.run_until(net.all_included, 1000)


def test_a_backup_that_crashes_and_restarts_votes_again() -> None:
    net = Network(4, seed=2)
    net.submit(range(8))
    net.run(30)
    net.crash(2)
    net.submit(range(8, 16))
    net.run(2000)
    net.restart(2)
    net.run_until(lambda: len(set(net.heights())) == 1, 1000)
    net.crash(3)  # now the one that was away is needed
    net.submit(range(16, 24))
    net.run_until(net.all_included, 3000)


@pytest.mark.parametrize("n", [4, 7])
def test_all_may_crash_at_once_and_resume(n: int) -> None:
    for moment in range(0, 60, 3):
        net = Network(n, seed=moment)
        net.submit(range(10))
        net.run(moment)
        for i in range(n):
            net.crash(i)
        net.run(50)
        for i in range(n):
            net.restart(i)
        net.run_until(net.all_included, 5000)


@pytest.mark.parametrize("minority", [[0], [0, 1], [5], [5, 6], [0, 6]])
def test_a_minority_follows_after_the_partition(minority: list[int]) -> None:
    net = Network(7, seed=sum(minority))
    net.submit(range(4))
    net.run_until(net.all_included, 500)
    majority = [i for i in range(7) if i not in minority]
    net.partition(minority, majority)
    net.submit(range(4, 12))
    net.run_until(lambda: net.all_included(majority), 4000)
    assert all(net.nodes[i].height < net.nodes[majority[0]].height for i in minority)
    net.run(3000)
    net.heal()
    net.run_until(lambda: net.all_included() and len(set(net.views())) == 1, 2000)


@pytest.mark.parametrize("groups", [([0, 1], [2, 3]), ([0], [1], [2], [3]), ([0, 2], [1], [3])])
def test_no_side_has_a_quorum_and_all_go_on_after_the_partition(groups: tuple[list[int]]) -> None:
    net = Network(4, seed=len(groups))
    net.submit(range(4))
    net.run_until(net.all_included, 500)
    net.partition(*groups)
    net.submit(range(4, 12))
    before = net.heights()
    net.run(5000)
    assert max(net.heights()) <= max(before) + 1
    net.heal()
    net.run_until(net.all_included, 3000)


def test_short_cuts_of_the_network_need_no_view_change() -> None:
    """Messages are lost for less than the timeout; asking around brings them back."""
    net = Network(4, seed=5)
    net.partition([0], [1], [2], [3])
    net.submit(range(4))
    net.run(100)
    net.heal()
    net.run_until(net.all_included, 350)
    assert set(net.views()) == {0}


def test_a_replica_that_was_cut_off_alone_votes_again_when_it_is_back() -> None:
    net = Network(4, seed=6)
    net.partition([3], [0, 1, 2])
    net.submit(range(4))
    net.run(1500)
    net.heal()
    net.submit(range(4, 8))
    net.run_until(net.all_included, 1000)
    assert net.views() == [0] * 4
    net.crash(2)  # now the one that was away is needed
    net.submit(range(8, 12))
    net.run_until(net.all_included, 1000)
    assert net.views() == [0] * 4


def test_a_primary_silent_to_one_replica_does_not_stop_it() -> None:
    def silent(sender: int, receiver: int, message: object) -> object:
        return None if sender == 0 and receiver == 3 else message

    net = Network(4, seed=7, tamper=silent)  # type: ignore[arg-type]
    net.submit(range(8))
    net.run_until(net.all_included, 2000)


def test_messages_lost_at_random_are_made_up_for() -> None:
    for seed in range(8):
        net = Network(4, seed=seed, loss=0.1, duplication=0.1)
        for start in range(0, 40, 4):
            net.submit(range(start, start + 4))
            net.run(50)
        net.run_until(net.all_included, 20_000)


def test_a_lost_new_view_is_asked_for() -> None:
    def deaf(sender: int, receiver: int, message: object) -> object:
        lost = receiver == 3 and isinstance(message, NewView) and sender == 1
        return None if lost else message

    net = Network(4, seed=9, tamper=deaf)  # type: ignore[arg-type]
    net.crash(0)
    net.submit(range(8))
    net.run_until(net.all_included, 3000)
    assert net.views()[1:] == [1, 1, 1]
