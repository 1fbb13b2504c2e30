"""What a validator that lies can make a client of fast confirmation keep, or pay."""

import pytest
from msgspec.structs import replace

from consensus.certificate import Certificate
from consensus.costs import VOTE_VERIFY
from network.codec import Codec
from node.confirmation_answers import Confirmed
from node.confirmation_messages import CONFIRMATION_MESSAGES, FinalBlock
from node.confirmation_proofs import ProveResults, check_results
from node.confirmation_state import SHOWN_KEPT
from node.execution import ExecutedBlock
from node.ledger import encode_certificate
from primitives.block import transactions_root
from primitives.codec import decode_canonical
from primitives.header import encode_header, header_hash
from primitives.machine import Work
from primitives.receipt import encode_receipt
from primitives.trie import ordered_root
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


def crowded(count: int, size: int) -> ExecutedBlock:
    """A block of so many bodies of so many bytes, of which only place and hash are looked at."""
    bodies = tuple(n.to_bytes(4, "big") + bytes(size) for n in range(count))
    header = replace(BLOCK.block.header, transactions_root=transactions_root(bodies))
    block = replace(BLOCK.block, header=header, transactions=bodies)
    return replace(BLOCK, block=block, receipts=BLOCK.receipts[:1] * count)


@pytest.mark.parametrize(("count", "size", "messages"), [(1_400, 100, 2), (60, 100_000, 3)])
def test_proofs_of_a_large_block_come_in_messages_that_are_believed(
    count: int, size: int, messages: int
) -> None:
    """The limits of a message are not those of a block."""
    made = crowded(count, size)
    places = [*range(count), 0, 1]
    (found,) = ProveResults(made.block, made.receipts, {7: places}).run().values()
    codec = Codec(CONFIRMATION_MESSAGES, CONFIRMATION_MESSAGES)
    shown = [index for message in found for index in message.indexes]
    assert (len(found), shown) == (messages, list(range(count)))
    assert [codec.decode(codec.encode(message)) for message in found] == list(found)
    root = ordered_root([encode_receipt(receipt) for receipt in made.receipts])
    header = encode_header(replace(made.block.header, receipts_root=root))
    for message in found:
        assert len(check_results(replace(message, header=header)).results) == len(message.indexes)


def test_a_certificate_of_a_crowd_costs_no_more_than_one_of_the_committee() -> None:
    rig = Rig()
    whole = final()
    crowd = tuple(range(10_000))
    read = decode_canonical(whole.certificate, Certificate)
    forged = encode_certificate(replace(read, signers=crowd, signatures=(b"",) * len(crowd)))
    told = rig.tell(LIAR, FinalBlock(forged))
    assert lies(told) == [(LIAR, "certificate")]
    assert sum(e.units for e in told if isinstance(e, Work) and e.kind == VOTE_VERIFY) <= 4
