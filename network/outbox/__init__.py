"""What waits to be sent: by class of traffic, within bounds, in batches."""

from network.outbox.batching import BatchConfig, Batcher, BatchReady
from network.outbox.bounds import BOUNDS, Bound, DropRule, OutboxConfig
from network.outbox.queue import Outbox, Put
from network.outbox.traffic import Traffic, traffic_of, traffic_of_kind, traffic_table

__all__ = [
    "BOUNDS",
    "BatchConfig",
    "BatchReady",
    "Batcher",
    "Bound",
    "DropRule",
    "Outbox",
    "OutboxConfig",
    "Put",
    "Traffic",
    "traffic_of",
    "traffic_of_kind",
    "traffic_table",
]
