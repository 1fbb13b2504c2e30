"""Live nodes as processes of their own, with the defaults that they are shipped with."""

import json
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import msgspec
import psutil
from prometheus_client.parser import text_string_to_metric_families

from primitives.ids import Address

HOST = "127.0.0.1"
PATIENCE_S = 60.0
NANO = 1e9


class Reading(msgspec.Struct, frozen=True):
    """What a node's process has spent so far; processor time in seconds."""

    whole: float
    """All its threads."""
    loop: float
    """The thread of its event loop: turns, RPC, transport."""
    turns: float
    blocks: float
    """Jobs that execute."""
    checks: float
    """Jobs that look at new transactions."""
    collecting: float
    """Looking for garbage."""
    resident: int
    """Bytes of memory now."""


class LiveProcess:
    """One node.

    Args:
        process: runs it.
        home: its directory.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", home: Path) -> None:
        self._process = process
        self._home = home
        self._watched = psutil.Process(process.pid)
        self.url = ""
        """Of its RPC, once it serves."""

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def wait_until_it_serves(self) -> None:
        """Wait until the node says where its RPC listens.

        Raises:
            RuntimeError: it ended, or took too long.
        """
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until and self._process.poll() is None:
            try:
                found = json.loads((self._home / "data" / "endpoints.json").read_bytes())
            except FileNotFoundError:
                time.sleep(0.05)
                continue
            if found["pid"] == self.pid and found["rpc"]:
                self.url = str(found["rpc"])
                return
        raise RuntimeError(f"the node in {self._home} does not serve RPC")

    def peers(self) -> int:
        """Return how many nodes it is connected to."""
        call = b'{"jsonrpc":"2.0","id":1,"method":"net_peerCount","params":[]}'
        head = {"Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(self.url, call, head)) as answer:
            return int(json.load(answer)["result"], 16)

    def reading(self) -> Reading:
        """Return what it has spent so far."""
        with urllib.request.urlopen(f"{self.url}/metrics") as answer:
            text = answer.read().decode()
        found: dict[str, float] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                key = sample.name + sample.labels.get("priority", "")
                found[key] = found.get(key, 0.0) + sample.value
        times = self._watched.cpu_times()
        jobs = "runtime_job_seconds_total"
        return Reading(
            whole=times.user + times.system,
            loop=_thread_seconds(self.pid),
            turns=found["runtime_busy_seconds_total"],
            blocks=found[f"{jobs}block"] + found[f"{jobs}chain"],
            checks=found[f"{jobs}transactions"],
            collecting=found["runtime_gc_seconds_total"],
            resident=self._watched.memory_info().rss,
        )


@contextmanager
def live_nodes(
    directory: Path, count: int, accounts: Sequence[Address], more: Sequence[str] = ()
) -> Iterator[list[LiveProcess]]:
    """Found a chain and run its validators; yield them once all are connected.

    Args:
        directory: empty; the chain's.
        count: of validators.
        accounts: that have something to spend.
        more: flags for all nodes, beside those for their ports.
    """
    found = [f"--account=0x{each.hex()}=1000ether" for each in accounts]
    create = [sys.executable, "-P", "-m", "node.runtime.create", str(directory / "chain")]
    command = [*create, f"--validators={count}", *found]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    ports = choose_ports(directory / "chain", count)
    with ExitStack() as stack:
        nodes = []
        for number in range(count):
            home = directory / "chain" / f"node-{number}"
            log = f"--log.file={directory / f'{number}.log'}"
            flags = ("--rpc.port=0", f"--network.port={ports[number]}", log, *more)
            run = [sys.executable, "-P", "-m", "node.runtime", str(home / "config.toml"), *flags]
            process = stack.enter_context(subprocess.Popen(run))
            stack.callback(process.terminate)
            nodes.append(LiveProcess(process, home))
        for node in nodes:
            node.wait_until_it_serves()
        until = time.monotonic() + PATIENCE_S
        while any(node.peers() < count - 1 for node in nodes):
            if time.monotonic() > until:
                raise RuntimeError("the nodes do not find one another")
            time.sleep(0.1)
        yield nodes


def choose_ports(chain: Path, count: int) -> list[int]:
    """Put free ports in the place of those that a new chain has, and return them."""
    with ExitStack() as stack:
        held = [stack.enter_context(closing(socket.socket())) for _ in range(count)]
        for each in held:
            each.bind((HOST, 0))
        ports = [each.getsockname()[1] for each in held]
    for number in range(count):
        config = chain / f"node-{number}" / "config.toml"
        text = config.read_text()
        for node, port in enumerate(ports):
            text = re.sub(rf"(node = {node}, .*port = )\d+", rf"\g<1>{port}", text)
        config.write_text(text)
    return ports


def _thread_seconds(pid: int) -> float:
    """Return the processor time of a process's first thread."""
    text = Path(f"/proc/{pid}/task/{pid}/schedstat").read_text()
    return int(text.split()[0]) / NANO
