"""Reconciliation: two nodes find out which transactions only one of them has to announce."""

from network.reconcile.announcer import ReconcilingAnnouncer, begins
from network.reconcile.core import LocalTransactions, Reconciler
from network.reconcile.messages import LIMITS, RECONCILE_VERSION
from network.reconcile.sketch import Difference, Sketch, cells_for, decode, element_name
from network.reconcile.state import ReconcileConfig, ReconcileCounts, ReconcileTimer

__all__ = [
    "LIMITS",
    "RECONCILE_VERSION",
    "Difference",
    "LocalTransactions",
    "ReconcileConfig",
    "ReconcileCounts",
    "ReconcileTimer",
    "Reconciler",
    "ReconcilingAnnouncer",
    "Sketch",
    "begins",
    "cells_for",
    "decode",
    "element_name",
]
