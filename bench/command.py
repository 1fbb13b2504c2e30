"""`orrery bench [NAME ...] [--json]`: the simulator's own speed and memory, as tables."""

import json
import platform
from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from bench.announcements_row import bench_announcements
from bench.batching_row import POLICIES
from bench.cache_row import (
    bench_cache,
    bench_cache_levels,
    bench_cache_speed,
)
from bench.codec_row import bench_codec
from bench.commit_loop_row import (
    bench_commit_groups,
    bench_commit_loop,
)
from bench.commit_row import bench_commit
from bench.compact_row import bench_compact
from bench.decisions_row import bench_decisions
from bench.dissemination_row import bench_dissemination, bench_shreds
from bench.evm_peers import bench_evm_peers
from bench.evm_row import BODIES as EVM_PROGRAMS
from bench.file_row import bench_files
from bench.flat_row import bench_flat
from bench.graph_row import PATTERNS
from bench.headings import HEADINGS
from bench.heap_loop import bare_heap_rate
from bench.hostile_row import bench_hostile
from bench.live_row import bench_live
from bench.load_row import bench_load
from bench.memory_row import bench_memory
from bench.reconcile_row import bench_reconcile
from bench.rows import measure
from bench.rpc_row import bench_rpc
from bench.runtime_row import bench_runtime
from bench.spreading_row import bench_spreading
from bench.store_row import bench_store
from bench.stored_trie_row import bench_stored_trie
from bench.transport_row import bench_transport
from primitives.errors import InvalidInput

Report = dict[str, Any]

MEBIBYTE = 1 << 20
WIDTH_MAX = 10_000
DECISIONS = 10
COMMITTEES = (16, 64, 128, 256)
GOSSIP_NODES, GOSSIP_BLOCKS = 1_000, 100
CERTIFICATE_COMMITTEES = (4, 16, 64, 100)
CERTIFICATE_SECONDS = 2.0
THOUSAND = 1_000
WAN_NODES, WAN_BLOCK, WAN_RATE, WAN_SECONDS = 100, 500, 3_000, 4
BATCHING_NODES, BATCHING_RATES, BATCHING_SECONDS = 13, (20, 300, 3_000), 8
VIEW_CHANGE_NODES, VIEW_CHANGE_RATE = 100, 100
GRAPH_TRANSACTIONS, GRAPH_ROUNDS = (10_000, 100_000), 7
EVM_ITERATIONS = 50_000
COMPLEXITY_COMMITTEES = (4, 16, 64, 100)
PARALLEL_ROUNDS = 15
PARALLEL_ROWS = (
    ("recovery", "threads"),
    ("recovery", "processes"),
    ("calls", "processes:critical-path"),
    ("calls", "processes:optimistic"),
    ("calls", "adaptive"),
    ("short", "adaptive"),
    ("short", "processes:critical-path"),
    ("transfers", "adaptive"),
    ("transfers", "processes:critical-path"),
)
"""Those by processes show why blocks of short calls and of transfers are not shared out."""
TRANSFER_ACCOUNTS, TRANSFER_BLOCK, TRANSFER_BLOCKS = 100_000, 1_000, 20
STATE_ACCOUNTS, STATE_CHANGES, STATE_BLOCKS = 1_000_000, (100, 1_000, 5_000), 15


