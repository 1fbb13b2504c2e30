"""How a peer stands: integers in thousandths of a point, so that all machines agree.

Reference: gossipsub v1.1, "The Score Function".
"""

from network.mesh.config import ScoreConfig
from network.mesh.state import MeshState, PeerState
from primitives.ids import NodeId

UNIT = 1_000
"""Counters and points are in thousandths."""

NEGLIGIBLE = 10
"""A counter below this becomes zero; else it would never."""


def peer_score(weights: ScoreConfig, peer: PeerState) -> int:
    """Return the score in thousandths of a point; 0 for a peer of which nothing is known."""
    in_mesh = min(peer.beats * weights.beat_points, weights.beat_points_max)
    deliveries = peer.deliveries * weights.delivery_points // UNIT
    invalid = peer.invalid * peer.invalid * weights.invalid_points // (UNIT * UNIT)
    excess = max(0, peer.faults - weights.faults_free * UNIT)
    faults = excess * excess * weights.fault_points // (UNIT * UNIT)
    return in_mesh + deliveries - invalid - faults


def score_of(state: MeshState, peer: NodeId) -> int:
    """Return the score of a connected peer, in thousandths of a point."""
    return peer_score(state.config.scores, state.peers[peer])


def count_delivery(state: MeshState, peer: NodeId) -> None:
    """Note that a peer was the first with a valid message."""
    known = state.peers.get(peer)
    if known is not None:
        most = state.config.scores.deliveries_max * UNIT
        known.deliveries = min(known.deliveries + UNIT, most)


def count_invalid(state: MeshState, peer: NodeId) -> None:
    """Note that a peer has passed on a message that is not valid."""
    known = state.peers.get(peer)
    if known is not None:
        known.invalid += UNIT


def count_fault(state: MeshState, peer: NodeId, times: int = 1) -> None:
    """Note a broken promise or an early graft."""
    known = state.peers.get(peer)
    if known is not None:
        known.faults += times * UNIT


def decay(weights: ScoreConfig, peer: PeerState) -> None:
    """Let one heartbeat's worth of good and bad be forgotten."""
    peer.deliveries = _kept(peer.deliveries, weights.delivery_keep)
    peer.invalid = _kept(peer.invalid, weights.invalid_keep)
    peer.faults = _kept(peer.faults, weights.fault_keep)


def _kept(counter: int, keep: int) -> int:
    left = counter * keep // UNIT
    return left if left >= NEGLIGIBLE else 0
