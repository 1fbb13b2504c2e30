"""Chains of real node processes for tests: founded, started, waited for, stopped."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ETHER = 10**18
PATIENCE_S = 60
"""For anything that a test waits for; nothing takes this long unless it is broken."""


class LiveProcess:
    """One `python -m node.runtime` process."""

    def __init__(self, home: Path, options: Sequence[str] = ()) -> None:
        self.home = home
        self._options = tuple(options)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        return (self.home / "stderr.log").read_text("utf-8")

    @property
    def url(self) -> str:
        return str(self._endpoints()["rpc"])

    @property
    def ws(self) -> str:
        return self.url.replace("http", "ws", 1)

    def start(self) -> None:
        """Start the process and wait until it serves clients."""
        command = [sys.executable, "-m", "node.runtime", str(self.home / "config.toml")]
        with (self.home / "stderr.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *self._options], stdout=log, stderr=log, start_new_session=True
            )
        wait_for(self._serves, f"node of {self.home.name} serves clients", self)

    def call(self, method: str, *params: object) -> Any:
        """Ask the node something; return the result, or fail with its error."""
        answer = post(self.url, {"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def kill(self, number: int) -> int | None:
        """Send a signal; wait for the end unless it is one that only stops or wakes."""
        assert self._process is not None
        self._process.send_signal(number)
        if number in (signal.SIGSTOP, signal.SIGCONT):
            return None
        return self._process.wait(PATIENCE_S)

    def stop(self) -> None:
        """End the process in whatever state it is."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(PATIENCE_S)

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _endpoints(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.home / "data" / "endpoints.json").read_bytes())
        return found

    def _serves(self) -> bool:
        assert self.is_running(), f"the node has ended:\n{self.log}"
        try:
            found = self._endpoints()
        except (FileNotFoundError, json.JSONDecodeError):
            return False
        return bool(found["pid"] == self.pid and found["rpc"])


def post(url: str, body: object) -> Any:
    """Send JSON to a node and return what it answers."""
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
        return json.loads(answer.read())


def wait_for(condition: Any, what: str, process: LiveProcess | None = None) -> None:
    """Wait until a condition holds; fail, saying which, if it never does."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {PATIENCE_S} s: {what}\n{process and process.log}")
        time.sleep(0.05)


@contextlib.contextmanager
def one_node(directory: Path, accounts: Sequence[str], *options: str) -> Iterator[LiveProcess]:
    """Run a chain of one validator, where each of the accounts has a million ether."""
    balances = [f"--account={account}={1_000_000}ether" for account in accounts]
    command = [sys.executable, "-m", "node.runtime.create", str(directory), "--validators=1"]
    subprocess.run([*command, *balances], check=True, env=os.environ, stdout=subprocess.DEVNULL)
    node = LiveProcess(
        directory / "node-0",
        ["--rpc.port=0", "--network.port=0", "--consensus.batch_delay=20ms", *options],
    )
    try:
        node.start()
        yield node
    finally:
        node.stop()
