"""One `up` with stubs for nodes: from the first process to the summary."""

import asyncio
import json
import os
import signal

import msgspec
import pytest

from sim.live.fleet import NotReady
from sim.live.session import Session
from sim.live.summary import LiveSummary
from tests.unit.sim.live.networks import Screen, is_alive, prepared, stub_command

FAULTS = """
[[events]]
at = "200ms"
kind = "crash"
node = 0
for = "400ms"
[[events]]
at = "300ms"
kind = "pause"
node = 1
for = "300ms"
[[events]]
at = "400ms"
kind = "partition"
groups = [[2]]
for = "500ms"
"""


def run(network, screen=None):
    return asyncio.run(Session(network, screen or Screen(), stub_command).run())


def verdicts(summary: LiveSummary) -> dict[str, str]:
    return {each.name: each.verdict for each in summary.judgements}


def test_a_network_that_is_struck_comes_through(tmp_path):
    screen = Screen()
    network = prepared(tmp_path / "net", FAULTS, 3.0)
    summary = run(network, screen)
    assert summary.passed, summary.judgements
    assert verdicts(summary)["one chain"] == "passed"
    assert verdicts(summary)["nothing confirmed is lost"] == "passed"
    assert summary.checked_blocks > 5
    assert summary.checked_transactions > 10
    assert summary.transactions > 10
    assert not summary.partial
    assert [each.starts for each in summary.nodes] == [2, 1, 1, 1]
    assert [kind for kind, _ in screen.kinds()] == [
        *("up", "crashed", "stopped", "partitioned", "restarted", "resumed", "healed", "ending")
    ]
    assert len({each.digest for each in summary.nodes}) == 1
    written = msgspec.json.decode(network.layout.file("summary.json").read_bytes())
    assert written["height"] == summary.height
    lines = network.layout.file("events.jsonl").read_text().splitlines()
    assert len(lines) == len(summary.happenings)
    assert all(network.layout.node(node).joinpath("ended").exists() for node in range(4))


def test_the_cut_reaches_a_node_that_was_down_when_it_was_made(tmp_path):
    text = """
[[events]]
at = "100ms"
kind = "crash"
node = 0
for = "500ms"
[[events]]
at = "200ms"
kind = "partition"
groups = [[0, 1]]
"""
    network = prepared(tmp_path / "net", text, 2.5)
    run(network)
    for node, shut_out in ((0, [2, 3]), (1, [2, 3]), (2, [0, 1]), (3, [0, 1])):
        assert json.loads((network.layout.node(node) / "blocked.json").read_text()) == shut_out


def test_a_cut_with_one_way_open_reaches_the_nodes_too(tmp_path):
    text = '[[events]]\nat = "100ms"\nkind = "partition"\ngroups = [[0]]\ndirection = "in"\n'
    network, screen = prepared(tmp_path / "net", text, 1.0), Screen()
    run(network, screen)
    assert json.loads((network.layout.node(0) / "blocked.json").read_text()) == [1, 2, 3]
    assert screen.happenings[1].detail == "0 not hearing 1 2 3 | 1 2 3"


def test_a_node_that_dies_by_itself_says_why_and_fails_the_run(tmp_path):
    network = prepared(tmp_path / "net", "", 1.5)
    (network.layout.node(2) / "behave.json").write_text('{"dies_after": 0.5}')
    screen = Screen()
    summary = run(network, screen)
    assert not summary.passed
    assert verdicts(summary)["processes"] == "failed"
    (death,) = [each for each in screen.happenings if each.kind == "died"]
    assert death.node == 2
    assert "exit code 9" in death.detail
    assert "a cosmic ray" in death.detail


def test_a_node_that_does_not_come_up_takes_the_others_down(tmp_path):
    network = prepared(tmp_path / "net", "", 1.5)
    (network.layout.node(3) / "behave.json").write_text('{"dies_at_start": true}')
    with pytest.raises(NotReady, match=r"(?s)node 3: exit code 7.*the stars are wrong"):
        run(network)


def test_another_chain_on_one_node_is_seen(tmp_path):
    network = prepared(tmp_path / "net", "", 1.5)
    (network.layout.node(1) / "behave.json").write_text('{"forks_at": 0}')
    summary = run(network)
    assert verdicts(summary)["one chain"] == "failed"
    assert verdicts(summary)["nothing confirmed is lost"] == "failed"


def test_a_lost_transaction_is_seen(tmp_path):
    network = prepared(tmp_path / "net", "", 1.5)
    (network.layout.node(1) / "behave.json").write_text('{"loses_from": 0}')
    summary = run(network)
    assert verdicts(summary)["one chain"] == "passed"
    assert verdicts(summary)["nothing confirmed is lost"] == "failed"
    assert {loss.node for loss in summary.losses} == {1}
    assert all(loss.what.startswith("transaction") for loss in summary.losses)


