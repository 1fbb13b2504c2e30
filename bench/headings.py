"""The columns that the tables of `orrery bench` have, by their names in `--json`."""

from collections.abc import Mapping
from types import MappingProxyType

from bench.announcements_row import HEADINGS as ANNOUNCEMENTS_HEADINGS
from bench.cache_row import HEADINGS as CACHE_HEADINGS
from bench.codec_row import HEADINGS as CODEC_HEADINGS
from bench.commit_loop_row import HEADINGS as COMMIT_LOOP_HEADINGS
from bench.commit_row import HEADINGS as COMMIT_HEADINGS
from bench.compact_row import HEADINGS as COMPACT_HEADINGS
from bench.decisions_row import HEADINGS as DECISIONS_HEADINGS
from bench.dissemination_row import HEADINGS as DISSEMINATION_HEADINGS
from bench.file_row import HEADINGS as FILE_HEADINGS
from bench.flat_row import HEADINGS as FLAT_HEADINGS
from bench.hostile_row import HEADINGS as HOSTILE_HEADINGS
from bench.live_row import HEADINGS as LIVE_HEADINGS
from bench.load_row import HEADINGS as LOAD_HEADINGS
from bench.memory_row import HEADINGS as MEMORY_HEADINGS
from bench.reconcile_row import HEADINGS as RECONCILE_HEADINGS
from bench.rpc_row import HEADINGS as RPC_HEADINGS
from bench.runtime_row import HEADINGS as RUNTIME_HEADINGS
from bench.spreading_row import HEADINGS as SPREADING_HEADINGS
from bench.store_row import HEADINGS as STORE_HEADINGS
from bench.stored_trie_row import HEADINGS as STORED_TRIE_HEADINGS
from bench.transport_row import HEADINGS as TRANSPORT_HEADINGS

HEADINGS: Mapping[str, str] = MappingProxyType(
    {
        "ratio": "ratio",
        "compared_with": "to",
        "case": "case",
        **CODEC_HEADINGS,
        **COMMIT_HEADINGS,
        **COMMIT_LOOP_HEADINGS,
        **STORE_HEADINGS,
        **DECISIONS_HEADINGS,
        **DISSEMINATION_HEADINGS,
        **SPREADING_HEADINGS,
        **ANNOUNCEMENTS_HEADINGS,
        **CACHE_HEADINGS,
        **LIVE_HEADINGS,
        **HOSTILE_HEADINGS,
        **LOAD_HEADINGS,
        **MEMORY_HEADINGS,
        **FILE_HEADINGS,
        **FLAT_HEADINGS,
        **STORED_TRIE_HEADINGS,
        "executor": "executor",
        "speed_up": "speed-up",
        "plain_speed_up": "plain",
        "bound": "bound",
        "program": "program",
        "pattern": "pattern",
        "transactions": "txs",
        "accesses": "accesses",
        "edges": "edges",
        "joins": "joins",
        "build_ms": "build ms",
        "schedule_ms": "schedule ms",
        "total_ms": "both ms",
        "networkx_build_ms": "networkx ms",
        "networkx_ratio": "ratio",
        "bound_16": "bound at 16",
        "block": "block",
        "first_ratio": "1st ratio",
        "best_ratio": "ratio",
        "faster_peer": "to",
        "first_mgas_per_second": "first Mgas/s",
        "mgas_per_second": "Mgas/s",
        "nanoseconds_per_iteration": "ns/iteration",
        "orrery_first_seconds": "1st s",
        "orrery_best_seconds": "ours s",
        "py_evm_best_seconds": "py-evm s",
        "eels_best_seconds": "EELS s",
        "policy": "policy",
        "rate": "offered/s",
        "nodes": "nodes",
        "certificates": "form",
        "decisions": "decided",
        "blocks": "blocks",
        "transactions_per_block": "txs each",
        "transactions_per_second": "txs/s",
        "throughput_ratio": "ratio",
        "p50_seconds": "p50 s",
        "p99_seconds": "p99 s",
        "latency_ratio": "p50 ratio",
        "signatures": "signatures",
        "new_view_seconds": "new view s",
        "next_commit_seconds": "next block s",
        "everywhere_seconds": "everywhere s",
        "messages": "messages",
        "wall_per_virtual_second": "wall/virtual",
        "wall_seconds": "wall s",
        "cpu_seconds": "cpu s",
        "deliveries_per_second": "delivered/s",
        "median_spread_seconds": "spread s",
        "quorum": "quorum",
        "certificate_bytes": "bytes",
        "certificates_per_second": "certificates/s",
        "checks_per_second": "checks/s",
        "library_checks_per_second": "library/s",
        "first_certificate_seconds": "first s",
        "messages_per_decision": "messages",
        "bytes_per_decision": "bytes",
        "signatures_per_decision": "signed",
        "checks_per_decision": "checks",
        "checks_per_replica": "each",
        "median_commit_seconds": "median s",
        "last_commit_seconds": "last s",
        "accounts": "accounts",
        "changed": "changed",
        "root_milliseconds": "root ms",
        "root_milliseconds_max": "max ms",
        "microseconds_per_change": "us each",
        "build_seconds": "build s",
        "plain_seconds": "plain s",
        "plain_ratio": "ratio",
        "flat_bytes_per_account": "flat bytes",
        "trie_bytes_per_account": "trie bytes",
        "known_per_second": "txs/s",
        "recovered_per_second": "with recovery",
        "known_us": "us each",
        "decode_us": "decode",
        "execute_us": "execute",
        "body_roots_us": "body roots",
        "state_root_us": "state root",
        "recovery_us": "recovery",
        "peak_memory_bytes": "memory",
        **COMPACT_HEADINGS,
        **RECONCILE_HEADINGS,
        **TRANSPORT_HEADINGS,
        **RPC_HEADINGS,
        **RUNTIME_HEADINGS,
    }
)
"""Columns of the tables; `--json` has more."""
