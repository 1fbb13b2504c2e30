"""Counts of caches as families of samples, in the terms of a metrics exporter.

Names are without a counter's `_total`. Labels: `kind` is the table; `level` is `decoded` (the
first) or `encoded` (the second). What is no level's own has only the kind.
"""

from collections.abc import Iterable

import msgspec

from storage.cache.policy import Counters
from storage.cache.table import TableCounters

DECODED, ENCODED = "decoded", "encoded"

Labels = tuple[tuple[str, str], ...]


class CacheFamily(msgspec.Struct, frozen=True):
    """A metric with its samples."""

    name: str
    type: str
    """`counter` or `gauge`."""
    meaning: str
    samples: tuple[tuple[Labels, int], ...]


LEVEL_FAMILIES = (
    ("storage_cache_hits", "counter", "Reads that found their key in this level.", "hits"),
    ("storage_cache_misses", "counter", "Reads that did not.", "misses"),
    ("storage_cache_admitted", "counter", "Keys that came into this level.", "admitted"),
    ("storage_cache_evicted", "counter", "Entries that had to go for want of room.", "evicted"),
    ("storage_cache_entries", "gauge", "Entries in this level.", "entries"),
    ("storage_cache_bytes", "gauge", "Bytes of entries in this level.", "bytes"),
)
"""Name, type, meaning, and the field of `Counters`."""
TABLE_FAMILIES = (
    ("storage_cache_loads", "Reads that went to the store.", "loads"),
    ("storage_cache_absent", "Loads that found nothing there.", "absent"),
    ("storage_cache_promotions", "Values that moved up to the first level.", "promotions"),
    ("storage_cache_demotions", "Values that moved down to the second.", "demotions"),
    ("storage_cache_written", "Values that commits wrote through.", "written"),
    ("storage_cache_invalidated", "Keys forgotten because a write was undone.", "invalidated"),
)
"""Name, meaning, and the field of `TableCounters`; all are counters."""


def cache_families(tables: Iterable[TableCounters]) -> tuple[CacheFamily, ...]:
    """Return every family with a sample for each table, and for each of its levels if it has one.

    Args:
        tables: what `CachedTable.counters` or `LayeredCache.counters` returned.
    """
    rows = tuple(tables)
    levels: list[tuple[Labels, Counters]] = []
    for row in rows:
        for level, counters in ((DECODED, row.decoded), (ENCODED, row.encoded)):
            levels.append(((("level", level), ("kind", row.table)), counters))
    families = [
        CacheFamily(
            name, kind, meaning, tuple((labels, getattr(each, field)) for labels, each in levels)
        )
        for name, kind, meaning, field in LEVEL_FAMILIES
    ]
    for name, meaning, field in TABLE_FAMILIES:
        samples = tuple(((("kind", row.table),), getattr(row, field)) for row in rows)
        families.append(CacheFamily(name, "counter", meaning, samples))
    return tuple(families)
