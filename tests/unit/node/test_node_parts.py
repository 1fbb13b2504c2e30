"""The small parts of a node that keep its books."""

import pytest

from consensus.batching.policy import BatchLimits
from consensus.certificate import Certificate, InvalidCertificate
from consensus.certificate_ed25519 import Ed25519Certificates
from consensus.effects import ViewBegun, WorkDone, WorkPending
from consensus.messages import Commit
from consensus.state import Timer
from node.backlog import Backlog
from node.certificates import CertificateReader
from node.durable_runs import DurableRuns
from node.execution import ExecutedBlock
from node.fairness import Fairness
from node.ledger import UNDECIDED_MAX, Ledger, encode_certificate
from node.mempool import Mempool
from node.mempool_types import MempoolLimits
from node.requests import Purpose, Requests
from node.shared_jobs import BuildBlock
from node.snapshot import SnapshotLibrary
from primitives.committee import Committee
from primitives.errors import InvalidEncoding
from primitives.ids import Duration, Hash32, Instant, Sequence, View
from primitives.machine import Completed, Compute, Submitted, TimerFired
from tests.unit.node.driver import Driver
from tests.unit.node.harness import validator_key
from tests.unit.node.transfers import FIXED, built, chain, transfer

GENESIS = chain(params=FIXED)


def child(parent: ExecutedBlock, *nonces: int, sender: int = 0) -> ExecutedBlock:
    return built(parent, *(transfer(sender, nonce) for nonce in nonces), params=FIXED)


def certificate(block: ExecutedBlock, *signers: int) -> Certificate:
    marks = tuple(bytes([signer]) * 64 for signer in signers)
    return Certificate(0, View(0), Sequence(block.number), block.digest, signers, marks)


def append(ledger: Ledger, block: ExecutedBlock) -> None:
    proof = certificate(block, 0, 1, 2)
    ledger.append(block, encode_certificate(proof), proof)


def new_ledger(recent: int = 8) -> Ledger:
    return Ledger(GENESIS, recent, DurableRuns(64, SnapshotLibrary(), GENESIS.state))


# ---------------------------------------------------------------- ledger


def test_a_new_head_drops_what_does_not_descend_from_it() -> None:
    ledger = new_ledger()
    chosen, rival = child(GENESIS, 0), child(GENESIS, 0, sender=1)
    on_chosen, on_rival = child(chosen, 1), child(rival, 1, sender=1)
    for block in (rival, on_rival, chosen, on_chosen):
        ledger.keep(block)
    append(ledger, chosen)
    assert ledger.executed(chosen.digest) is chosen
    assert ledger.executed(on_chosen.digest) is on_chosen
    assert ledger.executed(rival.digest) is None
    assert ledger.executed(on_rival.digest) is None
    assert ledger.executed(GENESIS.digest) is None
    ledger.keep(rival)
    assert ledger.executed(rival.digest) is None


def test_final_blocks_are_found_by_height() -> None:
    ledger = new_ledger(recent=2)
    first = child(GENESIS, 0)
    second, third = child(first, 1), child(child(first, 1), 2)
    for block in (first, second, third):
        append(ledger, block)
    assert ledger.head() == (3, third.digest)
    assert ledger.lowest == 1
    assert [ledger.digest(height) for height in range(1, 4)] == [
        first.digest,
        second.digest,
        third.digest,
    ]
    found = ledger.certified_block(2)
    assert found is not None
    assert found.payload is second.payload
    assert ledger.certified_block(0) is None
    assert ledger.certified_block(4) is None
    assert ledger.certificate(2) == certificate(second, 0, 1, 2)
    assert [proof.sequence for proof in ledger.trail()] == [2, 3]
    for height in (-1, 4):
        with pytest.raises(KeyError):
            ledger.digest(height)
    for height in (0, 4):
        with pytest.raises(KeyError):
            ledger.certificate(height)


def test_undecided_blocks_are_bounded() -> None:
    ledger = new_ledger()
    first = child(GENESIS, 0)
    ledger.keep(first)
    fields = {name: getattr(first, name) for name in ExecutedBlock.__struct_fields__}
    for number in range(UNDECIDED_MAX):
        fields["digest"] = Hash32(number.to_bytes(32, "big"))
        ledger.keep(ExecutedBlock(**fields))
    assert ledger.executed(first.digest) is None
    assert ledger.executed(GENESIS.digest) is GENESIS
    assert ledger.executed(fields["digest"]) is not None


