"""A node as a process: what it is given, what it is sent, and what it ends with."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from eth_account import Account

from tests.live.devnet import ETHER, PATIENCE_S, LiveProcess, wait_for
from tests.unit.sim.live.networks import free_ports

OWNER = Account.from_key("0x" + "4c" * 32)
RECEIVER = "0x" + "3b" * 20
CHAIN_ID = 1337


class Node(LiveProcess):
    """A process whose end is looked at, too."""

    @property
    def exit_code(self) -> int | None:
        return None if self._process is None else self._process.poll()

    @property
    def endpoints(self) -> dict[str, Any]:
        return self._endpoints()

    def adopt(self, process: "subprocess.Popen[bytes]") -> None:
        """Take a process of this node that was started otherwise, once it serves clients."""
        self._process = process
        wait_for(self._serves, "it serves clients", self)


def found(directory: Path, *options: str) -> Path:
    command = [sys.executable, "-m", "node.runtime.create", str(directory), *options]
    account = f"--account={OWNER.address}=1000ether"
    subprocess.run([*command, account], check=True, stdout=subprocess.DEVNULL)
    return directory


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Node]:
    """A chain of one validator, not started."""
    node = Node(found(tmp_path / "net") / "node-0", options())
    yield node
    node.stop()


def options(*more: str) -> Sequence[str]:
    return ("--rpc.port=0", "--network.port=0", "--consensus.batch_delay=10ms", *more)


def send(node: Node, nonce: int, value: int = 1) -> str:
    transaction = {
        "type": 2,
        "chainId": CHAIN_ID,
        "nonce": nonce,
        "to": bytes.fromhex(RECEIVER[2:]),
        "value": value,
        "gas": 21_000,
        "maxFeePerGas": 10**12,
        "maxPriorityFeePerGas": 1,
    }
    signed = OWNER.sign_transaction(transaction)
    return str(node.call("eth_sendRawTransaction", signed.raw_transaction.to_0x_hex()))


def included(node: Node, name: str) -> bool:
    receipt = node.call("eth_getTransactionReceipt", name)
    return receipt is not None and receipt["status"] == "0x1"


def height(node: Node) -> int:
    return int(node.call("orrery_status")["height"])


def run(home: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Run a node that is going to end by itself."""
    command = [sys.executable, "-m", "node.runtime", str(home / "config.toml"), *options(*more)]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)


def test_it_commits_a_transfer_and_ends_when_it_is_asked_to(alone: Node) -> None:
    alone.start()
    name = send(alone, 0, 3 * ETHER)
    wait_for(lambda: included(alone, name), "the transfer is included", alone)
    assert alone.call("eth_getBalance", RECEIVER, "latest") == hex(3 * ETHER)
    assert alone.kill(signal.SIGTERM) == 0
    assert not (alone.home / "data" / "endpoints.json").exists()
    log = alone.log
    assert "process.ready" in log
    assert "process.stopping             why=SIGTERM" in log
    assert log.rstrip().endswith("process.ended                code=0")


def test_a_killed_node_goes_on_where_it_was(alone: Node) -> None:
    alone.start()
    names = [send(alone, nonce) for nonce in range(3)]
    wait_for(lambda: included(alone, names[-1]), "the transfers are included", alone)
    before = height(alone)
    assert alone.kill(signal.SIGKILL) == -signal.SIGKILL
    alone.start()
    assert height(alone) >= before
    assert all(included(alone, name) for name in names)
    name = send(alone, 3)
    wait_for(lambda: included(alone, name), "another one is included", alone)
    assert alone.call("eth_getBalance", RECEIVER, "latest") == hex(4)


def test_a_second_signal_ends_it_at_once(alone: Node) -> None:
    alone.start()
    alone.kill(signal.SIGSTOP)
    # Both arrive when it goes on, before it can have ended in good order.
    os.kill(alone.pid, signal.SIGTERM)
    os.kill(alone.pid, signal.SIGINT)
    os.kill(alone.pid, signal.SIGCONT)
    wait_for(lambda: not alone.is_running(), "the process has ended", alone)
    assert alone.exit_code in (128 + signal.SIGTERM, 128 + signal.SIGINT)
    assert "process.ended" not in alone.log


def test_its_data_and_its_addresses_are_its_own(alone: Node, tmp_path: Path) -> None:
    alone.start()
    second = run(alone.home)
    assert second.returncode == 2
    assert second.stderr.startswith("node: node.data: expected a data directory that no other")
    assert f"process {alone.pid} at work in" in second.stderr
    rpc = alone.url.rpartition(":")[2]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for key, busy in (("network.port", port), ("rpc.port", rpc)):
            own = shutil.copy(alone.home / "node.key", tmp_path / key)
            data = tmp_path / f"{key}.data"
            refused = run(alone.home, f"--{key}={busy}", f"--node.key={own}", f"--node.data={data}")
            assert refused.returncode == 2
            assert f"node: {key}: expected an address" in refused.stderr
            assert f"127.0.0.1:{busy}" in refused.stderr
            assert "Traceback" not in refused.stderr
    assert alone.call("eth_blockNumber") == "0x0"


