"""The rows of `orrery bench live`: plain payments through real nodes, from client to finality.

Each node is a process as it is shipped: TLS between nodes, RocksDB with fsync, JSON-RPC over HTTP.
The client is that of `orrery load`, an open loop: payments come at a rate whether or not the nodes
keep up. All of them share the machine's processors, so the client's time counts, too. Payments are
signed before; what is measured is a part after a warm-up.

Who else is on the machine takes from the throughput, but little from processor time for each
payment: the ceiling says what the machine's processors could do with that, if nothing waited. At
rates far below it a payment costs more, because fewer share a request, a check and a block.

    python -m bench.live_row '{"nodes": 4, "rate": 1500, "seconds": 10}'

measures one case, as `Case` describes it.
"""

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from bench.live_nodes import LiveProcess, Reading, live_nodes
from bench.rows import measure
from network.transport import new_event_loop
from sim.load.accounts import seeded_wallet
from sim.load.engine import LoadEngine
from sim.load.mixes import parse_mix
from sim.load.pacing import Rate
from sim.load.plan import LoadPlan
from sim.load.result import LoadResult
from sim.load.session import LoadRequest, LoadSession

ACCOUNTS = 1_000
WARM_S = 5.0
SECOND_NS = 1_000_000_000
MICRO = 1e6
MEBIBYTE = 1 << 20

HEADINGS: Mapping[str, str] = MappingProxyType(
    {
        "live_nodes": "nodes",
        "offered_per_second": "offered/s",
        "payments_in_request": "in a request",
        "final_per_second": "final/s",
        "finality_p50_s": "finality p50 s",
        "finality_p99_s": "p99 s",
        "load_errors": "errors",
        "all_us": "CPU us each",
        "nodes_us": "nodes",
        "live_turns_us": "turns",
        "live_loop_us": "loop else",
        "live_blocks_us": "blocks",
        "live_checks_us": "checks",
        "live_rest_us": "threads else",
        "client_us_each": "client",
        "machine_ceiling": "ceiling/s",
        "resident_mib": "RSS MiB",
        "load_average": "load avg",
    }
)


class Case(msgspec.Struct, frozen=True):
    """What one row is of."""

    nodes: int
    rate: float
    """Payments offered a second."""
    seconds: float = 60.0
    """The measured part."""
    batch: int = 20
    """Most payments in one request."""
    flags: tuple[str, ...] = ()
    """For all nodes, in place of defaults."""


def bench_live() -> dict[str, Any]:
    """Payments through one and through four nodes, from client to finality."""
    cases = (Case(4, 1_500), Case(1, 3_500), Case(4, 1_500, 30.0, 1))
    return {"rows": [measure("bench.live_row", msgspec.to_builtins(case)) for case in cases]}


@dataclass(slots=True)
class Spent:
    """What everybody had spent at one time."""

    at: float
    client: float
    nodes: list[Reading]


class _Watch:
    """Looks twice: after the warm-up, and when no more is offered."""

    def __init__(self, case: Case, nodes: Sequence[LiveProcess]) -> None:
        self._case = case
        self._nodes = nodes
        self.looks: list[Spent] = []
        self.task: asyncio.Task[None] | None = None

    def begin(self, engine: LoadEngine) -> None:
        """Start with a load."""
        self.task = asyncio.get_running_loop().create_task(self._look(engine))

    async def _look(self, engine: LoadEngine) -> None:
        while engine.ledger.sent.total == 0:
            await asyncio.sleep(0.01)
        await asyncio.sleep(WARM_S)
        self.looks.append(await self._spent())
        await asyncio.sleep(self._case.seconds)
        self.looks.append(await self._spent())

    async def _spent(self) -> Spent:
        readings = [await asyncio.to_thread(node.reading) for node in self._nodes]
        return Spent(time.monotonic(), time.process_time(), readings)


def run(case: Case) -> dict[str, Any]:
    """Run a chain and a load, and return the row."""
    wallet = seeded_wallet(0, ACCOUNTS)
    with (
        tempfile.TemporaryDirectory(prefix="orrery-bench-") as directory,
        live_nodes(Path(directory), case.nodes, wallet.addresses, case.flags) as nodes,
        asyncio.Runner(loop_factory=new_event_loop) as runner,
    ):
        watch = _Watch(case, nodes)
        request = LoadRequest(tuple([node.url for node in nodes]), plan_of(case), wallet)
        session = LoadSession(request, _quiet, watch.begin)
        result = runner.run(session.run())
    return row(case, result, watch.looks)


def plan_of(case: Case) -> LoadPlan:
    """Return the load of a case: all of it signed before it begins."""
    seconds = WARM_S + case.seconds
    return LoadPlan(
        mix=parse_mix("transfers"),
        seed=0,
        duration=round(seconds * SECOND_NS),
        rate=Rate((case.rate,)),
        warm_up=round(WARM_S * SECOND_NS),
        batch=case.batch,
        ahead=round(case.rate * seconds * 1.05) + ACCOUNTS,
        in_flight_max=64,
    )


def row(case: Case, result: LoadResult, looks: Sequence[Spent]) -> dict[str, Any]:
    """Put together what a load and the looks at the processes have found."""
    before, after = looks
    seconds = after.at - before.at
    first = round(WARM_S)
    final = sum(result.series.final[first : first + round(case.seconds)])
    each = MICRO / max(1, final)

    def of(part: Callable[[Reading], float]) -> float:
        spans = [part(b) - part(a) for a, b in zip(before.nodes, after.nodes, strict=True)]
        return sum(spans) * each

    client = (after.client - before.client) * each
    whole = of(lambda at: at.whole)
    return {
        "live_nodes": case.nodes,
        "offered_per_second": round(case.rate),
        "payments_in_request": case.batch,
        "final_per_second": round(final / seconds),
        "finality_p50_s": round(result.finality_seconds.p50 or 0.0, 3),
        "finality_p99_s": round(result.finality_seconds.p99 or 0.0, 3),
        "load_errors": sum(result.errors.values()) + result.dropped + result.unconfirmed,
        "all_us": round(whole + client),
        "nodes_us": round(whole),
        "live_turns_us": round(of(lambda at: at.turns)),
        "live_loop_us": round(of(lambda at: at.loop - at.turns)),
        "live_blocks_us": round(of(lambda at: at.blocks)),
        "live_checks_us": round(of(lambda at: at.checks)),
        "live_rest_us": round(of(lambda at: at.whole - at.loop - at.blocks - at.checks)),
        "client_us_each": round(client),
        "machine_ceiling": round((os.cpu_count() or 1) * MICRO / (whole + client)),
        "resident_mib": round(max(at.resident for at in after.nodes) / MEBIBYTE),
        "load_average": round(os.getloadavg()[0], 1),
        "lateness_p99_s": round(result.lateness_seconds.p99 or 0.0, 3),
        "block_size": round(result.blocks.transactions / max(1, result.blocks.count)),
        "collecting_us": round(of(lambda at: at.collecting), 1),
        "errors_by_kind": result.errors,
        "trouble": result.trouble,
    }


def _quiet(_stage: str, _done: int, _of: int) -> None:
    """Say nothing."""


def main() -> None:
    """Measure what the first argument says (a JSON object) and print the row."""
    print(json.dumps(run(msgspec.json.decode(sys.argv[1], type=Case))))


if __name__ == "__main__":
    main()