def test_only_a_child_of_the_head_can_be_final() -> None:
    with pytest.raises(AssertionError, match="off the chain"):
        append(new_ledger(), child(child(GENESIS, 0), 1))


# ---------------------------------------------------------------- backlog


def pool(*nonces: int) -> Mempool:
    made = Mempool(FIXED, MempoolLimits(), GENESIS.state, FIXED.base_fee_initial)
    for nonce in nonces:
        made.add(Instant(7 + nonce), transfer(0, nonce))
    return made


def pending(since: int, *nonces: int, passed_over: Instant | None = None) -> WorkPending:
    """Return what consensus should be told of these transactions."""
    waiting = [transfer(0, nonce) for nonce in nonces]
    byte_count = sum(len(each.raw) for each in waiting)
    gas = sum(each.gas_limit for each in waiting)
    return WorkPending(Instant(since), len(waiting), passed_over, byte_count, gas)


def backlog_of(waiting: Mempool) -> Backlog:
    return Backlog(waiting, Fairness(waiting, FIXED, BatchLimits(500), Duration(10)))


def test_consensus_is_told_once_unless_there_is_news() -> None:
    backlog = backlog_of(pool(0, 1))
    told = pending(7, 0, 1)
    assert backlog.report(news=False) == told
    assert backlog.report(news=False) is None
    assert backlog.report(news=True) == told


def test_consensus_is_told_what_blocks_pass_over() -> None:
    waiting = pool(0)
    fairness = Fairness(waiting, FIXED, BatchLimits(500), Duration(10))
    backlog = Backlog(waiting, fairness)
    backlog.report(news=False)
    fairness.judge(Instant(20), built(GENESIS, params=FIXED))
    assert backlog.report(news=False) == pending(7, 0, passed_over=Instant(20))


def test_an_empty_pool_is_no_news() -> None:
    backlog = backlog_of(pool())
    assert backlog.report(news=False) is None
    assert backlog.report(news=True) == WorkDone()


def test_what_is_in_an_own_block_in_flight_does_not_wait() -> None:
    backlog = backlog_of(pool(0, 1, 2))
    backlog.built(child(GENESIS, 0, 1), View(0))
    assert backlog.report(news=False) == pending(7, 2)
    backlog.built(child(child(GENESIS, 0, 1), 2), View(0))
    assert backlog.report(news=False) == WorkDone()


def test_a_new_view_lets_transactions_of_dropped_blocks_wait_again() -> None:
    backlog = backlog_of(pool(0, 1))
    built = child(GENESIS, 0, 1)
    backlog.built(built, View(0))
    assert backlog.report(news=True) == WorkDone()
    backlog.view_begun(View(1), (built.digest,))
    assert backlog.report(news=True) == WorkDone()
    backlog.view_begun(View(2), ())
    assert backlog.report(news=True) == pending(7, 0, 1)


def test_a_block_that_is_ready_when_its_view_is_over_is_not_in_flight() -> None:
    backlog = backlog_of(pool(0, 1))
    backlog.view_begun(View(1), ())
    backlog.built(child(GENESIS, 0, 1), View(0))
    assert backlog.report(news=True) == pending(7, 0, 1)
    backlog.built(child(GENESIS, 0, 1), View(1))
    assert backlog.report(news=True) == WorkDone()


def test_a_new_epoch_begins_with_nothing_in_flight() -> None:
    backlog = backlog_of(pool(0, 1))
    backlog.view_begun(View(3), ())
    backlog.built(child(GENESIS, 0), View(3))
    backlog.epoch_begun()
    assert backlog.report(news=True) == pending(7, 0, 1)
    backlog.built(child(GENESIS, 0, 1), View(0))
    assert backlog.report(news=True) == WorkDone()


def test_the_node_knows_of_which_view_a_block_is_that_was_long_in_building() -> None:
    primary = Driver(0)
    primary.give(Submitted(transfer(0, 0).raw))
    primary.now = 10**9
    (build,) = [
        e
        for e in primary.step(TimerFired(Timer.PROPOSE))
        if isinstance(e, Compute) and isinstance(e.job, BuildBlock)
    ]
    primary.node._perform(Instant(primary.now), [ViewBegun(View(1), ())])
    primary.step(Completed(build.request, build.job.run()))
    assert isinstance(primary.node.parts.backlog.report(news=True), WorkPending)


