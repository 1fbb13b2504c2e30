"""Networks whose committee changes: who votes when, what crosses over, what a crash leaves."""

import dataclasses
from collections.abc import Iterable

import msgspec
import pytest

from consensus.certificate import InvalidCertificate
from consensus.log import EVIDENCE
from consensus.messages import Commit
from consensus.pbft import Pbft
from consensus.signing import verify_certificate
from node.seat import Seat
from node.verifiers import Keys
from primitives.bls import BlsKey
from primitives.committee import Committee
from primitives.committee_change import COMMITTEE_ADDRESS, CommitteeChange, encode_changes
from primitives.epoch import first_epoch
from primitives.ids import NodeId
from primitives.keccak import keccak256
from primitives.keys import ValidatorKey
from tests.unit.node.harness import (
    MILLISECOND,
    SECOND,
    Harness,
    digests,
    make_environment,
    transfers,
    validator_key,
)
from tests.unit.node.transfers import FIXED, account, raw_transfer

GOVERNOR = 4
INTERVAL = 4
PARAMS = dataclasses.replace(FIXED, checkpoint_interval=INTERVAL, governance=account(GOVERNOR))


def other_key(node: int) -> ValidatorKey:
    return ValidatorKey(keccak256(b"second key of %d" % node))


def add(node: int) -> CommitteeChange:
    return CommitteeChange("add", NodeId(node), validator_key(node).public_key)


def remove(node: int) -> CommitteeChange:
    return CommitteeChange("remove", NodeId(node))


def rekey(node: int) -> CommitteeChange:
    return CommitteeChange("rekey", NodeId(node), other_key(node).public_key)


def network(validators: int = 5, spares: int = 2) -> Harness:
    """Validators, and followers of whom each could be one; each validator has a second key."""
    keys = {node: (Keys(other_key(node)),) for node in range(validators)}
    keys |= {node: (Keys(validator_key(node)),) for node in range(validators, validators + spares)}
    environment = make_environment(validators, PARAMS)
    return Harness(validators, spares, environment, spare_keys=keys)


class Traffic:
    """One transfer a block, to make a chain grow."""

    def __init__(self, harness: Harness) -> None:
        self._harness = harness
        self._sent = self._changed = 0

    def blocks(self, count: int, to: int = 0) -> None:
        for _ in range(count):
            self._harness.submit(to, *transfers(self._sent, 1))
            self._sent += 1
            self._harness.run(100 * MILLISECOND)

    def change(self, *changes: CommitteeChange, to: int = 0) -> None:
        raw = raw_transfer(
            GOVERNOR,
            self._changed,
            COMMITTEE_ADDRESS,
            value=0,
            data=encode_changes(changes),
            gas=100_000,
        )
        self._changed += 1
        self._harness.submit(to, raw)
        self._harness.run(100 * MILLISECOND)


def epochs(harness: Harness, nodes: Iterable[int] | None = None) -> list[int]:
    found = range(len(harness.places)) if nodes is None else nodes
    return [harness.node(node).parts.epochs.epoch.number for node in found]


def voters(harness: Harness) -> list[int]:
    return [
        index
        for index, place in enumerate(harness.places)
        if place.node is not None and place.node.replica is not None
    ]


def settle(harness: Harness) -> None:
    """Let followers ask for what they lack."""
    harness.run(12 * SECOND)
    assert len(set(digests(harness))) == 1, harness.heights()


# ---------------------------------------------------------------- changes take effect


def test_a_committee_changes_at_the_next_checkpoint_and_not_before() -> None:
    harness = network()
    traffic = Traffic(harness)
    traffic.change(add(5), remove(1))
    traffic.blocks(2)
    assert (set(epochs(harness)), voters(harness)) == ({0}, [0, 1, 2, 3, 4])
    traffic.blocks(1)
    harness.run(SECOND)
    assert (set(epochs(harness)), voters(harness)) == ({1}, [0, 2, 3, 4, 5])
    begun = harness.traced("consensus.epoch_begun")
    assert {(e.epoch, e.size, e.height) for e in begun} == {(1, 5, INTERVAL)}  # type: ignore[attr-defined]
    assert len(begun) == 7
    traffic.blocks(4)
    settle(harness)
    assert min(harness.heights()) == 8


@pytest.mark.parametrize("validators", [4, 5, 6, 7, 8])
def test_the_new_committee_goes_on_at_every_size(validators: int) -> None:
    harness = network(validators, 1)
    traffic = Traffic(harness)
    changes = [add(validators)] if validators == 4 else [add(validators), remove(2)]
    traffic.change(*changes)
    traffic.blocks(8)
    settle(harness)
    epoch = harness.node(0).parts.epochs.epoch
    assert min(harness.heights()) == 9
    tip = harness.node(0).ledger
    certificate = tip.certificate(9)
    assert certificate.epoch == 1
    genesis_hash = harness.environment.genesis_block.digest
    verify_certificate(certificate, epoch.committee, genesis_hash, epoch=1)
    with pytest.raises(InvalidCertificate):
        verify_certificate(certificate, harness.environment.genesis.committee, genesis_hash)
    old = tip.certificate(INTERVAL)
    verify_certificate(old, harness.environment.genesis.committee, genesis_hash)
    with pytest.raises(InvalidCertificate):
        verify_certificate(old, epoch.committee, genesis_hash, epoch=1)


