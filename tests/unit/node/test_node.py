"""One node, turn by turn, with the test as its driver."""

from dataclasses import replace

import pytest

from consensus.costs import VOTE_VERIFY
from consensus.effects import VERIFIED
from consensus.messages import Commit, Prepare, PrePrepare
from network.messages import (
    GetBlocks,
    GetStatus,
    Status,
)
from node.config import NodeConfig, Role, sync_config
from node.costs import COSTS, RECOVER
from node.execution import ExecutedBlock
from node.node import INTERNAL, Node
from node.relay_config import RelayConfig
from node.trace import EVENTS
from node.wire import message_types, node_codec
from primitives.ids import Address, Hash32, Instant, NodeId, Token
from primitives.machine import (
    NOTHING,
    Completed,
    Compute,
    Loopback,
    Measured,
    Persist,
    Persisted,
    Received,
    Record,
    Started,
    Submitted,
    Tasks,
    Work,
)
from storage.memory import MemoryStore
from tests.unit.node.driver import (
    ENVIRONMENT,
    GENESIS,
    Driver,
    broadcast,
    child,
    decide,
    proposal,
    sent,
    traced,
    vote,
)
from tests.unit.node.harness import SECOND, make_config, validator_key
from tests.unit.node.transfers import FIXED, raw_transfer

# ---------------------------------------------------------------- proposals


def test_what_stays_in_a_node_is_what_its_tables_translate() -> None:
    environment = replace(ENVIRONMENT, draw_nonce=bytes)
    config = NodeConfig(NodeId(9), Role.FOLLOWER, relay=RelayConfig())
    node = Node(config, environment, MemoryStore())
    assert {*node._translations, *node._turns} == INTERNAL


def test_a_valid_proposal_is_executed_and_prepared() -> None:
    driver = Driver()
    effects = driver.receive(0, proposal(child(GENESIS, 0)))
    (vote,) = broadcast(effects)
    assert isinstance(vote, Prepare)
    assert vote.sequence == 1


def test_a_proposal_costs_recovery_only_of_what_the_node_has_not_seen() -> None:
    driver = Driver()
    driver.give(Submitted(raw_transfer(0, 0)))
    block = child(GENESIS, 0, 1, 2)
    effects = driver.step(Received(NodeId(0), proposal(block)))
    (compute,) = [effect for effect in effects if isinstance(effect, Compute)]
    assert compute.stages[1:] == (Tasks(RECOVER, (1, 1)), Measured())


def test_an_invalid_proposal_is_refused_with_its_reason_and_gets_no_vote() -> None:
    driver = Driver()
    good = child(GENESIS, 0)
    header = good.block.header
    payload = good.payload.replace(header.state_root, bytes(32))
    forged = replace_payload(good, payload)
    effects = driver.receive(0, forged)
    (refused,) = [event for event in traced(effects) if event.name == "chain.block_refused"]
    assert "header.state_root" in refused.reason  # type: ignore[attr-defined]
    assert broadcast(effects) == []


def replace_payload(block: ExecutedBlock, payload: bytes) -> PrePrepare:
    return proposal(
        ExecutedBlock(
            block.block,
            payload,
            block.digest,
            block.transactions,
            block.receipts,
            block.state,
            block.burnt,
            block.tips,
            block.epoch,
        )
    )


def test_a_proposal_from_the_far_future_is_refused() -> None:
    driver = Driver()
    block = built_at(GENESIS, 1_000)
    effects = driver.receive(0, proposal(block))
    (refused,) = [event for event in traced(effects) if event.name == "chain.block_refused"]
    assert refused.reason == "header.timestamp: expected at most 15, got 1000"  # type: ignore[attr-defined]
    driver = Driver()
    driver.now = 990 * SECOND
    assert broadcast(driver.receive(0, proposal(block)))


def built_at(parent: ExecutedBlock, timestamp: int) -> ExecutedBlock:
    from node.builder import BuildContext, build_block

    return build_block(parent, (), BuildContext(Address(bytes(20)), timestamp), FIXED)


