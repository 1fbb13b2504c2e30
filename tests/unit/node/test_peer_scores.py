"""Scores of peers: what they weigh, what is forgotten, and that little is ever kept or said."""

import pytest

from network.offences import Offence
from node.peer_scores import (
    ACCIDENTS_MAX,
    FULL,
    PEERS_MAX,
    RECOVERY,
    WEIGHTS,
    Misdeed,
    PeerScores,
    evidence_misdeed,
    proves,
)
from node.trace import PeerScored
from primitives.ids import Instant, NodeId
from primitives.machine import Emit

ALICE, BOB, CAROL = NodeId(1), NodeId(2), NodeId(3)
NOW = Instant(7_000_000_000)
LATER = Instant(10**15)
OFFENCES = (*Offence, *Misdeed)
PROOFS = [offence for offence in OFFENCES if WEIGHTS[offence].proof]
ACCIDENTS = [o for o in OFFENCES if WEIGHTS[o].points and not WEIGHTS[o].proof]


def after(recoveries: int, nanoseconds: int = 0) -> Instant:
    return Instant(NOW + recoveries * RECOVERY + nanoseconds)


def test_every_offence_has_its_weight() -> None:
    assert sorted(WEIGHTS) == sorted(OFFENCES)


def test_whoever_did_nothing_has_the_full_score() -> None:
    scores = PeerScores()
    assert scores.score(NOW, ALICE) == FULL
    assert scores.ranked(NOW, [CAROL, ALICE]) == [CAROL, ALICE]


def test_an_offence_lowers_the_score_and_says_so() -> None:
    scores = PeerScores()
    told = scores.count(NOW, ALICE, Offence.FALSE_BLOCK)
    assert told == (Emit(PeerScored(ALICE, 50, "a block or certificate that is not valid")),)
    assert (scores.score(NOW, ALICE), scores.score(NOW, BOB)) == (50, FULL)


@pytest.mark.parametrize("offence", PROOFS)
def test_a_proof_is_never_forgotten(offence: Offence | Misdeed) -> None:
    scores = PeerScores()
    scores.count(NOW, ALICE, offence)
    assert scores.score(LATER, ALICE) == scores.score(NOW, ALICE) < FULL


@pytest.mark.parametrize("offence", ACCIDENTS)
def test_an_accident_is_forgotten_point_by_point(offence: Offence | Misdeed) -> None:
    scores = PeerScores()
    scores.count(NOW, ALICE, offence)
    points = WEIGHTS[offence].points
    assert scores.score(NOW, ALICE) == FULL - points
    assert scores.score(after(1, -1), ALICE) == FULL - points
    assert scores.score(after(1), ALICE) == FULL - points + 1
    assert scores.score(after(points - 1), ALICE) == FULL - 1
    assert scores.score(after(points), ALICE) == scores.score(LATER, ALICE) == FULL


def test_a_second_accident_adds_to_what_is_left_of_the_first() -> None:
    scores = PeerScores()
    scores.count(NOW, ALICE, Offence.SILENCE)
    half = RECOVERY // 2
    scores.count(after(1, half), ALICE, Offence.SILENCE)
    assert scores.score(after(1, half), ALICE) == FULL - 7
    assert scores.score(after(2, -1), ALICE) == FULL - 7
    assert scores.score(after(2), ALICE) == FULL - 6, "the time already waited counts"


def test_after_a_long_calm_an_accident_counts_from_now() -> None:
    scores = PeerScores()
    scores.count(NOW, ALICE, Offence.SILENCE)
    scores.count(after(100, 3), ALICE, Offence.SILENCE)
    assert scores.score(after(101, 2), ALICE) == FULL - 4
    assert scores.score(after(101, 3), ALICE) == FULL - 3


def test_a_clock_that_is_set_back_forgets_nothing() -> None:
    scores = PeerScores()
    scores.count(NOW, ALICE, Offence.SILENCE)
    assert scores.score(Instant(0), ALICE) == FULL - 4
    scores.count(Instant(0), ALICE, Offence.SILENCE)
    assert scores.score(Instant(0), ALICE) == FULL - 8


@pytest.mark.parametrize("accident", ACCIDENTS)
@pytest.mark.parametrize("proof", PROOFS)
def test_who_lies_stands_below_who_has_bad_luck(
    accident: Offence | Misdeed, proof: Offence | Misdeed
) -> None:
    scores = PeerScores()
    for _ in range(1_000):
        scores.count(NOW, BOB, accident)
    scores.count(NOW, ALICE, proof)
    assert scores.score(NOW, BOB) == FULL - ACCIDENTS_MAX > scores.score(NOW, ALICE)
    assert scores.ranked(NOW, [ALICE, BOB, CAROL]) == [CAROL, BOB, ALICE]


def test_a_late_answer_weighs_nothing() -> None:
    scores = PeerScores()
    assert not scores.count(NOW, ALICE, Offence.UNASKED)
    assert len(scores) == 0
    assert not proves(Offence.UNASKED)


@pytest.mark.parametrize("offence", OFFENCES)
def test_whatever_a_peer_does_it_causes_few_events(offence: Offence | Misdeed) -> None:
    scores = PeerScores()
    told = [each for _ in range(1_000) for each in scores.count(NOW, ALICE, offence)]
    assert len(told) <= 5
    assert scores.score(NOW, ALICE) >= 0


def test_what_is_kept_is_bounded_and_the_worst_stay() -> None:
    scores = PeerScores()
    scores.count(NOW, ALICE, Misdeed.EQUIVOCATION)
    for peer in range(10, 10 + PEERS_MAX):
        scores.count(NOW, NodeId(peer), Offence.SILENCE)
    assert len(scores) == PEERS_MAX
    assert scores.score(NOW, ALICE) == 50


def test_evidence_of_an_earlier_life_counts_without_a_trace() -> None:
    scores = PeerScores()
    scores.recall(ALICE, 1)
    scores.recall(BOB, 7)
    assert (scores.score(NOW, ALICE), scores.score(NOW, BOB)) == (50, 0)


def test_what_evidence_proves() -> None:
    assert evidence_misdeed("proposal") is Misdeed.INVALID_PROPOSAL
    for kind in ("pre_prepare", "prepare", "commit", "tentative"):
        assert evidence_misdeed(kind) is Misdeed.EQUIVOCATION


def test_what_no_honest_peer_does_is_a_proof() -> None:
    assert proves("two statements that contradict each other")
    assert not proves("no answer in time")
    assert not proves("something else")
