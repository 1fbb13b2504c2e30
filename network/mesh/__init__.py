"""A gossip mesh: each message over a few links at once, and its id over some others."""

from network.mesh.config import MeshConfig, MeshTimer, ScoreConfig
from network.mesh.core import Mesh
from network.mesh.messages import (
    LIMITS,
    MeshDontWant,
    MeshGraft,
    MeshHave,
    MeshPayload,
    MeshPrune,
    MeshSubscribe,
    MeshWant,
)
from network.mesh.state import MeshArrived, MeshStatistics, Verdict

__all__ = [
    "LIMITS",
    "Mesh",
    "MeshArrived",
    "MeshConfig",
    "MeshDontWant",
    "MeshGraft",
    "MeshHave",
    "MeshPayload",
    "MeshPrune",
    "MeshStatistics",
    "MeshSubscribe",
    "MeshTimer",
    "MeshWant",
    "ScoreConfig",
    "Verdict",
]
