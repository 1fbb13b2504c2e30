"""Reconciliation: two nodes find out which transactions only one of them has to announce."""

from network.reconcile.core import Reconciler
from network.reconcile.messages import LIMITS
from network.reconcile.sketch import Difference, Sketch, cells_for, decode, element_name
from network.reconcile.state import ReconcileConfig, ReconcileCounts, ReconcileTimer

__all__ = [
    "LIMITS",
    "Difference",
    "ReconcileConfig",
    "ReconcileCounts",
    "ReconcileTimer",
    "Reconciler",
    "Sketch",
    "cells_for",
    "decode",
    "element_name",
]
