"""Families of storage: `storage_*`, and what the disk moves."""

from node.observe.families.family import LIVE, Family, Kind, World
from storage.cache.metrics import LEVEL_FAMILIES, TABLE_FAMILIES

_MS = 1_000_000
_STORE = "storage.rocks statistics"
_COMMITTER = "storage.rocks.CommitStatistics"
_CACHE = "storage.cache.metrics"
_OFFLINE = (World.STORE,)

SYNCS = Family("storage_syncs", Kind.COUNTER, "Batches that were synced.", "each durable batch")
WRITTEN = Family(
    "storage_written_bytes",
    Kind.COUNTER,
    "Keys and values in them.",
    "each durable batch",
    unit="bytes",
)
SYNC_WAIT = Family(
    "storage_sync_wait_seconds",
    Kind.HISTOGRAM,
    "From handing over a batch until it is durable.",
    "each durable batch",
    unit="seconds",
    bounds=tuple(round(ms * _MS) for ms in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 500, 2_000)),
)
DISK_IO = Family(
    "blockchain_disk_io_bytes",
    Kind.COUNTER,
    "Bytes that the node's disk has read and written.",
    "each durable batch in virtual time; psutil.Process in real time",
    unit="bytes",
    labels=("direction",),
)


def _live(
    name: str,
    kind: Kind,
    meaning: str,
    source: str,
    *,
    unit: str = "",
    labels: tuple[str, ...] = (),
) -> Family:
    return Family(name, kind, meaning, source, unit=unit, labels=labels, worlds=LIVE)


def _offline(name: str, meaning: str, labels: tuple[str, ...] = (), unit: str = "") -> Family:
    return Family(
        name, Kind.GAUGE, meaning, "the store's files", unit=unit, labels=labels, worlds=_OFFLINE
    )


FAMILY_ROWS = _live(
    "storage_family_rows",
    Kind.GAUGE,
    "RocksDB's estimate of the rows in a column family.",
    _STORE,
    labels=("family",),
)
FAMILY_BYTES = _live(
    "storage_family_bytes",
    Kind.GAUGE,
    "Bytes of a column family, by where they are.",
    _STORE,
    unit="bytes",
    labels=("family", "place"),
)
FAMILY_LEVEL_0_FILES = _live(
    "storage_family_level_0_files",
    Kind.GAUGE,
    "Table files in level 0 of a column family.",
    _STORE,
    labels=("family",),
)
BLOCK_CACHE = _live(
    "storage_block_cache_bytes",
    Kind.GAUGE,
    "Blocks of tables that RocksDB keeps in memory.",
    _STORE,
    unit="bytes",
)
BACKGROUND = _live(
    "storage_background",
    Kind.GAUGE,
    "What RocksDB does in the background, and whether writes are stopped.",
    _STORE,
    labels=("what",),
)
ENGINE = _live(
    "storage_engine",
    Kind.COUNTER,
    "RocksDB's own counters, where the store was opened with them.",
    _STORE,
    labels=("counter",),
)
GROUPS = _live(
    "storage_groups", Kind.COUNTER, "Writes that were synced, of one batch or several.", _COMMITTER
)
COMMITTED_ROWS = _live(
    "storage_committed_rows", Kind.COUNTER, "Rows in durable batches.", _COMMITTER
)
QUEUED_BATCHES = _live(
    "storage_queued_batches", Kind.GAUGE, "Batches that are not durable yet.", _COMMITTER
)
QUEUED_BYTES = _live(
    "storage_queued_bytes",
    Kind.GAUGE,
    "Keys and values in batches that are not durable yet.",
    _COMMITTER,
    unit="bytes",
)
COMMIT_TIME = _live(
    "storage_commit_seconds",
    Kind.COUNTER,
    "Time that making batches durable took, by step.",
    _COMMITTER,
    unit="seconds",
    labels=("step",),
)
CACHE_LEVEL = tuple(
    _live(
        name,
        Kind(kind),
        meaning,
        _CACHE,
        unit="bytes" if name.endswith("_bytes") else "",
        labels=("level", "kind"),
    )
    for name, kind, meaning, _ in LEVEL_FAMILIES
)
"""Of each level of each table's cache."""
CACHE_TABLE = tuple(
    _live(name, Kind.COUNTER, meaning, _CACHE, labels=("kind",))
    for name, meaning, _ in TABLE_FAMILIES
)
"""Of each table's cache."""

ROWS = _offline("storage_rows", "Rows in a table.", ("store", "table"))
ROW_BYTES = _offline(
    "storage_row_bytes", "Bytes of keys and values in a table.", ("store", "table"), "bytes"
)
_LEVEL = ("store", "family", "level")
LEVEL_FILES = _offline("storage_level_files", "Table files in a level.", _LEVEL)
LEVEL_ENTRIES = _offline("storage_level_entries", "Entries in a level.", _LEVEL)
LEVEL_DELETIONS = _offline(
    "storage_level_deletions", "Entries in a level that delete a row.", _LEVEL
)
LEVEL_BYTES = _offline("storage_level_bytes", "Bytes of blocks in a level.", _LEVEL, "bytes")
FILES_BYTES = _offline(
    "storage_files_bytes", "Bytes of files, by what they are.", ("store", "kind"), "bytes"
)
WRITE_AMPLIFICATION = _offline(
    "storage_write_amplification",
    "Bytes on the disk for each byte of rows, since the store was opened last.",
    ("store",),
)

FAMILIES = (
    SYNCS,
    WRITTEN,
    SYNC_WAIT,
    DISK_IO,
    FAMILY_ROWS,
    FAMILY_BYTES,
    FAMILY_LEVEL_0_FILES,
    BLOCK_CACHE,
    BACKGROUND,
    ENGINE,
    GROUPS,
    COMMITTED_ROWS,
    QUEUED_BATCHES,
    QUEUED_BYTES,
    COMMIT_TIME,
    *CACHE_LEVEL,
    *CACHE_TABLE,
    ROWS,
    ROW_BYTES,
    LEVEL_FILES,
    LEVEL_ENTRIES,
    LEVEL_DELETIONS,
    LEVEL_BYTES,
    FILES_BYTES,
    WRITE_AMPLIFICATION,
)
