"""One `up` with stubs for nodes: from the first process to the summary."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager

import msgspec
import pytest

from sim.live.fleet import Fleet, NotReady
from sim.live.session import Session
from sim.live.summary import LiveSummary
from tests.unit.sim.live.networks import (
    Screen,
    Witnessing,
    has_confirmed,
    is_alive,
    is_free,
    prepared,
    stub_command,
)

PATIENCE_S = 120
"""For a network that ends when a test has seen enough; none takes this long unless it hangs."""

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


@pytest.fixture(autouse=True)
def _looks(monkeypatch):
    """Look often; and wait long for a node to take its orders, however busy the machine is."""
    monkeypatch.setattr("sim.live.session.SHOW_S", 0.1)
    monkeypatch.setattr("sim.live.fleet.ORDER_PATIENCE_S", PATIENCE_S)


def run(network, screen=None):
    async def bounded():
        async with asyncio.timeout(PATIENCE_S):
            return await Session(network, screen or Screen(), stub_command).run()

    return asyncio.run(bounded())


def until(network, enough):
    """Run a network until a condition of what is shown holds; return the summary and the rest."""
    screen = Witnessing(enough)
    summary = run(network, screen)
    assert screen.has_seen, summary.happenings
    return summary, screen


def verdicts(summary: LiveSummary) -> dict[str, str]:
    return {each.name: each.verdict for each in summary.judgements}


def test_a_network_that_is_struck_comes_through(tmp_path):
    network = prepared(tmp_path / "net", FAULTS)

    def is_over(screen):
        healed = ("healed", None) in screen.kinds()
        return healed and screen.facts[-1].seconds > 2 and screen.facts[-1].transactions > 40

    summary, screen = until(network, is_over)
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


def blocked(network):
    """Return whom each node was told to shut out, of those that were told anything."""
    files = {node: network.layout.node(node) / "blocked.json" for node in range(network.size)}
    return {node: json.loads(file.read_text()) for node, file in files.items() if file.exists()}


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
    network = prepared(tmp_path / "net", text)
    wanted = {0: [2, 3], 1: [2, 3], 2: [0, 1], 3: [0, 1]}
    until(network, lambda screen: blocked(network) == wanted)


def test_a_cut_with_one_way_open_reaches_the_nodes_too(tmp_path):
    text = '[[events]]\nat = "100ms"\nkind = "partition"\ngroups = [[0]]\ndirection = "in"\n'
    network = prepared(tmp_path / "net", text)
    _, screen = until(network, lambda screen: blocked(network).get(0) == [1, 2, 3])
    assert screen.happenings[1].detail == "0 not hearing 1 2 3 | 1 2 3"


def test_a_node_that_dies_by_itself_says_why_and_fails_the_run(tmp_path):
    network = prepared(tmp_path / "net")

    def has_died(screen):
        if screen.facts:
            (network.layout.node(2) / "fate").touch()
        return ("died", 2) in screen.kinds()

    summary, screen = until(network, has_died)
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


def test_who_was_faster_at_the_port_of_a_node_is_not_taken_for_it(tmp_path):
    network = prepared(tmp_path / "net", "", 1.5)
    (network.layout.node(2) / "behave.json").write_text('{"sleeps": 1}')
    port = network.ports[2].rpc
    with stranger(network, 2, tmp_path / "other"), pytest.raises(NotReady) as caught:
        run(network, screen := Screen())
    assert caught.value.node == 2
    assert f"127.0.0.1:{port}: expected a free port for RPC of node 2" in caught.value.why
    assert "name other ports with --rpc-port" in caught.value.why
    assert not screen.networks


@contextmanager
def stranger(network, node, directory):
    """Let a node of the same chain in another directory listen where one is going to."""
    shutil.copytree(network.layout.directory, directory)
    config = directory / f"node-{node}" / "config.toml"
    (directory / f"node-{node}" / "behave.json").unlink()
    with subprocess.Popen(stub_command(config), stderr=subprocess.DEVNULL) as process:
        try:
            while is_free(network.ports[node].rpc):
                assert process.poll() is None
                time.sleep(0.02)
            yield
        finally:
            process.kill()


def test_another_chain_on_one_node_is_seen(tmp_path):
    network = prepared(tmp_path / "net")
    (network.layout.node(1) / "behave.json").write_text('{"forks_at": 0}')
    summary, _ = until(network, has_confirmed)
    assert verdicts(summary)["one chain"] == "failed"
    assert verdicts(summary)["nothing confirmed is lost"] == "failed"


def test_a_lost_transaction_is_seen(tmp_path):
    network = prepared(tmp_path / "net")
    (network.layout.node(1) / "behave.json").write_text('{"loses_from": 0}')
    summary, _ = until(network, has_confirmed)
    assert verdicts(summary)["one chain"] == "passed"
    assert verdicts(summary)["nothing confirmed is lost"] == "failed"
    assert {loss.node for loss in summary.losses} == {1}
    assert all(loss.what.startswith("transaction") for loss in summary.losses)


def test_blocks_that_every_node_has_lost_are_seen(tmp_path, monkeypatch):
    monkeypatch.setattr("sim.live.closing.SETTLE_S", 0.5)
    text = "".join(
        f'[[events]]\nat = "100ms"\nkind = "crash"\nnode = {node}\nfor = "1s"\n'
        for node in range(4)
    )
    network = prepared(tmp_path / "net", text)
    for node in range(4):
        behave = '{"stands_at": 2, "after_lives": 1}'
        (network.layout.node(node) / "behave.json").write_text(behave)

    def are_back(screen):
        return is_enough.is_set() and all(each.state == "up" for each in screen.facts[-1].nodes)

    screen, is_enough, crash = Witnessing(are_back), asyncio.Event(), Fleet.crash

    async def crash_late(fleet, node):
        while not has_confirmed(screen):
            await asyncio.sleep(0.02)
        return await crash(fleet, node)

    async def restart(fleet, node, begin=Fleet.restart):
        done = await begin(fleet, node)
        if all(each.process.lives == 2 for each in fleet.members):
            is_enough.set()
        return done

    monkeypatch.setattr(Fleet, "crash", crash_late)
    monkeypatch.setattr(Fleet, "restart", restart)
    summary = run(network, screen)
    assert screen.has_seen
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
    text = FAULTS.replace('"500ms"', '"1500ms"')  # healed after all else
    network = prepared(tmp_path / "net", text)
    (network.layout.node(3) / "behave.json").write_text('{"obeys": false}')

    def is_named(screen):
        if ("restarted", 0) in screen.kinds():
            # Till now node 3 has had all the time that it wanted for the orders of the cut.
            monkeypatch.setattr("sim.live.fleet.ORDER_PATIENCE_S", 0.2)
        return ("takes no orders", 3) in screen.kinds()

    summary, _ = until(network, is_named)
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
    monkeypatch.setattr("sim.live.fleet.FINISH_PATIENCE_S", 3.0)
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
