"""A proposal's signature covers its digest, not its payload: what a replica does about that."""

import msgspec

from consensus.effects import BlockValidated, Deliver, FellBehind, ValidateBlock
from consensus.messages import Commit, GetProposal, Prepare, Proposal
from consensus.state import Timer
from primitives.ids import Sequence
from primitives.machine import Effect
from tests.unit.consensus.rig import Rig, chain, new_view, only, pre_prepare, sent, sent_to, vote
from tests.unit.consensus.toys import prepared_certificate

(BLOCK,) = chain(1)
FORGED = msgspec.structs.replace(pre_prepare(4, BLOCK), payload=b"something else")


def refuse(rig: Rig) -> list[Effect]:
    return rig.give(BlockValidated(BLOCK.digest, False, "wrong digest", mislabelled=True))


def misled(index: int = 3) -> tuple[Rig, list[Effect]]:
    rig = Rig(index, validates=False)
    (asked,) = only(rig.receive(0, FORGED), ValidateBlock)
    assert asked.payload == FORGED.payload
    return rig, refuse(rig)


def test_a_forged_payload_is_forgotten_and_the_true_one_fetched_from_a_backup() -> None:
    rig, effects = misled()
    ((peer, asked),) = sent_to(effects, GetProposal)
    assert peer in (1, 2)
    assert (asked.sequence, asked.digest) == (1, BLOCK.digest)
    (again,) = only(
        rig.receive(peer, Proposal(Sequence(1), BLOCK.digest, BLOCK.payload)), ValidateBlock
    )
    assert again.payload == BLOCK.payload
    assert sent(rig.give(BlockValidated(BLOCK.digest, True, "")), Prepare)
    assert sent(rig.prepare(BLOCK, [1, 2]), Commit)
    assert only(rig.commit(BLOCK, [0, 1]), Deliver)


def test_the_question_goes_to_another_backup_until_one_answers() -> None:
    rig, effects = misled()
    peers = [peer for peer, _ in sent_to(effects, GetProposal)]
    for _ in range(2):
        peers += [peer for peer, _ in sent_to(rig.fire(Timer.REPAIR, 100), GetProposal)]
    assert sorted(peers[:2]) == [1, 2]
    assert peers[2] == peers[0]


def test_no_second_payload_is_taken_from_a_primary_that_forged_one() -> None:
    """Each costs the node an execution, and keeps the true one out meanwhile."""
    rig, _ = misled()
    for message in (FORGED, pre_prepare(4, BLOCK)):
        assert not only(rig.receive(0, message), ValidateBlock)
    assert rig.receive(0, Proposal(Sequence(1), BLOCK.digest, b"something else")) == []


def test_the_votes_of_others_count_while_the_payload_is_fetched() -> None:
    rig, effects = misled()
    rig.prepare(BLOCK, [1, 2])
    rig.commit(BLOCK, [0, 1, 2])
    ((peer, _),) = sent_to(effects, GetProposal)
    rig.receive(peer, Proposal(Sequence(1), BLOCK.digest, BLOCK.payload))
    effects = rig.give(BlockValidated(BLOCK.digest, True, ""))
    assert [deliver.digest for deliver in only(effects, Deliver)] == [BLOCK.digest]


def test_a_final_block_whose_payload_nobody_hands_out_is_left_to_the_node() -> None:
    rig, _ = misled()
    rig.commit(BLOCK, [0, 1, 2])
    assert only(rig.fire(Timer.REPAIR, 100), FellBehind)


def test_a_block_that_breaks_a_rule_is_not_asked_for_again() -> None:
    rig = Rig(3, validates=False)
    rig.receive(0, pre_prepare(4, BLOCK))
    effects = rig.give(BlockValidated(BLOCK.digest, False, "state root"))
    assert not sent_to(effects, GetProposal)
    assert not sent_to(rig.fire(Timer.REPAIR, 100), GetProposal)


def test_a_payload_that_is_found_forged_after_its_view_is_fetched_if_the_next_one_wants_it() -> (
    None
):
    """The new view knew the block, and did not know yet that it was none."""
    rig = Rig(3, validates=False)
    rig.receive(0, FORGED)
    proof = prepared_certificate(4, [1, 2], 0, 1, BLOCK.digest, BLOCK.parent)
    votes = [vote(4, i, 1, claims=(proof,)) for i in (0, 1, 2)]
    effects = rig.receive(1, new_view(4, 1, votes, proofs=(proof,)))
    assert not sent_to(effects, GetProposal)
    assert sent_to(refuse(rig), GetProposal)


def test_a_verdict_about_what_no_view_wants_any_more_is_forgotten() -> None:
    rig = Rig(3, validates=False)
    rig.receive(0, FORGED)
    rig.receive(1, new_view(4, 1, [vote(4, i, 1) for i in (0, 1, 2)]))
    assert refuse(rig) == []
    assert BLOCK.digest not in rig.state.blocks