def test_a_proposal_on_an_undecided_parent_is_executed_after_it() -> None:
    driver = Driver()
    first = child(GENESIS, 0)
    second = child(first, 1)
    assert broadcast(driver.receive(0, proposal(second))) == []
    votes = broadcast(driver.receive(0, proposal(first)))
    assert [vote.sequence for vote in votes] == [1, 2]  # type: ignore[attr-defined]


def test_the_primary_builds_on_an_undecided_parent_without_choosing_twice() -> None:
    environment = replace(ENVIRONMENT, consensus=replace(ENVIRONMENT.consensus, batch_size=2))
    driver = Driver(0, environment)
    effects = []
    for nonce in range(4):
        effects += driver.give(Submitted(raw_transfer(0, nonce)))
    proposals = [m for m in broadcast(effects) if isinstance(m, PrePrepare)]
    assert [m.sequence for m in proposals] == [1, 2]
    assert proposals[1].parent == proposals[0].digest
    counts = [e.transactions for e in traced(effects) if e.name == "chain.block_built"]  # type: ignore[attr-defined]
    assert counts == [2, 2]


# ---------------------------------------------------------------- votes and decisions


def test_an_ordinary_vote_passes_through_untouched() -> None:
    driver = Driver()
    block = child(GENESIS, 0)
    received = Received(NodeId(2), vote(Prepare, block, 2))
    assert driver.node.step(Instant(0), received) is VERIFIED
    assert (Work(VOTE_VERIFY, 1),) == VERIFIED
    assert driver.node.step(Instant(0), received) is NOTHING


def test_a_decided_block_is_persisted_and_becomes_the_head() -> None:
    driver = Driver()
    driver.give(Submitted(raw_transfer(0, 0)))
    block = child(GENESIS, 0)
    effects = decide(driver, block)
    (committed,) = [e for e in traced(effects) if e.name == "chain.block_committed"]
    assert (committed.height, committed.digest) == (1, block.digest)  # type: ignore[attr-defined]
    assert (committed.transactions, committed.gas_used) == (1, 21_000)  # type: ignore[attr-defined]
    assert committed.bytes == len(block.payload)  # type: ignore[attr-defined]
    persisted = [e for e in effects if isinstance(e, Persist) and e.origin == "chain"]
    assert [record.table for record in persisted[0].records] == [
        "chain.blocks",
        "chain.certificates",
    ]
    assert driver.node.ledger.head() == (1, block.digest)
    assert len(driver.node.pool) == 0
    assert driver.step(Persisted("chain", Token(1))) == []


def test_a_delivery_travels_behind_what_consensus_persists() -> None:
    driver = Driver()
    effects = decide(driver, child(GENESIS, 0))
    (loop,) = [
        e
        for e in effects
        if isinstance(e, Loopback)
        and e.event.core == "consensus"
        and type(e.event).__name__ == "Delivered"
    ]
    assert loop.event.digest == child(GENESIS, 0).digest  # type: ignore[attr-defined]


def test_status_and_blocks_are_served_from_the_head() -> None:
    driver = Driver()
    block = child(GENESIS, 0)
    decide(driver, block)
    assert sent(driver.receive(3, GetStatus())) == [(3, Status(1, block.digest))]
    ((_, answer),) = sent(driver.receive(3, GetBlocks(1, 1, 5)))
    assert [b.payload for b in answer.blocks] == [block.payload]  # type: ignore[attr-defined]


# ---------------------------------------------------------------- lives and roles


