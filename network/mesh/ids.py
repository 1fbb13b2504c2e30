"""Ids beside the mesh: IHAVE to some peers at each heartbeat, IWANT for what is missing.

The mesh alone would lose a message behind a few dead or hostile links. Ids cost little, so each
heartbeat tells them to peers outside the mesh, who ask for what they miss. Both sides bound what
a hostile one can cause: announced ids that are read, ids that are asked for, bytes that are given.
Within the mesh, whoever gets a long message says so at once (IDONTWANT): then the others, who are
still validating it, need not send it as well.

Whoever announces an id and does not send the message when asked has broken a promise. For each
`MeshWant` one id by chance is watched, of each peer four at a time; a peer that answers some and
withholds others is found after some tries, and watching costs one entry.

Reference: gossipsub v1.0 "Gossip", v1.1 "Spam Protection Measures", v1.2.
"""

from collections.abc import Sequence

from network.mesh.messages import (
    IDS_PER_MESSAGE,
    MeshDontWant,
    MeshHave,
    MeshPayload,
    MeshWant,
)
from network.mesh.scores import count_fault, score_of
from network.mesh.state import MeshState
from primitives.ids import Instant, NodeId
from primitives.machine import NOTHING, Effect, Send


def on_have(state: MeshState, now: Instant, sender: NodeId, message: MeshHave) -> Sequence[Effect]:
    """Ask for what is new, within the limits."""
    peer, config = state.peers[sender], state.config
    if message.topic not in state.mesh or score_of(state, sender) < config.scores.gossip_threshold:
        return NOTHING
    room = min(config.ids_per_beat - peer.ids_asked, IDS_PER_MESSAGE)
    peer.haves += 1
    if peer.haves > config.haves_per_beat or room <= 0:
        state.statistics.ids_ignored += len(message.ids)
        return NOTHING
    seen = state.seen
    unknown = [identity for identity in dict.fromkeys(message.ids) if identity not in seen]
    fresh = [identity for identity in unknown if sender not in state.promises.get(identity, {})]
    if not fresh:
        return NOTHING
    wanted = state.choose(fresh, room)
    state.statistics.ids_ignored += len(fresh) - len(wanted)
    peer.ids_asked += len(wanted)
    if sum(sender in makers for makers in state.promises.values()) < config.promises_per_peer:
        # The order is by chance already, so the first one is as good as any.
        state.promises.setdefault(wanted[0], {})[sender] = now + config.promise
    return (Send(sender, MeshWant(tuple(wanted))),)


def on_want(state: MeshState, now: Instant, sender: NodeId, message: MeshWant) -> Sequence[Effect]:
    """Give what is kept, a few times each and up to a number of bytes for each heartbeat."""
    peer, config = state.peers[sender], state.config
    if score_of(state, sender) < config.scores.gossip_threshold:
        return NOTHING
    effects: list[Effect] = []
    for identity in dict.fromkeys(message.ids):
        held = state.cache.get(identity)
        if held is None or held.served.get(sender, 0) >= config.retransmissions:
            state.statistics.wants_ignored += 1
            continue
        if peer.served_bytes + len(held.payload) > config.served_bytes_per_beat:
            state.statistics.wants_ignored += 1
            continue
        held.served[sender] = held.served.get(sender, 0) + 1
        peer.served_bytes += len(held.payload)
        effects.append(Send(sender, MeshPayload(held.topic, held.payload)))
    return effects


def on_dont_want(
    state: MeshState, now: Instant, sender: NodeId, message: MeshDontWant
) -> Sequence[Effect]:
    """Remember for a while what a peer holds already."""
    unwanted, config = state.peers[sender].unwanted, state.config
    for identity in message.ids:
        unwanted.pop(identity, None)
        if len(unwanted) >= config.unwanted_max:
            del unwanted[next(iter(unwanted))]
        unwanted[identity] = state.beats + config.unwanted_beats
    return NOTHING


def spare(state: MeshState, identity: bytes, peers: Sequence[NodeId]) -> list[NodeId]:
    """Return those peers that have not said that they hold a message."""
    wanting = [peer for peer in peers if identity not in state.peers[peer].unwanted]
    state.statistics.spared += len(peers) - len(wanting)
    return wanting


def keep_promise(state: MeshState, identity: bytes) -> None:
    """A message is here, whoever brought it: nobody needs to send it any more."""
    state.promises.pop(identity, None)


def break_promises(state: MeshState, now: Instant) -> None:
    """Count what was asked for and has not come in time."""
    for identity, makers in list(state.promises.items()):
        for peer, until in list(makers.items()):
            if until <= now:
                del makers[peer]
                state.statistics.promises_broken += 1
                count_fault(state, peer)
        if not makers:
            del state.promises[identity]


def gossip(state: MeshState, topic: bytes, linked: dict[NodeId, None]) -> list[Effect]:
    """Tell ids of the latest windows to some peers that are not linked."""
    config = state.config
    ids = state.cache.recent(topic, config.windows_gossip)
    if not ids:
        return []
    others = [
        peer
        for peer in state.subscribers(topic)
        if peer not in linked and score_of(state, peer) >= config.scores.gossip_threshold
    ]
    count = max(config.degree_lazy, len(others) * config.lazy_percent // 100)
    effects: list[Effect] = []
    for peer in state.choose(others, count):
        # With more ids than fit, each peer hears others of them.
        told = ids if len(ids) <= IDS_PER_MESSAGE else state.choose(ids, IDS_PER_MESSAGE)
        effects.append(Send(peer, MeshHave(topic, tuple(told))))
    return effects
