"""Transactions at one node, turn by turn."""

from dataclasses import replace

import pytest

from network.gossip_state import GossipTimer
from network.messages import (
    AnnounceTransactions,
    GetTransactions,
    PooledTransactions,
)
from node.costs import ADMIT, DECODE, RECOVER
from node.intake import ClientsAnswered
from node.node import Node
from node.trace import TransactionsPooled
from primitives.ids import Instant, NodeId
from primitives.machine import (
    Completed,
    Compute,
    Received,
    SetTimer,
    Submitted,
    Tasks,
    TimerFired,
    Work,
)
from primitives.transaction import transaction_hash
from storage.memory import MemoryStore
from tests.unit.node.driver import (
    ENVIRONMENT,
    Driver,
    broadcast,
    sent,
    traced,
)
from tests.unit.node.harness import make_config, validator_key
from tests.unit.node.transfers import raw_transfer


def test_a_submitted_transaction_is_traced_checked_and_announced() -> None:
    driver = Driver()
    raw = raw_transfer()
    effects = driver.step(Submitted(raw))
    assert [event.name for event in traced(effects)] == ["txpool.submitted"]
    (compute,) = [effect for effect in effects if isinstance(effect, Compute)]
    assert compute.stages == (Tasks(DECODE, (1,)), Tasks(RECOVER, (1,)))
    effects = driver.step(Completed(compute.request, compute.job.run()))
    assert effects[0] == Work(ADMIT, 1)
    assert any(e == SetTimer(GossipTimer.ANNOUNCE, 50_000_000) for e in effects)  # type: ignore[arg-type]
    announced = driver.step(TimerFired(GossipTimer.ANNOUNCE))
    expected = AnnounceTransactions(b"\x02", (len(raw),), (transaction_hash(raw),))
    assert broadcast(announced) == [expected]


def test_who_has_clients_is_told_what_enters_the_pool_and_what_became_of_theirs() -> None:
    config = make_config(1, 4, answers_clients=True)
    node = Node(config, replace(ENVIRONMENT, signer=validator_key(1)), MemoryStore())
    (*_, compute) = node.step(Instant(0), Submitted(raw_transfer(0, 0)))
    assert isinstance(compute, Compute)
    effects = list(node.step(Instant(0), Completed(compute.request, compute.job.run())))
    name = transaction_hash(raw_transfer(0, 0))
    assert traced(effects) == [TransactionsPooled((name,))]
    assert ClientsAnswered(((name, ""),)) in effects


def test_what_gathers_while_a_batch_is_checked_is_the_next_batch() -> None:
    driver = Driver()
    (_, first) = driver.step(Submitted(raw_transfer(0, 0)))
    assert isinstance(first, Compute)
    for nonce in (1, 2, 3):
        assert len(driver.step(Submitted(raw_transfer(0, nonce)))) == 1
    effects = driver.step(Completed(first.request, first.job.run()))
    (second,) = [effect for effect in effects if isinstance(effect, Compute)]
    assert second.stages[1] == Tasks(RECOVER, (1, 1, 1))


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"\x02\x01", "malformed"),
        (raw_transfer(chain_id=99), "wrong_chain_id"),
        (raw_transfer(7), "insufficient_funds"),
        (raw_transfer(gas=20_000), "intrinsic_gas_too_low"),
        (raw_transfer(nonce=5_000), "nonce_too_high"),
        (raw_transfer(gas=30_000_001), "gas_limit_above_cap"),
    ],
)
def test_a_refused_transaction_is_traced_with_its_reason_and_not_announced(
    raw: bytes, code: str
) -> None:
    driver = Driver()
    effects = driver.give(Submitted(raw))
    (_, rejected) = traced(effects)
    assert rejected.name == "txpool.rejected"
    assert rejected.hash == transaction_hash(raw)  # type: ignore[attr-defined]
    assert rejected.code == code  # type: ignore[attr-defined]
    assert not any(isinstance(effect, SetTimer) for effect in effects)


