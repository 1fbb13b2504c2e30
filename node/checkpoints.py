"""The checkpoints of one node: whose states it serves, and how they are proven to others.

A checkpoint is a block whose number is a multiple of the chain's `checkpoint_interval`. It is
stable when it is final here (ADR 9).
"""

from dataclasses import dataclass

from node.execution import ExecutedBlock
from node.snapshot import Closing, Manifest
from node.storage_config import SERVED_MAX
from primitives.header import decode_header, encode_header


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A state that is served."""

    block: ExecutedBlock
    certificate: bytes
    """As it is stored and sent."""
    closings: tuple[Closing, ...]
    """The ends of all epochs up to this block."""

    def manifest(self, epoch: int) -> Manifest:
        """Return what proves it to whoever knows the committee of an epoch."""
        header = encode_header(self.block.block.header)
        return Manifest(self.closings[epoch:], header, self.certificate)


class Checkpoints:
    """The checkpoints of one node.

    Args:
        interval: blocks from one to the next.
    """

    __slots__ = ("closings", "interval", "served")

    def __init__(self, interval: int) -> None:
        self.interval = interval
        """Blocks from one to the next."""
        self.closings: tuple[Closing, ...] = ()
        """The ends of all epochs so far."""
        self.served: tuple[Checkpoint, ...] = ()
        """The last ones, oldest first."""

    def is_checkpoint(self, height: int) -> bool:
        """Whether the block of this height is one."""
        return height % self.interval == 0

    def append(self, block: ExecutedBlock, certificate: bytes) -> Checkpoint | None:
        """Take in the next final block; return its checkpoint if it is one.

        Args:
            block: executed.
            certificate: as it is stored and sent.
        """
        if not self.is_checkpoint(block.number):
            return None
        if block.closing:
            header = encode_header(block.block.header)
            closing = Closing(header, certificate, block.epoch.committee)
            self.closings = (*self.closings, closing)
        return self._serve(block, certificate)

    def leap(
        self, block: ExecutedBlock, certificate: bytes, closings: tuple[Closing, ...]
    ) -> Checkpoint:
        """Begin anew from a state that was fetched.

        Args:
            block: of which only header and state are known.
            certificate: as it is stored and sent.
            closings: the ends of epochs that this node had not seen.
        """
        # The node may have ended some of these epochs itself, with another quorum's signatures.
        last = decode_header(self.closings[-1].header).number if self.closings else 0
        self.closings += tuple(c for c in closings if decode_header(c.header).number > last)
        self.served = ()
        return self._serve(block, certificate)

    def restored(self, served: tuple[Checkpoint, ...], closings: tuple[Closing, ...]) -> None:
        """Go on from what was read from the store."""
        self.served, self.closings = served, closings

    def _serve(self, block: ExecutedBlock, certificate: bytes) -> Checkpoint:
        checkpoint = Checkpoint(block, certificate, self.closings)
        self.served = (*self.served, checkpoint)[-SERVED_MAX:]
        return checkpoint
