"""What is timed is the real work, done right, and as many units of it as the probe says."""

import pytest

from consensus.costs import (
    BLS_CERTIFICATE,
    BLS_COMBINE,
    BLS_KEY,
    BLS_VOTE_SIGN,
    BLS_VOTE_VERIFY,
    VOTE_SIGN,
    VOTE_VERIFY,
)
from consensus.signing import CommitteeVerifier
from network.costs import ANNOUNCED, HASHED, SERVED
from network.gossip import TransactionsFetched
from network.messages import PooledTransactions
from node import costs as node_costs
from node.tally import tally
from node.trace import TransactionRejected
from node.validation_block import execute_block
from primitives.keys import Ed25519Verifier
from primitives.machine import Emit, Send, Work
from sim.calibrate.material import BLOCK_TRANSACTIONS, TRANSFERS, Material, make_material
from sim.calibrate.probes import PROBES
from sim.calibrate.probes_consensus import bls_commits, bls_verifier
from sim.calibrate.probes_execution import CELLS
from sim.calibrate.sampling import Trial
from sim.workload.tokens import HOLDING

BY_KIND = {probe.kind: probe for probe in PROBES}


@pytest.fixture(scope="module")
def material() -> Material:
    return make_material()


def trial(kind: str, material: Material) -> Trial:
    return BY_KIND[kind].set_up(material)


def outcome(kind: str, material: Material):
    return trial(kind, material).prepare()()


def units_charged(kind: str, effects) -> int:
    return sum(e.units for e in effects if isinstance(e, Work) and e.kind == kind)


def test_the_material_is_the_same_every_time(material: Material) -> None:
    again = make_material()
    assert again.block.payload == material.block.payload
    assert [t.raw for t in again.transfers] == [t.raw for t in material.transfers]
    assert again.committee == material.committee


def test_the_material_is_a_valid_block_and_more(material: Material) -> None:
    assert len(material.transfers) == len({t.hash for t in material.transfers}) == TRANSFERS
    assert len(material.block.transactions) == BLOCK_TRANSACTIONS
    checked = execute_block(material.genesis, material.block.payload, material.params)
    assert checked.digest == material.block.digest


@pytest.mark.parametrize("kind", list(BY_KIND))
def test_a_probe_can_be_repeated(kind: str, material: Material) -> None:
    ready = trial(kind, material)
    assert ready.units >= 1
    assert ready.prepare()() == ready.prepare()()


def test_votes_are_signed_by_everyone(material: Material) -> None:
    votes = outcome(VOTE_SIGN, material)
    assert trial(VOTE_SIGN, material).units == len(votes) == 2 * material.committee.size
    verifier = CommitteeVerifier(material.committee, material.genesis.digest, Ed25519Verifier())
    assert all(verifier.verify_message(vote) for vote in votes)
    assert len({vote.signature for vote in votes}) == len(votes)


def test_votes_are_verified(material: Material) -> None:
    verdicts = outcome(VOTE_VERIFY, material)
    assert verdicts == [True] * trial(VOTE_VERIFY, material).units


def test_bls_votes_are_signed_and_verified(material: Material) -> None:
    votes = outcome(BLS_VOTE_SIGN, material)
    assert trial(BLS_VOTE_SIGN, material).units == len(votes) == 2 * material.committee.size
    assert all(bls_verifier(material).verify_message(vote) for vote in votes)
    assert outcome(BLS_VOTE_VERIFY, material) == [True] * len(votes)
    assert trial(BLS_VOTE_VERIFY, material).units == len(votes)


def test_bls_certificates_are_made_and_verified(material: Material) -> None:
    (commit, *_), everybody = bls_commits(material), range(material.committee.size)
    (aggregate,) = outcome(BLS_COMBINE, material)
    assert trial(BLS_COMBINE, material).units == material.committee.size
    assert bls_verifier(material).verify_aggregate(commit, everybody, aggregate)
    assert outcome(BLS_CERTIFICATE, material) is True
    assert trial(BLS_KEY, material).units % material.committee.size == 0


def test_announcements_are_charged_as_they_are_measured(material: Material) -> None:
    turns = outcome(ANNOUNCED, material)
    charged = sum(units_charged(ANNOUNCED, effects) for effects in turns)
    assert charged == trial(ANNOUNCED, material).units
    asked = [sum(isinstance(effect, Send) for effect in effects) for effects in turns]
    assert asked[0] > 0
    assert not any(asked[1:])


def test_fetched_transactions_are_all_taken(material: Material) -> None:
    effects = outcome(HASHED, material)
    units = trial(HASHED, material).units
    assert units_charged(HASHED, effects) == units
    (fetched,) = [effect for effect in effects if isinstance(effect, TransactionsFetched)]
    assert len(fetched.transactions) == units