def test_a_final_block_is_not_in_flight() -> None:
    backlog = backlog_of(pool(0, 1))
    backlog.built(child(GENESIS, 0), View(0))
    backlog.built(child(child(GENESIS, 0), 1), View(0))
    backlog.committed(1)
    assert backlog.report(news=False) == pending(7, 0)


# ---------------------------------------------------------------- certificates


class Recorder:
    """A verifier that counts and accepts what it is told to."""

    def __init__(self, *, accepts: bool) -> None:
        self.accepts = accepts
        self.seen: list[Commit] = []
        self.policy = Ed25519Certificates()

    def verify_message(self, message: object) -> bool:
        assert isinstance(message, Commit)
        self.seen.append(message)
        return self.accepts

    def verify_aggregate(self, vote: object, signers: object, aggregate: bytes) -> bool:
        raise AssertionError("these certificates have no aggregate")


COMMITTEE = Committee.of_keys(validator_key(index).public_key for index in range(4))


def test_a_certificate_is_verified_once_for_all_nodes() -> None:
    block = child(GENESIS, 0)
    encoded = encode_certificate(certificate(block, 0, 1, 2))
    reader, verifier = CertificateReader(), Recorder(accepts=True)
    assert reader.read(encoded) is reader.read(encoded)
    reader.verify(encoded, COMMITTEE, 0, verifier)
    reader.verify(encoded, COMMITTEE, 0, verifier)
    assert [vote.replica for vote in verifier.seen] == [0, 1, 2]
    assert verifier.seen[0].digest == block.digest


def test_what_was_verified_for_one_epoch_is_not_taken_for_another() -> None:
    encoded = encode_certificate(certificate(child(GENESIS, 0), 0, 1, 2))
    reader, verifier = CertificateReader(), Recorder(accepts=True)
    reader.verify(encoded, COMMITTEE, 0, verifier)
    with pytest.raises(InvalidCertificate, match="epoch: expected 1, got 0"):
        reader.verify(encoded, COMMITTEE, 1, verifier)


def test_what_one_committee_has_signed_is_not_taken_for_anothers() -> None:
    """With too many liars two nodes may know two committees under the number of one epoch."""
    encoded = encode_certificate(certificate(child(GENESIS, 0), 0, 1, 2))
    reader, verifier = CertificateReader(), Recorder(accepts=True)
    reader.verify(encoded, COMMITTEE, 0, verifier)
    with pytest.raises(InvalidCertificate, match="valid COMMITs"):
        reader.verify(encoded, Committee(COMMITTEE.members[::-1]), 0, Recorder(accepts=False))


def test_a_reader_that_keeps_nothing_verifies_each_time() -> None:
    encoded = encode_certificate(certificate(child(GENESIS, 0), 0, 1, 2))
    reader, verifier = CertificateReader(0), Recorder(accepts=True)
    reader.verify(encoded, COMMITTEE, 0, verifier)
    reader.verify(encoded, COMMITTEE, 0, verifier)
    assert len(verifier.seen) == 6


def test_bad_certificates_are_refused_each_time() -> None:
    reader = CertificateReader()
    encoded = encode_certificate(certificate(child(GENESIS, 0), 0, 1, 2))
    for _ in range(2):
        with pytest.raises(InvalidCertificate, match="valid COMMITs"):
            reader.verify(encoded, COMMITTEE, 0, Recorder(accepts=False))
    few = encode_certificate(certificate(child(GENESIS, 0), 0, 1))
    with pytest.raises(InvalidCertificate, match="3 signers, got 2"):
        reader.verify(few, COMMITTEE, 0, Recorder(accepts=True))
    with pytest.raises(InvalidEncoding, match="Certificate"):
        reader.read(encoded[:-1])


# ---------------------------------------------------------------- requests


def test_a_request_is_open_until_it_is_closed_once() -> None:
    requests = Requests()
    one, other = Purpose(), Purpose()
    first, second = requests.open(one), requests.open(other)
    assert first != second
    assert requests.close(second) is other
    assert len(requests) == 1
    with pytest.raises(KeyError):
        requests.close(second)
