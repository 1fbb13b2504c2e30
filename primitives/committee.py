"""The validators that decide, and how many of them it takes."""

from collections.abc import Iterable
from typing import Self

import msgspec

from primitives.errors import InvalidInput
from primitives.ids import NodeId, View

PUBLIC_KEY_BYTES = 32


class Member(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One validator: which node it is, and the keys that it signs with."""

    node: NodeId
    public_key: bytes
    """Ed25519 key, 32 bytes."""
    aggregate_key: bytes = b""
    """Key of signatures that can be added up; empty where the chain has none."""
    possession: bytes = b""
    """Proof that the validator holds the aggregate key's secret; empty with it."""


class Committee(msgspec.Struct, frozen=True, gc=False):
    """An ordered set of validators. Replica i is the member at index i and signs with its key.

    A member's node stays the same from one epoch to the next; its index may not.

    Any two quorums share a correct replica, and the correct ones alone make a quorum, for every
    size, not only for 3f+1.

    Reference: Castro & Liskov 1999; DESIGN section 2 for the quorum at other sizes.
    """

    members: tuple[Member, ...]
    """All different in node, public key, and aggregate key where they have any."""

    def __post_init__(self) -> None:
        """Refuse an empty committee, keys of another size, and what occurs twice.

        Raises:
            InvalidInput: which member is wrong, and why.
        """
        if not self.members:
            raise InvalidInput("committee", "at least one validator", "none")
        keys: dict[bytes, int] = {}
        aggregate_keys: dict[bytes, int] = {}
        nodes: dict[int, int] = {}
        for index, member in enumerate(self.members):
            where, key = f"committee[{index}]", member.public_key
            if len(key) != PUBLIC_KEY_BYTES:
                raise InvalidInput(where, f"a key of {PUBLIC_KEY_BYTES} bytes", f"{len(key)} bytes")
            if not 0 <= member.node < 2**32:
                raise InvalidInput(where, "a node from 0 to 2**32 - 1", member.node)
            if key in keys:
                raise InvalidInput(where, "a key of its own", f"that of {keys[key]}")
            if member.node in nodes:
                raise InvalidInput(where, "a node of its own", f"that of {nodes[member.node]}")
            if member.aggregate_key and member.aggregate_key in aggregate_keys:
                actual = f"that of {aggregate_keys[member.aggregate_key]}"
                raise InvalidInput(where, "an aggregate key of its own", actual)
            aggregate_keys[member.aggregate_key] = index
            keys[key] = nodes[member.node] = index

    @classmethod
    def of_keys(cls, public_keys: Iterable[bytes]) -> Self:
        """Return the committee in which node i has the key at index i."""
        return cls(tuple(Member(NodeId(node), key) for node, key in enumerate(public_keys)))

    @property
    def public_keys(self) -> tuple[bytes, ...]:
        """The Ed25519 keys, by index."""
        return tuple(member.public_key for member in self.members)

    @property
    def nodes(self) -> tuple[NodeId, ...]:
        """The nodes, by index."""
        return tuple(member.node for member in self.members)

    @property
    def size(self) -> int:
        """n, the number of validators."""
        return len(self.members)

    @property
    def faults(self) -> int:
        """F = floor((n-1)/3), how many may fail in any way."""
        return (len(self.members) - 1) // 3

    @property
    def quorum(self) -> int:
        """Q = ceil((n+f+1)/2), how many must agree."""
        return (self.size + self.faults + 2) // 2

    def primary(self, view: View) -> NodeId:
        """Return the index of the replica that leads `view`."""
        return NodeId(view % len(self.members))

    def index_of(self, node: int) -> int | None:
        """Return the index of a node; None if it is no member."""
        for index, member in enumerate(self.members):
            if member.node == node:
                return index
        return None
