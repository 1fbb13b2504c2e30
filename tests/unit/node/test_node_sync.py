"""How nodes that miss blocks get them, from peers that may be silent or lie."""

from collections.abc import Callable

import pytest

from consensus.certificate import Certificate
from network.messages import (
    AnnounceBlock,
    CertifiedBlock,
    CertifiedBlocks,
    GetBlocks,
)
from network.sync_state import SyncConfig
from primitives.ids import Duration, NodeId
from primitives.machine import Message
from tests.unit.node.harness import (
    MILLISECOND,
    SECOND,
    Harness,
    agree,
    digests,
    kinds,
    scored,
    transfers,
)
from tests.unit.node.transfers import stranger


def test_a_restarted_validator_rebuilds_its_chain_and_catches_up() -> None:
    harness = Harness(4)
    harness.submit(0, *transfers(0, 5))
    harness.run(SECOND)
    harness.crash(3)
    for batch in range(1, 6):
        harness.submit(0, *transfers(5 * batch, 5))
        harness.run(500 * MILLISECOND)
    assert harness.heights() == [6, 6, 6]
    harness.start(3)
    assert harness.node(3).ledger.tip.number == 1
    harness.run(SECOND)
    agree(harness, 6)
    assert harness.balances(stranger(0)) == [30_000] * 4
    harness.submit(3, *transfers(30, 5))
    harness.run(SECOND)
    agree(harness, 7)


def test_a_restarted_network_goes_on_where_it_was() -> None:
    harness = Harness(4)
    harness.submit(0, *transfers(0, 5))
    harness.run(SECOND)
    for index in range(4):
        harness.crash(index)
    for index in range(4):
        harness.start(index)
    agree(harness, 1)
    harness.submit(0, *transfers(5, 5))
    harness.run(3 * SECOND)
    assert harness.balances(stranger(0)) == [10_000] * 4


def test_a_restarted_follower_catches_up() -> None:
    harness = Harness(4, followers=1)
    harness.submit(0, *transfers(0, 5))
    harness.run(SECOND)
    harness.crash(4)
    harness.submit(0, *transfers(5, 5))
    harness.run(SECOND)
    harness.start(4)
    harness.run(SECOND)
    agree(harness, 2)


def test_a_partitioned_validator_catches_up_when_the_partition_heals() -> None:
    harness = Harness(4)
    harness.submit(0, *transfers(0, 5))
    harness.run(SECOND)
    harness.isolate(3)
    for batch in range(1, 4):
        harness.submit(0, *transfers(5 * batch, 5))
        harness.run(SECOND)
    assert harness.heights() == [4, 4, 4, 1]
    harness.heal()
    harness.run(10 * SECOND)
    agree(harness, 4)


def test_an_isolated_follower_catches_up_though_no_more_blocks_come() -> None:
    harness = Harness(4, followers=1)
    harness.isolate(4)
    for batch in range(6):
        harness.submit(0, *transfers(5 * batch, 5))
        harness.run(200 * MILLISECOND)
    harness.heal()
    assert harness.heights() == [6, 6, 6, 6, 0]
    harness.run(15 * SECOND)
    agree(harness, 6)
    assert len(harness.traced("sync.started", 4)) == 1
    assert [e.height for e in harness.traced("sync.finished", 4)] == [6]  # type: ignore[attr-defined]


def spoil_payload(block: CertifiedBlock) -> CertifiedBlock:
    return CertifiedBlock(block.payload[:-1] + b"\x01", block.certificate)


def spoil_certificate(block: CertifiedBlock) -> CertifiedBlock:
    return CertifiedBlock(
        block.payload, block.certificate[:-1] + bytes([block.certificate[-1] ^ 1])
    )


