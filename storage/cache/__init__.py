"""Caches over a store: bounded maps with policies, and two levels for each table.

`Lru`, `S3Fifo` and `TinyLfu` are bounded maps behind one Protocol, `Policy`. `CachedTable` puts
two of them over a table of a store, decoded values above encoded ones. `LayeredCache` keeps the
tables of a chain in step with its commits.
"""

from storage.cache.compression import Compressor, Plain
from storage.cache.layers import LayeredCache
from storage.cache.lru import Lru
from storage.cache.lz4_block import Lz4
from storage.cache.metrics import CacheFamily, cache_families
from storage.cache.policies import POLICIES
from storage.cache.policy import Counters, Limits, Policy, PolicyMaker
from storage.cache.s3_fifo import S3Fifo
from storage.cache.table import CachedTable, CacheOptions, Kind, Rows, TableCounters
from storage.cache.tiny_lfu import TinyLfu

__all__ = [
    "CacheFamily",
    "CacheOptions",
    "CachedTable",
    "Compressor",
    "Counters",
    "Kind",
    "LayeredCache",
    "Limits",
    "Lru",
    "Lz4",
    "POLICIES",
    "Plain",
    "Policy",
    "PolicyMaker",
    "Rows",
    "S3Fifo",
    "TableCounters",
    "TinyLfu",
    "cache_families",
]
