"""What may go from a store, and that what is left is whole and enough for a restart."""

import pytest

from node.ledger import BLOCKS
from node.storage_config import StateForm, StorageConfig
from node.upkeep.check import StoreCheck
from node.upkeep.pruning import plan_pruning, pruning_records
from primitives.errors import InvalidInput
from primitives.machine import Record
from storage.flat import HISTORY, INDEX
from storage.memory import MemoryStore
from tests.unit.node.harness import SECOND, agree
from tests.unit.node.state_rig import advance, network
from tests.unit.node.upkeep.stores import HEIGHT, chain_store

FLAT, RUNS = StateForm.FLAT, StateForm.RUNS
LEAST = {FLAT: HEIGHT - 4 + 1, RUNS: HEIGHT - 4}
"""Checkpoints 4 and 8: in form flat block 4 stays, too."""


def heights(store: MemoryStore, table: str = BLOCKS) -> list[int]:
    return [int.from_bytes(key, "big") for key, _ in store.scan(table)]


@pytest.mark.parametrize("form", [FLAT, RUNS])
def test_what_is_left_is_whole(form: StateForm) -> None:
    store, environment = chain_store(form)
    plan = plan_pruning(store, LEAST[form], None)
    assert (plan.lowest, plan.height, plan.checkpoints) == (1, HEIGHT, (4, 8))
    assert (plan.last_block, plan.blocks) == (HEIGHT - LEAST[form], HEIGHT - LEAST[form])
    store.write(pruning_records(store, plan))
    assert heights(store) == list(range(HEIGHT - LEAST[form] + 1, HEIGHT + 1))
    assert list(StoreCheck(store, environment).findings()) == []


@pytest.mark.parametrize("form", [FLAT, RUNS])
def test_blocks_that_a_restart_needs_cannot_go(form: StateForm) -> None:
    store, _ = chain_store(form)
    with pytest.raises(InvalidInput, match=f"at least {LEAST[form]} .*checkpoints are 4 and 8"):
        plan_pruning(store, LEAST[form] - 1, None)


def test_history_that_a_checkpoint_needs_cannot_go() -> None:
    store, environment = chain_store(FLAT)
    with pytest.raises(InvalidInput, match="--keep-history: expected at least 6"):
        plan_pruning(store, None, 5)
    plan = plan_pruning(store, None, 6)
    assert (plan.history, plan.blocks, plan.last_block) == (4, 0, None)
    store.write(pruning_records(store, plan))
    assert heights(store, HISTORY) == [5, 6, 7, 8, 9, 10]
    check = StoreCheck(store, environment)
    assert list(check.findings()) == []
    assert check.summary.readable_from == 4


def test_more_than_there_is_can_be_kept() -> None:
    plan = plan_pruning(chain_store(FLAT)[0], 1_000, 1_000)
    assert (plan.blocks, plan.last_block, plan.history) == (0, None, 0)


def test_every_beginning_of_it_leaves_a_whole_store() -> None:
    store, environment = chain_store(FLAT)
    records = list(pruning_records(store, plan_pruning(store, LEAST[FLAT], 6)))
    for count in range(0, len(records), 4):
        part = store.copy()
        part.write(records[:count])
        assert list(StoreCheck(part, environment).findings()) == [], count


def test_form_runs_has_no_history() -> None:
    with pytest.raises(InvalidInput, match="--keep-history: expected a store of form flat"):
        plan_pruning(chain_store(RUNS)[0], None, 6)


def test_without_two_checkpoints_nothing_goes() -> None:
    store, _ = chain_store(RUNS)
    store.write(Record(BLOCKS, key, None) for key, _ in store.scan(BLOCKS) if key[-1] > 7)
    with pytest.raises(InvalidInput, match="there are no two checkpoints yet"):
        plan_pruning(store, 6, None)
    with pytest.raises(InvalidInput, match="a chain"):
        plan_pruning(MemoryStore(), 6, None)


@pytest.mark.parametrize("form", [FLAT, RUNS])
def test_a_node_goes_on_from_a_pruned_store(form: StateForm) -> None:
    harness = network(history=None, storage=StorageConfig(form=form))
    advance(harness, HEIGHT)
    harness.crash(1)
    store = harness.places[1].store
    history = 6 if form is FLAT else None
    store.write(pruning_records(store, plan_pruning(store, LEAST[form], history)))
    harness.start(1)
    ledger = harness.node(1).ledger
    assert (ledger.height, ledger.lowest) == (HEIGHT, HEIGHT - LEAST[form] + 1)
    served = [each.block.number for each in ledger.checkpoints.served]
    assert served == ([4, 8] if form is FLAT else [8])
    advance(harness, 2)
    harness.run(SECOND)
    agree(harness, HEIGHT + 2)


def test_an_archive_that_is_pruned_loses_its_index() -> None:
    storage = StorageConfig(form=FLAT, state_history=None)
    harness = network(history=None, storage=storage)
    advance(harness, HEIGHT)
    store = harness.places[1].store
    plan = plan_pruning(store, None, 6)
    assert plan.index == len(list(store.scan(INDEX))) > 0
    store.write(pruning_records(store, plan))
    assert list(store.scan(INDEX)) == []
    assert list(StoreCheck(store, harness.environment).findings()) == []
