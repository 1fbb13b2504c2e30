"""What a mesh does at each heartbeat: judge promises, mend links, tell ids, forget.

Reference: gossipsub v1.0 "heartbeat", v1.1 "Heartbeat Maintenance", "Opportunistic Grafting".
"""

from collections.abc import Sequence

from network.mesh.config import MeshTimer
from network.mesh.ids import break_promises, gossip
from network.mesh.membership import fill, graft, is_welcome, prune
from network.mesh.payloads import fill_fanout
from network.mesh.scores import decay, score_of
from network.mesh.state import MeshState
from primitives.ids import Instant
from primitives.machine import Effect, SetTimer


def on_heartbeat_timeout(state: MeshState, now: Instant) -> Sequence[Effect]:
    """Run one heartbeat and set the timer of the next."""
    state.beats += 1
    break_promises(state, now)
    _age_peers(state, now)
    effects: list[Effect] = []
    for topic in state.mesh:
        effects += _mend(state, now, topic)
        effects += gossip(state, topic, state.mesh[topic])
    effects += _keep_fanouts(state, now)
    state.cache.shift()
    state.seen.expire(now)
    return [*effects, SetTimer(MeshTimer.HEARTBEAT, state.config.heartbeat)]


def _age_peers(state: MeshState, now: Instant) -> None:
    """Let scores decay and open the limits of the next heartbeat."""
    for name, peer in state.peers.items():
        decay(state.config.scores, peer)
        peer.beats = peer.beats + 1 if state.is_meshed(name) else 0
        peer.unwanted = {name: end for name, end in peer.unwanted.items() if end > state.beats}
        peer.haves = peer.ids_asked = peer.served_bytes = 0
    for name, (_, until) in list(state.gone.items()):
        if until > now:
            break
        del state.gone[name]
    for key, end in list(state.backoff.items()):
        # One heartbeat more than was agreed, for the clocks of two peers differ.
        if end + state.config.heartbeat <= now:
            del state.backoff[key]


def _mend(state: MeshState, now: Instant, topic: bytes) -> list[Effect]:
    """Cut links with peers that stand badly, then bring the mesh to its degree."""
    config, links = state.config, state.mesh[topic]
    bad = [peer for peer in links if score_of(state, peer) < 0]
    effects = prune(state, now, topic, bad, config.backoff)
    if len(links) < config.degree_low:
        effects += fill(state, topic, config.degree)
    elif len(links) > config.degree_high:
        effects += _cut_down(state, now, topic)
    if state.beats % config.opportunistic_beats == 0:
        effects += _graft_better(state, topic)
    return effects


def _cut_down(state: MeshState, now: Instant, topic: bytes) -> list[Effect]:
    """Keep the best and some by chance.

    The best, so that newcomers in great number cannot take a mesh over. Some by chance, so that
    it stays open to newcomers.
    """
    config = state.config
    mixed = state.choose(list(state.mesh[topic]), len(state.mesh[topic]))
    best = sorted(mixed, key=lambda peer: -score_of(state, peer))[: config.degree_score]
    others = [peer for peer in mixed if peer not in best]
    surplus = others[config.degree - len(best) :]
    return prune(state, now, topic, surplus, config.backoff)


def _graft_better(state: MeshState, topic: bytes) -> list[Effect]:
    """Graft some that stand above the median, when a mesh delivers poorly.

    A mesh full of peers that do nothing wrong, and nothing else, would otherwise never change.
    """
    config, links = state.config, state.mesh[topic]
    if not links:
        return []
    scores = sorted(score_of(state, peer) for peer in links)
    median = scores[len(scores) // 2]
    if median >= config.scores.opportunistic_threshold:
        return []
    better = [
        peer
        for peer in state.peers
        if is_welcome(state, topic, peer) and score_of(state, peer) > median
    ]
    return graft(state, topic, state.choose(better, config.opportunistic_grafts))


def _keep_fanouts(state: MeshState, now: Instant) -> list[Effect]:
    """Forget topics that are published to no more; keep the peers of the others, and gossip."""
    effects: list[Effect] = []
    for topic, fanout in list(state.fanout.items()):
        if fanout.published_at + state.config.fanout_ttl <= now:
            del state.fanout[topic]
            continue
        fill_fanout(state, topic, fanout)
        effects += gossip(state, topic, fanout.peers)
    return effects
