"""What a validator that lies can make a client of fast confirmation keep, or pay."""

from msgspec.structs import replace

from consensus.certificate import Certificate
from consensus.costs import VOTE_VERIFY
from node.confirmation_answers import Confirmed
from node.confirmation_messages import FinalBlock
from node.confirmation_state import SHOWN_KEPT
from node.execution import ExecutedBlock
from node.ledger import encode_certificate
from primitives.codec import decode_canonical
from primitives.header import header_hash
from primitives.machine import Work
from tests.unit.node.confirmation_parts import (
    BLOCK,
    NAMES,
    RAWS,
    Rig,
    answers,
    final,
    lies,
    results,
    signed_block,
)

LIAR = 3


def imagined(number: int) -> ExecutedBlock:
    """A block that nobody else has seen, and that holds the same transactions."""
    header = replace(BLOCK.block.header, number=number)
    block = replace(BLOCK.block, header=header)
    return replace(BLOCK, block=block, digest=header_hash(header))


def show(rig: Rig, replica: int, block: ExecutedBlock) -> None:
    rig.tell(replica, signed_block(replica, block))
    rig.tell(replica, results(block))


def test_blocks_that_a_liar_has_made_up_are_not_kept_without_bound() -> None:
    rig = Rig()
    rig.submit(*RAWS)
    for number in range(2, 2 * SHOWN_KEPT):
        show(rig, LIAR, imagined(number))
    assert rig.client.shown(NAMES[0]) == SHOWN_KEPT
    assert rig.client.shown(NAMES[1]) == SHOWN_KEPT


def test_they_do_not_drive_out_what_another_has_proven() -> None:
    rig = Rig()
    rig.submit(*RAWS)
    show(rig, 0, BLOCK)
    show(rig, LIAR, BLOCK)
    for number in range(2, 2 * SHOWN_KEPT):
        show(rig, LIAR, imagined(number))
    told = rig.tell(1, signed_block(1))
    assert not lies(told)
    assert {type(answer) for answer in answers(told)} == {Confirmed}


def test_what_made_way_may_be_shown_again() -> None:
    rig = Rig()
    rig.submit(*RAWS)
    show(rig, LIAR, BLOCK)
    for number in range(2, 2 * SHOWN_KEPT):
        show(rig, LIAR, imagined(number))
    for replica in (1, 2):
        assert not answers(rig.tell(replica, signed_block(replica)))
    told = rig.tell(0, signed_block(0))
    assert len(answers([*told, *rig.tell(0, results())])) == len(RAWS)


def test_a_certificate_of_a_crowd_costs_no_more_than_one_of_the_committee() -> None:
    rig = Rig()
    whole = final()
    crowd = tuple(range(10_000))
    read = decode_canonical(whole.certificate, Certificate)
    forged = encode_certificate(replace(read, signers=crowd, signatures=(b"",) * len(crowd)))
    told = rig.tell(LIAR, FinalBlock(forged))
    assert lies(told) == [(LIAR, "certificate")]
    assert sum(e.units for e in told if isinstance(e, Work) and e.kind == VOTE_VERIFY) <= 4