def test_served_bytes_are_those_of_the_answer(material: Material) -> None:
    effects = outcome(SERVED, material)
    (answer,) = [e.message for e in effects if isinstance(e, Send)]
    assert isinstance(answer, PooledTransactions)
    units = trial(SERVED, material).units
    assert units == units_charged(SERVED, effects) == sum(map(len, answer.transactions))


def test_transactions_are_decoded(material: Material) -> None:
    hashes = outcome(node_costs.DECODE, material)
    assert hashes == [transfer.hash for transfer in material.transfers]
    assert trial(node_costs.DECODE, material).units == len(hashes)


def test_senders_are_recovered(material: Material) -> None:
    senders = outcome(node_costs.RECOVER, material)
    units = trial(node_costs.RECOVER, material).units
    assert senders == [transfer.sender for transfer in material.transfers[:units]]


def test_every_transfer_is_admitted(material: Material) -> None:
    effects = [effect for turn in outcome(node_costs.ADMIT, material) for effect in turn]
    assert units_charged(node_costs.ADMIT, effects) == trial(node_costs.ADMIT, material).units
    refused = [
        e for e in effects if isinstance(e, Emit) and isinstance(e.event, TransactionRejected)
    ]
    assert refused == []


def test_the_block_leaves_the_pool(material: Material) -> None:
    removed = outcome(node_costs.INCLUDE, material)
    assert set(removed) == {transaction.hash for transaction in material.block.transactions}
    assert trial(node_costs.INCLUDE, material).units == len(removed)


def test_a_block_is_chosen(material: Material) -> None:
    chosen = outcome(node_costs.SELECT, material)
    assert len(chosen) == trial(node_costs.SELECT, material).units
    assert tuple(chosen) == material.block.transactions


def test_the_block_is_executed(material: Material) -> None:
    assert outcome(node_costs.EXECUTE, material) == material.block.block.header.gas_used
    assert trial(node_costs.EXECUTE, material).units == len(material.block.transactions)


def test_the_roots_are_those_of_the_header(material: Material) -> None:
    header = material.block.block.header
    expected = (header.transactions_root, header.receipts_root, header.logs_bloom)
    assert outcome(node_costs.BODY_ROOTS, material) == expected
    assert trial(node_costs.BODY_ROOTS, material).units == len(material.block.transactions)


def test_the_state_root_is_that_of_the_header(material: Material) -> None:
    assert outcome(node_costs.STATE_ROOT, material) == material.block.block.header.state_root
    changed = len(material.block.state.changes)
    assert trial(node_costs.STATE_ROOT, material).units == changed > BLOCK_TRANSACTIONS


def test_calls_compute_and_succeed(material: Material) -> None:
    for kind in (node_costs.COMPUTE_GAS, node_costs.CALL):
        assert outcome(kind, material)
    assert all(outcome(node_costs.COMPUTE_GAS, material))
    used = [run.result.gas_used for run in material.computing.runs]
    units = trial(node_costs.COMPUTE_GAS, material).units
    assert 0.9 * sum(used) < units < sum(used)


def test_idle_calls_write_an_event_each(material: Material) -> None:
    blooms = outcome(node_costs.CALL, material)
    assert len(blooms) == trial(node_costs.CALL, material).units > 100
    assert all(any(bloom) for bloom in blooms)
    assert max(tally(material.calling).computed) < 1_000


def test_cells_are_looked_at_and_changed(material: Material) -> None:
    assert outcome(node_costs.ACCESS, material) == HOLDING + 1
    assert trial(node_costs.ACCESS, material).units == 2 * CELLS


def test_an_empty_block_is_framed_by_system_calls(material: Material) -> None:
    changes = outcome(node_costs.SYSTEM, material)
    assert sum(len(slots) for slots in changes.slots.values()) >= 2


def test_the_block_is_planned(material: Material) -> None:
    ends = outcome(node_costs.SCHEDULE, material)
    assert len(ends) == BLOCK_TRANSACTIONS
    assert max(ends) < material.block.block.header.gas_used / 3
    assert trial(node_costs.SCHEDULE, material).units == tally(material.block).access_count


def test_every_transfer_is_taken_over(material: Material) -> None:
    taken = outcome(node_costs.ACCEPT, material)
    assert all(taken)
    assert len(taken) == trial(node_costs.ACCEPT, material).units == BLOCK_TRANSACTIONS


def test_the_root_covers_the_changed_slots(material: Material) -> None:
    assert outcome(node_costs.STORAGE_ROOT, material) != material.genesis.state.root()
    assert trial(node_costs.STORAGE_ROOT, material).units > 300
