"""Checkers of the calm that follows a disturbance: recovery, and what is left stranded."""

from collections.abc import Sequence

import pytest

from node.trace import TransactionRejected, TransactionSubmitted
from primitives.ids import Duration, Hash32, Instant, NodeId, Wei
from primitives.transaction import (
    DynamicFeeTransaction,
    encode_transaction,
    sign_transaction,
    transaction_hash,
)
from sim.checkers import Recovery, Stranded, Violation
from sim.driving import GWEI, TRANSFER_GAS, DrivenNetwork, drive_network
from sim.pools import Pools
from sim.scenario import decode_table
from sim.scenario.errors import ScenarioError
from sim.workload.accounts import account_secret
from tests.unit.sim.checker_histories import History, chain

SECOND = 1_000_000_000
MILLISECOND = 1_000_000


def found(violation: Violation | None) -> Violation:
    assert violation is not None, "no checker objected"
    return violation


# Recovery


def recovery(calm_ms: int, within_ms: int) -> Recovery:
    return Recovery(Instant(calm_ms * MILLISECOND), Duration(within_ms * MILLISECOND))


def test_a_new_height_after_the_last_disturbance_is_recovery():
    history = History()
    history.commit_all([0, 1], [1, 2])
    history.commit(0, 3)
    history.wait(60)
    history.commit(1, 3)
    assert history.judge(recovery(4, 1)) is None


def test_a_height_that_somebody_had_before_is_none():
    history = History()
    history.commit_all([0, 1], [1, 2])
    history.wait(1)
    history.commit_all([2], [1, 2])
    violation = found(history.judge(recovery(500, 100)))
    assert (violation.checker, violation.node, violation.at_ns) == ("recovery", -1, 600_000_000)
    assert "within 0.1 s after the last disturbance ended at 0.5 s; height stays 2" in (
        violation.detail
    )


def test_a_block_that_comes_too_late_shows_the_lateness():
    history = History()
    history.commit(0, 1)
    history.wait(1)
    history.commit(0, 2)
    assert found(history.judge(recovery(500, 100))).at_ns == 600_000_000
    assert history.judge(recovery(500, 502)) is None


def test_a_run_that_ends_before_the_time_is_up_owes_nothing():
    history = History()
    history.commit(0, 1)
    history.wait(1)
    assert history.judge(recovery(500, 600)) is None


# Stranded


class Excuses:
    """Pools in which only the listed transactions may wait; those of `full` leave no room."""

    def __init__(self, *waiting: Hash32, full: Sequence[Hash32] = ()) -> None:
        self.waiting = waiting
        self.full = full

    def may_wait(self, node: NodeId, transaction: Hash32) -> bool:
        return transaction in self.waiting

    def is_outbid(self, node: NodeId, transaction: Hash32, blocks: Sequence[Hash32]) -> bool:
        return bool(blocks) and all(block in self.full for block in blocks)


LOST = Hash32(b"\x07" * 32)


def stranded(*waiting: Hash32) -> Stranded:
    return Stranded(Excuses(*waiting), Duration(SECOND))


def admitted(node: int = 1) -> History:
    history = History()
    history.add(node, TransactionSubmitted(LOST))
    return history


def test_what_is_neither_committed_nor_excused_is_stranded():
    history = admitted()
    history.commit_all([0, 1], [1])
    history.wait(2)
    violation = found(history.judge(stranded()))
    assert (violation.checker, violation.node) == ("stranded", 1)
    assert violation.at_ns == history.at_ns
    assert f"transaction {LOST.hex()}, which it took at 0.001 s" in violation.detail


def test_what_came_lately_is_not_judged():
    history = admitted()
    history.wait(0.9)
    assert history.judge(stranded()) is None


def test_what_could_not_be_included_is_excused():
    history = admitted()
    history.wait(2)
    assert history.judge(stranded(LOST)) is None


def test_what_the_blocks_of_the_whole_time_had_no_room_for_is_excused():
    history = admitted()
    history.commit_all([0, 1], [1])
    history.wait(2)
    history.commit_all([0, 1], [2, 3])
    full = [block.digest for block in chain()[2:4]]
    assert history.judge(Stranded(Excuses(full=full), Duration(SECOND))) is None
    assert found(history.judge(Stranded(Excuses(full=full[:1]), Duration(SECOND)))).node == 1


def test_a_network_without_blocks_outbids_nobody():
    history = admitted()
    history.commit_all([0, 1], [1])
    history.wait(2)
    full = [block.digest for block in chain()]
    assert found(history.judge(Stranded(Excuses(full=full), Duration(SECOND)))).node == 1


def test_a_crash_takes_the_duty_from_its_node_only():
    history = admitted(1)
    history.crash(1)
    history.restart(1)
    history.wait(2)
    assert history.judge(stranded()) is None
    history = admitted(1)
    history.crash(2)
    history.wait(2)
    assert found(history.judge(stranded())).node == 1


@pytest.mark.parametrize(("code", "answers"), [("nonce_too_low", False), ("already_known", True)])
def test_a_refusal_ends_the_duty_unless_the_pool_holds_it(code, answers):
    history = admitted()
    history.add(1, TransactionRejected(LOST, code))
    history.wait(2)
    assert (history.judge(stranded()) is not None) is answers


def test_a_commit_settles_what_it_holds_wherever_it_was_handed_in():
    name = Hash32(transaction_hash(chain()[1].block.transactions[0]))
    history = History()
    history.add(2, TransactionSubmitted(name))
    history.commit(0, 1)
    history.add(3, TransactionSubmitted(name))
    history.wait(2)
    assert history.judge(stranded()) is None


# Pools