def test_the_data_of_another_chain_is_refused_and_stays(alone: Node, tmp_path: Path) -> None:
    alone.start()
    name = send(alone, 0)
    wait_for(lambda: included(alone, name), "the transfer is included", alone)
    alone.kill(signal.SIGTERM)
    other = found(tmp_path / "other") / "node-0"
    refused = run(other, f"--node.data={alone.home / 'data'}")
    assert refused.returncode == 2
    assert "expected the data of the chain that chain.genesis begins, 0x" in refused.stderr
    alone.start()
    assert included(alone, name)


def test_a_full_disk_stops_it_cleanly(alone: Node) -> None:
    """No file may become longer than 64 KiB, which the store's log soon wants to be."""
    limited = ["bash", "-c", 'ulimit -f 64; exec "$0" "$@"', sys.executable, "-m", "node.runtime"]
    log = alone.home / "full.log"
    with log.open("ab") as opened:
        process = subprocess.Popen(
            [*limited, str(alone.home / "config.toml"), *options()], stdout=opened, stderr=opened
        )
    try:
        alone.adopt(process)
        nonce = 0
        while alone.is_running():
            try:
                send(alone, nonce, value=1)
            except (OSError, AssertionError):
                break
            nonce += 1
        assert process.wait(PATIENCE_S) == 3
    finally:
        process.kill()
        process.wait()
    assert "process.store_failed" in log.read_text()
    assert "expected room on the disk" in log.read_text()
    assert "Traceback" not in log.read_text()
    alone.start()
    assert height(alone) > 0


@pytest.mark.slow
def test_a_follower_that_is_made_by_hand_follows_and_passes_on(tmp_path: Path) -> None:
    found(tmp_path / "net")
    validator = Node(tmp_path / "net/node-0", options("--network.announce_blocks=true"))
    home = tmp_path / "net/follower"
    home.mkdir()
    (home / "node.key").touch(0o600)
    (home / "node.key").write_text("5f" * 32)
    follower = Node(home, options())
    try:
        validator.start()
        host, _, port = str(validator.endpoints["network"]).partition(":")
        (home / "config.toml").write_text(
            '[node]\nindex = 7\nrole = "follower"\n[chain]\ngenesis = "../genesis.json"\n'
            f'[[network.peers]]\nnode = 0\nhost = "{host}"\nport = {port}\n'
        )
        follower.start()
        wait_for(lambda: follower.call("orrery_status")["peers"], "it is connected", follower)
        for nonce, node in enumerate((validator, follower)):
            name = send(node, nonce)
            wait_for(partial(included, follower, name), "the follower has it", follower)
        assert follower.call("orrery_status")["role"] == "follower"
        assert follower.kill(signal.SIGTERM) == 0
    finally:
        follower.stop()
        validator.stop()


def four(directory: Path) -> list[Node]:
    """Four validators with addresses of their own."""
    found(directory, "--validators=4")
    first = free_ports(4)
    ports = range(first, first + 4)
    nodes = []
    for node in range(4):
        peers = [f'{{node = {n}, host = "127.0.0.1", port = {ports[n]}}}' for n in range(4)]
        del peers[node]
        home = directory / f"node-{node}"
        (home / "config.toml").write_text(
            f'[node]\nindex = {node}\n[chain]\ngenesis = "../genesis.json"\n'
            f"[network]\nport = {ports[node]}\npeers = [{', '.join(peers)}]\n"
            '[consensus]\nbatch_delay = "20ms"\nrequest_timeout = "2s"\n'
            '[rpc]\nport = 0\n[log]\nform = "json"\n'
            # Two of them have others execute, and have to come to the same.
            + ('[execution]\nscheduler = "optimistic"\nprocesses = 1\n' if node > 1 else "")
        )
        nodes.append(Node(home))
    return nodes


@pytest.mark.slow
def test_four_validators_go_on_without_one_that_is_killed_and_takes_part_again(
    tmp_path: Path,
) -> None:
    nodes = four(tmp_path / "net")
    try:
        for node in nodes:
            node.start()
        first = send(nodes[1], 0)
        for node in nodes:
            wait_for(partial(included, node, first), "all have the first", node)
        assert nodes[0].kill(signal.SIGKILL) == -signal.SIGKILL
        later = [send(nodes[1], nonce) for nonce in (1, 2)]
        wait_for(lambda: included(nodes[2], later[-1]), "three go on", nodes[2])
        nodes[0].start()
        wait_for(lambda: included(nodes[0], later[-1]), "the fourth catches up", nodes[0])
        last = send(nodes[0], 3)
        for node in nodes:
            wait_for(partial(included, node, last), "all have the last", node)
        blocks = [node.call("eth_getBlockByNumber", "latest", False)["hash"] for node in nodes]
        assert len(set(blocks)) == 1
        helpers = [psutil.Process(node.pid).children() for node in nodes]
        assert [len(each) for each in helpers] == [0, 0, 1, 1]
        assert [node.kill(signal.SIGINT) for node in nodes] == [0] * 4
        gone, alive = psutil.wait_procs(helpers[2] + helpers[3], timeout=PATIENCE_S)
        assert (len(gone), alive) == (2, [])
        told = [json.loads(line)["event"] for line in nodes[1].log.splitlines()]
        assert "transport.peer_closed" in told
        assert "consensus.view_entered" in told
    finally:
        for node in nodes:
            node.stop()
