"""Counting tentative signatures: what is checked when, and how much is remembered."""

from msgspec.structs import replace

from consensus.messages import TentativeVote
from node.confirmation_tally import KEPT, Place, Tally, Verdict
from primitives.ids import Sequence, View
from tests.unit.node.confirmation_parts import BLOCK, OTHER, tentative_vote

Q = 3
PLACE = Place(View(0), Sequence(1), BLOCK.digest)


class Judge:
    """Finds signatures valid, or not, and counts how often it is asked."""

    def __init__(self, valid: bool = True) -> None:
        self.valid, self.asked = valid, 0

    def __call__(self, vote: TentativeVote) -> bool:
        self.asked += 1
        return self.valid


def test_what_a_quorum_has_signed_is_not_checked_any_more() -> None:
    judge = Judge()
    tally = Tally(Q, judge)
    verdicts = [tally.add(tentative_vote(replica))[0] for replica in range(4)]
    assert verdicts == [Verdict.COUNTED] * 3 + [Verdict.SURPLUS]
    assert judge.asked == 3
    assert tally.has_quorum(PLACE)
    assert [vote.replica for vote in tally.votes(PLACE)] == [0, 1, 2]
    assert tally.has_signed(3, BLOCK.digest)


def test_a_forged_signature_leaves_no_trace() -> None:
    tally = Tally(Q, Judge(valid=False))
    assert tally.add(tentative_vote(0)) == (Verdict.FORGED, 1)
    assert len(tally) == 0
    assert not tally.has_signed(0, BLOCK.digest)


def test_the_first_of_two_contradicting_signatures_goes_on_counting() -> None:
    tally = Tally(Q, Judge())
    tally.add(tentative_vote(0))
    assert tally.add(tentative_vote(0, OTHER)) == (Verdict.CONTRADICTION, 1)
    assert tally.add(tentative_vote(0, OTHER)) == (Verdict.KNOWN, 0)
    assert [vote.replica for vote in tally.votes(PLACE)] == [0]
    assert tally.places(OTHER.digest) == []


def test_places_stand_in_order_of_their_signatures() -> None:
    tally = Tally(Q, Judge())
    tally.add(tentative_vote(0, view=1))
    tally.add(tentative_vote(1, view=1))
    tally.add(tentative_vote(0))
    assert [place.view for place in tally.places(BLOCK.digest)] == [0, 1]


def test_memory_is_bounded_whatever_validators_sign() -> None:
    tally = Tally(Q, lambda vote: True)
    for view in range(KEPT + 50):
        tally.add(tentative_vote(0, view=view % 2 + 2 * view))
        tally.add(replace(tentative_vote(1), view=View(view)))
    assert len(tally) == 2 * KEPT
    assert len(tally.places(BLOCK.digest)) <= 2 * KEPT


def test_who_floods_only_pushes_out_himself() -> None:
    tally = Tally(Q, lambda vote: True)
    tally.add(tentative_vote(1))
    for view in range(KEPT + 50):
        tally.add(replace(tentative_vote(0), view=View(view)))
    (place,) = [place for place in tally.places(BLOCK.digest) if place.view == 0]
    assert [vote.replica for vote in tally.votes(place)] == [1]
