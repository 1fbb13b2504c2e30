"""Which blocks a new view begins with, as a function of the VIEW-CHANGEs."""

import msgspec
import pytest

from consensus.certificate import PreparedCertificate
from consensus.messages import ViewChangeVote
from consensus.new_view_rules import (
    InvalidViewChange,
    Opening,
    check_trail,
    check_vote,
    choose_proofs,
    highest_claim,
    open_view,
)
from consensus.origin import Origin
from primitives.ids import Hash32, Sequence
from tests.unit.consensus.rig import chain, new_view, vote
from tests.unit.consensus.toys import (
    GENESIS,
    ToyBlock,
    commit_certificate,
    prepared_certificate,
)

N, Q = 4, 3
ORIGIN = Origin(Sequence(0), GENESIS)


def proof(block: ToyBlock, view: int) -> PreparedCertificate:
    signers = [i for i in range(N) if i != view % N][:2]
    return prepared_certificate(N, signers, view, block.sequence, block.digest, block.parent)


def claims(view: int, *sets: list[PreparedCertificate]) -> list[ViewChangeVote]:
    return [vote(N, i, view, claims=proofs) for i, proofs in enumerate(sets)]


def opened(view: int, votes: list[ViewChangeVote], *proofs: PreparedCertificate) -> Opening:
    return open_view(new_view(N, view, votes, proofs=proofs), N, Q, ORIGIN)


def test_nothing_prepared_opens_with_nothing() -> None:
    assert opened(1, claims(1, [], [], [])) == Opening(Sequence(0), GENESIS, ())


def test_the_highest_view_wins_at_each_sequence() -> None:
    old, new = chain(1)[0], chain(1, tag=9)[0]
    votes = claims(3, [proof(old, 0)], [proof(new, 2)], [proof(old, 1)])
    assert highest_claim(votes, Sequence(1)) == 2
    assert opened(3, votes, proof(new, 2)).chain == (proof(new, 2),)
    with pytest.raises(InvalidViewChange, match="view 2 at 1"):
        opened(3, votes, proof(old, 0))


def test_a_winner_that_does_not_link_ends_the_list() -> None:
    """Block 2 was prepared on a block 1 that view 1 replaced."""
    old, new = chain(3), chain(1, tag=9)[0]
    held = [proof(block, 0) for block in old]
    votes = claims(2, held, [proof(new, 1)], [])
    proofs = (proof(new, 1), held[1])
    assert opened(2, votes, *proofs).chain == (proof(new, 1),)


def test_the_block_that_ends_the_list_must_be_shown() -> None:
    """Otherwise a false claim could cut the list below a committed block."""
    good = chain(2)
    votes = claims(2, [proof(good[0], 0), proof(good[1], 0)], [], [])
    with pytest.raises(InvalidViewChange, match="view 0 at 2"):
        opened(2, votes, proof(good[0], 0))


def test_nothing_may_follow_the_end() -> None:
    old, new = chain(3), chain(1, tag=9)[0]
    votes = claims(2, [proof(block, 0) for block in old], [proof(new, 1)], [])
    with pytest.raises(InvalidViewChange, match="2 proofs"):
        opened(2, votes, proof(new, 1), proof(old[1], 0), proof(old[2], 0))


def test_what_lies_below_the_base_is_left_out() -> None:
    blocks = chain(3)
    certificate = commit_certificate(N, [0, 1, 2], 0, 2, blocks[1].digest)
    proofs = [proof(block, 0) for block in blocks]
    votes = [
        vote(N, 0, 1, claims=proofs),
        vote(N, 1, 1, base=(2, blocks[1].digest)),
        vote(N, 2, 1),
    ]
    message = new_view(N, 1, votes, trail=(certificate,), proofs=(proofs[2],))
    opening = open_view(message, N, Q, ORIGIN)
    assert (opening.base_sequence, opening.base_digest) == (2, blocks[1].digest)
    assert opening.chain == (proofs[2],)


