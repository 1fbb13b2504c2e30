"""Committee changes in blocks: who may send them, when they fail, what checkpoints say."""

import dataclasses

import msgspec
import pytest

from node.builder import BuildContext, build_block
from node.execution import FAILURE, SUCCESS, ExecutedBlock, genesis_executed
from node.validation import PooledTransaction, check_transaction
from node.validation_block import execute_block
from node.validation_errors import InvalidBlock
from primitives.block import Block, encode_block
from primitives.bls import BlsKey
from primitives.committee import Committee
from primitives.committee_change import COMMITTEE_ADDRESS, CommitteeChange, Kind, encode_changes
from primitives.epoch import epoch_commitment
from primitives.genesis import Genesis
from primitives.ids import NodeId, Wei
from primitives.params import ChainParams
from primitives.transaction import InvalidTransaction
from tests.unit.node.transfers import (
    CONTEXT,
    ETHER,
    FIXED,
    account,
    built,
    raw_transfer,
    transfer,
)

GOVERNOR = 3
PARAMS = dataclasses.replace(FIXED, checkpoint_interval=3, governance=account(GOVERNOR))
FIVE = Committee.of_keys(bytes([index]) * 32 for index in range(5))
REMOVE_2 = CommitteeChange("remove", NodeId(2))
ADD_7 = CommitteeChange("add", NodeId(7), b"7" * 32)


def genesis() -> ExecutedBlock:
    alloc = tuple((account(index), Wei(ETHER)) for index in range(5))
    return genesis_executed(Genesis(PARAMS, alloc, FIVE))


def raw_change(nonce: int, *changes: CommitteeChange, sender: int = GOVERNOR) -> bytes:
    return raw_transfer(
        sender,
        nonce,
        COMMITTEE_ADDRESS,
        value=0,
        data=encode_changes(changes),
        gas=100_000,
    )


def child(parent: ExecutedBlock, *raws: bytes) -> ExecutedBlock:
    """The next block, built, and executed as another node does it."""
    checked = [_checked(raw) for raw in raws]
    block = built(parent, *checked, params=PARAMS)
    assert execute_block(parent, block.payload, PARAMS).epoch == block.epoch
    return block


def _checked(raw: bytes) -> PooledTransaction:
    return check_transaction(raw, PARAMS)


def refusal(raw: bytes, params: ChainParams = PARAMS) -> str:
    with pytest.raises(InvalidTransaction) as caught:
        check_transaction(raw, params)
    return caught.value.code


# ---------------------------------------------------------------- transactions


def test_only_the_governance_account_may_change_the_committee() -> None:
    assert refusal(raw_change(0, REMOVE_2, sender=1)) == "not_governance"
    assert refusal(raw_change(0, REMOVE_2), FIXED) == "not_governance"
    _checked(raw_change(0, REMOVE_2))


def test_a_malformed_change_is_refused_before_it_gets_into_a_block() -> None:
    for data, value in ((b"", 0), (b"hello", 0), (encode_changes((REMOVE_2,)), 1)):
        raw = raw_transfer(GOVERNOR, 0, COMMITTEE_ADDRESS, value=value, data=data, gas=100_000)
        assert refusal(raw) == "malformed_committee_change"


def test_a_change_that_the_committee_does_not_allow_fails_and_pays() -> None:
    start = genesis()
    block = child(start, raw_change(0, CommitteeChange("remove", NodeId(9))))
    assert [receipt.status for receipt in block.receipts] == [FAILURE]
    assert block.epoch == start.epoch
    before, after = start.state.account(account(GOVERNOR)), block.state.account(account(GOVERNOR))
    assert before is not None
    assert after is not None
    assert after.nonce == 1
    assert after.balance < before.balance


def test_changes_hold_together_or_not_at_all() -> None:
    block = child(genesis(), raw_change(0, ADD_7, CommitteeChange("remove", NodeId(9))))
    assert [receipt.status for receipt in block.receipts] == [FAILURE]
    assert block.epoch.pending == FIVE


def test_a_later_change_sees_the_pending_ones() -> None:
    first = child(genesis(), raw_change(0, REMOVE_2))
    second = child(first, raw_change(1, REMOVE_2), raw_change(2, ADD_7))
    assert [receipt.status for receipt in second.receipts] == [FAILURE, SUCCESS]
    assert second.epoch.pending.nodes == (0, 1, 3, 4, 7)
    assert second.epoch.committee == FIVE