def test_of_a_transaction_that_was_checked_only_the_hash_is_remembered() -> None:
    """Whoever can sign chooses how long an encoding is."""
    driver = Driver()
    raw = raw_transfer(data=bytes(1_000), gas=100_000)
    driver.give(Submitted(raw))
    assert transaction_hash(raw) in driver.node.pool
    assert list(driver.node.parts.intake.recovered.younger) == [transaction_hash(raw)]


def test_a_transaction_submitted_twice_is_known() -> None:
    driver = Driver()
    driver.give(Submitted(raw_transfer()))
    (_, rejected) = traced(driver.give(Submitted(raw_transfer())))
    assert rejected.code == "already_known"  # type: ignore[attr-defined]


def test_a_full_intake_refuses_clients() -> None:
    config = make_config(1, 4, intake_queue=2)
    node = Node(config, replace(ENVIRONMENT, signer=validator_key(1)), MemoryStore())
    for nonce in range(3):
        node.step(Instant(0), Submitted(raw_transfer(0, nonce)))
    (_, rejected) = traced(node.step(Instant(0), Submitted(raw_transfer(0, 9))))
    assert rejected.code == "intake_full"  # type: ignore[attr-defined]


def test_what_is_too_large_for_the_pool_is_neither_kept_nor_read() -> None:
    driver = Driver()
    limit = driver.node.parts.intake._config.mempool.transaction_bytes
    effects = driver.step(Submitted(b"\xc0" * (limit + 1)))
    assert not any(isinstance(effect, Compute) for effect in effects)
    (_, rejected) = traced(effects)
    assert rejected.code == "too_large_for_pool"  # type: ignore[attr-defined]
    largest = driver.give(Submitted(b"\xc0" * limit))
    assert traced(largest)[1].code == "malformed"  # type: ignore[attr-defined]


def test_a_fetched_giant_is_dropped_and_what_comes_with_it_is_not() -> None:
    driver = Driver()
    raws = (b"\xc0" * 131_073, raw_transfer())
    names = tuple([transaction_hash(raw) for raw in raws])
    driver.receive(3, AnnounceTransactions(b"\x00\x02", (100, len(raws[1])), names))
    (batch,) = [
        effect
        for effect in driver.step(Received(NodeId(3), PooledTransactions(1, raws)))
        if isinstance(effect, Compute)
    ]
    assert batch.job.raws == raws[1:]  # type: ignore[attr-defined]
    driver.step(Completed(batch.request, batch.job.run()))
    assert names[1] in driver.node.pool


def test_an_announced_transaction_is_fetched_pooled_and_announced_onward() -> None:
    driver = Driver()
    raw = raw_transfer()
    name = transaction_hash(raw)
    asked = driver.receive(3, AnnounceTransactions(b"\x02", (len(raw),), (name,)))
    assert sent(asked) == [(3, GetTransactions(1, (name,)))]
    effects = driver.receive(3, PooledTransactions(1, (raw,)))
    assert traced(effects) == []
    assert name in driver.node.pool
    assert len(broadcast(driver.step(TimerFired(GossipTimer.ANNOUNCE)))) == 1
    assert sent(driver.receive(2, GetTransactions(9, (name,)))) == [
        (2, PooledTransactions(9, (raw,)))
    ]


def test_a_fetched_transaction_that_is_refused_goes_no_further() -> None:
    driver = Driver()
    raw = raw_transfer(7)
    name = transaction_hash(raw)
    driver.receive(3, AnnounceTransactions(b"\x02", (len(raw),), (name,)))
    driver.receive(3, PooledTransactions(1, (raw,)))
    assert broadcast(driver.step(TimerFired(GossipTimer.ANNOUNCE))) == []
    assert sent(driver.receive(2, AnnounceTransactions(b"\x02", (len(raw),), (name,)))) == []