def machine() -> dict[str, object]:
    """Say what the figures were measured on."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return {"processor": model, "python": platform.python_version(), "system": platform.system()}


def bench_consensus() -> Report:
    """Ten decisions of textbook PBFT at growing committees, signatures charged and verified."""
    rows = [
        measure("bench.consensus_row", {"nodes": n, "decisions": DECISIONS, "signatures": kind})
        for n in COMMITTEES
        for kind in ("modelled", "real")
    ]
    return {"rows": rows, "bare_heap_operations_per_second": round(bare_heap_rate())}


def bench_thousand() -> Report:
    """One decision of a thousand validators: 2.0 million messages."""
    options = {"nodes": THOUSAND, "decisions": 1, "signatures": "modelled"}
    return {"rows": [measure("bench.consensus_row", options)]}


def bench_wan() -> Report:
    """A committee around the world whose blocks are always full."""
    options = {"nodes": WAN_NODES, "batch": WAN_BLOCK, "rate": WAN_RATE, "seconds": WAN_SECONDS}
    return {"rows": [measure("bench.wan_row", options)]}


def bench_view_change() -> Report:
    """The primary of a loaded committee dies."""
    options = {"nodes": VIEW_CHANGE_NODES, "rate": VIEW_CHANGE_RATE}
    rows = [
        measure("bench.view_change_row", {**options, "signatures": kind})
        for kind in ("modelled", "real")
    ]
    return {"rows": rows}


def bench_gossip() -> Report:
    """Blocks spreading over a random graph by announcement and fetch."""
    options = {"nodes": GOSSIP_NODES, "blocks": GOSSIP_BLOCKS}
    return {
        "rows": [measure("bench.gossip_row", options)],
        "bare_heap_operations_per_second": round(bare_heap_rate()),
    }


def bench_certificates() -> Report:
    """Verify commit certificates of both forms, beside the libraries' bare calls."""
    rows = [
        measure(
            "bench.certificates_row",
            {"nodes": nodes, "seconds": CERTIFICATE_SECONDS, "certificates": form},
        )
        for nodes in CERTIFICATE_COMMITTEES
        for form in ("ed25519", "bls")
    ]
    return {"rows": rows}


def bench_complexity() -> Report:
    """Messages, bytes, signature checks and virtual time of one decision, against n."""
    options = {"decisions": DECISIONS}
    rows = [measure("bench.complexity_row", {"nodes": n, **options}) for n in COMPLEXITY_COMMITTEES]
    return {"rows": rows}


def bench_batching() -> Report:
    """Latency and throughput of three ways to batch at three loads, in virtual time."""
    rows: list[dict[str, Any]] = []
    for rate in BATCHING_RATES:
        options = {"nodes": BATCHING_NODES, "rate": rate, "seconds": BATCHING_SECONDS}
        found = [measure("bench.batching_row", {**options, "policy": name}) for name in POLICIES]
        rows += batching_ratios(found)
    return {"rows": rows}


def bench_state_root() -> Report:
    """The state root after blocks of some size, in a state of a million accounts."""
    rows = [
        measure(
            "bench.state_root_row",
            {"accounts": STATE_ACCOUNTS, "changed": changed, "blocks": STATE_BLOCKS},
        )
        for changed in STATE_CHANGES
    ]
    return {"rows": rows}


