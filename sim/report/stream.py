"""What a report must be told beside the stream of the trace."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from network.reconcile import ReconcileCounts


class BlockTransactions(Protocol):
    """Looks into blocks by their digest."""

    def transaction_hashes(self, digest: bytes) -> Sequence[bytes]:
        """Return the hashes of the block's transactions; empty for a block that is not known."""
        ...


class Usage(Protocol):
    """What nodes take of their machines, by node."""

    def processor_ns(self) -> Sequence[int]:
        """Return the processor time that each has used so far."""
        ...

    def memory_bytes(self) -> Sequence[int]:
        """Return what each holds in memory now."""
        ...

    def pools(self) -> Sequence[tuple[int, int, int]]:
        """Return pending and queued transactions of each, and the bytes of both."""
        ...

    def rounds(self) -> Sequence[ReconcileCounts | None]:
        """Return what reconciling came to at each; None where it does not, or is not known."""
        ...


class NodeExecution(msgspec.Struct, frozen=True, order=True):
    """How one node executes the blocks of others."""

    scheduler: str
    cores: int


class RunShape(msgspec.Struct, frozen=True):
    """What must be known of a run before its first event."""

    nodes: int
    validators: int
    """They come first: node i is a validator exactly if i < validators."""
    duration_ns: int
    """Planned length of the run in virtual time."""
    warmup_ns: int = 0
    """Left out of the figures at the start."""
    cooldown_ns: int = 0
    """Left out of the figures at the end of the planned length."""
    gateways: int = 0
    """They come last."""
    liars: tuple[int, ...] = ()
    """Nodes whose own words nobody takes down, ascending."""
    execution: tuple[NodeExecution, ...] = ()
    """How each node executes blocks; empty where that is not known."""

    @property
    def judged(self) -> list[int]:
        """The honest nodes that keep a chain, ascending."""
        return [node for node in range(self.nodes - self.gateways) if node not in self.liars]
