"""Who is linked with whom in the mesh of a topic: subscriptions, GRAFT and PRUNE.

A link holds in both directions, and each side may cut it. After a cut both wait before they try
again: without that back-off two peers, one with too few links and one with too many, would
graft and prune each other at every heartbeat.

Reference: gossipsub v1.1, "PRUNE Backoff". Peer exchange in PRUNE is left out, because peers are
found by other means here, and so are quotas for links that were dialled.
"""

from collections.abc import Sequence

from network.mesh.messages import MeshGraft, MeshPrune, MeshSubscribe
from network.mesh.scores import count_fault, score_of
from network.mesh.state import MeshState, PeerState
from primitives.ids import Duration, Instant, NodeId
from primitives.machine import NOTHING, Effect, Send


def connected(state: MeshState, now: Instant, peer: NodeId) -> Sequence[Effect]:
    """Welcome a peer: remember what it had done, and tell it which topics are joined here."""
    if peer in state.peers:
        return NOTHING
    known, until = state.gone.pop(peer, (PeerState(), now))
    known = known if until > now else PeerState()
    waiting = [len(item.payload) for item in state.pending.values() if item.peer == peer]
    known.pending, known.pending_bytes = len(waiting), sum(waiting)
    state.peers[peer] = known
    return [Send(peer, MeshSubscribe(topic, joined=True)) for topic in state.mesh]


def disconnected(state: MeshState, now: Instant, peer: NodeId) -> Sequence[Effect]:
    """Forget a peer, but for its score if that is bad: else it would only have to dial again."""
    known = state.peers.get(peer)
    if known is None:
        return NOTHING
    score = score_of(state, peer)
    del state.peers[peer]
    for links in state.mesh.values():
        links.pop(peer, None)
    for fanout in state.fanout.values():
        fanout.peers.pop(peer, None)
    known.topics, known.unwanted, known.beats = {}, {}, 0
    if score < 0:
        if len(state.gone) >= state.config.retained_max:
            del state.gone[next(iter(state.gone))]
        state.gone[peer] = (known, Instant(now + state.config.retained_ttl))
    return NOTHING


def join(state: MeshState, now: Instant, topic: bytes, *, told: bool = False) -> Sequence[Effect]:
    """Say that a topic is joined, and link with those that it was published to, and others."""
    if topic in state.mesh:
        return NOTHING
    state.mesh[topic] = {}
    listeners = () if told else state.peers
    effects: list[Effect] = [Send(peer, MeshSubscribe(topic, joined=True)) for peer in listeners]
    fanout = state.fanout.pop(topic, None)
    known = list(fanout.peers) if fanout is not None else []
    wanted = [peer for peer in known if is_welcome(state, topic, peer)]
    effects += graft(state, topic, wanted[: state.config.degree])
    return [*effects, *fill(state, topic, state.config.degree)]


def leave(state: MeshState, now: Instant, topic: bytes) -> Sequence[Effect]:
    """Cut all links of a topic and say so."""
    links = state.mesh.get(topic)
    if links is None:
        return NOTHING
    effects = prune(state, now, topic, list(links), state.config.backoff_leave)
    del state.mesh[topic]
    return effects + [Send(peer, MeshSubscribe(topic, joined=False)) for peer in state.peers]


def on_subscribe(
    state: MeshState, now: Instant, sender: NodeId, message: MeshSubscribe
) -> Sequence[Effect]:
    """Remember what a peer wants to hear of, as far as there is room."""
    topics = state.peers[sender].topics
    if not message.joined:
        topics.pop(message.topic, None)
        state.mesh.get(message.topic, {}).pop(sender, None)
        if (fanout := state.fanout.get(message.topic)) is not None:
            fanout.peers.pop(sender, None)
    elif len(topics) < state.config.topics_per_peer:
        topics[message.topic] = None
    return NOTHING


def on_graft(
    state: MeshState, now: Instant, sender: NodeId, message: MeshGraft
) -> Sequence[Effect]:
    """Take a peer into the mesh, or refuse by a prune.

    A graft for a topic that is not joined gets no answer: it would only amplify what a flooder
    sends. One that comes during a back-off is a fault, and a second one soon after the prune.
    """
    topic = message.topic
    links = state.mesh.get(topic)
    if links is None or sender in links:
        return NOTHING
    config = state.config
    until = state.backoff.get((topic, sender), 0)
    if until > now:
        early = now < until - config.backoff + config.graft_flood_window
        count_fault(state, sender, 2 if early else 1)
    elif score_of(state, sender) >= 0 and len(links) < config.degree_high:
        links[sender] = None
        state.peers[sender].topics[topic] = None
        return NOTHING
    state.statistics.grafts_refused += 1
    _back_off(state, now, topic, sender, config.backoff)
    return (Send(sender, MeshPrune(topic, config.backoff)),)


def on_prune(
    state: MeshState, now: Instant, sender: NodeId, message: MeshPrune
) -> Sequence[Effect]:
    """Cut the link, and do not graft before the time that the peer has named."""
    links = state.mesh.get(message.topic)
    if links is None:
        return NOTHING
    links.pop(sender, None)
    named = Duration(min(message.backoff_ns, state.config.backoff_max))
    _back_off(state, now, message.topic, sender, named or state.config.backoff)
    return NOTHING


def is_welcome(state: MeshState, topic: bytes, peer: NodeId) -> bool:
    """Whether a peer outside the mesh of a joined topic may be grafted."""
    return (
        topic in state.peers[peer].topics
        and peer not in state.mesh[topic]
        and (topic, peer) not in state.backoff
        and score_of(state, peer) >= 0
    )


def fill(state: MeshState, topic: bytes, degree: int) -> list[Effect]:
    """Graft peers by chance until the mesh has `degree` links, or nobody is left."""
    missing = degree - len(state.mesh[topic])
    if missing <= 0:
        return []
    welcome = [peer for peer in state.peers if is_welcome(state, topic, peer)]
    return graft(state, topic, state.choose(welcome, missing))


def graft(state: MeshState, topic: bytes, peers: Sequence[NodeId]) -> list[Effect]:
    """Take peers into the mesh and tell them."""
    state.mesh[topic].update(dict.fromkeys(peers))
    return [Send(peer, MeshGraft(topic)) for peer in peers]


def prune(
    state: MeshState, now: Instant, topic: bytes, peers: Sequence[NodeId], backoff: Duration
) -> list[Effect]:
    """Take peers out of the mesh and tell them."""
    for peer in peers:
        del state.mesh[topic][peer]
        _back_off(state, now, topic, peer, backoff)
    return [Send(peer, MeshPrune(topic, backoff)) for peer in peers]


def _back_off(
    state: MeshState, now: Instant, topic: bytes, peer: NodeId, backoff: Duration
) -> None:
    until = state.backoff.pop((topic, peer), 0)
    if len(state.backoff) >= state.config.backoffs_max:
        del state.backoff[next(iter(state.backoff))]
    state.backoff[topic, peer] = max(until, now + backoff)
