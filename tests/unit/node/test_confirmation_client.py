"""The client of fast confirmation: what makes an answer, and what does not."""

from msgspec.structs import replace

from consensus.costs import VOTE_VERIFY
from node.confirmation_answers import Confirmed, Final, Pending, Rejected
from node.confirmation_messages import Refusals, RefusedTransaction
from node.confirmation_state import ClientTimer
from node.costs import CHECK_RESULT
from primitives.keccak import keccak256
from primitives.machine import SetTimer, Work
from tests.unit.node.confirmation_parts import (
    BLOCK,
    MS,
    NAMES,
    OTHER,
    RAWS,
    UNKNOWN,
    Rig,
    answers,
    final,
    lies,
    refusal,
    results,
    signed_block,
    watches,
)

Q = 3


# ------------------------------------------------------------------- asking


def test_all_are_asked_and_2f_plus_1_get_the_transaction() -> None:
    sent = watches(Rig().submit(RAWS[0]))
    assert sorted(sent) == [0, 1, 2, 3]
    holders = [node for node, watch in sent.items() if watch.transactions]
    assert len(holders) == 3
    assert 0 in holders  # the primary
    assert all(sent[node].transactions == (RAWS[0],) for node in holders)
    (other,) = set(sent) - set(holders)
    assert sent[other].hashes == (NAMES[0],)


def test_one_validator_is_the_prover() -> None:
    assert sum(watch.prove for watch in watches(Rig().submit(RAWS[0])).values()) == 1


def test_what_comes_together_is_sent_together() -> None:
    rig = Rig()
    first = rig.client.submit(rig.now, RAWS[0])  # type: ignore[arg-type]
    assert [e.timer for e in first if isinstance(e, SetTimer)] == [
        ClientTimer.INSIST,
        ClientTimer.FLUSH,
    ]
    assert not rig.client.submit(rig.now, RAWS[1])  # type: ignore[arg-type]
    sent = watches(rig.client.on_flush_timeout(rig.now))  # type: ignore[arg-type]
    assert sent[0].transactions == RAWS[:2]


def test_a_repetition_is_not_sent_again() -> None:
    rig = Rig()
    rig.submit(RAWS[0])
    assert not watches(rig.submit(RAWS[0]))


def test_the_quickest_validator_becomes_the_prover() -> None:
    rig = Rig()
    rig.submit(RAWS[0])
    for replica, ms in ((2, 10), (0, 30), (1, 40), (3, 50)):
        rig.at(ms).tell(replica, signed_block(replica))
    prover = [node for node, watch in watches(rig.submit(UNKNOWN)).items() if watch.prove]
    assert prover == [2]


# ------------------------------------------------------------------- Confirmed


def test_q_equal_signatures_and_the_proof_confirm() -> None:
    rig = Rig()
    rig.submit(RAWS[0])
    assert not answers(rig.at(5).tell(0, signed_block(0)))
    assert not answers(rig.tell(0, results()))
    assert not answers(rig.tell(1, signed_block(1)))
    (answer,) = answers(rig.at(9).tell(3, signed_block(3)))
    assert isinstance(answer, Confirmed)
    assert [vote.replica for vote in answer.votes] == [0, 1, 3]
    assert (answer.result.transaction, answer.result.index) == (NAMES[0], 0)


def test_the_proof_may_come_last() -> None:
    rig = Rig()
    rig.submit(*RAWS)
    for replica in range(Q):
        assert not answers(rig.tell(replica, signed_block(replica)))
    confirmed = answers(rig.tell(2, results()))
    assert [a.result.transaction for a in confirmed if isinstance(a, Confirmed)] == list(NAMES)


def test_it_is_answered_once() -> None:
    rig = Rig()
    rig.submit(RAWS[0])
    for replica in range(Q):
        rig.tell(replica, signed_block(replica))
    assert answers(rig.tell(0, results()))
    assert not answers(rig.tell(1, results()))
    assert not answers(rig.tell(3, signed_block(3)))


def test_equal_signatures_of_one_validator_count_once() -> None:
    rig = Rig()
    rig.submit(RAWS[0])
    rig.tell(0, signed_block(0))
    rig.tell(0, results())
    for _ in range(5):
        assert rig.tell(0, signed_block(0)) == []
    assert not answers(rig.tell(1, signed_block(1)))


def test_signatures_of_two_views_are_not_added_up() -> None:
    rig = Rig()
    rig.submit(RAWS[0])
    rig.tell(0, signed_block(0))
    rig.tell(0, results())
    rig.tell(1, signed_block(1))
    assert not answers(rig.tell(2, signed_block(2, view=1)))
    assert not answers(rig.tell(3, signed_block(3, view=1)))
    assert answers(rig.tell(0, signed_block(0, view=1)))


