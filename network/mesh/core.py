"""A mesh for messages that everybody must get: blocks, or announcements of transactions.

Flooding sends each message over every link. A mesh picks a few links for each topic, and sends
only there at once; the other peers hear the ids later, and ask for what they missed. What it
costs is that most messages still come several times (each node gets about half its degree), and
what it is good at is that no attacker and no crash can keep a message from anybody for long. It
stands beside the announcing of hashes (`network.gossip`), where nothing comes twice and each hop
takes a round trip.

How node uses it:

- `start` once; `connected` and `disconnected` as links come and go; `join` and `leave` topics;
- it hands messages of `LIMITS` to `on_message` and firings of `MeshTimer` to `on_timeout`;
- it answers each `MeshArrived` by `judged`, in a later turn, when it has validated the message;
- its own messages it gives to `publish`.

State is data (`state`), each family of messages has a file: `membership`, `ids`, `payloads`; and
`heartbeat` does what is due from time to time. Everything is bounded, whatever peers send.

Reference: Vyzovitis et al. 2020, "GossipSub"; libp2p gossipsub v1.0 to v1.2. Peers are few
here and known by their keys, so explicit peers, peer exchange, P3, P5 and P6 are left out.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from numpy.random import Generator

from network.mesh import heartbeat, ids, membership, payloads
from network.mesh.cache import MessageCache, SeenCache
from network.mesh.config import MeshConfig, MeshTimer
from network.mesh.messages import (
    IDENTITY_BYTES,
    PAYLOAD_BYTES_MAX,
    MeshDontWant,
    MeshGraft,
    MeshHave,
    MeshPayload,
    MeshPrune,
    MeshSubscribe,
    MeshWant,
)
from network.mesh.scores import peer_score
from network.mesh.state import MeshState, MeshStatistics, Verdict
from primitives.errors import InvalidInput
from primitives.ids import Duration, Hash32, Instant, NodeId
from primitives.machine import NOTHING, Effect, Message, SetTimer

Handler = Callable[[MeshState, Instant, NodeId, Any], Sequence[Effect]]

HANDLERS: Mapping[type[Message], Handler] = MappingProxyType(
    {
        MeshPayload: payloads.on_payload,
        MeshHave: ids.on_have,
        MeshWant: ids.on_want,
        MeshDontWant: ids.on_dont_want,
        MeshGraft: membership.on_graft,
        MeshPrune: membership.on_prune,
        MeshSubscribe: membership.on_subscribe,
    }
)


class Mesh:
    """The mesh core of one node.

    Args:
        config: degrees, delays and limits.
        generator: chooses peers; the node's own, for this concern alone.
        digest: hash of a topic with a payload, whose beginning is the message's id.
    """

    __slots__ = ("state",)

    def __init__(
        self, config: MeshConfig, generator: Generator, digest: Callable[[bytes], Hash32]
    ) -> None:
        def identify(topic: bytes, payload: bytes) -> bytes:
            # The length, lest a topic and a payload that are cut elsewhere have the same id.
            return digest(bytes([len(topic)]) + topic + payload)[:IDENTITY_BYTES]

        self.state = MeshState(
            config,
            generator,
            identify,
            SeenCache(config.seen_ttl, config.seen_max),
            MessageCache(config.windows, config.cache_bytes),
        )

    @property
    def statistics(self) -> MeshStatistics:
        """Counts since the start."""
        return self.state.statistics

    def score(self, peer: NodeId) -> int:
        """Return how a peer stands, in thousandths of a point; 0 when it is not connected."""
        known = self.state.peers.get(peer)
        return 0 if known is None else peer_score(self.state.config.scores, known)

    def start(self) -> Sequence[Effect]:
        """Begin: the first heartbeat comes at a time by chance, so that nodes beat apart."""
        delay = Duration(int(self.state.generator.integers(1, self.state.config.heartbeat + 1)))
        return (SetTimer(MeshTimer.HEARTBEAT, delay),)

    def connected(self, now: Instant, peer: NodeId) -> Sequence[Effect]:
        """A link with a peer stands."""
        return membership.connected(self.state, now, peer)

    def disconnected(self, now: Instant, peer: NodeId) -> Sequence[Effect]:
        """The link with a peer is gone."""
        return membership.disconnected(self.state, now, peer)

    def join(self, now: Instant, topic: bytes, *, told: bool = False) -> Sequence[Effect]:
        """Hear of a topic from now on.

        Args:
            now: the time.
            topic: its name.
            told: whether all peers know of it already.
        """
        return membership.join(self.state, now, topic, told=told)

    def leave(self, now: Instant, topic: bytes) -> Sequence[Effect]:
        """Hear of a topic no more."""
        return membership.leave(self.state, now, topic)

    def publish(self, now: Instant, topic: bytes, payload: bytes) -> Sequence[Effect]:
        """Send a message of one's own.

        Raises:
            InvalidInput: it is longer than peers take.
        """
        if len(payload) > PAYLOAD_BYTES_MAX:
            expected = f"at most {PAYLOAD_BYTES_MAX} bytes"
            raise InvalidInput("network.mesh.payload", expected, len(payload))
        return payloads.publish(self.state, now, topic, payload)

    def judged(self, now: Instant, identity: bytes, verdict: Verdict) -> Sequence[Effect]:
        """Do what the node's verdict on a message that arrived asks for."""
        return payloads.judged(self.state, now, identity, verdict)

    def on_message(self, now: Instant, sender: NodeId, message: Message) -> Sequence[Effect]:
        """Take a message of a connected peer, unless the peer is graylisted."""
        peer, weights = self.state.peers.get(sender), self.state.config.scores
        if peer is None or peer_score(weights, peer) < weights.graylist_threshold:
            return NOTHING
        return HANDLERS[type(message)](self.state, now, sender, message)

    def on_timeout(self, now: Instant, timer: MeshTimer) -> Sequence[Effect]:
        """Run a heartbeat."""
        match timer:
            case MeshTimer.HEARTBEAT:
                return heartbeat.on_heartbeat_timeout(self.state, now)
