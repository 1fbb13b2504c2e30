"""Who pushes blocks to whom.

In high-bandwidth mode a peer sends a compact block unasked, half a round trip after it has one;
in low-bandwidth mode it announces the block, and sends it for the asking. Every further peer that
pushes brings the same block again: so three are asked to, those that were first lately.

Reference: BIP 152, `sendcmpct`: at most three peers, the last ones that brought a block first.
"""

from collections.abc import Sequence

from network.compact.messages import COMPACT_VERSION, SendCompact
from primitives.ids import NodeId
from primitives.machine import NOTHING, Effect, Send

HIGH_BANDWIDTH_MAX = 3
"""Most peers that may be asked to push; BIP 152 forbids more."""


class BandwidthModes:
    """What a node has agreed on with its peers.

    Args:
        high_max: how many peers are asked to push; 0 is low-bandwidth mode.

    Raises:
        ValueError: more than `HIGH_BANDWIDTH_MAX`.
    """

    __slots__ = ("_high_max", "able", "chosen", "pushed_to")

    def __init__(self, high_max: int) -> None:
        if not 0 <= high_max <= HIGH_BANDWIDTH_MAX:
            raise ValueError(f"expected 0 to {HIGH_BANDWIDTH_MAX} peers that push, got {high_max}")
        self._high_max = high_max
        self.able: dict[NodeId, None] = {}
        """Peers that understand compact blocks."""
        self.chosen: list[NodeId] = []
        """Peers that were asked to push, the one longest without a first block in front."""
        self.pushed_to: dict[NodeId, None] = {}
        """Peers that have asked this node to push."""

    def connected(self, peer: NodeId) -> Sequence[Effect]:
        """Tell a new peer that compact blocks are understood here; it need not push yet."""
        return (Send(peer, SendCompact(high=False)),)

    def disconnected(self, peer: NodeId) -> None:
        """Forget what was agreed on with a peer."""
        self.able.pop(peer, None)
        self.pushed_to.pop(peer, None)
        if peer in self.chosen:
            self.chosen.remove(peer)

    def on_send_compact(self, sender: NodeId, message: SendCompact) -> Sequence[Effect]:
        """Note how a peer likes to get blocks. One of another version gets them whole.

        A peer that was asked to push and introduces itself has begun anew: it is asked again.
        """
        if message.version != COMPACT_VERSION:
            return NOTHING
        self.able[sender] = None
        if message.high:
            self.pushed_to[sender] = None
            return NOTHING
        self.pushed_to.pop(sender, None)
        return (Send(sender, SendCompact(high=True)),) if sender in self.chosen else NOTHING

    def was_first(self, peer: NodeId) -> Sequence[Effect]:
        """Let a peer push that has brought a block first; another one need not any more."""
        if not self._high_max or peer not in self.able:
            return NOTHING
        if peer in self.chosen:
            self.chosen.remove(peer)
            self.chosen.append(peer)
            return NOTHING
        effects: list[Effect] = []
        if len(self.chosen) >= self._high_max:
            effects.append(Send(self.chosen.pop(0), SendCompact(high=False)))
        self.chosen.append(peer)
        return [*effects, Send(peer, SendCompact(high=True))]
