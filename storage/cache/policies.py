"""The policies by the names that configurations and tables use."""

from collections.abc import Mapping
from types import MappingProxyType

from storage.cache.lru import Lru
from storage.cache.policy import PolicyMaker
from storage.cache.s3_fifo import S3Fifo
from storage.cache.tiny_lfu import TinyLfu

POLICIES: Mapping[str, PolicyMaker] = MappingProxyType(
    {"lru": Lru, "s3-fifo": S3Fifo, "tiny-lfu": TinyLfu}
)