@pytest.fixture
def halted() -> DrivenNetwork:
    """Four nodes that cannot decide anything: two are down."""
    net = drive_network(4)
    net.run_until("1s")
    net.crash(2)
    net.crash(3)
    return net


def test_a_transaction_may_wait_behind_a_missing_nonce_but_not_without(halted: DrivenNetwork):
    ready = halted.transfer(0, 1)
    halted.transfer(1, 2, node=3)
    behind = halted.transfer(1, 2)
    halted.run_for("2s")
    pools = Pools(halted.world)
    assert not pools.may_wait(NodeId(0), ready)
    assert pools.may_wait(NodeId(0), behind)
    assert not pools.may_wait(NodeId(0), LOST)
    assert pools.may_wait(NodeId(3), LOST)


def pay(net: DrivenNetwork, sender: int, tip: int, nonce: int = 0) -> Hash32:
    """Hand a transfer of that tip to node 0."""
    transaction = DynamicFeeTransaction(
        chain_id=net.scenario.chain.chain_id,
        nonce=nonce,
        max_priority_fee_per_gas=Wei(tip),
        max_fee_per_gas=Wei(10**12),
        gas_limit=TRANSFER_GAS,
        to=net.address(9),
        value=Wei(1),
        data=b"",
    )
    signed = sign_transaction(transaction, account_secret(net.seed, sender))
    return net.submit(encode_transaction(signed), 0)


def test_only_what_pays_less_than_all_of_a_full_block_is_outbid():
    net = drive_network(4, consensus={"batch_size": 2})
    net.run_until("1s")
    for sender in (0, 1):
        pay(net, sender, 5 * GWEI)
    net.run_for("3s")
    final = [net.world.head.digest]
    assert [len(net.world.block(digest).transactions) for digest in final] == [2]
    for node in (1, 2, 3):
        net.crash(node)
    cheap, dear, equal = pay(net, 2, GWEI), pay(net, 3, 6 * GWEI), pay(net, 4, 5 * GWEI)
    served, behind = pay(net, 0, 6 * GWEI, nonce=1), pay(net, 2, 9 * GWEI, nonce=1)
    net.run_for("1s")
    pools = Pools(net.world)
    outbid = [pools.is_outbid(NodeId(0), n, final) for n in (cheap, dear, equal, served, behind)]
    assert outbid == [True, False, True, True, True]
    assert not pools.is_outbid(NodeId(0), cheap, [])
    genesis = Hash32(net.world.block(final[0]).block.header.parent_hash)
    assert not pools.is_outbid(NodeId(0), cheap, [genesis, *final])
    assert not pools.is_outbid(NodeId(0), LOST, final)
    assert pools.is_outbid(NodeId(3), LOST, final)


def test_a_dear_one_behind_a_cheap_one_is_outbid_as_long_as_that_was_next():
    net = drive_network(4, consensus={"batch_size": 2})
    net.run_until("1s")
    for sender, tip in ((0, 5 * GWEI), (1, 5 * GWEI), (2, GWEI), (3, 2 * GWEI)):
        pay(net, sender, tip)
    net.run_for("3s")
    last = net.world.head
    final = [Hash32(last.block.header.parent_hash), last.digest]
    assert [len(net.world.block(digest).transactions) for digest in final] == [2, 2]
    for node in (1, 2, 3):
        net.crash(node)
    behind, other = pay(net, 2, 9 * GWEI, nonce=1), pay(net, 4, 9 * GWEI)
    net.run_for("1s")
    outbid = [Pools(net.world).is_outbid(NodeId(0), name, final) for name in (behind, other)]
    assert outbid == [True, False]


def test_a_block_that_serves_a_sender_and_has_room_left_outbids_nobody():
    net = drive_network(4, consensus={"batch_size": 2})
    net.run_until("1s")
    pay(net, 0, 5 * GWEI)
    net.run_for("3s")
    final = [net.world.head.digest]
    for node in (1, 2, 3):
        net.crash(node)
    behind = pay(net, 0, GWEI, nonce=1)
    net.run_for("1s")
    assert not Pools(net.world).is_outbid(NodeId(0), behind, final)


# In a scenario

TABLE: dict[str, object] = {
    "name": "calm",
    "duration": "12s",
    "network": {"validators": 4, "latency": "uniform", "latency_value": "5ms"},
    "consensus": {"signatures": "modelled"},
    "workload": {"rate": 20, "accounts": 10, "stop": "8s"},
    "events": [{"at": "2s", "kind": "crash", "node": 1, "for": "1s"}],
}


@pytest.mark.parametrize(
    ("key", "value", "limit"),
    [("recovery_within", "10s", "at most 9s"), ("stranded_after", "13s", "at most the duration")],
)
def test_duties_that_cannot_be_judged_are_refused(key, value, limit):
    with pytest.raises(ScenarioError, match=rf"expect\.{key}: expected {limit}"):
        decode_table({**TABLE, "expect": {key: value}})


def test_a_run_fulfils_them():
    from sim.run import run_scenario

    expect = {"recovery_within": "5s", "stranded_after": "3s"}
    result = run_scenario(decode_table({**TABLE, "expect": expect}), seed=1)
    assert [(row.name, row.passed) for row in result.expectations] == [
        ("safety", True),
        ("recovery_within", True),
        ("stranded_after", True),
    ]


def test_a_network_that_cannot_recover_fails_them():
    from sim.run import run_scenario

    events = [{"at": "2s", "kind": "crash", "node": node} for node in (1, 2)]
    for key, checker in (("recovery_within", "recovery"), ("stranded_after", "stranded")):
        table = {**TABLE, "events": events, "expect": {key: "3s"}}
        result = run_scenario(decode_table(table), seed=1)
        assert result.violation is not None
        assert result.violation.checker == checker
        assert not result.expectations[1].passed
