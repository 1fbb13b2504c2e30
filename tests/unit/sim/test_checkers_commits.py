"""Checkers of who commits what: agreement, prefix, certificates, final agreement, liveness.

For each: a wrong history makes it fire, at the right place, and a right one does not.
"""

import msgspec
import pytest

from node.trace import StoreDiscarded
from primitives.ids import Duration
from sim.checkers import (
    Agreement,
    Certificates,
    FinalAgreement,
    LivenessAfterHeal,
    Prefix,
    Violation,
    expected_checkers,
    safety_checkers,
)
from sim.trace_events import Rotted
from tests.unit.sim.checker_histories import (
    NODES,
    History,
    build,
    certify,
    chain,
    check_context,
    right_history,
)

SECOND = 1_000_000_000


def found(violation: Violation | None) -> Violation:
    assert violation is not None, "no checker objected"
    return violation


def test_no_checker_objects_to_a_right_history():
    context = check_context()
    wanted = expected_checkers(context, Duration(SECOND), 0)
    assert right_history().judge(*safety_checkers(context), *wanted) is None


# Agreement


def test_agreement_objects_to_two_blocks_at_one_height():
    history = History()
    history.commit_all([0, 1], [1, 2])
    history.commit(3, 1)
    other = build(chain()[1], [], fork=1)
    history.commit(3, 2, other)
    violation = found(history.judge(Agreement(check_context())))
    assert (violation.checker, violation.node) == ("agreement", 3)
    assert violation.at_ns == history.at_ns
    assert f"committed {other.digest.hex()} at height 2" in violation.detail
    assert f"where node 0 committed {chain()[2].digest.hex()}" in violation.detail


def test_agreement_objects_to_one_node_that_contradicts_itself():
    history = History()
    history.commit_all([1], [1])
    history.crash(1)
    history.restart(1)
    history.commit(1, 1, build(chain()[0], [], fork=1))
    assert found(history.judge(Agreement(check_context()))).node == 1


def test_agreement_objects_to_another_genesis():
    history = History()
    history.commit(2, 0, build(chain()[0], []))
    assert "at height 0" in found(history.judge(Agreement(check_context()))).detail


# Prefix


def test_prefix_objects_to_a_gap():
    history = History()
    history.commit_all([0], [1, 3])
    violation = found(history.judge(Prefix(check_context())))
    assert (violation.node, violation.detail) == (0, "committed height 3, expected height 2")


@pytest.mark.parametrize("again", [1, 2])
def test_prefix_objects_to_a_repetition_without_a_restart(again):
    history = History()
    history.commit_all([0], [1, 2, again])
    assert found(history.judge(Prefix(check_context()))).detail == (
        f"committed height {again}, expected height 3"
    )


def test_prefix_objects_to_a_block_on_another_parent():
    history = History()
    history.commit_all([0], [1])
    side = build(chain()[0], [], fork=1)
    history.commit(0, 2, build(side, []))
    detail = found(history.judge(Prefix(check_context()))).detail
    assert detail.startswith(f"committed height 2 on parent {side.digest.hex()}, not on its head")


def test_prefix_objects_to_a_first_block_that_is_not_on_genesis():
    history = History()
    history.commit(0, 1, chain()[2])
    assert "not on its head" in found(history.judge(Prefix(check_context()))).detail


def test_prefix_objects_to_a_commit_of_a_crashed_node():
    history = History()
    history.commit_all([0], [1])
    history.crash(0)
    history.commit(0, 2)
    assert found(history.judge(Prefix(check_context()))).detail == (
        "committed height 2 while crashed"
    )


def test_prefix_allows_a_restart_to_repeat_lost_blocks_and_to_go_on():
    for resume in (1, 2, 3, 4):
        history = History()
        history.commit_all([0], [1, 2, 3])
        history.crash(0)
        history.restart(0)
        history.commit_all([0], range(resume, 7))
        assert history.judge(Prefix(check_context())) is None


def test_prefix_objects_to_another_block_after_a_restart():
    for height in (1, 2, 3):
        history = History()
        history.commit_all([0], [1, 2, 3])
        history.crash(0)
        history.restart(0)
        history.commit(0, height, build(chain()[height - 1], [], fork=1))
        detail = found(history.judge(Prefix(check_context()))).detail
        assert f"at height {height} after a restart, before it" in detail


