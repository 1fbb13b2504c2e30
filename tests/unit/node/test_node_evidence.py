"""A refused block convicts its proposer only if the proposer has signed what is wrong with it."""

from collections.abc import Callable

import msgspec
import pytest

from consensus.evidence import InvalidEvidence, InvalidProposal, verify_evidence
from consensus.messages import PrePrepare
from node.evidence import is_covered, proves_invalid
from node.execution import ExecutedBlock
from primitives.block import Block, encode_block
from primitives.header import header_hash
from primitives.ids import Hash32
from tests.unit.node.driver import ENVIRONMENT, GENESIS, Driver, child, proposal, traced
from tests.unit.node.transfers import FIXED, raw_transfer

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
    names = [event.name for event in traced(driver.receive(0, shown))]
    assert "consensus.evidence" in names
    replica = driver.node.replica
    assert replica is not None
    assert replica.scores == {0: 1}
    (evidence,) = replica.state.misdeeds.kept[0]
    assert evidence == InvalidProposal(shown)
    assert convict(InvalidProposal(shown)) == 0
    with pytest.raises(InvalidEvidence):
        convict(InvalidProposal(shown), None)


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
    names = [event.name for event in traced(driver.receive(0, changed(timestamp=1_000)))]
    assert "chain.block_refused" in names
    assert "consensus.evidence" not in names


def test_a_valid_proposal_convicts_nobody() -> None:
    assert is_covered(GOOD.payload, GOOD.digest, FIXED)
    with pytest.raises(InvalidEvidence):
        convict(InvalidProposal(proposal(GOOD)))


def test_a_block_is_judged_on_its_own_parent_only() -> None:
    second = child(GOOD, 1)
    assert not proves_invalid(proposal(second), GENESIS, FIXED)
    assert not proves_invalid(proposal(second), GOOD, FIXED)
