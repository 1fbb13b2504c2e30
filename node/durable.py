"""What the ledger asks of the form in which a node keeps its states durable.

Siblings: `node.durable_runs` and `node.durable_flat`. Payload and certificate of each block are
rows of the ledger's own; what makes the state after it durable is the form's, and stands in the
same batch.
"""

from typing import Protocol

from node.checkpoints import Checkpoints
from node.execution import ExecutedBlock
from node.snapshot import Closing
from primitives.machine import Record, Work


class Durable(Protocol):
    """The durable states of one node."""

    @property
    def checkpoints(self) -> Checkpoints:
        """Which states it serves."""
        ...

    def append(
        self, parent: ExecutedBlock, block: ExecutedBlock, certificate: bytes
    ) -> tuple[Record, ...]:
        """Take in the next final block; return the rows that its state takes.

        Args:
            parent: the block below.
            block: executed.
            certificate: as it is stored and sent.
        """
        ...

    def leap(
        self, block: ExecutedBlock, certificate: bytes, closings: tuple[Closing, ...]
    ) -> tuple[Record, ...]:
        """Begin anew from a state that was fetched; return the rows that make it durable.

        Args:
            block: of which only header and state are known.
            certificate: as it is stored and sent.
            closings: the ends of epochs that this node had not seen.
        """
        ...

    def droppable(self, height: int) -> int:
        """Return up to which height blocks may go in the batch of a block; 0 for none.

        Args:
            height: of the block, which has been taken in.
        """
        ...

    def dropped(self, height: int, payload: bytes) -> tuple[Record, ...]:
        """Return what deletes the form's own rows about a block that is not kept any more.

        Args:
            height: of the block.
            payload: its encoding.
        """
        ...

    def work(self, records: tuple[Record, ...]) -> tuple[Work, ...]:
        """Return what it took to make the rows of a batch."""
        ...

    def held(self, block: ExecutedBlock) -> ExecutedBlock:
        """Return a block that becomes the head, in the form in which it is held in memory."""
        ...

    def stacked(self, parent: ExecutedBlock, block: ExecutedBlock) -> ExecutedBlock:
        """Return an executed block above the head, in the form in which it is held.

        Args:
            parent: the block below, in that form.
            block: as execution gave it.
        """
        ...

    def persisted(self, height: int) -> None:
        """Learn that the batch of a block is durable."""
        ...
