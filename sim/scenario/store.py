"""`[store]`: what holds the rows of each node, and in which form a node keeps its state there."""

from typing import Literal

import msgspec

from node.settings.quantities import Kept

StateFormName = Literal["runs", "flat"]
"""How state is kept durable: runs of changes from checkpoint to checkpoint, or rows after every
block (`node.storage_config`)."""

StateHistory = Kept
"""Blocks below the head whose state can still be read; "archive" for all."""


class StoreSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No rule of the chain. Runs that differ in the engine alone are the same run."""

    engine: Literal["memory", "rocksdb"] = "memory"
    """"memory" keeps what is durable in this process, where nodes share what is equal; with
    "rocksdb" each node has a directory of files, which a crash closes and a restart recovers."""
    state: StateFormName | None = None
    """"runs" in memory and "flat" with RocksDB if left out."""
    state_history: StateHistory = 128
    """With "flat": blocks below the head whose state can still be read; "archive" for all."""
    profile: str = "small"
    """With "rocksdb": how it is tuned (`storage.rocks.profiles`)."""

    @property
    def form(self) -> StateFormName:
        """How state is kept, the default resolved."""
        return self.state or ("flat" if self.engine == "rocksdb" else "runs")
