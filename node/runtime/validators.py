"""Whose keys a node knows, while committees change.

The transport pins the peers of this mapping by their keys and asks it anew for each connection. A
node that joins a committee is known from then on, and one that leaves stays known: it may be met
again. Whoever changes its key in a committee goes on to be met under the one that it was known by
first, as the key of a connection is the node's own and not the replica's.
"""

from collections.abc import Iterator, Mapping

from primitives.committee import Committee
from primitives.ids import NodeId


class KnownValidators(Mapping[NodeId, bytes]):
    """Ed25519 keys by node; it grows.

    Args:
        committees: that are known from the start, the oldest first.
    """

    def __init__(self, *committees: Committee) -> None:
        self._keys: dict[NodeId, bytes] = {}
        for committee in committees:
            self.learn(committee)

    def learn(self, committee: Committee) -> None:
        """Know the members of a committee."""
        for member in committee.members:
            self._keys.setdefault(member.node, member.public_key)

    def __getitem__(self, node: NodeId) -> bytes:
        return self._keys[node]

    def __iter__(self) -> Iterator[NodeId]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)
