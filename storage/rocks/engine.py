"""From our settings to RocksDB's, once for the store and once for each family.

RocksDB copies a block table's settings at the moment they are set, so the cache and the filter
go in first: a cache set later is silently not used.
"""

from collections.abc import Mapping
from types import MappingProxyType

from rocksdict import (
    BlockBasedOptions,
    Cache,
    DataBlockIndexType,
    DBCompressionType,
    DBRecoveryMode,
    Options,
)

from storage.rocks.options import Compression, Durability, RocksOptions
from storage.rocks.schema import POINT_FAMILIES, Family

FORMAT_VERSION = 5
"""Of block tables: filters of this one are faster and more exact than those before."""

COMPRESSIONS: Mapping[Compression, DBCompressionType] = MappingProxyType(
    {
        Compression.NONE: DBCompressionType.none(),
        Compression.LZ4: DBCompressionType.lz4(),
        Compression.ZSTD: DBCompressionType.zstd(),
    }
)


def shared_cache(size_bytes: int) -> Cache:
    """Return a block cache that several stores of this process may share."""
    return Cache(size_bytes)


def store_options(
    options: RocksOptions, recovery: DBRecoveryMode, *, may_create: bool = True
) -> Options:
    """Return the settings of the store as a whole.

    Args:
        options: ours.
        recovery: what is done about a log that does not end well.
        may_create: whether a missing store or family is made.
    """
    engine = Options(raw_mode=True)
    engine.create_if_missing(may_create)
    engine.create_missing_column_families(may_create)
    engine.set_wal_recovery_mode(recovery)
    engine.set_paranoid_checks(True)
    engine.increase_parallelism(options.background_jobs)
    engine.set_max_background_jobs(options.background_jobs)
    engine.set_max_open_files(options.open_files_max)
    engine.set_max_total_wal_size(options.wal_bytes_max)
    engine.set_allow_mmap_reads(options.map_tables)
    engine.set_bytes_per_sync(options.sync_bytes)
    engine.set_db_write_buffer_size(options.write_buffers_total_bytes)
    engine.set_keep_log_file_num(2)
    # Without a log only a flush of all families at once keeps a batch whole.
    engine.set_atomic_flush(options.durability is Durability.NONE)
    if options.statistics:
        engine.enable_statistics()
    return engine


def family_options(options: RocksOptions, family: Family | None, cache: Cache) -> Options:
    """Return the settings of one family; None is RocksDB's own default one."""
    point = family in POINT_FAMILIES
    engine = Options(raw_mode=True)
    engine.set_block_based_table_factory(_tables(options, cache, point=point))
    engine.set_write_buffer_size(options.write_buffer_bytes)
    engine.set_max_write_buffer_number(options.write_buffers_max)
    engine.set_min_write_buffer_number_to_merge(options.write_buffers_merged)
    if point and options.memtable_bloom_ratio:
        engine.set_memtable_prefix_bloom_ratio(options.memtable_bloom_ratio)
        engine.set_memtable_whole_key_filtering(True)
    engine.set_compression_type(COMPRESSIONS[options.compression])
    engine.set_bottommost_compression_type(COMPRESSIONS[options.bottom_compression])
    engine.set_level_zero_file_num_compaction_trigger(options.level_0_compact_files)
    engine.set_level_zero_slowdown_writes_trigger(options.level_0_slow_files)
    engine.set_level_zero_stop_writes_trigger(options.level_0_stop_files)
    engine.set_max_bytes_for_level_base(options.level_base_bytes)
    engine.set_target_file_size_base(options.file_bytes)
    engine.set_disable_auto_compactions(not options.compact_by_itself)
    return engine


def _tables(options: RocksOptions, cache: Cache, *, point: bool) -> BlockBasedOptions:
    blocks = BlockBasedOptions()
    blocks.set_block_cache(cache)
    if options.bloom_bits:
        blocks.set_bloom_filter(options.bloom_bits, block_based=False)
    blocks.set_format_version(FORMAT_VERSION)
    blocks.set_block_size(options.point_block_bytes if point else options.log_block_bytes)
    if point and options.hash_index_ratio:
        blocks.set_data_block_index_type(DataBlockIndexType.binary_and_hash())
        blocks.set_data_block_hash_ratio(options.hash_index_ratio)
    if options.index_in_cache:
        blocks.set_cache_index_and_filter_blocks(True)
        blocks.set_pin_l0_filter_and_index_blocks_in_cache(True)
    return blocks