def test_the_added_validator_leads_in_its_turn() -> None:
    harness = network(4, 1)
    traffic = Traffic(harness)
    traffic.change(add(4), CommitteeChange("rekey", NodeId(0), other_key(0).public_key))
    traffic.blocks(3)
    for node in (0, 1):
        harness.crash(node)
    assert voters(harness) == [2, 3, 4]
    harness.start(0)
    for _ in range(4):
        traffic.blocks(1, to=4)
        harness.run(3 * SECOND)
    entered = harness.traced("consensus.view_entered")
    assert {(e.view % 5, e.primary) for e in entered} <= {(0, 0), (1, 1), (2, 2), (3, 3), (4, 4)}  # type: ignore[attr-defined]
    assert min(harness.heights()) >= 5


def test_epoch_follows_upon_epoch() -> None:
    harness = network()
    traffic = Traffic(harness)
    for changes in ((add(5),), (remove(0),), (add(6), remove(5)), (add(0),)):
        traffic.change(*changes)
        traffic.blocks(3)
    settle(harness)
    assert set(epochs(harness)) == {4}
    assert voters(harness) == [0, 1, 2, 3, 4, 6]
    committee = harness.node(0).parts.epochs.epoch.committee
    assert committee.nodes == (1, 2, 3, 4, 6, 0)
    traffic.blocks(2)
    settle(harness)
    assert min(harness.heights()) == 18


def test_a_rekeyed_validator_votes_with_its_new_key_only() -> None:
    harness = network(4, 0)
    traffic = Traffic(harness)
    traffic.change(rekey(1), rekey(2))
    traffic.blocks(5)
    assert set(epochs(harness)) == {1}
    replica = harness.node(3).replica
    assert isinstance(replica, Seat)
    verifier = harness.environment.verifier_of(harness.node(3).parts.epochs.epoch)
    votes = [m for _, to, m in harness.sent if isinstance(m, Commit) and m.replica == 1 and to == 3]
    judged = [verifier.verify_message(vote) for vote in votes]
    by_height = dict(zip((vote.sequence for vote in votes), judged, strict=True))
    assert by_height == {height: height > INTERVAL for height in range(1, 7)}


def test_who_lacks_the_key_that_the_committee_knows_is_no_validator() -> None:
    harness = network(5, 0)
    traffic = Traffic(harness)
    stolen = ValidatorKey(keccak256(b"nobody has this")).public_key
    traffic.change(CommitteeChange("rekey", NodeId(2), stolen))
    traffic.blocks(5)
    assert voters(harness) == [0, 1, 3, 4]
    settle(harness)
    assert min(harness.heights()) == 6


def test_work_that_waits_at_the_border_is_done_beyond_it() -> None:
    """Neither the pool of a new validator nor that of a removed one loses anything."""
    harness = network()
    traffic = Traffic(harness)
    traffic.change(add(5), remove(1))
    traffic.blocks(2)
    for sender in (1, 2, 3):
        harness.submit((1, 5, 0)[sender - 1], *transfers(0, 30, sender))
    harness.run(3 * SECOND)
    settle(harness)
    assert set(epochs(harness)) == {1}
    state = harness.node(0).ledger.tip.state
    for sender in (1, 2, 3):
        found = state.account(account(sender))
        assert found is not None
        assert found.nonce == 30


# ---------------------------------------------------------------- partitions and crashes


def test_a_minority_that_was_cut_off_during_the_change_comes_over() -> None:
    harness = network(7, 1)
    traffic = Traffic(harness)
    traffic.change(add(7), remove(0))
    harness.isolate(5, 6)
    traffic.blocks(6, to=1)
    assert epochs(harness, (1, 2, 3, 4, 5, 6)) == [1, 1, 1, 1, 0, 0]
    harness.heal()
    traffic.blocks(1, to=1)
    settle(harness)
    assert set(epochs(harness)) == {1}
    assert harness.traced("chain.block_refused") == []


def test_a_node_that_missed_several_epochs_follows_each_committee_in_turn() -> None:
    harness = network(5, 2)
    traffic = Traffic(harness)
    harness.isolate(4)
    for changes in ((add(5),), (remove(0),), (add(6),)):
        traffic.change(*changes, to=2)
        traffic.blocks(3, to=2)
    assert epochs(harness, (1, 4)) == [3, 0]
    harness.heal()
    settle(harness)
    assert set(epochs(harness)) == {3}
    traffic.blocks(1, to=4)
    settle(harness)
    assert min(harness.heights()) == 13


