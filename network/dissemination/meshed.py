"""Blocks over a gossip mesh: one topic of `network.mesh`."""

import struct
from collections.abc import Hashable, Sequence

from network.dissemination.policy import SEQUENCES_AHEAD, Horizon, PayloadArrived, Place
from network.mesh.config import MeshTimer
from network.mesh.core import Mesh
from network.mesh.state import MeshArrived, Verdict
from network.mesh.topics import BLOCKS as TOPIC
from primitives.ids import Instant, NodeId
from primitives.machine import NOTHING, Effect, Message

_PLACE = struct.Struct(">QQ")


class Meshed:
    """The core of one node.

    Args:
        mesh: the node's mesh, which node also tells of links that come and go.
        sequences_ahead: how far above the last decided sequence a block is looked at.
    """

    __slots__ = ("horizon", "mesh")

    def __init__(self, mesh: Mesh, sequences_ahead: int = SEQUENCES_AHEAD) -> None:
        self.mesh = mesh
        self.horizon = Horizon(sequences_ahead)

    def start(self, now: Instant) -> Sequence[Effect]:
        """Begin to beat and to hear of blocks."""
        return [*self.mesh.start(), *self.mesh.join(now, TOPIC)]

    def publish(self, now: Instant, place: Place, payload: bytes) -> Sequence[Effect]:
        """Send a block of one's own to the mesh."""
        return self.mesh.publish(now, TOPIC, _PLACE.pack(place.sequence, place.view) + payload)

    def on_message(self, now: Instant, sender: NodeId, message: Message) -> Sequence[Effect]:
        """Take a message of the mesh; hand over blocks that are worth a look."""
        effects: list[Effect] = []
        for effect in self.mesh.on_message(now, sender, message):
            if isinstance(effect, MeshArrived) and effect.topic == TOPIC:
                effects += self._arrived(now, effect)
            else:
                effects.append(effect)
        return effects

    def _arrived(self, now: Instant, arrived: MeshArrived) -> Sequence[Effect]:
        if len(arrived.payload) < _PLACE.size:
            return self.mesh.judged(now, arrived.identity, Verdict.REJECT)
        place = Place(*_PLACE.unpack_from(arrived.payload))
        if not self.horizon.is_near(place.sequence):
            # Whoever is behind or ahead sees another horizon: nobody is to blame.
            return self.mesh.judged(now, arrived.identity, Verdict.IGNORE)
        payload = arrived.payload[_PLACE.size :]
        return (PayloadArrived(place, arrived.identity, payload, arrived.peer),)

    def on_timeout(self, now: Instant, timer: Hashable) -> Sequence[Effect]:
        """Run a heartbeat of the mesh."""
        return self.mesh.on_timeout(now, timer) if isinstance(timer, MeshTimer) else NOTHING

    def judged(self, now: Instant, identity: bytes, verdict: Verdict) -> Sequence[Effect]:
        """Pass a valid block on."""
        return self.mesh.judged(now, identity, verdict)

    def advance(self, now: Instant, sequence: int) -> None:
        """Look no more at decided sequences; the mesh forgets by time."""
        self.horizon.advance(sequence)
