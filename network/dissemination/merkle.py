"""A hash tree over the shreds of a block.

Leaves and inner nodes are hashed under different first bytes, so that no inner node can be shown
as a shred. The number of leaves is filled up to a power of two.

Reference: RFC 6962, section 2.1 (the domain separation); Turbine's Merkle shreds.
"""

from collections.abc import Sequence

from primitives.keccak import keccak256

HASH_BYTES = 32

_LEAF = b"\x00"
_INNER = b"\x01"
_EMPTY = bytes(HASH_BYTES)
"""Stands for a leaf that is not there; no shred hashes to it."""


def leaf_hash(data: bytes) -> bytes:
    """Return the leaf of a shred. Its index is bound by the way from there to the root."""
    return keccak256(_LEAF + data)


def proof_length(count: int) -> int:
    """Return how many siblings prove one of `count` leaves."""
    return (count - 1).bit_length()


class MerkleTree:
    """All levels of a tree.

    Args:
        leaves: the shreds, at least one.
    """

    __slots__ = ("_levels",)

    def __init__(self, leaves: Sequence[bytes]) -> None:
        width = 1 << proof_length(len(leaves))
        level = [leaf_hash(data) for data in leaves]
        level += [_EMPTY] * (width - len(level))
        self._levels = [level]
        while len(level) > 1:
            level = [
                keccak256(_INNER + level[at] + level[at + 1]) for at in range(0, len(level), 2)
            ]
            self._levels.append(level)

    @property
    def root(self) -> bytes:
        """The hash that commits to all leaves."""
        return self._levels[-1][0]

    def proof(self, index: int) -> tuple[bytes, ...]:
        """Return the siblings from a leaf up to the root."""
        return tuple([level[(index >> up) ^ 1] for up, level in enumerate(self._levels[:-1])])


def proves(root: bytes, index: int, data: bytes, proof: Sequence[bytes], count: int) -> bool:
    """Tell whether a shred is the one of this index, of `count`, under the root."""
    if not 0 <= index < count or len(proof) != proof_length(count):
        return False
    found = leaf_hash(data)
    for up, sibling in enumerate(proof):
        pair = sibling + found if index >> up & 1 else found + sibling
        found = keccak256(_INNER + pair)
    return found == root
