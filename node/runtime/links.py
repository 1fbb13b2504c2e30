"""From a node's sends and broadcasts to its transport.

A broadcast names a group. The committees are known by name from the epochs that the node has come
to; "neighbours" are those that the topology gives this node, for gossip and for news of blocks.
"""

from collections.abc import Callable, Sequence

from network.transport import Network
from node.epochs import group_of
from primitives.epoch import Epoch
from primitives.errors import InvalidEncoding
from primitives.ids import NodeId
from primitives.machine import Broadcast, Message, Send

NEIGHBOURS = "neighbours"
COMMITTEES_KEPT = 4
"""Committees that are remembered: a replica's last words come after its epoch has ended."""

Sent = Callable[[str, int, int], None]
"""Told of a message's kind, its receivers and the bytes of all copies."""


class Links:
    """The groups of one node over its network.

    Args:
        own: this node.
        network: carries messages.
        epoch: returns what the node's next block belongs to.
        neighbours: of this node.
        sent: is told of each message that has found a way out.
    """

    __slots__ = ("_committees", "_epoch", "_neighbours", "_network", "_own", "_sent", "oversized")

    def __init__(
        self,
        own: NodeId,
        network: Network,
        epoch: Callable[[], Epoch],
        neighbours: Sequence[NodeId],
        sent: Sent,
    ) -> None:
        self._own = own
        self._network = network
        self._epoch = epoch
        self._neighbours = tuple([node for node in neighbours if node != own])
        self._sent = sent
        self._committees: dict[str, tuple[NodeId, ...]] = {}
        self.oversized = 0
        """Messages that were longer than their kind may be, and did not leave."""

    def meet(self, node: NodeId) -> None:
        """Count a node among the neighbours, from now on."""
        if node != self._own and node not in self._neighbours:
            self._neighbours = (*self._neighbours, node)

    def part(self, node: NodeId) -> None:
        """Count a node among the neighbours no more."""
        self._neighbours = tuple([each for each in self._neighbours if each != node])

    def send(self, effect: Send) -> None:
        """Let a message go to one node."""
        if effect.to == self._own:
            kind = type(effect.message).__name__
            raise ValueError(f"node {self._own} sent {kind} to itself; use Loopback")
        self._post((effect.to,), effect.message)

    def broadcast(self, effect: Broadcast) -> None:
        """Let a message go to a group.

        Raises:
            KeyError: no such group.
        """
        self._post(self.members(effect.group), effect.message)

    def members(self, group: str) -> tuple[NodeId, ...]:
        """Return the nodes of a group but this one.

        Raises:
            KeyError: no such group.
        """
        if group == NEIGHBOURS:
            return self._neighbours
        known = self._committees.get(group)
        return self._learn(group) if known is None else known

    def _learn(self, group: str) -> tuple[NodeId, ...]:
        epoch = self._epoch()
        if group != group_of(epoch.number):
            raise KeyError(f"no group {group!r}: nodes broadcast to {NEIGHBOURS!r} or a committee")
        while len(self._committees) >= COMMITTEES_KEPT:
            del self._committees[next(iter(self._committees))]
        nodes = tuple([node for node in epoch.committee.nodes if node != self._own])
        self._committees[group] = nodes
        return nodes

    def _post(self, nodes: Sequence[NodeId], message: Message) -> None:
        try:
            count, size = self._network.post(nodes, message)
        except InvalidEncoding:
            # Its own limit would make every receiver drop this node.
            self.oversized += 1
            return
        if count:
            self._sent(type(message).__name__, count, count * size)
