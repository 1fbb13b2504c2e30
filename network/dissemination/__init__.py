"""Ways in which a leader's block gets to everybody: directly, over a mesh, down coded trees."""

from network.dissemination.coded_tree import CodedTree, answered
from network.dissemination.coding import CutWanted, RebuildWanted
from network.dissemination.direct import Direct, DirectConfig
from network.dissemination.meshed import Meshed
from network.dissemination.messages import LIMITS, BlockBody, BlockShred, Commitment, GetShreds
from network.dissemination.policy import (
    Dissemination,
    DisseminationTimer,
    PayloadArrived,
    PayloadLost,
    Place,
)
from network.dissemination.reed_solomon import ReedSolomon
from network.dissemination.tree_state import LeaderContradicts, TreeConfig, TreeRoster

__all__ = [
    "LIMITS",
    "BlockBody",
    "BlockShred",
    "CodedTree",
    "Commitment",
    "CutWanted",
    "Direct",
    "DirectConfig",
    "Dissemination",
    "DisseminationTimer",
    "GetShreds",
    "LeaderContradicts",
    "Meshed",
    "PayloadArrived",
    "PayloadLost",
    "Place",
    "RebuildWanted",
    "ReedSolomon",
    "TreeConfig",
    "TreeRoster",
    "answered",
]