def test_a_node_restored_from_its_store_has_its_chain_and_pays_for_it() -> None:
    driver = Driver()
    block = child(GENESIS, 0)
    store = MemoryStore()
    for effect in decide(driver, block):
        if isinstance(effect, Persist):
            store.write(effect.records)
    own = replace(ENVIRONMENT, signer=validator_key(1))
    node = Node(make_config(1, 4), own, store)
    assert node.ledger.head() == (1, block.digest)
    assert node.replica is not None
    assert node.replica.delivered == 1
    effects = node.step(Instant(5), Started())
    assert Work(RECOVER, 1) in effects
    assert [to for to, message in sent(effects) if message == GetStatus()] == [2, 3, 0]


def test_a_stored_chain_ends_at_its_first_broken_row() -> None:
    driver = Driver()
    first = child(GENESIS, 0)
    second = child(first, 1)
    store = MemoryStore()
    for block in (first, second):
        for effect in decide(driver, block):
            if isinstance(effect, Persist) and effect.origin == "chain":
                store.write(effect.records)
    own = replace(ENVIRONMENT, signer=validator_key(1))
    assert Node(make_config(1, 4), own, store).ledger.tip.number == 2
    lost = store.copy()
    lost.write([record("chain.certificates", 2, None)])
    assert Node(make_config(1, 4), own, lost).ledger.tip.number == 1
    broken = store.copy()
    broken.write([record("chain.blocks", 1, second.payload)])
    assert Node(make_config(1, 4), own, broken).ledger.tip.number == 0


def record(table: str, height: int, value: bytes | None) -> Record:
    return Record(table, height.to_bytes(8, "big"), value)


def test_a_follower_has_no_voice_in_consensus() -> None:
    driver = Driver(4)
    assert driver.node.replica is None
    assert driver.receive(0, proposal(child(GENESIS, 0))) == []
    assert broadcast(driver.give(Submitted(raw_transfer()))) == []


def test_a_validator_needs_a_signer() -> None:
    with pytest.raises(ValueError, match="validator 1 has no signer"):
        Node(make_config(1, 4), ENVIRONMENT, MemoryStore())


def test_roles_suggest_how_to_exchange_blocks() -> None:
    epoch = ENVIRONMENT.genesis_block.epoch
    validator = sync_config(make_config(1, 4), ENVIRONMENT, epoch, validates=True)
    follower = sync_config(
        NodeConfig(NodeId(6), Role.FOLLOWER), ENVIRONMENT, epoch, validates=False
    )
    assert validator.peers == (2, 3, 0)
    assert follower.peers == (3, 0, 1, 2)
    assert (validator.follow_gap, follower.follow_gap) == (ENVIRONMENT.consensus.reach, 0)


def test_every_message_fits_one_codec_and_names_its_core() -> None:
    codec, types = node_codec(ENVIRONMENT.engine), message_types(ENVIRONMENT.engine)
    assert [kind.type for kind in codec.kinds] == list(types)
    assert {message.core for message in types} == {
        "consensus",
        "gossip",
        "sync",
        "compact",
        "confirmation",
        "dissemination",
        "mesh",
        "reconcile",
    }
    sample = vote(Prepare, child(GENESIS, 0), 2)
    assert codec.decode(codec.encode(sample)) == sample


def test_costs_and_trace_events_have_names_of_their_own() -> None:
    names = [kind.name for kind in COSTS]
    assert len(set(names)) == len(names)
    assert all(name.startswith("node.") for name in names)
    events = [event.name for event in EVENTS]
    assert len(set(events)) == len(events)


def test_a_block_that_was_decided_before_its_execution_waits_for_it() -> None:
    driver = Driver()
    block = child(GENESIS, 0)
    (compute,) = [
        effect
        for effect in driver.step(Received(NodeId(0), proposal(block)))
        if isinstance(effect, Compute)
    ]
    for replica in (0, 2, 3):
        driver.receive(replica, vote(Commit, block, replica))
    assert driver.node.ledger.tip.number == 0
    effects = driver.give(Completed(compute.request, compute.job.run()))
    assert [e.name for e in traced(effects) if e.name.startswith("chain.")] == [
        "chain.block_committed"
    ]
    assert driver.node.ledger.head() == (1, Hash32(block.digest))
