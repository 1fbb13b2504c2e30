"""Epochs: which committee decides which blocks, and how one hands over to the next.

A **checkpoint** is a block whose height is a multiple of `ChainParams.checkpoint_interval`. Its
extra data commits to the committee that decides the block after it, so whoever holds its header
and certificate knows whom to believe next. Changes of the committee are transactions; they are
collected, and take effect together at the next checkpoint, which then *closes* its epoch.

An `Epoch` belongs to an executed block and says what the *child* of that block belongs to.
"""

import msgspec

from primitives.codec import encode_canonical
from primitives.committee import Committee
from primitives.ids import Hash32
from primitives.keccak import keccak256
from primitives.params import ChainParams


class Epoch(msgspec.Struct, frozen=True):
    """Who decides the next block, and who is meant to decide after the next checkpoint."""

    number: int
    """How often the committee has changed since genesis."""
    committee: Committee
    pending: Committee
    """The committee with all changes since the last checkpoint; the same one if there are none."""
    since: int = 0
    """Height of the block that closed the epoch before; 0 in the first one."""

    def is_begun_by(self, height: int) -> bool:
        """Tell whether the block of `height` closed the epoch before this one."""
        return self.since == height and self.number > 0


def first_epoch(committee: Committee) -> Epoch:
    """Return the epoch that genesis begins."""
    return Epoch(0, committee, committee)


def epoch_after(parent: Epoch, pending: Committee, height: int, params: ChainParams) -> Epoch:
    """Return what the child of a block belongs to.

    Args:
        parent: what the block itself belongs to.
        pending: the committee with all changes up to and including this block's.
        height: of the block.
        params: the chain's rules.
    """
    if is_checkpoint(height, params) and pending != parent.committee:
        return Epoch(parent.number + 1, pending, pending, height)
    if pending is parent.pending:
        return parent
    return Epoch(parent.number, parent.committee, pending, parent.since)


def is_checkpoint(height: int, params: ChainParams) -> bool:
    """Tell whether the block of `height` is a checkpoint. Genesis is one."""
    return height % params.checkpoint_interval == 0


def epoch_commitment(params: ChainParams, committee: Committee, number: int) -> Hash32:
    """Return the extra data of a checkpoint: what ties a committee to the chain.

    Keccak-256 of the canonical encoding of (parameters, committee, number of its epoch). Whoever
    trusts the header can so be shown all three, and need not believe anybody.
    """
    return keccak256(encode_canonical((params, committee, number)))
