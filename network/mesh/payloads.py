"""Messages in full: published, received, judged by the node, passed on.

Nothing is passed on before the node has judged it. Otherwise one false message would make all
its honest carriers look guilty, and would cost the whole network what it costs its first receiver.
"""

from collections.abc import Sequence

from network.mesh.ids import keep_promise, spare
from network.mesh.messages import MeshDontWant, MeshPayload
from network.mesh.scores import count_delivery, count_invalid, score_of
from network.mesh.state import Fanout, MeshArrived, MeshState, Pending, Verdict
from primitives.ids import Instant, NodeId
from primitives.machine import NOTHING, Effect, Send


def publish(state: MeshState, now: Instant, topic: bytes, payload: bytes) -> Sequence[Effect]:
    """Send a message of one's own; once, however often it is published."""
    identity = state.identify(topic, payload)
    if not state.seen.add(now, identity):
        return NOTHING
    state.cache.put(identity, topic, payload)
    message = MeshPayload(topic, payload)
    return [Send(peer, message) for peer in _audience(state, now, topic)]


def _audience(state: MeshState, now: Instant, topic: bytes) -> list[NodeId]:
    """Return to whom one's own message of a topic goes.

    Whose mesh is too thin, because all are full or have cut it off, sends also to some others: a
    leader's block would else go to nobody before the next heartbeat.
    """
    config = state.config
    least = config.scores.publish_threshold
    if config.flood_publish:
        return [peer for peer in state.subscribers(topic) if score_of(state, peer) >= least]
    links = state.mesh.get(topic)
    if links is not None:
        if len(links) >= config.degree_low:
            return list(links)
        others = [peer for peer in state.subscribers(topic) if peer not in links]
        trusted = [peer for peer in others if score_of(state, peer) >= least]
        return [*links, *state.choose(trusted, config.degree - len(links))]
    fanout = state.fanout.get(topic)
    if fanout is None:
        fanout = state.fanout[topic] = Fanout({}, now)
    fanout.published_at = now
    fill_fanout(state, topic, fanout)
    return list(fanout.peers)


def fill_fanout(state: MeshState, topic: bytes, fanout: Fanout) -> None:
    """Drop peers that stand badly, and choose others until there are enough."""
    least = state.config.scores.publish_threshold
    fanout.peers = {peer: None for peer in fanout.peers if score_of(state, peer) >= least}
    others = [
        peer
        for peer in state.subscribers(topic)
        if peer not in fanout.peers and score_of(state, peer) >= least
    ]
    missing = state.config.degree - len(fanout.peers)
    fanout.peers.update(dict.fromkeys(state.choose(others, missing)))


def on_payload(
    state: MeshState, now: Instant, sender: NodeId, message: MeshPayload
) -> Sequence[Effect]:
    """Hand a new message to the node; count a known one."""
    statistics = state.statistics
    statistics.received += 1
    if message.topic not in state.mesh:
        statistics.foreign += 1
        return NOTHING
    identity = state.identify(message.topic, message.payload)
    waiting = state.pending.get(identity)
    if waiting is not None or identity in state.seen:
        statistics.duplicates += 1
        statistics.duplicate_bytes += len(message.payload)
        if waiting is not None and sender != waiting.peer:
            waiting.others[sender] = None
        if identity in state.refused:
            count_invalid(state, sender)
        return NOTHING
    keep_promise(state, identity)
    if not _has_room(state, sender, len(message.payload)):
        statistics.dropped += 1
        return NOTHING
    state.seen.add(now, identity)
    peer = state.peers[sender]
    peer.pending += 1
    peer.pending_bytes += len(message.payload)
    state.pending_bytes += len(message.payload)
    state.pending[identity] = Pending(message.topic, message.payload, sender)
    arrived = MeshArrived(message.topic, identity, message.payload, sender)
    if len(message.payload) < state.config.unwanted_bytes_min:
        return (arrived,)
    refusal = MeshDontWant((identity,))
    links = state.mesh[message.topic]
    return [*[Send(link, refusal) for link in links if link != sender], arrived]


def _has_room(state: MeshState, sender: NodeId, size: int) -> bool:
    """Whether another message of a peer may wait for its verdict.

    The share of each peer is bounded apart from the whole, so that one who sends more than can be
    judged takes no room from the others.
    """
    config, peer = state.config, state.peers[sender]
    return (
        peer.pending < config.pending_per_peer
        and peer.pending_bytes + size <= config.pending_bytes_per_peer
        and state.pending_bytes + size <= config.pending_bytes_max
    )


def judged(state: MeshState, now: Instant, identity: bytes, verdict: Verdict) -> Sequence[Effect]:
    """Pass a valid message on to the mesh; blame whoever brought one that is not."""
    waiting = state.pending.pop(identity, None)
    if waiting is None:
        return NOTHING
    size = len(waiting.payload)
    state.pending_bytes -= size
    peer = state.peers.get(waiting.peer)
    if peer is not None and peer.pending:
        peer.pending -= 1
        peer.pending_bytes -= size
    if verdict is Verdict.REJECT:
        state.statistics.invalid += 1
        if len(state.refused) >= state.config.refused_max:
            del state.refused[next(iter(state.refused))]
        state.refused[identity] = None
        for carrier in (waiting.peer, *waiting.others):
            count_invalid(state, carrier)
    if verdict is not Verdict.ACCEPT:
        return NOTHING
    count_delivery(state, waiting.peer)
    state.cache.put(identity, waiting.topic, waiting.payload)
    message = MeshPayload(waiting.topic, waiting.payload)
    links = [
        link
        for link in state.mesh.get(waiting.topic, ())
        if link != waiting.peer and link not in waiting.others
    ]
    return [Send(link, message) for link in spare(state, identity, links)]
