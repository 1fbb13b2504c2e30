"""Open and closed loops: how much they send, when, to whom, and how they wait."""

from collections import Counter

import pytest

from primitives.ids import Instant, NodeId
from primitives.transaction import decode_transaction, recover_sender, transaction_hash
from sim.workload import ClosedLoop, OpenLoop, Submission
from tests.unit.sim.workload_worlds import GWEI, SECOND, View, drive, transfers


def nonces_by_sender(sent: list[Submission]) -> dict[bytes, list[int]]:
    found: dict[bytes, list[int]] = {}
    for each in sent:
        transaction = decode_transaction(each.raw)
        found.setdefault(recover_sender(transaction), []).append(transaction.nonce)
    return found


def test_options_choose_the_loop():
    assert isinstance(transfers({"rate": 5.0}), OpenLoop)
    assert isinstance(transfers({"clients": 5}), ClosedLoop)


@pytest.mark.parametrize("options", [{"rate": 40.0}, {"clients": 10, "think_time": SECOND // 10}])
def test_same_seed_same_submissions(options):
    first, second = (drive(transfers(options, seed=3)) for _ in range(2))
    assert first == second
    assert first != drive(transfers(options, seed=4))


@pytest.mark.parametrize("options", [{"rate": 40.0, "skew": 1.0}, {"clients": 30}])
def test_times_never_go_back_and_nonces_are_sequential(options):
    sent = drive(transfers(options))
    assert [each.at_ns for each in sent] == sorted(each.at_ns for each in sent)
    for nonces in nonces_by_sender(sent).values():
        assert nonces == list(range(len(nonces)))


@pytest.mark.parametrize("options", [{"rate": 40.0, "skew": 1.0}, {"clients": 30}])
def test_each_sender_submits_at_one_node(options):
    homes: dict[bytes, set[int]] = {}
    for each in drive(transfers(options)):
        homes.setdefault(recover_sender(decode_transaction(each.raw)), set()).add(each.node)
    assert all(len(nodes) == 1 for nodes in homes.values())
    assert len(set.union(*homes.values())) == 4


def test_senders_are_funded():
    workload = transfers({"rate": 40.0, "balance": 10**24})
    funded = dict(workload.alloc)
    assert set(nonces_by_sender(drive(workload))) <= set(funded)
    assert set(funded.values()) == {10**24}


def test_open_loop_keeps_its_rate_whatever_the_network_does():
    options = {"rate": 50.0, "spacing": "fixed", "resend_after": 0, "accounts": 100}
    for commit_after in (0.1, 5.0, None):
        assert len(drive(transfers(options), commit_after=commit_after)) == 499


def test_open_loop_starts_and_stops_as_told():
    options = {"rate": 50.0, "start": 2 * SECOND, "stop": 4 * SECOND}
    sent = drive(transfers(options))
    assert sent[0].at_ns >= 2 * SECOND
    assert sent[-1].at_ns < 4 * SECOND
    assert len(sent) == pytest.approx(100, abs=40)


def test_open_loop_ends_with_the_run_at_the_latest():
    options = {"rate": 50.0, "spacing": "fixed", "stop": 100 * SECOND, "resend_after": 0}
    assert len(drive(transfers(options, seconds=3), until=50)) == 149


def test_open_loop_ramp_and_burst_reach_the_submissions():
    options = {
        "rate": 10.0,
        "spacing": "fixed",
        "ramp": {"to": 30.0, "start": 0, "end": 4 * SECOND},
        "bursts": [{"factor": 3.0, "start": 6 * SECOND, "length": SECOND}],
    }
    sent = drive(transfers(options))
    by_second = Counter(each.at_ns // SECOND for each in sent)
    assert [by_second[k] for k in range(10)] == [
        pytest.approx(expected, abs=1) for expected in (12, 18, 22, 28, 30, 30, 90, 30, 30, 30)
    ]


def test_hot_senders_follow_the_skew():
    sent = drive(transfers({"rate": 200.0, "skew": 1.5}, seconds=5), commit_after=0.001)
    counts = sorted((len(n) for n in nonces_by_sender(sent).values()), reverse=True)
    assert counts[0] > 4 * counts[5]


def test_full_account_passes_its_turn_and_counts_when_all_are_full():
    options = {"rate": 100.0, "spacing": "fixed", "accounts": 3, "skew": 9.0, "in_flight_max": 4}
    workload = transfers({**options, "resend_after": 0})
    sent = drive(workload, commit_after=None)
    assert [len(nonces) for nonces in nonces_by_sender(sent).values()] == [4, 4, 4]
    assert isinstance(workload, OpenLoop)
    assert workload.withheld == 999 - 12
    workload = transfers({**options, "resend_after": 0})
    assert len(drive(workload, commit_after=0.01)) == 999


def test_lost_transactions_are_repeated_elsewhere_until_they_commit():
    options = {"rate": 1.0, "spacing": "fixed", "stop": 2 * SECOND, "resend_after": SECOND}
    workload = transfers(options, seconds=20)
    sent = drive(workload, commit_after=None)
    assert [each.at_ns // SECOND for each in sent] == [1, 2, 4, 8]
    assert len({each.raw for each in sent}) == 1
    home = sent[0].node
    assert [each.node for each in sent] == [(home + k) % 4 for k in range(4)]
    workload.on_committed(Instant(9 * SECOND), [transaction_hash(sent[0].raw)])
    assert workload.next_at() is None


def test_crashed_nodes_get_nothing():
    view = View()
    view.down = [NodeId(1), NodeId(2)]
    sent = drive(transfers({"rate": 50.0}), view)
    assert {each.node for each in sent} == {0, 3}


def test_fee_caps_follow_the_base_fee_of_the_moment():
    view = View(base_fee=100 * GWEI)
    workload = transfers({"rate": 50.0, "fee_headroom": 2.0})
    dear = decode_transaction(drive(workload, view, until=1)[-1].raw)
    view.fee = type(view.fee)(GWEI)
    cheap = decode_transaction(drive(workload, view, until=2)[-1].raw)
    assert dear.max_fee_per_gas >= 200 * GWEI
    assert cheap.max_fee_per_gas <= 4 * GWEI


def test_closed_loop_never_has_more_in_flight_than_clients():
    sent = drive(transfers({"clients": 7}), commit_after=None, until=4)
    assert len(sent) == 7
    assert [each.at_ns for each in sent] == [SECOND * k // 7 for k in range(7)]


def test_closed_loop_sends_again_after_commit_and_thinking():
    options = {"clients": 1, "think_time": SECOND // 2, "spacing": "fixed"}
    sent = drive(transfers(options), commit_after=1.0)
    assert [each.at_ns for each in sent] == [SECOND * 3 * k // 2 for k in range(7)]


def test_closed_loop_throughput_is_clients_over_cycle():
    options = {"clients": 20, "think_time": SECOND // 2}
    sent = drive(transfers(options, seconds=60), commit_after=0.5, until=60)
    assert len(sent) == pytest.approx(20 * 60 / 1.0, rel=0.1)


def test_closed_loop_clients_may_share_accounts():
    sent = drive(transfers({"clients": 12, "accounts": 5}), commit_after=0.5)
    by_sender = nonces_by_sender(sent)
    assert len(by_sender) == 5
    assert all(nonces == list(range(len(nonces))) for nonces in by_sender.values())


def test_closed_loop_ignores_commits_that_are_not_its_own():
    workload = transfers({"clients": 1})
    sent = drive(workload, until=0.5, commit_after=None)
    digest = transaction_hash(sent[0].raw)
    workload.on_committed(Instant(SECOND), [transaction_hash(b"another"), digest])
    workload.on_committed(Instant(SECOND), [digest])
    assert len(workload.due(Instant(2 * SECOND), View())) == 1


def test_closed_loop_ends_with_its_stop():
    options = {"clients": 5, "stop": 3 * SECOND}
    sent = drive(transfers(options), commit_after=0.2, until=9)
    assert max(each.at_ns for each in sent) < 3 * SECOND