def cut_certificate(block: CertifiedBlock) -> CertifiedBlock:
    return CertifiedBlock(block.payload, block.certificate[:-1])


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (spoil_payload, "rlp: expected a list"),
        (spoil_certificate, "valid COMMITs"),
        (cut_certificate, "its MessagePack form"),
    ],
)
def test_a_liar_is_counted_and_the_block_is_fetched_from_another(
    spoil: Callable[[CertifiedBlock], CertifiedBlock], reason: str
) -> None:
    harness = Harness(4, followers=1)
    liars: dict[int, None] = {}

    def lie(sender: int, to: int, message: Message) -> Message:
        if isinstance(message, CertifiedBlocks) and (not liars or sender in liars):
            liars[sender] = None
            return CertifiedBlocks(message.request, tuple(spoil(b) for b in message.blocks))
        return message

    harness.tamper = lie
    harness.submit(0, *transfers(0, 5))
    harness.run(SECOND)
    agree(harness, 1)
    (refused,) = harness.traced("chain.block_refused", 4)
    assert reason in refused.reason  # type: ignore[attr-defined]
    (liar,) = liars
    assert scored(harness, 4) == [(liar, 50, "a block or certificate that is not valid")]


def test_a_certificate_of_another_block_is_no_proof() -> None:
    harness = Harness(4, followers=1)
    old: list[bytes] = []

    def replay(sender: int, to: int, message: Message) -> Message:
        if isinstance(message, CertifiedBlocks) and sender == 0:
            blocks = message.blocks
            old.extend(block.certificate for block in blocks)
            forged = tuple(CertifiedBlock(block.payload, old[0]) for block in blocks)
            return CertifiedBlocks(message.request, forged)
        return message

    harness.tamper = replay
    for batch in range(3):
        harness.submit(0, *transfers(5 * batch, 5))
        harness.run(SECOND)
    agree(harness, 3)
    reasons = [e.reason for e in harness.traced("chain.block_refused", 4)]  # type: ignore[attr-defined]
    assert reasons[0] == "certificate: expected one of height 2, got 1"
    assert scored(harness, 4)[0] == (0, 92, "a block of another height than was asked for")


def test_silence_in_block_exchange_turns_to_another_peer() -> None:
    harness = Harness(4, followers=1)
    silent: list[int] = []

    def swallow(sender: int, to: int, message: Message) -> Message | None:
        if isinstance(message, GetBlocks) and (not silent or to in silent):
            silent.append(to)
            return None
        return message

    harness.tamper = swallow
    harness.submit(0, *transfers(0, 5))
    harness.run(4 * SECOND)
    agree(harness, 1)
    assert scored(harness, 4) == [(silent[0], 96, "no answer in time")]


def test_validators_without_followers_announce_no_blocks() -> None:
    harness = Harness(4)
    harness.submit(0, *transfers(0, 5))
    harness.run(SECOND)
    assert "AnnounceBlock" not in kinds(harness)


def test_a_follower_announces_onward_what_it_has_adopted() -> None:
    harness = Harness(4, followers=2)
    harness.submit(0, *transfers(0, 5))
    harness.run(SECOND)
    onward = [m for sender, _, m in harness.sent if sender == 4 and isinstance(m, AnnounceBlock)]
    assert onward
    assert onward[0] == AnnounceBlock(1, digests(harness)[0])


def test_without_polling_an_idle_network_is_silent() -> None:
    quiet = SyncConfig(peers=(NodeId(0), NodeId(1)), poll_interval=Duration(0))
    harness = Harness(4, sync=quiet)
    harness.run(60 * SECOND)
    assert harness.sent == []


def test_certificates_are_kept_for_every_height() -> None:
    harness = Harness(4)
    for batch in range(3):
        harness.submit(0, *transfers(2 * batch, 2))
        harness.run(SECOND)
    ledger = harness.node(2).ledger
    certificates: list[Certificate] = [ledger.certificate(height) for height in (1, 2, 3)]
    assert [c.digest for c in certificates] == [ledger.digest(height) for height in (1, 2, 3)]
    with pytest.raises(KeyError):
        ledger.certificate(4)
