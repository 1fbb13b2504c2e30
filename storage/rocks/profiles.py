"""Settings under a name, for the ways a store is used.

`reference` is what guides on large RocksDB installations name; it is measured beside ours. What
`default` differs in was measured by `orrery bench store`, and can be measured anew by it.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from primitives.errors import InvalidInput
from storage.rocks.options import KIBIBYTE, MEBIBYTE, Compression, RocksOptions

DEFAULT = RocksOptions(
    write_buffer_bytes=64 * MEBIBYTE,
    write_buffers_max=4,
    write_buffers_merged=1,
    write_buffers_total_bytes=256 * MEBIBYTE,
    block_cache_bytes=128 * MEBIBYTE,
    point_block_bytes=KIBIBYTE,
    log_block_bytes=16 * KIBIBYTE,
    bloom_bits=10,
    hash_index_ratio=0.75,
    memtable_bloom_ratio=0.0,
    compression=Compression.NONE,
    bottom_compression=Compression.NONE,
    level_0_compact_files=4,
    level_0_slow_files=20,
    level_0_stop_files=36,
    level_base_bytes=256 * MEBIBYTE,
    file_bytes=64 * MEBIBYTE,
    background_jobs=2,
    open_files_max=-1,
    wal_bytes_max=512 * MEBIBYTE,
    sync_bytes=MEBIBYTE,
    map_tables=True,
)
"""One node on a machine, whose state fits its memory several times over.

At 300,000 rows a cold get of mapped, uncompressed blocks takes 0.53 of RocksDB's defaults' time,
without the mapping 0.75, with lz4 0.87; half random, half zero values make the store half as large
again. Blocks of 1 KiB spare a part of what a get of 4 KiB reads. A filter in the write buffers
would cost a tenth of a put for nothing: the filters of the tables answer what is looked up in vain.
"""

SMALL = replace(
    DEFAULT,
    compression=Compression.LZ4,
    bottom_compression=Compression.LZ4,
    map_tables=False,
    write_buffer_bytes=2 * MEBIBYTE,
    write_buffers_max=2,
    write_buffers_total_bytes=8 * MEBIBYTE,
    block_cache_bytes=8 * MEBIBYTE,
    level_base_bytes=16 * MEBIBYTE,
    file_bytes=8 * MEBIBYTE,
    background_jobs=1,
    open_files_max=64,
    wal_bytes_max=16 * MEBIBYTE,
    index_in_cache=True,
)
"""Many nodes on one machine: some 10 MiB each, and a cache that they may share."""

LARGE = replace(
    DEFAULT,
    write_buffer_bytes=128 * MEBIBYTE,
    write_buffers_max=4,
    write_buffers_merged=2,
    write_buffers_total_bytes=1_024 * MEBIBYTE,
    block_cache_bytes=1_024 * MEBIBYTE,
    compression=Compression.LZ4,
    bottom_compression=Compression.ZSTD,
    map_tables=False,
    level_base_bytes=512 * MEBIBYTE,
    background_jobs=4,
    wal_bytes_max=2_048 * MEBIBYTE,
)
"""A state of many millions of rows on a machine of its own."""

BULK_LOAD = replace(
    LARGE,
    level_0_compact_files=1 << 20,
    level_0_slow_files=1 << 20,
    level_0_stop_files=1 << 20,
    compact_by_itself=False,
)
"""Filling a store that nobody reads yet; call `compact` at the end, then open it by another."""

REFERENCE = replace(
    LARGE,
    point_block_bytes=4 * KIBIBYTE,
    log_block_bytes=4 * KIBIBYTE,
    hash_index_ratio=0.0,
    write_buffers_total_bytes=0,
)
"""Buffers of 128 MiB, four of them, merged by two; lz4, zstd at the bottom; filters of 10 bits."""

PROFILES: Mapping[str, RocksOptions] = MappingProxyType(
    {
        "small": SMALL,
        "default": DEFAULT,
        "large": LARGE,
        "bulk-load": BULK_LOAD,
        "reference": REFERENCE,
    }
)


def profile(name: str) -> RocksOptions:
    """Return the settings under a name.

    Raises:
        InvalidInput: there is no such profile.
    """
    found = PROFILES.get(name)
    if found is None:
        raise InvalidInput("store.profile", f"one of {', '.join(PROFILES)}", repr(name))
    return found
