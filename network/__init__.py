"""Network: messages and their encoding, gossip of transactions, exchange of blocks, topologies.

`network.topology` is imported by its own name, because its graph library is slow to load.
"""

from network.codec import Codec
from network.gossip import Gossip, TransactionsFetched, TransactionSource
from network.gossip_state import GossipConfig, GossipTimer
from network.messages import (
    LIMITS,
    AnnounceBlock,
    AnnounceTransactions,
    CertifiedBlock,
    CertifiedBlocks,
    GetBlocks,
    GetStatus,
    GetTransactions,
    PooledTransactions,
    Status,
)
from network.sync import BlocksFetched, BlockSource, Sync
from network.sync_state import SyncConfig, SyncTimer

__all__ = [
    "LIMITS",
    "AnnounceBlock",
    "AnnounceTransactions",
    "BlockSource",
    "BlocksFetched",
    "CertifiedBlock",
    "CertifiedBlocks",
    "Codec",
    "GetBlocks",
    "GetStatus",
    "GetTransactions",
    "Gossip",
    "GossipConfig",
    "GossipTimer",
    "PooledTransactions",
    "Status",
    "Sync",
    "SyncConfig",
    "SyncTimer",
    "TransactionSource",
    "TransactionsFetched",
]
