"""The long computations of a coded tree, for the node's cores.

To cut a block of 1 MiB into shreds, or to put it together and check that, takes many milliseconds.
On the thread that votes are handled on, that would delay every vote. So the core asks for these
computations as effects, and goes on when it is told the result, in a later turn.
"""

from typing import TypeAlias

import msgspec

from network.dissemination.messages import BlockShred, Commitment
from network.dissemination.policy import Place
from network.dissemination.reed_solomon import ReedSolomon
from network.dissemination.shreds import cut, rebuild
from primitives.keys import Signer
from primitives.machine import Effect

Rebuilt: TypeAlias = tuple[bytes, tuple[BlockShred, ...]] | None
"""A block with all its shreds; None if what came of it is no code word."""


class CutBlock(msgspec.Struct, frozen=True):
    """Cut a block into shreds under a signed commitment."""

    code: ReedSolomon
    domain: bytes
    place: Place
    payload: bytes
    signer: Signer
    epoch: int

    def run(self) -> tuple[BlockShred, ...]:
        """Return all shreds."""
        return cut(self.code, self.domain, self.place, self.payload, self.signer, self.epoch)


class RebuildBlock(msgspec.Struct, frozen=True):
    """Put a block together, cut it again as a check, and fill in the shreds that are missing."""

    code: ReedSolomon
    commitment: Commitment
    shreds: dict[int, BlockShred]

    def run(self) -> Rebuilt:
        """Return the block, or None."""
        return rebuild(self.code, self.commitment, self.shreds)


class CutWanted(Effect, frozen=True, gc=False):
    """A block is to be cut; node answers by `CodedTree.was_cut`, in a later turn."""

    place: Place
    job: CutBlock


class RebuildWanted(Effect, frozen=True, gc=False):
    """A block is to be rebuilt; node answers by `CodedTree.was_rebuilt`, in a later turn."""

    place: Place
    job: RebuildBlock
