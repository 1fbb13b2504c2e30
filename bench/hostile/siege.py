"""A network of real node processes of which one is attacked, and somebody who watches it."""

import asyncio
import json
import resource
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from bench.hostile.target import Attack, Tally, Target
from bench.hostile.watch import Seen, Watched, honest_address
from bench.live_nodes import LiveProcess, live_nodes
from network.transport import new_event_loop
from node.execution import genesis_executed
from node.settings import read_genesis

FILES = 15_000
"""Descriptors of the attacker: ten thousand connections, and room."""
ENDED = "network_connections_ended_total"
SETTLE_S = 45.0
"""Within which connections that are over must have let go of everything."""
REST_S = 0.25
SLACK = 8
"""Descriptors more than before that are no leak: files of the store come and go."""


class Report(msgspec.Struct, frozen=True):
    """One attack, and what it did to the node."""

    attack: str
    port: str
    seconds: float
    got: Tally
    """What became of what was offered, as the attacker saw it."""
    reasons: Counter[str]
    """Why the node ended connections of other nodes meanwhile, in the words of its counters."""
    during: Seen
    after: Seen
    settled_s: float
    """How long it took until the node held no more descriptors than before."""


class Siege:
    """A node that can be attacked.

    Args:
        nodes: the network's; the first is the target.
        target: that one, as strangers see it.
        watcher: a process of `bench.hostile.watch`.
    """

    def __init__(
        self, nodes: list[LiveProcess], target: Target, watcher: "subprocess.Popen[bytes]"
    ) -> None:
        self.nodes = nodes
        self.target = target
        self._watcher = watcher

    def look(self) -> Seen:
        """Return what has been seen since the last look."""
        assert self._watcher.stdin is not None
        assert self._watcher.stdout is not None
        self._watcher.stdin.write(b"\n")
        self._watcher.stdin.flush()
        return msgspec.json.decode(self._watcher.stdout.readline(), type=Seen)

    def quiet(self, seconds: float) -> Seen:
        """Return what is seen while nobody attacks."""
        self.look()
        time.sleep(seconds)
        return self.look()

    def suffer(self, attack: Attack, size: float, before: Seen) -> Report:
        """Attack the node, and wait until it has recovered.

        Args:
            attack: how.
            size: share of the attack's full size.
            before: what was seen in quiet times.
        """
        ended = self._ended()
        self.look()
        begun = time.monotonic()
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            got = runner.run(attack.run(self.target, size))
        seconds = time.monotonic() - begun
        during = self.look()
        begun, after = time.monotonic(), self.quiet(REST_S)
        while after.descriptors > before.descriptors + SLACK:
            if time.monotonic() - begun > SETTLE_S:
                break
            after = self.quiet(REST_S)
        return Report(
            attack=attack.name,
            port=attack.port,
            seconds=round(seconds, 1),
            got=Tally({name: count for name, count in got.items() if count}),
            reasons=Counter(self._ended()) - Counter(ended),
            during=during,
            after=after,
            settled_s=round(time.monotonic() - begun, 1),
        )

    def _ended(self) -> dict[str, int]:
        with urllib.request.urlopen(f"{self.nodes[0].url}/metrics") as answer:
            text = answer.read().decode()
        return {
            sample.labels["reason"]: int(sample.value)
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == ENDED
        }


@contextmanager
def besieged(directory: Path, validators: int = 4) -> Iterator[Siege]:
    """Run a chain of some validators, and a watcher of the first.

    Args:
        directory: empty; the chain's.
        validators: how many.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILES, hard), hard))
    more = ("--consensus.batch_delay=50ms", "--log.form=json")
    with live_nodes(directory, validators, [honest_address()], more) as nodes:
        target = _target(directory / "chain", nodes[0])
        other = _port(nodes[1 % validators].url)
        watched = msgspec.json.encode(Watched(nodes[0].pid, target.rpc, other))
        command = [sys.executable, "-P", "-m", "bench.hostile.watch", watched.decode()]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe) as watcher:
            try:
                yield Siege(nodes, target, watcher)
            finally:
                watcher.terminate()


def _target(chain: Path, node: LiveProcess) -> Target:
    found = json.loads((chain / "node-0" / "data" / "endpoints.json").read_bytes())
    genesis = read_genesis((chain / "genesis.json").read_text("utf-8"), "genesis.json")
    keys = {member.node: member.public_key for member in genesis.committee.members}
    digest = genesis_executed(genesis).digest
    return Target(_port(node.url), _port(found["network"]), digest, keys)


def _port(address: str) -> int:
    return int(address.rsplit(":", 1)[1])