def test_signatures_for_two_blocks_are_not_added_up() -> None:
    rig = Rig()
    rig.submit(RAWS[0])
    rig.tell(0, signed_block(0))
    rig.tell(0, results())
    rig.tell(1, signed_block(1, OTHER))
    rig.tell(1, results(OTHER))
    assert not answers(rig.tell(2, signed_block(2, OTHER)))
    (answer,) = answers(rig.tell(3, signed_block(3, OTHER)))
    assert isinstance(answer, Confirmed)
    assert answer.votes[0].digest == OTHER.digest


def test_another_epochs_signatures_do_not_count() -> None:
    rig = Rig()
    rig.submit(RAWS[0])
    assert rig.tell(0, signed_block(0, epoch=1)) == []


def test_signatures_are_paid_for_until_there_are_enough() -> None:
    rig = Rig()
    rig.submit(RAWS[0])
    for replica in range(Q):
        assert Work(VOTE_VERIFY, 1) in rig.tell(replica, signed_block(replica))
    assert not any(isinstance(e, Work) for e in rig.tell(3, signed_block(3)))
    assert Work(CHECK_RESULT, 3) in rig.tell(0, results())


# ------------------------------------------------------------------- lies


def test_a_forged_signature_counts_for_nothing() -> None:
    rig = Rig()
    rig.submit(RAWS[0])
    rig.tell(0, results())
    forged = replace(signed_block(0), signature=signed_block(1).signature)
    assert lies(rig.tell(0, forged)) == [(0, "signature")]
    rig.tell(1, signed_block(1))
    rig.tell(1, results())
    assert not answers(rig.tell(2, signed_block(2)))
    assert answers(rig.tell(3, signed_block(3)))


def test_a_signature_passed_on_counts_for_nobody() -> None:
    rig = Rig()
    rig.submit(RAWS[0])
    assert lies(rig.tell(2, signed_block(1))) == [(2, "signature")]


def test_a_stranger_is_not_listened_to() -> None:
    rig = Rig()
    rig.submit(RAWS[0])
    for message in (signed_block(0), results(), final(), refusal(0, NAMES[0])):
        assert rig.tell(9, message) == []


def test_two_signatures_for_one_place_are_evidence() -> None:
    rig = Rig()
    rig.submit(RAWS[0])
    rig.tell(0, signed_block(0))
    assert lies(rig.tell(0, signed_block(0, OTHER))) == [(0, "tentative")]
    first, second = rig.client.tally.evidence[0]
    assert {first.digest, second.digest} == {BLOCK.digest, OTHER.digest}
    assert lies(rig.tell(0, signed_block(0, OTHER))) == []


def test_a_forged_contradiction_is_no_evidence() -> None:
    rig = Rig()
    rig.submit(RAWS[0])
    rig.tell(0, signed_block(0))
    forged = replace(signed_block(0, OTHER), signature=bytes(64))
    assert lies(rig.tell(0, forged)) == [(0, "signature")]
    assert not rig.client.tally.evidence


def test_a_contradiction_to_a_signature_that_was_surplus_is_checked_too() -> None:
    rig = Rig()
    rig.submit(RAWS[0])
    for replica in range(4):
        rig.tell(replica, signed_block(replica))
    assert lies(rig.tell(3, signed_block(3, OTHER))) == [(3, "tentative")]


def test_a_wrong_proof_confirms_nothing() -> None:
    rig = Rig()
    rig.submit(RAWS[0])
    for replica in range(Q):
        rig.tell(replica, signed_block(replica))
    bad = replace(results(), receipt_nodes=results().receipt_nodes[:-1])
    told = rig.tell(0, bad)
    assert lies(told) == [(0, "proof")]
    assert not answers(told)
    assert answers(rig.tell(1, results()))


def test_proofs_of_a_block_that_their_sender_has_not_signed_are_not_looked_at() -> None:
    rig = Rig()
    rig.submit(RAWS[0])
    rig.tell(0, signed_block(0))
    assert rig.tell(1, results()) == []
    assert rig.tell(0, results(OTHER)) == []


def test_a_false_certificate_is_not_final() -> None:
    rig = Rig()
    rig.submit(RAWS[0])
    for bad in (final(signers=(0, 1)), replace(final(), certificate=b"nonsense")):
        assert lies(rig.tell(1, bad)) == [(1, "certificate")]
    assert not rig.tell(1, results())


# ------------------------------------------------------------------- Final


def test_a_certificate_is_final_and_forgets() -> None:
    rig = Rig()
    rig.submit(RAWS[0])
    for replica in range(Q):
        rig.tell(replica, signed_block(replica))
    rig.tell(0, results())
    (answer,) = answers(rig.at(20).tell(0, final()))
    assert isinstance(answer, Final)
    assert len(rig.client) == 0
    assert not watches(rig.submit(RAWS[0]))  # answered for good


def test_a_certificate_answers_without_signatures() -> None:
    rig = Rig()
    rig.submit(RAWS[0])
    assert not answers(rig.tell(0, final()))
    (answer,) = answers(rig.tell(0, results()))
    assert isinstance(answer, Final)


