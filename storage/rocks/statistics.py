"""What RocksDB says about itself, as plain numbers under dotted names.

`family.NAME.FIGURE` is there for each family and `store.FIGURE` for all of them together. With
`RocksOptions.statistics` there is also `engine.COUNTER` for each of RocksDB's counters since the
store was opened, under RocksDB's own name without its prefix ("block.cache.miss", "wal.synced").
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from rocksdict import Options, Rdict

from storage.rocks.schema import Family

FAMILY_FIGURES: Mapping[str, str] = MappingProxyType(
    {
        "rows": "rocksdb.estimate-num-keys",
        "table_bytes": "rocksdb.total-sst-files-size",
        "buffer_bytes": "rocksdb.cur-size-all-mem-tables",
        "reader_bytes": "rocksdb.estimate-table-readers-mem",
        "pending_bytes": "rocksdb.estimate-pending-compaction-bytes",
    }
)
"""Rows and pending bytes are RocksDB's estimates. Readers are indexes and filters in memory."""
STORE_FIGURES: Mapping[str, str] = MappingProxyType(
    {
        "cache_bytes": "rocksdb.block-cache-usage",
        "background_errors": "rocksdb.background-errors",
        "merges_running": "rocksdb.num-running-compactions",
        "flushes_running": "rocksdb.num-running-flushes",
        "writes_stopped": "rocksdb.is-write-stopped",
        "snapshots": "rocksdb.num-snapshots",
    }
)
LEVEL_0 = "rocksdb.num-files-at-level0"
COUNTER = re.compile(r"^rocksdb\.(\S+) COUNT : (\d+)$", re.MULTILINE)


def statistics(
    engine: Rdict, families: Mapping[Family, Rdict], settings: Options
) -> dict[str, int]:
    """Return the numbers of an open store.

    Args:
        engine: RocksDB's default family.
        families: ours.
        settings: with which it was opened.
    """
    found: dict[str, int] = {}
    for family, each in families.items():
        for name, wanted in FAMILY_FIGURES.items():
            found[f"family.{family.value}.{name}"] = each.property_int_value(wanted) or 0
        files = int(each.property_value(LEVEL_0) or 0)
        found[f"family.{family.value}.level_0_files"] = files
    for name in FAMILY_FIGURES:
        found[f"store.{name}"] = sum(found[f"family.{each.value}.{name}"] for each in families)
    for name, wanted in STORE_FIGURES.items():
        found[f"store.{name}"] = engine.property_int_value(wanted) or 0
    for name, value in COUNTER.findall(settings.get_statistics() or ""):
        found[f"engine.{name}"] = int(value)
    return found
