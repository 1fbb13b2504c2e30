"""What a node's store holds of a chain, and that a restart from it is like never having stopped."""

import pytest

from node.config import sync_config
from node.durable_runs import LATEST, RUNS, SNAPSHOT
from node.ledger import BLOCKS
from node.snapshot import SnapshotLibrary
from primitives.errors import InvalidInput
from primitives.fork import Fork
from primitives.genesis import GenesisContract
from primitives.machine import Record
from primitives.params import ChainParams
from primitives.system_contracts import HISTORY_ADDRESS
from storage.account import Account
from storage.change_rows import decode_run, encode_run
from storage.changes import StateChanges
from storage.state import StateLayer
from tests.unit.node.harness import SECOND, agree, digests, make_config, make_environment
from tests.unit.node.state_rig import FEW, MANY, adopted, advance, away, environment, network
from tests.unit.node.transfers import stranger


def test_a_restart_from_the_stored_state_equals_a_replay_from_genesis() -> None:
    harness, archive = network(MANY), network(MANY, history=None)
    for each in (harness, archive):
        advance(each, 10)
        advance(each, 1)
    agree(harness, 11)
    assert digests(harness) == digests(archive)
    store = archive.places[1].store
    rows = [(table, key) for table in (SNAPSHOT, RUNS) for key, _ in store.scan(table)]
    store.write(Record(table, key, None) for table, key in rows)
    for each in (harness, archive):
        each.crash(1)
        each.start(1)
    short, whole = harness.node(1).ledger, archive.node(1).ledger
    assert (short.height, short.lowest) == (11, 5)
    assert (whole.height, whole.lowest) == (11, 1)
    assert short.tip.digest == whole.tip.digest
    assert short.tip.state.accounts() == whole.tip.state.accounts()
    assert short.tip.state.root() == whole.tip.state.root()
    assert [c.sequence for c in short.trail()] == [c.sequence for c in whole.trail()][-7:]


@pytest.mark.parametrize("table", [SNAPSHOT, RUNS])
def test_a_damaged_snapshot_is_not_believed(table: str) -> None:
    harness = network()
    advance(harness, 10)
    harness.crash(1)
    store = harness.places[1].store
    key, row = next(iter(store.scan(table)))
    store.write([Record(table, key, row[:-2] + bytes([row[-2] ^ 1, row[-1]]))])
    harness.start(1)
    assert harness.node(1).ledger.height == 0
    harness.run(10 * SECOND)
    agree(harness, 10)
    advance(harness, 4)
    harness.crash(1)
    harness.start(1)
    assert harness.node(1).ledger.height == 14


def test_a_crash_while_a_checkpoint_is_written_finds_the_one_before() -> None:
    harness = network()
    advance(harness, 7)
    before = harness.places[1].store.copy()
    advance(harness, 1)
    assert harness.places[1].store.get(SNAPSHOT, LATEST) != before.get(SNAPSHOT, LATEST)
    harness.crash(1)
    harness.places[1].store = before
    harness.start(1)
    assert harness.node(1).ledger.height == 7
    harness.run(3 * SECOND)
    agree(harness, 8)


def test_a_store_keeps_two_intervals_of_blocks_and_few_runs() -> None:
    harness = network()
    sizes = []
    for _ in range(6):
        advance(harness, 8)
        store = harness.places[0].store
        sizes.append(len(list(store.scan(BLOCKS))))
        assert len(list(store.scan(RUNS))) <= 4
    assert sizes == [4] * 6
    ledger = harness.node(0).ledger
    assert (ledger.height, ledger.lowest) == (48, 45)
    assert ledger.certified_block(44) is None
    with pytest.raises(KeyError):
        ledger.digest(30)


def test_what_was_unset_again_leaves_no_trace_in_the_bottom_run() -> None:
    """Over genesis, only what genesis has need be said to be gone."""
    used, left = stranger(1), stranger(2)
    genesis = StateLayer(None, StateChanges({left: Account(1)}, {left: {1: 5}}))
    accounts = {used: Account(1), left: Account(1)}
    first = encode_run(StateChanges(accounts, {used: {1: 1, 2: 1}, left: {1: 6}}))
    second = encode_run(StateChanges(accounts, {used: {1: 0, 2: 0}, left: {1: 0, 9: 0}}))
    both = SnapshotLibrary().merged(first, second, is_bottom=True, genesis=genesis)
    assert decode_run(both) == StateChanges(accounts, {left: {1: 0}})


def test_an_archive_fetches_blocks_however_many_are_missing() -> None:
    config = make_config(3, 4, history=None)
    environment = make_environment(4)
    epoch = environment.genesis_block.epoch
    assert sync_config(config, environment, epoch, validates=True).snapshot_gap > 10**9
    usual = sync_config(make_config(3, 4), environment, epoch, validates=True)
    assert usual.snapshot_gap == 1_024


def test_an_archive_keeps_every_block() -> None:
    harness = network(history=None)
    away(harness, 12)
    harness.start(3)
    harness.run(SECOND)
    agree(harness, 12)
    assert adopted(harness) == []
    assert harness.node(3).ledger.lowest == 1


def test_the_batch_of_a_checkpoint_holds_what_changed_since_the_one_before() -> None:
    """So a disk is charged for the changes of an interval and not for all accounts each time."""
    harness = network(MANY)
    advance(harness, 8)
    runs = [len(row) for _, row in harness.places[0].store.scan(RUNS)]
    assert sum(runs) < 2_000


def test_a_chain_whose_states_do_not_hold_hashes_of_blocks_has_no_nodes() -> None:
    """Whoever began with a state would execute otherwise than who has the blocks."""
    with pytest.raises(InvalidInput, match="PRAGUE or later"):
        make_environment(4, ChainParams(fork=Fork.CANCUN))
    contract = GenesisContract(HISTORY_ADDRESS, b"\x00")
    with pytest.raises(InvalidInput, match="the history contract"):
        environment(FEW, (contract,))