def test_a_change_waits_for_a_quorum_like_any_block() -> None:
    harness = network(4, 1)
    traffic = Traffic(harness)
    traffic.change(add(4))
    harness.isolate(2, 3)
    traffic.blocks(4)
    assert set(epochs(harness)) == {0}
    assert voters(harness) == [0, 1, 2, 3]
    harness.heal()
    harness.run(10 * SECOND)
    traffic.blocks(4)
    settle(harness)
    assert set(epochs(harness)) == {1}


@pytest.mark.parametrize("moment", range(0, 40, 2))
def test_a_crash_at_the_border_leaves_one_epoch_or_the_other(moment: int) -> None:
    """All validators die at once, at one instant around the end of an epoch, and come back."""
    harness = network(4, 1)
    traffic = Traffic(harness)
    traffic.change(add(4), rekey(0))
    traffic.blocks(2)
    harness.submit(0, *transfers(2, 1))
    harness.run(15 * MILLISECOND + moment * MILLISECOND // 2)
    for node in range(5):
        harness.crash(node)
    for node in range(5):
        harness.start(node)
    for node in range(5):
        epoch = harness.node(node).parts.epochs.epoch
        height = harness.node(node).ledger.height
        assert epoch.number == (height >= INTERVAL)
    harness.run(5 * SECOND)
    harness.submit(1, *transfers(0, 5, 1))
    harness.run(5 * SECOND)
    settle(harness)
    state = harness.node(0).ledger.tip.state
    assert state.account(account(1)).nonce == 5  # type: ignore[union-attr]
    assert harness.traced("consensus.evidence") == []


@pytest.mark.parametrize("node", [0, 1, 3, 5])
def test_a_node_restarts_in_any_epoch(node: int) -> None:
    harness = network()
    traffic = Traffic(harness)
    traffic.change(add(5), remove(1))
    traffic.blocks(5, to=2)
    harness.crash(node)
    traffic.change(add(1), remove(2), to=2)
    traffic.blocks(3, to=2)
    harness.start(node)
    settle(harness)
    harness.run(SECOND)
    for each in range(7):
        harness.crash(each)
    for each in range(7):
        harness.start(each)
    harness.run(SECOND)
    traffic.blocks(2, to=3)
    settle(harness)
    assert set(epochs(harness)) == {2}
    assert voters(harness) == [0, 1, 3, 4, 5]


def test_the_records_of_an_epoch_are_gone_when_the_chain_is_durably_beyond_it() -> None:
    harness = network(4, 1)
    traffic = Traffic(harness)
    traffic.change(add(4))
    traffic.blocks(5)
    for node in range(5):
        rows = list(harness.places[node].store.scan(Pbft.table))
        assert rows
        assert {int.from_bytes(key[:8], "big") for key, _ in rows} == {1}
        assert not any(key[8:].startswith(EVIDENCE) for key, _ in rows)


def test_a_removed_validators_votes_reach_nobody() -> None:
    """It still has its key, and says what the committee of before would have listened to."""
    harness = network()
    traffic = Traffic(harness)
    traffic.change(remove(1))
    traffic.blocks(4)
    replica = harness.node(0).replica
    assert isinstance(replica, Seat)
    shown = Commit(replica.view, replica.delivered, digests(harness)[0], 1, b"x" * 64)
    handle = replica.handlers[Commit]
    assert handle(harness.now, NodeId(1), shown) == ()  # type: ignore[arg-type]


def test_the_same_run_gives_the_same_trace() -> None:
    def run() -> list[tuple[int, int, object]]:
        harness = network()
        traffic = Traffic(harness)
        traffic.change(add(5), remove(1))
        traffic.blocks(6)
        harness.run(5 * SECOND)
        return list(harness.trace)

    assert run() == run()


def test_where_votes_have_keys_of_their_own_a_validator_needs_both() -> None:
    """Re-keyed in its aggregate key alone, it would cast votes that nobody takes."""
    old, new = BlsKey(b"o" * 32), BlsKey(b"n" * 32)
    harness = network()
    node = harness.places[0].node
    assert node is not None
    epochs, environment = node.parts.epochs, harness.environment
    first, *others = environment.genesis.committee.members
    ours = tuple(Keys(validator_key(0), vote) for vote in (old, new))
    epochs._environment = dataclasses.replace(environment, signer=None, spare_keys=ours)
    for vote in (old, new, BlsKey(b"x" * 32)):
        member = msgspec.structs.replace(first, aggregate_key=vote.public_key)
        epochs.epoch = first_epoch(Committee((member, *others)))
        place = epochs.place()
        if vote in (old, new):
            assert place is not None
            assert place.keys.vote_signer is vote
        else:
            assert place is None
