"""A durable store over RocksDB."""

from storage.rocks.checkpoint import restore as restore
from storage.rocks.committer import (
    CommitLimits as CommitLimits,
    CommitListener as CommitListener,
    CommitStatistics as CommitStatistics,
    Committer as Committer,
)
from storage.rocks.engine import shared_cache as shared_cache
from storage.rocks.errors import (
    CommitterStopped as CommitterStopped,
    CorruptStore as CorruptStore,
    ForeignStore as ForeignStore,
    NewerStore as NewerStore,
    StoreClosed as StoreClosed,
    StoreError as StoreError,
    StoreFailed as StoreFailed,
    StoreFull as StoreFull,
    StoreInUse as StoreInUse,
    UnknownTable as UnknownTable,
)
from storage.rocks.options import (
    Compression as Compression,
    Durability as Durability,
    RocksOptions as RocksOptions,
)
from storage.rocks.profiles import PROFILES as PROFILES, profile as profile
from storage.rocks.schema import (
    CHAIN_SCHEMA as CHAIN_SCHEMA,
    Family as Family,
    Migration as Migration,
    Schema as Schema,
    Table as Table,
)
from storage.rocks.snapshot import RocksSnapshot as RocksSnapshot
from storage.rocks.store import RocksStore as RocksStore
