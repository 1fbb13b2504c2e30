"""Who belongs to a group that nodes broadcast to."""

from collections.abc import Collection, Sequence

from network.topology import Adjacency
from node.epochs import group_of
from node.trace import BlockCommitted
from primitives.committee import Committee
from primitives.ids import Hash32
from sim.blocks import BlockIndex
from sim.trace import Observation


class Membership:
    """Who belongs to a group, seen from a sender.

    Args:
        committee: the first one.
        topology: each node's neighbours.
        index: knows blocks by their digest.
        liars: nodes that may say what is not so.
    """

    def __init__(
        self,
        committee: Committee,
        topology: Adjacency,
        index: BlockIndex,
        liars: Collection[int],
    ) -> None:
        self._liars = frozenset(liars)
        self._committees: dict[str, Sequence[int]] = {group_of(0): committee.nodes}
        self._topology = topology
        self._index = index

    def __call__(self, group: str, sender: int) -> Sequence[int]:
        """Return the numbers of a group's nodes but the sender's."""
        committee = self._committees.get(group)
        if committee is not None:
            return [node for node in committee if node != sender]
        if group == "neighbours":
            return self._topology[sender]
        raise KeyError(f"no group {group!r}: nodes broadcast to 'neighbours' or a committee")

    def seen_by_liar(self, group: str, sender: int) -> Sequence[int]:
        """Return a group as a liar may ask for it: in its turn, before anybody sees what it says.

        It may be the first to make a closing block final. The next committee is nobody until then.
        """
        if group not in self._committees and group != "neighbours":
            return ()
        return self(group, sender)

    def watch(self, observation: Observation) -> None:
        """Learn of a committee from the first node that has made its closing block final.

        That may be a liar, whose honest machine goes on to speak to the committee. What an honest
        node says later stands against it.
        """
        event = observation.event
        if not isinstance(event, BlockCommitted):
            return
        try:
            block = self._index.block(Hash32(event.digest))
        except KeyError:
            return
        group = group_of(block.epoch.number)
        if block.closing and (observation.node not in self._liars or group not in self._committees):
            self._committees[group] = block.epoch.committee.nodes
