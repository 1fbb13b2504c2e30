"""Compact blocks: a block in 6 bytes for each transaction that its receiver already holds."""

from network.compact.draft import TransactionPool
from network.compact.form import BlockParts, make_form
from network.compact.messages import LIMITS, CompactForm
from network.compact.relay import CompactRelay
from network.compact.state import (
    BlockLayout,
    BlockLost,
    BlockRebuilt,
    CompactConfig,
    CompactTimer,
    Savings,
)
from network.compact.trace import EVENTS

__all__ = [
    "EVENTS",
    "LIMITS",
    "BlockLayout",
    "BlockLost",
    "BlockParts",
    "BlockRebuilt",
    "CompactConfig",
    "CompactForm",
    "CompactRelay",
    "CompactTimer",
    "Savings",
    "TransactionPool",
    "make_form",
]
