"""When a committee hands over to the next one."""

import dataclasses

import pytest

from primitives.committee import Committee
from primitives.epoch import (
    Epoch,
    epoch_after,
    epoch_commitment,
    first_epoch,
    is_checkpoint,
)
from primitives.params import ChainParams

PARAMS = ChainParams(checkpoint_interval=8)
OLD = Committee.of_keys(bytes([n]) * 32 for n in range(4))
NEW = Committee.of_keys(bytes([n]) * 32 for n in range(5))


def test_checkpoints_are_multiples_of_the_interval() -> None:
    assert [height for height in range(25) if is_checkpoint(height, PARAMS)] == [0, 8, 16, 24]


@pytest.mark.parametrize("height", [1, 7, 9])
def test_between_checkpoints_a_change_only_waits(height: int) -> None:
    after = epoch_after(first_epoch(OLD), NEW, height, PARAMS)
    assert after == Epoch(0, OLD, NEW)
    assert not after.is_begun_by(height)


def test_a_checkpoint_with_a_pending_change_closes_its_epoch() -> None:
    after = epoch_after(Epoch(0, OLD, NEW), NEW, 8, PARAMS)
    assert after == Epoch(1, NEW, NEW, since=8)
    assert after.is_begun_by(8)


def test_a_change_in_the_checkpoint_itself_still_counts() -> None:
    assert epoch_after(first_epoch(OLD), NEW, 8, PARAMS).number == 1


def test_a_checkpoint_without_changes_closes_nothing() -> None:
    first = first_epoch(OLD)
    assert epoch_after(first, OLD, 8, PARAMS) is first
    later = Epoch(3, NEW, NEW, since=8)
    assert epoch_after(later, NEW, 16, PARAMS) is later
    assert not later.is_begun_by(16)


def test_a_change_that_was_taken_back_closes_nothing() -> None:
    after = epoch_after(Epoch(0, OLD, NEW), OLD, 8, PARAMS)
    assert (after.number, after.committee, after.pending) == (0, OLD, OLD)


def test_the_first_epoch_is_closed_by_no_block() -> None:
    assert not first_epoch(OLD).is_begun_by(0)


def test_a_commitment_names_parameters_committee_and_epoch() -> None:
    commitments = {
        epoch_commitment(PARAMS, OLD, 0),
        epoch_commitment(PARAMS, OLD, 1),
        epoch_commitment(PARAMS, NEW, 0),
        epoch_commitment(dataclasses.replace(PARAMS, chain_id=2), OLD, 0),
    }
    assert len(commitments) == 4
