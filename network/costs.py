"""Kinds of processor cost that network causes."""

from primitives.costs import CostKind

ANNOUNCED = "network.announced_transaction"
HASHED = "network.fetched_transaction"
SERVED = "network.served_byte"
MATCHED = "network.short_id"
REBUILT = "network.rebuilt_transaction"

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
    CostKind(MATCHED, "transaction", "Look for one pooled transaction in a block by its short id."),
    CostKind(
        REBUILT,
        "transaction",
        "Put one transaction into a rebuilt block and under the root of its body.",
    ),
)
"""Every kind, with its unit and meaning."""