def test_the_base_is_the_highest_that_is_claimed() -> None:
    blocks = chain(2)
    low = commit_certificate(N, [0, 1, 2], 0, 1, blocks[0].digest)
    votes = [
        vote(N, 0, 1, base=(1, blocks[0].digest)),
        vote(N, 1, 1, base=(2, blocks[1].digest)),
        vote(N, 2, 1),
    ]
    with pytest.raises(InvalidViewChange, match="the base 2 last"):
        open_view(new_view(N, 1, votes, trail=(low,)), N, Q, ORIGIN)


@pytest.mark.parametrize("indexes", [[0, 1], [0, 0, 1], [0, 2, 1], [1, 2, 4]])
def test_a_new_view_needs_q_votes_of_distinct_replicas(indexes: list[int]) -> None:
    votes = [vote(5, i, 1) for i in indexes]
    with pytest.raises(InvalidViewChange, match=r"new_view\.votes"):
        open_view(new_view(N, 1, votes), N, Q, ORIGIN)


def test_votes_for_another_view_do_not_count() -> None:
    votes = [vote(N, 0, 1), vote(N, 1, 2), vote(N, 2, 1)]
    with pytest.raises(InvalidViewChange, match="view 1, got 2"):
        opened(1, votes)


def test_a_vote_may_not_claim_a_view_that_it_ends() -> None:
    (block,) = chain(1)
    with pytest.raises(InvalidViewChange, match="a view below 2"):
        check_vote(vote(N, 0, 2, claims=[proof(block, 2)]), ORIGIN)


def test_a_vote_of_another_chain_is_refused() -> None:
    with pytest.raises(InvalidViewChange, match=r"the epoch.s origin"):
        check_vote(vote(N, 0, 1, base=(0, b"o" * 32)), ORIGIN)


def test_a_trail_is_consecutive_and_ends_with_the_base() -> None:
    blocks = chain(3)
    trail = tuple(commit_certificate(N, [0, 1, 2], 0, b.sequence, b.digest) for b in blocks)
    claimed = vote(N, 0, 1, base=(3, blocks[2].digest))
    check_trail(claimed, trail, ORIGIN)
    check_trail(claimed, trail[2:], ORIGIN)
    for wrong in ((), trail[:2], (trail[0], trail[2])):
        with pytest.raises(InvalidViewChange, match="trail"):
            check_trail(claimed, wrong, ORIGIN)
    with pytest.raises(InvalidViewChange, match="nothing at the origin"):
        check_trail(vote(N, 0, 1), trail[:1], ORIGIN)


def test_the_primary_shows_what_backups_compute() -> None:
    """Both sides agree on random P sets, also on such that do not link."""
    old, new = chain(4), chain(2, tag=9)
    late = chain(2, first_parent=new[1].digest, start=3, tag=5)
    sets = [
        [proof(b, 0) for b in old],
        [proof(new[0], 1), proof(new[1], 1)],
        [proof(new[0], 2), proof(new[1], 1), proof(late[0], 2)],
        [proof(new[0], 2), proof(new[1], 2), proof(late[0], 2), proof(late[1], 2)],
        [],
    ]
    known = {(p.view, p.sequence): p for proofs in sets for p in proofs}
    for first in sets:
        for second in sets:
            for third in sets:
                votes = claims(3, first, second, third)
                proofs = choose_proofs(votes, Sequence(0), GENESIS, known)
                opening = opened(3, votes, *proofs)
                below: Hash32 = GENESIS
                for place, link in enumerate(opening.chain):
                    assert (link.sequence, link.parent) == (place + 1, below)
                    below = link.digest


def test_a_proof_of_another_place_is_refused() -> None:
    first, second = chain(2)
    votes = claims(1, [proof(first, 0), proof(second, 0)], [], [])
    moved = msgspec.structs.replace(proof(second, 0), sequence=Sequence(1))
    with pytest.raises(InvalidViewChange, match=r"new_view\.proofs"):
        opened(1, votes, proof(second, 0), proof(first, 0))
    with pytest.raises(InvalidViewChange, match=r"new_view\.proofs"):
        opened(1, votes, proof(first, 0), moved)
