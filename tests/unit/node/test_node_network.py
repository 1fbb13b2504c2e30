"""Whole paths through several nodes: see `harness` for what lies between them."""

from dataclasses import replace

from consensus.signing import verify_certificate
from network.messages import (
    PooledTransactions,
)
from primitives.ids import Duration
from primitives.params import ChainParams
from primitives.transaction import transaction_hash
from tests.unit.node.harness import (
    MILLISECOND,
    PARAMS,
    SECOND,
    Harness,
    agree,
    kinds,
    make_environment,
    scored,
    transfers,
)
from tests.unit.node.transfers import ETHER, FIXED, account, stranger


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
    environment = make_environment(4, consensus=replace(PARAMS, batch_size=5))
    harness = Harness(4, environment=environment)
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
    harness = Harness(4, environment=environment)
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


def test_nodes_remember_adopted_and_validated_transactions_by_their_hashes() -> None:
    harness = Harness(4, followers=1)
    raws = transfers(0, 5)
    harness.submit(0, *raws)
    harness.run(2 * SECOND)
    assert min(harness.heights()) > 0
    for index in range(5):
        remembered = harness.node(index).parts.intake.recovered
        assert sorted(remembered.younger) == sorted(transaction_hash(raw) for raw in raws)


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


def test_a_transaction_given_to_an_isolated_node_is_committed_after_the_partition() -> None:
    harness = Harness(4)
    harness.isolate(3)
    harness.submit(3, *transfers(0, 3))
    harness.run(500 * MILLISECOND)
    assert harness.heights() == [0] * 4
    harness.heal()
    harness.run(4 * SECOND)
    assert harness.balances(stranger(0)) == [3000] * 4


def test_a_minority_commits_nothing() -> None:
    harness = Harness(4)
    harness.isolate(2, 3)
    harness.submit(0, *transfers(0, 5))
    harness.run(10 * SECOND)
    assert harness.heights() == [0] * 4
    harness.heal()
    harness.run(60 * SECOND)
    assert harness.balances(stranger(0)) == [5000] * 4


def test_silence_in_gossip_turns_to_another_announcer() -> None:
    harness = Harness(4)
    harness.tamper = lambda sender, to, message: (
        None if isinstance(message, PooledTransactions) and (sender, to) == (2, 0) else message
    )
    harness.submit(2, *transfers(0, 1))
    harness.run(3 * SECOND)
    assert harness.balances(stranger(0)) == [1000] * 4
    assert (2, 96, "no answer in time") in scored(harness, 0)


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
        environment=make_environment(4, params, replace(PARAMS, batch_size=1)),
        clock_drift_max=Duration(4 * SECOND),
    )
    harness.submit(0, *transfers(0, 12))
    harness.run(20 * SECOND)
    assert harness.balances(stranger(0)) == [12_000] * 4
    assert harness.traced("chain.block_refused") == []
    timestamps = [e.height for e in harness.traced("chain.block_committed", 0)]  # type: ignore[attr-defined]
    assert timestamps == list(range(1, 13))


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
