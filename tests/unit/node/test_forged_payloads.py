"""A primary that gives one backup another payload than the one its digest names.

The signature of a PRE-PREPARE covers the digest only, so such a forgery says nothing about the
block: the victim must get the true payload and go on, as if its message had been lost.
"""

from collections.abc import Callable

import msgspec
import pytest

from consensus.effects import BlockValidated, ValidateBlock
from consensus.messages import GetProposal, PrePrepare
from network.messages import GetBlocks
from node.events import ToConsensus
from primitives.block import Block, decode_block, encode_block
from primitives.ids import Instant, Sequence
from primitives.machine import Message
from primitives.rlp import encode_list
from tests.unit.node.driver import GENESIS, Driver, child, proposal
from tests.unit.node.harness import MILLISECOND, Harness, agree, transfers

PRIMARY, VICTIM = 0, 3
Forgery = Callable[[bytes], bytes]


def garbage(payload: bytes) -> bytes:
    return encode_list(())


def truncated_body(payload: bytes) -> bytes:
    block = decode_block(payload)
    return encode_block(Block(block.header, block.transactions[:-1]))


def another_block(payload: bytes) -> bytes:
    """A block that can be executed as well; only its hash is another."""
    block = decode_block(payload)
    header = msgspec.structs.replace(block.header, extra_data=b"another")
    return encode_block(Block(header, block.transactions))


FORGERIES = [garbage, truncated_body, another_block]


class Forger:
    """Changes payloads on their way to the victim."""

    def __init__(self, kind: type[Message], forge: Forgery, liars: tuple[int, ...]) -> None:
        self.kind = kind
        self.forge = forge
        self.liars = liars
        self.count = 0

    def __call__(self, sender: int, to: int, message: Message) -> Message | None:
        if to == VICTIM and sender in self.liars and isinstance(message, self.kind):
            self.count += 1
            payload = self.forge(message.payload)  # type: ignore[attr-defined]
            return msgspec.structs.replace(message, payload=payload)
        return message


def forged(forge: Forgery) -> tuple[Harness, Forger]:
    harness = Harness(4)
    harness.tamper = forger = Forger(PrePrepare, forge, (PRIMARY,))
    return harness, forger


def asked(harness: Harness, kind: type[Message]) -> list[Message]:
    return [m for sender, _, m in harness.sent if sender == VICTIM and isinstance(m, kind)]


@pytest.mark.parametrize("forge", FORGERIES)
def test_the_victim_of_a_forged_payload_fetches_the_true_one_and_goes_on(forge: Forgery) -> None:
    harness, forger = forged(forge)
    harness.submit(PRIMARY, *transfers(0, 3))
    harness.run(150 * MILLISECOND)
    assert forger.count == 1
    agree(harness, 1)
    assert asked(harness, GetProposal)
    assert asked(harness, GetBlocks) == []


@pytest.mark.parametrize("forge", FORGERIES)
def test_a_primary_that_forges_every_payload_does_not_shut_its_victim_out(
    forge: Forgery,
) -> None:
    harness, forger = forged(forge)
    for first in range(0, 12, 3):
        harness.submit(PRIMARY, *transfers(first, 3))
        harness.run(100 * MILLISECOND)
    assert forger.count >= 4
    agree(harness, min(harness.heights()))
    assert min(harness.heights()) >= 4
    assert asked(harness, GetBlocks) == []
    refused = harness.traced("chain.block_refused", VICTIM)
    assert len(refused) == forger.count


def test_the_verdict_on_a_known_block_does_not_hold_for_another_payload() -> None:
    driver = Driver()
    block = child(GENESIS, 0)
    driver.receive(0, proposal(block))
    proposals = driver.node.parts.proposals

    def verdict(payload: bytes) -> BlockValidated:
        asked = ValidateBlock(Sequence(1), block.digest, GENESIS.digest, payload)
        effects = proposals.on_validate_block(Instant(driver.now), asked)
        (event,) = [effect.event for effect in effects if isinstance(effect, ToConsensus)]
        assert isinstance(event, BlockValidated)
        return event

    assert verdict(block.payload) == BlockValidated(block.digest, accepted=True, reason="")
    refused = verdict(b"another")
    assert (refused.accepted, refused.mislabelled, refused.proven) == (False, True, False)


def test_the_verdict_on_a_known_block_does_not_hold_on_another_parent() -> None:
    """A new primary may name a false parent for a block that this node has executed."""
    driver = Driver()
    block = child(GENESIS, 0)
    driver.receive(0, proposal(block))
    asked = ValidateBlock(Sequence(1), block.digest, block.digest, block.payload)
    effects = driver.node.parts.proposals.on_validate_block(Instant(driver.now), asked)
    (verdict,) = [effect.event for effect in effects if isinstance(effect, ToConsensus)]
    assert isinstance(verdict, BlockValidated)
    assert (verdict.accepted, verdict.mislabelled, verdict.proven) == (False, False, False)