def test_a_removal_that_would_leave_fewer_than_four_fails() -> None:
    block = child(
        genesis(), raw_change(0, REMOVE_2), raw_change(1, CommitteeChange("remove", NodeId(1)))
    )
    assert [receipt.status for receipt in block.receipts] == [SUCCESS, FAILURE]
    assert block.epoch.pending.size == 4


def test_an_ordinary_transfer_changes_no_committee() -> None:
    start = genesis()
    assert child(start, transfer(0, 0).raw).epoch is start.epoch


@pytest.mark.parametrize("kind", ["add", "rekey"])
def test_where_certificates_are_aggregates_new_keys_must_be_proven(kind: Kind) -> None:
    """A rogue key in a change would sign for the whole committee after the next checkpoint."""
    params, key = dataclasses.replace(PARAMS, certificates="bls"), BlsKey(b"k" * 32)
    node = NodeId(7 if kind == "add" else 1)

    def change(aggregate_key: bytes, possession: bytes) -> bytes:
        new = CommitteeChange(kind, node, b"7" * 32, aggregate_key, possession)
        return raw_change(0, REMOVE_2, new)

    check_transaction(change(key.public_key, key.possession), params)
    others = BlsKey(b"o" * 32)
    for bad in (
        change(key.public_key, others.possession),
        change(key.public_key, key.sign(key.public_key)),
        change(key.public_key, b""),
        change(b"\xc0" + bytes(47), key.possession),
        change(b"", b""),
    ):
        assert refusal(bad, params) == "malformed_committee_change"
        _checked(bad)


# ---------------------------------------------------------------- checkpoints


def test_changes_take_effect_together_at_the_next_checkpoint() -> None:
    start = genesis()
    one = child(start, raw_change(0, REMOVE_2))
    two = child(one, raw_change(1, ADD_7))
    three = child(two)
    four = child(three)
    assert [block.closing for block in (start, one, two, three, four)] == [
        False,
        False,
        False,
        True,
        False,
    ]
    assert (three.epoch.number, three.epoch.since) == (1, 3)
    assert three.epoch.committee.nodes == (0, 1, 3, 4, 7)
    assert four.epoch is three.epoch


def test_a_checkpoint_commits_to_the_committee_of_the_block_after_it() -> None:
    one = child(genesis(), raw_change(0, REMOVE_2))
    two = child(one)
    three = child(two)
    assert one.block.header.extra_data == two.block.header.extra_data == b""
    expected = epoch_commitment(PARAMS, three.epoch.committee, 1)
    assert three.block.header.extra_data == expected
    six = child(child(child(three)))
    assert six.block.header.extra_data == expected
    assert not six.closing


def test_whatever_a_proposer_would_put_there_gives_way_at_a_checkpoint() -> None:
    two = child(child(genesis()))
    context = BuildContext(CONTEXT.fee_recipient, 1, b"mine")
    block = build_block(two, (), context, PARAMS)
    assert block.block.header.extra_data == epoch_commitment(PARAMS, FIVE, 0)


@pytest.mark.parametrize("number", [0, 2])
def test_a_checkpoint_that_commits_to_another_epoch_is_refused(number: int) -> None:
    two = child(child(genesis()), raw_change(0, REMOVE_2))
    three = child(two)
    forged = msgspec.structs.replace(
        three.block.header,
        extra_data=epoch_commitment(PARAMS, three.epoch.committee, number),
    )
    with pytest.raises(InvalidBlock) as caught:
        execute_block(two, encode_block(Block(forged, three.block.transactions)), PARAMS)
    assert caught.value.code == "wrong_checkpoint"


def test_a_checkpoint_that_commits_to_another_committee_is_refused() -> None:
    two = child(child(genesis()), raw_change(0, REMOVE_2))
    three = child(two)
    for data in (epoch_commitment(PARAMS, FIVE, 1), b""):
        forged = msgspec.structs.replace(three.block.header, extra_data=data)
        with pytest.raises(InvalidBlock) as caught:
            execute_block(two, encode_block(Block(forged, three.block.transactions)), PARAMS)
        assert caught.value.code == "wrong_checkpoint"
