"""How a node keeps its chain and its state durable: the forms, and what is kept of the past.

Two forms do the same for the protocol and differ in what they write and how a restart goes.

* `RUNS`: each block's batch is the block and its certificate, and at each checkpoint what has
  changed since the one before. A restart executes the blocks above the last checkpoint again.
  Immutable runs are shared by the nodes of a process, so thousands of them fit into memory.
* `FLAT`: each block's batch is all that the block makes of the store (`node.flat_records`). A
  restart goes on from the last durable block and executes nothing, and any state of the last
  `state_history` blocks can be read.
"""

from dataclasses import dataclass, field
from enum import Enum

from primitives.errors import InvalidInput
from storage.flat import StateCaches

SERVED_MAX = 2
"""Checkpoints whose state is served: a transfer has at least one whole interval to end in."""

SLACK = 8
"""Blocks whose state stays readable beside those of the checkpoints that are served."""


class StateForm(Enum):
    """In which form a node keeps its state durable."""

    RUNS = "runs"
    """Runs of changes, from checkpoint to checkpoint."""
    FLAT = "flat"
    """One row for each account, slot and code, beside the trie's nodes, after every block."""


@dataclass(frozen=True, slots=True)
class StorageConfig:
    """One node's choices about its store.

    Raises:
        InvalidInput: a number is out of range.
    """

    form: StateForm = StateForm.RUNS
    state_history: int | None = 128
    """Form flat: blocks below the head whose state can still be read; None for all (archive).
    What the two last checkpoints need is kept in any case."""
    rebase_blocks: int = 64
    """Form flat, where the state is read from the store: final blocks whose changes are in memory,
    about, before they are let go because the store has them."""
    checks_state: bool = True
    """Likewise: whether a restart reads every row of the state, and begins anew if one is damaged.
    Otherwise the node stops whenever it comes upon one, until it is started with this."""
    caches: StateCaches = field(default_factory=StateCaches)
    """Likewise: what is kept decoded of it."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if self.state_history is not None and self.state_history < 0:
            raise InvalidInput("storage.state_history", "0 or more, or none", self.state_history)
        if self.rebase_blocks < 1:
            raise InvalidInput("storage.rebase_blocks", "at least 1", self.rebase_blocks)

    def kept(self, interval: int) -> int | None:
        """Return of how many blocks below the head the state stays readable; None for all.

        Two checkpoints and some blocks more: what is served must be there after a restart.

        Args:
            interval: blocks from one checkpoint to the next.
        """
        if self.state_history is None:
            return None
        return max(self.state_history, SERVED_MAX * interval + SLACK)

    @property
    def is_flat(self) -> bool:
        """Whether the state stands in the store after every block."""
        return self.form is StateForm.FLAT
