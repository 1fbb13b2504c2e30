"""What nodes say to one another to spread blocks, beside the messages of a mesh."""

from typing import Annotated

import msgspec

from network.messages import Digest, Natural
from primitives.machine import Message

MEBIBYTE = 1 << 20

PAYLOAD_BYTES_MAX = 10 * MEBIBYTE
"""Longest block that any policy spreads."""

SHRED_BYTES_MAX = MEBIBYTE

SHREDS_MAX = 256
"""Most shreds of a block: the field of the code has no more elements."""

PROOF_HASHES_MAX = 8
"""Height of a tree over them."""

Count = Annotated[int, msgspec.Meta(ge=1, le=SHREDS_MAX)]
Index = Annotated[int, msgspec.Meta(ge=0, lt=SHREDS_MAX)]


class BlockBody(Message, frozen=True, gc=False):
    """A whole block, from its leader."""

    core = "dissemination"

    sequence: Natural
    view: Natural
    payload: Annotated[bytes, msgspec.Meta(max_length=PAYLOAD_BYTES_MAX)]


class Commitment(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What a leader signs about a block that it spreads in shreds."""

    epoch: Natural
    """Whose committee it is for; the name that is signed with it says so too."""
    sequence: Natural
    view: Natural
    root: Digest
    """Of the hash tree over all shreds."""
    length: Annotated[int, msgspec.Meta(ge=0, le=PAYLOAD_BYTES_MAX)]
    """Of the block, in bytes."""
    data: Count
    """Number of data shreds: so many, of any kind, give the block."""
    parity: Annotated[int, msgspec.Meta(ge=0, lt=SHREDS_MAX)]
    signature: Annotated[bytes, msgspec.Meta(max_length=96)]


class BlockShred(Message, frozen=True, gc=False):
    """One shred, with what proves that it is the leader's."""

    core = "dissemination"

    commitment: Commitment
    index: Index
    proof: Annotated[tuple[Digest, ...], msgspec.Meta(max_length=PROOF_HASHES_MAX)]
    """Siblings on the way from the shred's leaf to the root."""
    data: Annotated[bytes, msgspec.Meta(max_length=SHRED_BYTES_MAX)]


class GetShreds(Message, frozen=True, gc=False):
    """Asks for shreds of a block, of which each is sent as a `BlockShred` if it is held."""

    core = "dissemination"

    sequence: Natural
    view: Natural
    root: Digest
    indexes: Annotated[tuple[Index, ...], msgspec.Meta(min_length=1, max_length=SHREDS_MAX)]


LIMITS: dict[type[Message], int] = {
    BlockBody: PAYLOAD_BYTES_MAX + 64,
    BlockShred: SHRED_BYTES_MAX + 1024,
    GetShreds: 1024,
}
"""Longest body of each kind in bytes."""