def test_prefix_objects_to_a_jump_after_a_restart():
    history = History()
    history.commit_all([0], [1, 2])
    history.crash(0)
    history.restart(0)
    history.commit(0, 4)
    assert found(history.judge(Prefix(check_context()))).detail == (
        "committed height 4, expected height 3"
    )


def test_prefix_objects_when_a_disk_forgets_more_than_a_crash_may_lose():
    def restart_at(height: int) -> Violation | None:
        history = History()
        history.commit_all([0], range(1, 7))
        history.crash(0)
        history.restart(0)
        history.commit(0, height)
        return history.judge(Prefix(check_context(), loss_max=2))

    assert restart_at(7) is None
    assert restart_at(5) is None
    assert found(restart_at(4)).detail == (
        "committed height 4 after a restart at height 6: 3 blocks lost, at most 2 may be"
    )


def test_prefix_lets_a_restart_fall_back_only_once():
    history = History()
    history.commit_all([0], [1, 2, 3])
    history.crash(0)
    history.restart(0)
    history.commit_all([0], [2, 3, 2])
    assert found(history.judge(Prefix(check_context()))).detail == (
        "committed height 2, expected height 4"
    )


@pytest.mark.parametrize("rotten", [True, False])
def test_prefix_lets_a_node_begin_anew_only_where_rows_had_rotted(rotten: bool):
    history = History()
    history.commit_all([0, 1], range(1, 5))
    begin_anew(history, rotten)
    history.commit_all([0], range(1, 5))
    violation = history.judge(Prefix(check_context(), loss_max=2))
    if rotten:
        assert violation is None
    else:
        assert found(violation).detail == "discarded its chain, of which nothing was damaged"


def begin_anew(history: History, rotten: bool = True) -> None:
    if rotten:
        history.add(0, Rotted((("chain.blocks", b"\x01"),)))
    history.crash(0)
    history.restart(0)
    history.add(0, StoreDiscarded("chain.blocks/01"))


def test_prefix_lets_a_crash_lose_what_a_node_that_began_anew_was_given_again():
    def crash_at(first: int, height: int, back: int) -> Violation | None:
        history = History()
        history.commit_all([0], range(1, first + 1))
        begin_anew(history)
        history.commit_all([0], range(1, height + 1))
        history.crash(0)
        history.restart(0)
        history.commit(0, back)
        return history.judge(Prefix(check_context(), loss_max=2))

    assert crash_at(first=6, height=5, back=1) is None is crash_at(first=4, height=6, back=1)
    assert "3 blocks lost, at most 2" in found(crash_at(first=3, height=6, back=2)).detail


def test_prefix_holds_a_node_that_began_anew_to_the_chain_from_genesis_on():
    history = History()
    history.commit_all([0], [1, 2, 3])
    begin_anew(history)
    history.commit(0, 3)
    assert history.judge(Prefix(check_context())) is not None


# Certificates


def test_certificates_accepts_any_quorum_of_the_committee():
    history = History()
    for node, signers in enumerate([(0, 1, 2), (1, 2, 3), (0, 1, 2, 3)]):
        history.world.certificates[node, 1] = certify(chain()[1], signers, view=node)
        history.commit(node, 1)
    assert history.judge(Certificates(check_context())) is None


def test_certificates_objects_to_a_commit_without_one():
    history = History()
    history.commit(0, 1)
    history.world.certificates.clear()
    violation = found(history.judge(Certificates(check_context())))
    assert violation.node == 0
    assert violation.detail.endswith("committed without a certificate")


def test_certificates_objects_to_the_certificate_of_another_block():
    history = History()
    history.world.certificates[2, 1] = certify(chain()[2])
    history.commit(2, 1)
    violation = found(history.judge(Certificates(check_context())))
    assert violation.node == 2
    assert f"its certificate is for block 2 ({chain()[2].digest.hex()})" in violation.detail


def test_certificates_objects_to_the_right_block_at_another_height():
    history = History()
    history.world.certificates[0, 1] = certify(chain()[1], height=2)
    history.commit(0, 1)
    assert "is for block 2" in found(history.judge(Certificates(check_context()))).detail


def test_certificates_objects_to_too_few_signatures():
    history = History()
    history.world.certificates[0, 1] = certify(chain()[1], (0, 1))
    history.commit(0, 1)
    detail = found(history.judge(Certificates(check_context()))).detail
    assert "its certificate does not verify" in detail


