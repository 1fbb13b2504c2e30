"""Whole paths through several nodes: see `harness` for what lies between them."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from consensus.certificate import Certificate
from consensus.signing import verify_certificate
from network.messages import (
    AnnounceBlock,
    CertifiedBlock,
    CertifiedBlocks,
    GetBlocks,
    PooledTransactions,
)
from network.sync_state import SyncConfig
from primitives.ids import Duration, NodeId
from primitives.machine import Message
from primitives.params import ChainParams
from tests.unit.node.harness import (
    MILLISECOND,
    PARAMS,
    SECOND,
    Harness,
    digests,
    make_environment,
)
from tests.unit.node.transfers import ETHER, FIXED, account, raw_transfer, stranger


def transfers(first: int, count: int, sender: int = 0) -> list[bytes]:
    return [raw_transfer(sender, first + step, stranger(sender), 1000) for step in range(count)]


def kinds(harness: Harness) -> dict[str, int]:
    counts: dict[str, int] = {}
    for _, _, message in harness.sent:
        name = type(message).__name__
        counts[name] = counts.get(name, 0) + 1
    return counts


def agree(harness: Harness, height: int) -> None:
    assert harness.heights() == [height] * len(harness.heights())
    assert len(set(digests(harness))) == 1


def test_transfers_are_committed_by_all_and_balances_add_up() -> None:
    harness = Harness(4)
    for sender in range(5):
        harness.submit(sender % 4, *transfers(0, 10, sender))
    harness.run(2 * SECOND)
    assert min(harness.heights()) >= 1
    agree(harness, harness.heights()[0])
    for sender in range(5):
        assert harness.balances(stranger(sender)) == [10 * 1000] * 4
        left = 10 * ETHER - 10 * (1000 + 21_000 * 2 * 10**9)
        assert harness.balances(account(sender)) == [left] * 4
    assert harness.traced("txpool.rejected") == []
    assert all(len(harness.node(index).pool) == 0 for index in range(4))


def test_a_decision_among_validators_takes_2n_n_minus_1_messages_and_no_other() -> None:
    harness = Harness(4)
    harness.submit(0, *transfers(0, 5))
    harness.run(100 * MILLISECOND)
    agree(harness, 1)
    counts = kinds(harness)
    assert {name: counts[name] for name in ("PrePrepare", "Prepare", "Commit")} == {
        "PrePrepare": 3,
        "Prepare": 9,
        "Commit": 12,
    }
    assert set(counts) <= {"PrePrepare", "Prepare", "Commit", "AnnounceTransactions"}


def test_a_transaction_given_to_a_backup_reaches_the_primary_by_gossip() -> None:
    harness = Harness(4)
    harness.submit(2, *transfers(0, 1))
    harness.run(SECOND)
    agree(harness, 1)
    assert kinds(harness)["PooledTransactions"] == 3
    built = harness.traced("chain.block_built")
    assert [event.transactions for event in built] == [1]  # type: ignore[attr-defined]


def test_a_pipeline_of_blocks_holds_each_transaction_once() -> None:
    harness = Harness(4, block_transactions=5)
    harness.submit(0, *(raw for sender in range(5) for raw in transfers(0, 10, sender)))
    harness.run(2 * SECOND)
    agree(harness, harness.heights()[0])
    committed = harness.traced("chain.block_committed", 1)
    sizes = [event.transactions for event in committed]  # type: ignore[attr-defined]
    assert sum(sizes) == 50
    assert max(sizes) == 5
    assert 0 not in sizes


def test_pipelined_blocks_are_in_flight_together() -> None:
    environment = make_environment(4, consensus=replace(PARAMS, batch_size=5))
    harness = Harness(4, environment=environment, block_transactions=5)
    harness.submit(0, *(raw for sender in range(5) for raw in transfers(0, 10, sender)))
    harness.run(2 * MILLISECOND)
    assert len(harness.traced("chain.block_built")) == PARAMS.pipeline_depth
    assert harness.heights() == [0] * 4


def test_followers_follow_with_certificates_that_verify() -> None:
    harness = Harness(4, followers=2)
    harness.submit(5, *transfers(0, 3))
    harness.run(SECOND)
    agree(harness, 1)
    certificate = harness.node(5).ledger.certificate(1)
    genesis = harness.environment.genesis
    verify_certificate(certificate, genesis.committee, harness.environment.genesis_block.digest)
    assert harness.balances(stranger(0)) == [3000] * 6


def test_a_single_validator_commits_alone() -> None:
    harness = Harness(1)
    harness.submit(0, *transfers(0, 3))
    harness.run(SECOND)
    agree(harness, 1)
    assert harness.balances(stranger(0)) == [3000]


def test_a_crashed_primary_is_replaced_and_nothing_is_lost() -> None:
    harness = Harness(4)
    harness.submit(1, *transfers(0, 5))
    harness.run(SECOND)
    harness.crash(0)
    harness.submit(1, *transfers(5, 5))
    harness.run(10 * SECOND)
    assert harness.balances(stranger(0)) == [10_000] * 3
    assert harness.traced("consensus.view_entered")


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


def test_a_minority_commits_nothing() -> None:
    harness = Harness(4)
    harness.isolate(2, 3)
    harness.submit(0, *transfers(0, 5))
    harness.run(10 * SECOND)
    assert harness.heights() == [0] * 4
    harness.heal()
    harness.run(60 * SECOND)
    assert harness.balances(stranger(0)) == [5000] * 4


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
    offences = harness.node(4).parts.sync.state.offences
    (liar,) = liars
    assert offences == {liar: {"a block or certificate that is not valid": 1}}


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
    assert reasons == ["certificate: expected one of height 2, got 1"]


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
    assert harness.node(4).parts.sync.state.offences == {silent[0]: {"no answer in time": 1}}


def test_silence_in_gossip_turns_to_another_announcer() -> None:
    harness = Harness(4)
    harness.tamper = lambda sender, to, message: (
        None if isinstance(message, PooledTransactions) and (sender, to) == (2, 0) else message
    )
    harness.submit(2, *transfers(0, 1))
    harness.run(3 * SECOND)
    assert harness.balances(stranger(0)) == [1000] * 4
    assert harness.node(0).parts.gossip.state.offences[NodeId(2)] == {"no answer in time": 1}


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


def test_the_base_fee_follows_ethereums_rule_through_the_pipeline() -> None:
    params = ChainParams(gas_limit=210_000)  # type: ignore[arg-type]
    harness = Harness(4, environment=make_environment(4, params))
    harness.submit(0, *(raw for sender in range(5) for raw in transfers(0, 10, sender)))
    harness.run(5 * SECOND)
    agree(harness, harness.heights()[0])
    assert sum(e.transactions for e in harness.traced("chain.block_committed", 0)) == 50  # type: ignore[attr-defined]
    fees = harness.node(0).ledger.tip.block.header.base_fee_per_gas
    assert fees > params.base_fee_initial


def test_under_the_strict_rule_blocks_do_not_run_ahead_of_the_clock() -> None:
    params = ChainParams(
        base_fee_rule="fixed", base_fee_initial=FIXED.base_fee_initial, timestamp_rule="strict"
    )
    harness = Harness(
        4,
        environment=make_environment(4, params),
        block_transactions=1,
        clock_drift_max=Duration(4 * SECOND),
    )
    harness.submit(0, *transfers(0, 12))
    harness.run(20 * SECOND)
    assert harness.balances(stranger(0)) == [12_000] * 4
    assert harness.traced("chain.block_refused") == []
    timestamps = [e.height for e in harness.traced("chain.block_committed", 0)]  # type: ignore[attr-defined]
    assert timestamps == list(range(1, 13))


def test_without_polling_an_idle_network_is_silent() -> None:
    quiet = SyncConfig(peers=(NodeId(0), NodeId(1)), poll_interval=Duration(0))
    harness = Harness(4, sync=quiet)
    harness.run(60 * SECOND)
    assert harness.sent == []


def test_the_same_run_gives_the_same_trace() -> None:
    def run() -> list[object]:
        harness = Harness(4, followers=1)
        harness.submit(1, *transfers(0, 7))
        harness.run(300 * MILLISECOND)
        harness.crash(0)
        harness.submit(2, *transfers(7, 7))
        harness.run(5 * SECOND)
        return harness.trace  # type: ignore[return-value]

    assert run() == run()


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
