"""`[chain]`, `[store]`, `[mempool]`, `[log]`: what a node holds, and what it says."""

from typing import Literal

import msgspec

from node.mempool_types import MempoolLimits
from node.settings.quantities import ByteCount, FileName, Kept, PositiveCount

_POOL = MempoolLimits()


class ChainSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which chain."""

    genesis: FileName = "genesis.json"
    """What all nodes of the chain have to agree on: parameters, first committee, first accounts.
    `docs/guides/live-node.md` describes the file."""
    history: Kept = 1_024
    """Final blocks that the node keeps at least, beside the state of its last checkpoints;
    "archive" keeps all."""


class StoreSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How chain and state are kept. A live node has them in RocksDB, in form flat."""

    profile: str = "default"
    """How RocksDB is tuned (`storage.rocks.profiles`)."""
    state_history: Kept = 128
    """Blocks below the head whose state can still be read; "archive" for all."""
    checks_state: bool = True
    """Whether a start reads every row of the state, and begins anew from the others if one is
    damaged. Otherwise the node stops whenever it comes upon one."""


class MempoolSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What waits to be included."""

    transactions: PositiveCount = _POOL.count
    """At most."""
    bytes: ByteCount = _POOL.byte_count
    """Of their encodings, at most."""
    per_sender: PositiveCount = _POOL.per_sender
    """Waiting transactions of one sender; also how far ahead of the account a nonce may be."""
    queued: PositiveCount = _POOL.queued
    """Transactions behind a gap of nonces, in all."""


class LogSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the node says of itself."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least that is written."""
    form: Literal["console", "json"] = "console"
    """Lines for people, or an object for each line."""
    file: FileName | None = None
    """Where to; standard error if left out. It is opened anew on SIGHUP."""
    lines_per_second: PositiveCount = 200
    """Of one kind on average, with five times as many at once; how many were left out is said."""
