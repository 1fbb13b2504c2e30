"""The validators that decide, and how many of them it takes."""

import msgspec

from primitives.errors import InvalidInput
from primitives.ids import NodeId, View

PUBLIC_KEY_BYTES = 32


class Committee(msgspec.Struct, frozen=True, gc=False):
    """An ordered set of validators. Replica i signs with the key at index i.

    Any two quorums share a correct replica, and the correct ones alone make a quorum, for every
    size, not only for 3f+1.

    Reference: Castro & Liskov 1999; DESIGN section 2 for the quorum at other sizes.
    """

    public_keys: tuple[bytes, ...]
    """Ed25519 keys, 32 bytes each, all different."""

    def __post_init__(self) -> None:
        """Refuse an empty committee, keys of another size, and a key that occurs twice.

        Raises:
            InvalidInput: which member is wrong, and why.
        """
        if not self.public_keys:
            raise InvalidInput("committee", "at least one validator", "none")
        seen: dict[bytes, int] = {}
        for index, key in enumerate(self.public_keys):
            if len(key) != PUBLIC_KEY_BYTES:
                raise InvalidInput(
                    f"committee[{index}]", f"a key of {PUBLIC_KEY_BYTES} bytes", f"{len(key)} bytes"
                )
            if key in seen:
                raise InvalidInput(
                    f"committee[{index}]", "a key of its own", f"that of {seen[key]}"
                )
            seen[key] = index

    @property
    def size(self) -> int:
        """n, the number of validators."""
        return len(self.public_keys)

    @property
    def faults(self) -> int:
        """F = floor((n-1)/3), how many may fail in any way."""
        return (len(self.public_keys) - 1) // 3

    @property
    def quorum(self) -> int:
        """Q = ceil((n+f+1)/2), how many must agree."""
        return (self.size + self.faults + 2) // 2

    def primary(self, view: View) -> NodeId:
        """Return the replica that leads `view`."""
        return NodeId(view % len(self.public_keys))