# ------------------------------------------------------------------- Rejected


def test_f_plus_1_equal_reasons_reject() -> None:
    rig = Rig()
    rig.submit(UNKNOWN)
    name = keccak256(UNKNOWN)
    assert not answers(rig.tell(0, refusal(0, name)))
    (answer,) = answers(rig.tell(1, refusal(1, name)))
    assert isinstance(answer, Rejected)
    assert answer.code == "nonce_too_low"
    assert [each.replica for each in answer.refusals] == [0, 1]
    assert watches(rig.submit(UNKNOWN))  # it may be tried again


def test_two_reasons_do_not_add_up_and_each_validator_has_one() -> None:
    rig = Rig()
    rig.submit(UNKNOWN)
    name = keccak256(UNKNOWN)
    rig.tell(0, refusal(0, name))
    assert not answers(rig.tell(0, refusal(0, name)))
    assert not answers(rig.tell(0, refusal(0, name, "pool_full")))
    assert not answers(rig.tell(1, refusal(1, name, "pool_full")))


def test_a_forged_refusal_does_not_count() -> None:
    rig = Rig()
    rig.submit(UNKNOWN)
    name = keccak256(UNKNOWN)
    rig.tell(0, refusal(0, name))
    mark = refusal(0, name).refused[0].signature
    stolen = Refusals((RefusedTransaction(name, refusal(0, name).refused[0].reason, mark),))
    told = rig.tell(1, stolen)
    assert lies(told) == [(1, "refusal")]
    assert not answers(told)


def test_what_is_proven_to_be_in_a_block_is_not_rejected() -> None:
    rig = Rig()
    rig.submit(RAWS[0])
    rig.tell(0, signed_block(0))
    rig.tell(0, results())
    for replica in (1, 2, 3):
        assert not answers(rig.tell(replica, refusal(replica, NAMES[0])))


def test_a_full_client_rejects_by_itself() -> None:
    rig = Rig(open_max=1)
    rig.submit(RAWS[0])
    (answer,) = answers(rig.submit(RAWS[1]))
    assert answer == Rejected(NAMES[1], "gateway_full", ())


# ------------------------------------------------------------------- Pending


def test_pending_says_what_there_is() -> None:
    rig = Rig(patience=1_000 * MS, timeout=2_000 * MS)
    rig.submit(RAWS[0])
    rig.tell(0, signed_block(0))
    rig.tell(0, results())
    rig.tell(1, signed_block(1))
    rig.tell(2, refusal(2, NAMES[0]))
    assert not answers(rig.at(1_000).insist())
    (answer,) = answers(rig.at(2_000).insist())
    assert isinstance(answer, Pending)
    assert [vote.replica for vote in answer.votes] == [0, 1]
    assert answer.result is not None
    assert answer.result.transaction == NAMES[0]
    assert [each.replica for each in answer.refusals] == [2]
    assert not answers(rig.at(9_000).insist())
    (late,) = answers(rig.tell(3, signed_block(3)))
    assert isinstance(late, Confirmed)


def test_who_is_silent_is_asked_again_with_another_prover() -> None:
    rig = Rig(patience=1_000 * MS)
    before = [node for node, watch in watches(rig.submit(RAWS[0])).items() if watch.prove]
    again = watches(rig.at(1_000).insist())
    assert sorted(again) == [0, 1, 2, 3]
    assert all(watch.transactions == (RAWS[0],) for watch in again.values())
    after = [node for node, watch in again.items() if watch.prove]
    assert len(after) == 1
    assert after != before


def test_only_another_prover_is_asked_for_what_is_confirmed() -> None:
    rig = Rig(patience=1_000 * MS)
    rig.submit(RAWS[0])
    for replica in range(Q):
        rig.tell(replica, signed_block(replica))
    rig.tell(0, results())
    ((_, watch),) = watches(rig.at(1_000).insist()).items()
    assert (watch.transactions, watch.hashes, watch.prove) == ((), (NAMES[0],), True)


def test_the_pauses_double_twice_and_end() -> None:
    rig = Rig(patience=1_000 * MS, timeout=60_000 * MS, give_up=20_000 * MS)
    rig.submit(RAWS[0])
    asked = []
    for ms in range(0, 40_000, 500):
        if watches(rig.at(ms).insist()):
            asked.append(ms)
    assert asked == [1_000, 3_000, 7_000, 11_000, 15_000, 19_000]
    assert len(rig.client) == 0


def test_a_new_transaction_is_not_forgotten_behind_an_old_ones_pause() -> None:
    rig = Rig(patience=1_000 * MS, timeout=60_000 * MS)
    rig.submit(RAWS[0])
    for ms in (1_000, 3_000):
        rig.at(ms).insist()
    (alarm,) = [
        effect
        for effect in rig.at(3_100).submit(RAWS[1])
        if isinstance(effect, SetTimer) and effect.timer is ClientTimer.INSIST
    ]
    assert alarm.delay_ns == 1_000 * MS
