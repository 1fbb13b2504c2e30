"""What waits to be sent: by priority, within limits, in batches."""

from network.outbox.batching import BatchConfig, Batcher, BatchReady
from network.outbox.priorities import CLASS_LIMITS, ClassLimits, DropRule, Priority, priority_of
from network.outbox.queue import Drop, Outbox, OutboxConfig, PeerQueue, QueueStatistics

__all__ = [
    "CLASS_LIMITS",
    "BatchConfig",
    "BatchReady",
    "Batcher",
    "ClassLimits",
    "Drop",
    "DropRule",
    "Outbox",
    "OutboxConfig",
    "PeerQueue",
    "Priority",
    "QueueStatistics",
    "priority_of",
]
