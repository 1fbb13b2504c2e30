"""The rows of `orrery bench rpc`: JSON-RPC requests that one server process answers a second.

The client is a process of its own: keep-alive connections, one request at a time on each, its
bytes put together by hand. Beside the wall clock stands the server's own processor time, which
another load on the machine disturbs less.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psutil

from bench.rows import measure
from bench.rpc_client import Answers, Body, ask_all
from network.transport import new_event_loop
from primitives.account_key import AccountKey
from primitives.ids import Address, Gas, Wei
from primitives.keccak import keccak256
from primitives.transaction import DynamicFeeTransaction, encode_transaction, sign_transaction

HOST = "127.0.0.1"
CHAIN_ID = 1337
MICRO = 1e6
CONNECTIONS = (16, 64)
READS, READS_OF_FRAMEWORK = 60_000, 15_000
WARM = 2_000
SENDERS, NONCES = 40, 256
BATCH = 40
PATIENCE_S = 60.0
SERVERS = ("framework", "own", "node")

HEADINGS: Mapping[str, str] = MappingProxyType(
    {
        "method": "method",
        "server": "server",
        "connections": "connections",
        "calls_in_request": "in a request",
        "requests_per_second": "calls/s",
        "server_us": "server us each",
        "requests_per_core_second": "per core and s",
        "request_p50_ms": "p50 ms",
        "request_p99_ms": "p99 ms",
        "request_errors": "errors",
    }
)


def bench_rpc() -> dict[str, Any]:
    """Reads from a framework's server, the node's own, and a node; and transactions sent to one."""
    rows = [
        measure("bench.rpc_row", {"server": server, "connections": connections, "sends": False})
        for connections in CONNECTIONS
        for server in SERVERS
    ]
    for row in rows:
        (base,) = [
            each
            for each in rows
            if each["server"] == "framework" and each["connections"] == row["connections"]
        ]
        row["ratio"] = round(base["server_us"] / row["server_us"], 2)
        row["compared_with"] = "framework"
    sent = [
        measure("bench.rpc_row", {"server": "node", "connections": each, "sends": True, **more})
        for more in ({}, {"batch": BATCH})
        for each in CONNECTIONS
    ]
    return {"rows": [*rows, *({**row, "ratio": "", "compared_with": ""} for row in sent)]}


@contextmanager
def trivial_server(kind: str) -> Iterator[tuple[psutil.Process, int]]:
    """Run one of `bench.rpc_server`; yield its process and port."""
    command = [sys.executable, "-P", "-m", "bench.rpc_server", kind]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield psutil.Process(process.pid), int(json.loads(process.stdout.readline())["port"])


@contextmanager
def live_node(
    accounts: list[Address], more: tuple[str, ...] = ()
) -> Iterator[tuple[psutil.Process, int]]:
    """Run a chain of one validator; yield its process and the port of its RPC."""
    with tempfile.TemporaryDirectory() as directory:
        found = [f"--account=0x{each.hex()}=1000ether" for each in accounts]
        create = [sys.executable, "-P", "-m", "node.runtime.create", directory, *found]
        subprocess.run(create, check=True, stdout=subprocess.DEVNULL)
        home = Path(directory) / "node-0"
        options = ("--rpc.port=0", "--network.port=0", "--rpc.cost_per_second=1000000000", *more)
        run = [sys.executable, "-P", "-m", "node.runtime", str(home / "config.toml"), *options]
        with subprocess.Popen(run, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                yield psutil.Process(process.pid), _port_of(home, process)
            finally:
                process.terminate()


def _port_of(home: Path, process: "subprocess.Popen[bytes]") -> int:
    """Wait until a node says where its RPC listens."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and process.poll() is None:
        try:
            found = json.loads((home / "data" / "endpoints.json").read_bytes())
        except FileNotFoundError:
            time.sleep(0.05)
            continue
        if found["pid"] == process.pid and found["rpc"]:
            return int(found["rpc"].rsplit(":", 1)[1])
    raise RuntimeError("the node does not serve RPC")


def call(number: int, method: str, *parameters: object) -> bytes:
    """Encode a request."""
    request = {"jsonrpc": "2.0", "id": number, "method": method, "params": parameters}
    return json.dumps(request).encode()


def reads(total: int) -> Body:
    """Return so many questions for the height."""
    numbers = count(1)

    def body() -> bytes | None:
        number = next(numbers)
        return call(number, "eth_blockNumber") if number <= total else None

    return body


def transfers(keys: Sequence[bytes], batch: int) -> Body:
    """Return signed transfers of all senders in turn, signed beforehand, some in each request."""
    raws = [
        encode_transaction(sign_transaction(_transfer(nonce), key))
        for nonce in range(NONCES)
        for key in keys
    ]
    calls = [
        call(each, "eth_sendRawTransaction", f"0x{raw.hex()}") for each, raw in enumerate(raws)
    ]
    if batch > 1:
        firsts = range(0, len(calls), batch)
        calls = [b"[" + b",".join(calls[first : first + batch]) + b"]" for first in firsts]
    bodies = iter(calls)
    return lambda: next(bodies, None)


def _transfer(nonce: int) -> DynamicFeeTransaction:
    return DynamicFeeTransaction(
        chain_id=CHAIN_ID,
        nonce=nonce,
        max_priority_fee_per_gas=Wei(1),
        max_fee_per_gas=Wei(10**12),
        gas_limit=Gas(21_000),
        to=Address(b"\x3b" * 20),
        value=Wei(1),
        data=b"",
    )


def main(options: Mapping[str, Any]) -> dict[str, Any]:
    """Measure one server with so many connections."""
    kind, connections, sends = options["server"], options["connections"], options["sends"]
    keys = [keccak256(b"bench rpc %d" % each) for each in range(SENDERS)]
    batch = options.get("batch", 1)
    bodies = transfers(keys, batch) if sends else reads(_reads_of(kind))
    accounts = [AccountKey(key).address for key in keys]
    serve: Callable[[], Any] = (
        (lambda: live_node(accounts)) if kind == "node" else (lambda: trivial_server(kind))
    )
    with serve() as (process, port), asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(ask_all(HOST, port, connections, reads(WARM)))
        before = _spent(process)
        answers = runner.run(ask_all(HOST, port, connections, bodies))
        spent = _spent(process) - before
    method = "eth_sendRawTransaction" if sends else "eth_blockNumber"
    return {"method": method, "server": kind, **_row(answers, connections, spent, batch)}


def _reads_of(kind: str) -> int:
    return READS_OF_FRAMEWORK if kind == "framework" else READS


def _spent(process: psutil.Process) -> float:
    """Return the processor time of all its threads, in seconds."""
    times = process.cpu_times()
    return float(times.user + times.system)


def _row(answers: Answers, connections: int, spent: float, batch: int) -> dict[str, Any]:
    each = spent / len(answers.latencies) / batch
    return {
        "connections": connections,
        "calls_in_request": batch,
        "requests_per_second": round(answers.per_second * batch),
        "server_us": round(each * MICRO, 1),
        "requests_per_core_second": round(1 / each),
        "request_p50_ms": round(answers.latency(0.5) * 1_000, 2),
        "request_p99_ms": round(answers.latency(0.99) * 1_000, 2),
        "request_errors": answers.errors,
    }


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
