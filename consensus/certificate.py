"""Commit certificates: the proof that a committee has decided a block."""

import msgspec

from primitives.ids import Hash32, Sequence, View


class Certificate(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Q signatures of distinct validators over the same COMMIT payload.

    Genesis has the empty certificate.
    """

    view: View
    sequence: Sequence
    digest: Hash32
    signatures: tuple[tuple[int, bytes], ...]
    """(replica, Ed25519 signature) pairs, replicas strictly ascending."""
