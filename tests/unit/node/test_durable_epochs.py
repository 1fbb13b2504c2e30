"""Committees and the ends of epochs come back with a restart, in whatever form states are kept."""

from dataclasses import replace

import pytest

from node.flat_library import FlatLibrary
from node.storage_config import StateForm, StorageConfig
from node.verifiers import Keys
from tests.unit.node.durable_rig import WAYS
from tests.unit.node.harness import SECOND, Harness, agree, make_environment, validator_key
from tests.unit.node.test_node_epochs import (
    INTERVAL,
    PARAMS,
    Traffic,
    add,
    epochs,
    other_key,
    remove,
)

LATE = 4


@pytest.fixture(params=WAYS)
def harness(request: pytest.FixtureRequest) -> Harness:
    """Five validators and two followers, each of which could be a validator."""
    way = WAYS[request.param]
    keys = {node: (Keys(other_key(node)),) for node in range(5)}
    keys |= {node: (Keys(validator_key(node)),) for node in range(5, 7)}
    environment = replace(
        make_environment(5, PARAMS), reads_store=way.reads_store, flat=FlatLibrary()
    )
    return Harness(5, 2, environment, spare_keys=keys, history=0, storage=way.storage)


def again(harness: Harness, node: int) -> None:
    """Restart a node, which has to come back with the epoch and the checkpoints that it had."""
    ledger = harness.node(node).ledger
    epoch, closings = ledger.tip.epoch, ledger.checkpoints.closings
    height, proven = ledger.height, ledger.checkpoints.served[-1].manifest(0)
    harness.crash(node)
    harness.start(node)
    ledger = harness.node(node).ledger
    assert (ledger.height, ledger.tip.epoch) == (height, epoch)
    assert ledger.checkpoints.closings == closings
    assert ledger.checkpoints.served[-1].manifest(0) == proven
    assert [e.name for e in harness.traced("store.discarded")] == []


def test_a_change_that_waits_for_its_checkpoint_waits_after_a_restart(harness: Harness) -> None:
    traffic = Traffic(harness)
    traffic.blocks(INTERVAL)
    traffic.change(add(5))
    pending = harness.node(1).ledger.tip.epoch.pending
    assert pending.size == 6
    for node in range(5):
        again(harness, node)
        assert harness.node(node).ledger.tip.epoch.pending == pending
    harness.run(SECOND)
    traffic.blocks(INTERVAL)
    assert epochs(harness) == [1] * 7
    agree(harness, 2 * INTERVAL + 1)
    for node in (1, 5, 6):
        again(harness, node)
    traffic.change(remove(2))
    traffic.blocks(INTERVAL)
    assert epochs(harness) == [2] * 7
    again(harness, 2)
    traffic.blocks(1)
    assert len(set(harness.heights())) == 1


def test_the_ends_of_epochs_come_with_a_state_and_stay(harness: Harness) -> None:
    traffic = Traffic(harness)
    harness.crash(LATE)
    traffic.blocks(5)
    traffic.change(add(5))
    traffic.blocks(2)
    harness.run(SECOND)
    harness.start(LATE)
    harness.run(2 * SECOND)
    assert [e.height for e in harness.traced("sync.snapshot_adopted", LATE)] == [8]  # type: ignore[attr-defined]
    again(harness, LATE)
    assert len(harness.node(LATE).ledger.checkpoints.closings) == 1
    traffic.blocks(3)
    again(harness, LATE)
    traffic.blocks(2)
    again(harness, LATE)
    traffic.blocks(1)
    agree(harness, 14)


def test_what_is_kept_of_the_past_reaches_to_the_checkpoints_that_are_served() -> None:
    assert StorageConfig(StateForm.FLAT, 0).kept(100) == 208
    assert StorageConfig(StateForm.FLAT, 500).kept(100) == 500
    assert StorageConfig(StateForm.FLAT, None).kept(100) is None