def test_blocks_that_every_node_has_lost_are_seen(tmp_path, monkeypatch):
    monkeypatch.setattr("sim.live.closing.SETTLE_S", 0.5)
    text = "".join(
        f'[[events]]\nat = "800ms"\nkind = "crash"\nnode = {node}\nfor = "1s"\n'
        for node in range(4)
    )
    network = prepared(tmp_path / "net", text, 3.5)
    for node in range(4):
        behave = '{"stands_at": 2, "after_lives": 1}'
        (network.layout.node(node) / "behave.json").write_text(behave)
    summary = run(network)
    assert verdicts(summary)["one chain"] == "passed"
    assert verdicts(summary)["nothing confirmed is lost"] == "failed", summary.judgements


def test_a_signal_ends_it_in_good_order(tmp_path):
    network = prepared(tmp_path / "net")

    class Impatient(Screen):
        def show(self, facts):
            super().show(facts)
            os.kill(os.getpid(), signal.SIGINT)

    screen = Impatient()
    summary = run(network, screen)
    assert summary.passed
    assert screen.happenings[-1].detail == "a signal"
    pids = [each.pid for each in screen.facts[0].nodes]
    assert len(pids) == 4
    assert not any(is_alive(pid) for pid in pids if pid)
    assert all(network.layout.node(node).joinpath("ended").exists() for node in range(4))


@pytest.fixture
def hangs_up():
    """A process that hears when its terminal hangs up, also where nohup has begun the tests."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("hangs_up")
def test_a_terminal_that_hangs_up_is_a_signal_too(tmp_path):
    network = prepared(tmp_path / "net")

    class Gone(Screen):
        def show(self, facts):
            os.kill(os.getpid(), signal.SIGHUP)

        def happened(self, happening):
            if happening.kind == "ending":
                raise OSError(5, "Input/output error")
            super().happened(happening)

    summary = run(network, Gone())
    assert summary.passed
    assert summary.happenings[-1].detail == "a signal"
    assert all(network.layout.node(node).joinpath("ended").exists() for node in range(4))


def test_a_node_that_takes_no_orders_holds_nothing_up_and_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("sim.live.fleet.ORDER_PATIENCE_S", 0.2)
    text = FAULTS.replace('"200ms"', '"600ms"').replace('"300ms"', '"700ms"', 1)
    network = prepared(tmp_path / "net", text, 2.0)
    (network.layout.node(3) / "behave.json").write_text('{"obeys": false}')
    screen = Screen()
    summary = run(network, screen)
    assert ("takes no orders", 3) in screen.kinds()
    crashed = next(each.at for each in screen.happenings if each.kind == "crashed")
    assert crashed < 1.9
    assert summary.nodes[0].starts == 2


def test_a_full_disk_keeps_no_one_from_a_summary(tmp_path, monkeypatch):
    network = prepared(tmp_path / "net", "", 0.5)
    network.layout.file("events.jsonl").mkdir()
    network.layout.file("summary.json").mkdir()
    session = Session(network, Screen(), stub_command)
    summary = asyncio.run(session.run())
    assert summary.passed
    assert [each.kind for each in summary.happenings] == ["up", "ending"]
    assert session.unwritten is not None
    assert "summary.json: expected to write all of it, got: Is a directory" in session.unwritten


def test_a_signal_in_the_first_instant_ends_a_load_that_has_not_begun(tmp_path):
    network = prepared(tmp_path / "net", load=True)

    class Hasty(Screen):
        def began(self, network):
            os.kill(os.getpid(), signal.SIGINT)

    async def hurried():
        async with asyncio.timeout(60):
            return await Session(network, Hasty(), stub_command).run()

    assert asyncio.run(hurried()).passed


def test_a_node_that_does_not_end_is_killed_and_named(tmp_path, monkeypatch):
    monkeypatch.setattr("sim.live.fleet.FINISH_PATIENCE_S", 0.5)
    network = prepared(tmp_path / "net", "", 0.5)
    (network.layout.node(0) / "behave.json").write_text('{"stays": true}')
    summary = run(network)
    assert verdicts(summary)["processes"] == "failed"
    (told,) = [each.detail for each in summary.judgements if each.name == "processes"]
    assert "nodes 0 had to be killed" in told


def test_an_early_end_fails_nothing_that_was_still_to_come(tmp_path):
    text = "[expect]\nmin_height = 100000\nmin_tps = 1\n"
    summary = run(prepared(tmp_path / "net", text, 0.5))
    assert summary.partial
    assert summary.passed
    assert verdicts(summary)["min_height"] == "not judged"
    assert verdicts(summary)["min_tps"] == "not judged"