def batching_ratios(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of one load, each with its ratios to that of large fixed batches."""
    (large,) = [row for row in rows if row["policy"] == "fixed-large"]
    return [
        {
            **row,
            "latency_ratio": round(row["p50_seconds"] / large["p50_seconds"], 2),
            "throughput_ratio": round(
                row["transactions_per_second"] / large["transactions_per_second"], 2
            ),
        }
        for row in rows
    ]


def bench_graph() -> Report:
    """Dependency graph and schedule of a block, beside networkx, for each pattern of conflicts."""
    return {
        "rows": [
            measure(
                "bench.graph_row",
                {"pattern": pattern, "transactions": count, "rounds": GRAPH_ROUNDS},
            )
            for count in GRAPH_TRANSACTIONS
            for pattern in PATTERNS
        ]
    }


def bench_transfers() -> Report:
    """Blocks of plain payments through the node's own validation, with each part timed apart."""
    options = {
        "accounts": TRANSFER_ACCOUNTS,
        "transactions": TRANSFER_BLOCK,
        "blocks": TRANSFER_BLOCKS,
    }
    return {"rows": [measure("bench.transfers_row", options)]}


def bench_parallel() -> Report:
    """Executors beside two plain processes: sender recovery, long computations, transfers."""
    rows = [
        measure(
            "bench.parallel_row", {"case": case, "executor": executor, "rounds": PARALLEL_ROUNDS}
        )
        for case, executor in PARALLEL_ROWS
    ]
    return {"rows": rows}


def bench_evm() -> Report:
    """Loops of one kind of instruction each, as whole transactions on a node's state."""
    rows = [
        measure("bench.evm_row", {"program": name, "iterations": EVM_ITERATIONS})
        for name in EVM_PROGRAMS
    ]
    return {"rows": rows}


BENCHES: Mapping[str, Callable[[], Report]] = MappingProxyType(
    {
        "consensus": bench_consensus,
        "gossip": bench_gossip,
        "dissemination": bench_dissemination,
        "shreds": bench_shreds,
        "graph": bench_graph,
        "certificates": bench_certificates,
        "parallel": bench_parallel,
        "complexity": bench_complexity,
        "batching": bench_batching,
        "state-root": bench_state_root,
        "store": bench_store,
        "stored-trie": bench_stored_trie,
        "flat": bench_flat,
        "commit": bench_commit,
        "commit-groups": bench_commit_groups,
        "commit-loop": bench_commit_loop,
        "thousand": bench_thousand,
        "wan": bench_wan,
        "view-change": bench_view_change,
        "evm": bench_evm,
        "evm-peers": bench_evm_peers,
        "transfers": bench_transfers,
        "cache": bench_cache,
        "cache-speed": bench_cache_speed,
        "cache-levels": bench_cache_levels,
        "codec": bench_codec,
        "compact": bench_compact,
        "decisions": bench_decisions,
        "spreading": bench_spreading,
        "memory": bench_memory,
        "reconcile": bench_reconcile,
        "announcements": bench_announcements,
        "transport": bench_transport,
        "runtime": bench_runtime,
        "rpc": bench_rpc,
        "load": bench_load,
        "hostile": bench_hostile,
        "live": bench_live,
        "file-io": bench_files,
    }
)

NAMED_ONLY = frozenset({"cache", "evm-peers"})
"""Benchmarks that need more than `make setup` installs: they run only when they are named."""


def command(arguments: Namespace) -> int:
    """Run the named benchmarks, all if none is named, and print their tables."""
    names = arguments.names or [name for name in BENCHES if name not in NAMED_ONLY]
    for name in names:
        if name not in BENCHES:
            raise InvalidInput("benchmark", f"one of {', '.join(BENCHES)}", repr(name))
    console = Console(stderr=arguments.json)
    reports: dict[str, Report] = {}
    for name in names:
        with console.status(f"measuring {name} ..."):
            reports[name] = {"machine": machine(), **BENCHES[name]()}
        if not arguments.json:
            show(name, reports[name], console)
    if arguments.json:
        print(json.dumps(reports[names[0]] if len(names) == 1 else reports, indent=2))
    return 0


def show(name: str, report: Report, console: Console) -> None:
    """Print one report as a table, with the machine above it."""
    facts = report["machine"]
    title = f"{name}: {facts['processor']}, Python {facts['python']}"
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    columns = [key for key in HEADINGS if key in report["rows"][0]]
    for column in columns:
        table.add_column(HEADINGS[column], justify="right", no_wrap=True)
    for row in report["rows"]:
        table.add_row(*(_cell(column, row[column]) for column in columns))
    # A terminal breaks lines that are too long for it; a figure that is cut is lost.
    everything = Measurement.get(console, console.options.update(width=WIDTH_MAX), table)
    console.width = max(console.width, everything.maximum)
    console.print(table)
    if "bare_heap_operations_per_second" not in report:
        return
    rate = report["bare_heap_operations_per_second"]
    share = max(row["deliveries_per_second"] for row in report["rows"]) / rate
    console.print(
        f"bare heap loop of the same run: {rate:,} operations a second; "
        f"the best row delivers {share:.0%} of that"
    )


def _cell(column: str, value: object) -> str:
    if column == "peak_memory_bytes" and isinstance(value, int):
        return f"{value / MEBIBYTE:,.0f} MiB"
    if isinstance(value, float):
        return f"{value:.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
