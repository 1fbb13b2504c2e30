"""Kinds of processor cost that network causes."""

from primitives.costs import CostKind

ANNOUNCED = "network.announced_transaction"
HASHED = "network.fetched_transaction"
SERVED = "network.served_byte"

COSTS: tuple[CostKind, ...] = (
    CostKind(
        ANNOUNCED,
        "transaction",
        "Look up one announced transaction among those known and wanted.",
    ),
    CostKind(
        HASHED,
        "transaction",
        "Hash one fetched transaction and compare it with what was asked for.",
    ),
    CostKind(SERVED, "byte", "Collect one byte of an answer to a request of a peer."),
)
"""Every kind, with its unit and meaning."""
