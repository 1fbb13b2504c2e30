"""Families of the chain and its transactions: `blockchain_*`, `txpool_*`, `sync_*`."""

from node.observe.families.family import LIVE, Family, Kind

_MS = 1_000_000
COMMIT = "chain.block_committed"

TRANSACTIONS = Family(
    "blockchain_transactions", Kind.COUNTER, "Transactions in committed blocks.", COMMIT
)
BLOCKS = Family("blockchain_blocks", Kind.COUNTER, "Blocks committed by this node.", COMMIT)
GAS_USED = Family("blockchain_gas_used", Kind.COUNTER, "Gas used by committed blocks.", COMMIT)
TPS = Family(
    "blockchain_tps",
    Kind.GAUGE,
    "Transactions committed a second since the sample before.",
    COMMIT,
)
HEIGHT = Family(
    "blockchain_height",
    Kind.GAUGE,
    "Height of this node's head.",
    "chain.block_committed, sync.snapshot_adopted",
)
NODE_UP = Family(
    "blockchain_node_up",
    Kind.GAUGE,
    "1 while the node runs, 0 while it is down.",
    "fault.crashed, fault.restarted; a live node that answers is up",
)
BLOCK_TIME = Family(
    "blockchain_block_time_seconds",
    Kind.HISTOGRAM,
    "Time between two commits at this node.",
    COMMIT,
    unit="seconds",
    bounds=tuple(
        ms * _MS for ms in (10, 25, 50, 100, 250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 30_000)
    ),
)
CONFIRMATION_TIME = Family(
    "blockchain_confirmation_time_seconds",
    Kind.HISTOGRAM,
    "From submission at this node to commit at this node.",
    "txpool.submitted to chain.block_committed; gateway.final",
    unit="seconds",
    bounds=tuple(
        ms * _MS
        for ms in (
            *(10, 25, 50, 100, 200, 300, 400, 600, 800),
            *(1_000, 1_500, 2_500, 5_000, 10_000, 30_000),
        )
    ),
)
BLOCK_SIZE = Family(
    "blockchain_block_size_bytes",
    Kind.HISTOGRAM,
    "Size of the blocks this node committed.",
    COMMIT,
    unit="bytes",
    bounds=tuple(kib << 10 for kib in (1, 4, 16, 64, 128, 256, 512, 1024, 2048, 4096, 8192)),
)
SUBMITTED = Family(
    "txpool_submitted",
    Kind.COUNTER,
    "Transactions clients gave this node.",
    "txpool.submitted, gateway.accepted",
)
REJECTED = Family(
    "txpool_rejected",
    Kind.COUNTER,
    "Transactions this node refused, by reason.",
    "txpool.rejected, gateway.rejected",
    labels=("code",),
)
POOL_TRANSACTIONS = Family(
    "txpool_transactions",
    Kind.GAUGE,
    "Transactions in the pool; queued ones wait for one before them.",
    "the node's pool",
    labels=("state",),
)
POOL_BYTES = Family(
    "txpool_size_bytes",
    Kind.GAUGE,
    "Encodings of the transactions in the pool.",
    "the node's pool",
    unit="bytes",
)
SYNC_RUNS = Family(
    "sync_runs", Kind.COUNTER, "Times this node began to fetch blocks.", "sync.started"
)
SYNC_RUNNING = Family(
    "sync_running",
    Kind.GAUGE,
    "1 while the node fetches blocks or a state, 0 otherwise.",
    "sync.started, sync.finished",
    worlds=LIVE,
)
SYNC_SNAPSHOTS = Family(
    "sync_snapshots",
    Kind.COUNTER,
    "Fetched states that became this node's head.",
    "sync.snapshot_adopted",
)

FAMILIES = (
    TRANSACTIONS,
    BLOCKS,
    GAS_USED,
    TPS,
    HEIGHT,
    NODE_UP,
    BLOCK_TIME,
    CONFIRMATION_TIME,
    BLOCK_SIZE,
    SUBMITTED,
    REJECTED,
    POOL_TRANSACTIONS,
    POOL_BYTES,
    SYNC_RUNS,
    SYNC_RUNNING,
    SYNC_SNAPSHOTS,
)
