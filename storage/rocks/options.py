"""The settings of a store, in one frozen value.

What is left out stays at RocksDB's default. Sizes are bytes. Every family of a store has its own
write buffers, so a limit on one buffer bounds little: `write_buffers_total_bytes` bounds them all.
"""

from dataclasses import dataclass
from enum import Enum

KIBIBYTE = 1 << 10
MEBIBYTE = 1 << 20


class Durability(Enum):
    """What a written batch survives once `write` has returned."""

    NONE = "none"
    """Nothing: no log is written. After a crash the store is as at some earlier flush."""
    WAL = "wal"
    """The end of the process, but not of the machine: the log is in the page cache."""
    FSYNC = "fsync"
    """The end of the machine: each batch is on the disk."""
    GROUP = "group"
    """As FSYNC for every `group_batches` batches at once; as WAL for those since."""


class Compression(Enum):
    """How blocks of tables are compressed."""

    NONE = "none"
    LZ4 = "lz4"
    ZSTD = "zstd"


@dataclass(frozen=True, slots=True)
class RocksOptions:
    """How one store is tuned. Nodes may differ in it: it is no part of the schema."""

    write_buffer_bytes: int
    """A family's buffer of fresh rows, in bytes; full, it is written out as a table."""
    write_buffers_max: int
    """How many buffers a family may have, full ones included; writers wait beyond."""
    write_buffers_merged: int
    """How many full buffers go into one table: more spare rewrites of hot rows, and cost memory."""
    write_buffers_total_bytes: int
    """Bytes of all families' buffers after which the largest is written out; 0: no limit."""
    block_cache_bytes: int
    """Bytes of uncompressed blocks kept; unused where a shared cache is handed in."""
    point_block_bytes: int
    """Bytes of a block in families of hashed keys, which are read one by one."""
    log_block_bytes: int
    """Bytes of a block in families whose keys ascend and are read in runs."""
    bloom_bits: int
    """Bits of filter per key: 10 let 1 % of misses through to the disk. 0: no filter."""
    hash_index_ratio: float
    """Rows per bucket of the hash index in a point family's blocks; 0: binary search only."""
    memtable_bloom_ratio: float
    """Share of a write buffer spent on a filter that spares misses its search, 0 to 0.25."""
    compression: Compression
    """Of all levels but the last."""
    bottom_compression: Compression
    """Of the last level, where nine tenths of the bytes are."""
    level_0_compact_files: int
    """Tables in level 0 at which they are merged down; each is one more search for a reader."""
    level_0_slow_files: int
    """Tables in level 0 at which writers are slowed down."""
    level_0_stop_files: int
    """Tables in level 0 at which writers stop until some are merged."""
    level_base_bytes: int
    """Bytes of level 1; each further level may be ten times as large."""
    file_bytes: int
    """Bytes of one table."""
    background_jobs: int
    """Threads for flushes and merges."""
    open_files_max: int
    """Tables kept open; -1: all."""
    wal_bytes_max: int
    """Bytes of logs after which the family that holds the oldest back is written out."""
    sync_bytes: int
    """Bytes after which tables in the making are passed on to the disk, so that no large write
    is left for the end; 0: never."""
    map_tables: bool = False
    """Whether tables are mapped into memory: blocks without compression are then read in place,
    and checked each time. A disk that fails to read ends the process then, instead of the call."""
    index_in_cache: bool = False
    """Whether indexes and filters count as cached blocks: memory has a bound then, and a reader
    may have to fetch them again."""
    compact_by_itself: bool = True
    """Whether tables are merged while rows come in; a bulk load does that once, at its end."""
    durability: Durability = Durability.FSYNC
    group_batches: int = 8
    """Batches per sync under `Durability.GROUP`."""
    statistics: bool = False
    """Whether RocksDB counts what it does (some per cent of speed)."""