def test_certificates_objects_to_a_forged_signature_even_after_a_good_certificate():
    good = certify(chain()[1])
    forged = msgspec.structs.replace(
        good, signers=(0, 1, 3), signatures=(*good.signatures[:2], good.signatures[0])
    )
    history = History()
    history.commit(0, 1)
    history.world.certificates[1, 1] = forged
    history.commit(1, 1)
    violation = found(history.judge(Certificates(check_context())))
    assert violation.node == 1
    assert "its certificate does not verify" in violation.detail


def test_certificates_objects_to_signatures_of_another_view():
    good = certify(chain()[1])
    history = History()
    history.world.certificates[0, 1] = msgspec.structs.replace(good, view=1)
    history.commit(0, 1)
    assert "does not verify" in found(history.judge(Certificates(check_context()))).detail


def test_certificates_verifies_a_shared_certificate_once():
    calls = []

    def verify(certificate, epoch):
        assert epoch.number == 0
        calls.append(certificate)

    context = msgspec.structs.replace(check_context(), verify_certificate=verify)
    history = History()
    history.commit_all(range(NODES), [1, 2])
    assert history.judge(Certificates(context)) is None
    assert [each.sequence for each in calls] == [1, 2]


# Final agreement


def test_final_agreement_objects_to_a_live_node_that_is_behind():
    history = History()
    history.commit_all(range(NODES), [1, 2])
    history.commit_all(range(NODES - 1), [3, 4])
    context = check_context()
    assert history.judge(FinalAgreement(context, 2)) is None
    violation = found(history.judge(FinalAgreement(context, 1)))
    assert (violation.node, violation.at_ns) == (NODES - 1, history.at_ns)
    assert violation.detail == "ends at height 2, 2 behind node 0; at most 1 expected"


def test_final_agreement_does_not_ask_nodes_that_are_down():
    history = History()
    history.commit_all(range(NODES - 1), [1, 2, 3])
    assert history.judge(FinalAgreement(check_context())) is not None
    history.world.down = [NODES - 1]
    assert history.judge(FinalAgreement(check_context())) is None
    history.world.down = list(range(NODES))
    assert history.judge(FinalAgreement(check_context())) is None


def test_final_agreement_does_not_ask_liars():
    history = History()
    history.commit_all(range(NODES - 1), [1, 2, 3])
    history.world.liars = [NODES - 1]
    assert history.judge(FinalAgreement(check_context())) is None
    history.world.liars = [0]
    assert found(history.judge(FinalAgreement(check_context()))).node == NODES - 1


def test_final_agreement_counts_a_node_that_never_committed():
    history = History()
    history.commit(0, 1)
    assert found(history.judge(FinalAgreement(check_context()))).node == 1


# Liveness after heal


def healed(wait: float, *, height: int | None = 3) -> History:
    history = History()
    history.commit_all([0, 1], [1, 2])
    history.partition((0, 1), (2, 3))
    history.wait(60)
    history.heal()
    history.wait(wait)
    if height is not None:
        history.commit(0, height)
    history.wait(60)
    return history


LIMIT = Duration(5 * SECOND)


def test_liveness_is_content_with_a_new_block_in_time():
    assert healed(4.9).judge(LivenessAfterHeal(LIMIT)) is None


@pytest.mark.parametrize("history", [healed(5.1), healed(0, height=None)])
def test_liveness_objects_when_the_block_is_late_or_never_comes(history):
    violation = found(history.judge(LivenessAfterHeal(LIMIT)))
    healed_at = next(o.at_ns for o in history.observations if o.event.name == "fault.healed")
    assert (violation.at_ns, violation.node) == (healed_at + 5 * SECOND, -1)
    assert violation.detail.startswith("no new block within 5 s after the heal at 60.0")


def test_liveness_is_not_fooled_by_a_node_that_catches_up():
    history = healed(1, height=None)
    history.observations = history.observations[:-1]
    history.heal()
    history.commit_all([3], [1, 2])
    history.wait(10)
    assert history.judge(LivenessAfterHeal(LIMIT)) is not None


def test_liveness_waits_for_the_last_heal_only():
    history = History()
    history.commit(0, 1)
    history.heal()
    history.wait(3)
    history.partition((0,), (1, 2, 3))
    history.wait(60)
    assert history.judge(LivenessAfterHeal(LIMIT)) is None
    history.heal()
    history.wait(6)
    assert history.judge(LivenessAfterHeal(LIMIT)) is not None


def test_liveness_does_not_judge_a_heal_that_the_end_of_the_run_cut_short():
    history = History()
    history.heal()
    history.wait(4)
    assert history.judge(LivenessAfterHeal(LIMIT)) is None
