"""A refused block convicts its proposer only if the proposer has signed what is wrong with it."""

from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest

from consensus.evidence import InvalidEvidence, InvalidProposal, verify_evidence
from consensus.messages import PrePrepare
from consensus.replica import Replica
from node.builder import BuildContext, build_block
from node.evidence import is_covered, proves_invalid
from node.execution import ExecutedBlock
from node.trace import PeerScored
from primitives.block import Block, Withdrawal, encode_block, withdrawals_root
from primitives.header import header_hash
from primitives.ids import Hash32, Instant, NodeId
from tests.unit.node.driver import ENVIRONMENT, GENESIS, Driver, child, proposal, traced
from tests.unit.node.transfers import FIXED, account, raw_transfer

GOOD = child(GENESIS, 0)
OTHER = Hash32(b"o" * 32)


def changed(payload: bytes | None = None, **header: object) -> PrePrepare:
    """The primary's signed proposal of a block with another header, or other bytes with it."""
    block = Block(msgspec.structs.replace(GOOD.block.header, **header), GOOD.block.transactions)
    return proposed(block, payload)


def proposed(block: Block, payload: bytes | None = None) -> PrePrepare:
    fields = {name: getattr(GOOD, name) for name in ExecutedBlock.__struct_fields__}
    fields |= {
        "block": block,
        "digest": header_hash(block.header),
        "payload": encode_block(block) if payload is None else payload,
    }
    return proposal(ExecutedBlock(**fields))


def with_header_root(*raws: bytes) -> PrePrepare:
    """The good header over other transactions, which its signature does not cover."""
    return proposed(GOOD.block, encode_block(Block(GOOD.block.header, raws)))


def judge(shown: PrePrepare) -> bool:
    return proves_invalid(shown, GENESIS, FIXED)


def convict(evidence: InvalidProposal, judged: Callable[[PrePrepare], bool] | None = judge) -> int:
    committee, digest = ENVIRONMENT.genesis.committee, GENESIS.digest
    return verify_evidence(evidence, committee, digest, is_invalid=judged)


def test_a_false_state_root_convicts_the_primary() -> None:
    driver = Driver()
    shown = changed(state_root=OTHER)
    events = traced(driver.receive(0, shown))
    names = [event.name for event in events]
    assert "consensus.evidence" in names
    assert PeerScored(0, 50, "a proposed block that is not valid") in events
    assert driver.node.parts.scores.score(Instant(0), NodeId(0)) == 50
    replica = driver.node.replica
    assert isinstance(replica, Replica)
    assert replica.scores == {0: 1}
    (evidence,) = replica.state.misdeeds.kept[0]
    assert evidence == InvalidProposal(shown)
    assert convict(InvalidProposal(shown)) == 0
    with pytest.raises(InvalidEvidence):
        convict(InvalidProposal(shown), None)


def test_withdrawals_that_the_header_commits_to_convict() -> None:
    paid = (Withdrawal(0, 0, account(0), 10**9),)
    root = withdrawals_root(paid)
    header = msgspec.structs.replace(GOOD.block.header, withdrawals_root=root)
    shown = proposed(Block(header, GOOD.block.transactions, paid))
    assert convict(InvalidProposal(shown)) == 0
    added = proposed(GOOD.block, encode_block(Block(GOOD.block.header, (), paid)))
    with pytest.raises(InvalidEvidence):
        convict(InvalidProposal(added))


def test_a_block_that_is_too_large_for_its_chain_convicts() -> None:
    large = child(GENESIS, 0, 1, 2, 3, 4, 5)
    narrow = replace(FIXED, max_block_bytes=1_024)
    assert len(large.payload) > narrow.max_block_bytes
    assert proves_invalid(proposal(large), GENESIS, narrow)


@pytest.mark.parametrize(
    "shown",
    [
        with_header_root(),
        with_header_root(raw_transfer(1, 0)),
        changed(GOOD.payload, state_root=OTHER),
        changed(GOOD.payload[:-1]),
        changed(b"junk"),
    ],
    ids=["no body", "another body", "another block", "cut", "junk"],
)
def test_bytes_that_the_digest_does_not_cover_convict_nobody(shown: PrePrepare) -> None:
    driver = Driver()
    names = [event.name for event in traced(driver.receive(0, shown))]
    assert "chain.block_refused" in names
    assert "consensus.evidence" not in names
    with pytest.raises(InvalidEvidence):
        convict(InvalidProposal(shown))


def test_a_clock_convicts_nobody() -> None:
    """Another node, or the same one later, finds the block valid."""
    driver = Driver()
    context = BuildContext(GOOD.block.header.fee_recipient, 1_000)
    shown = proposal(build_block(GENESIS, GOOD.transactions, context, FIXED))
    names = [event.name for event in traced(driver.receive(0, shown))]
    assert "chain.block_refused" in names
    assert "consensus.evidence" not in names


def test_a_valid_proposal_convicts_nobody() -> None:
    assert is_covered(GOOD.payload, GOOD.digest)
    with pytest.raises(InvalidEvidence):
        convict(InvalidProposal(proposal(GOOD)))


def test_a_block_is_judged_on_its_own_parent_only() -> None:
    second = child(GOOD, 1)
    assert not proves_invalid(proposal(second), GENESIS, FIXED)
    assert not proves_invalid(proposal(second), GOOD, FIXED)
