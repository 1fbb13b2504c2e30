"""When a primary proposes what waits: policies that trade latency against the size of blocks."""

from consensus.batching.adaptive import Adaptive
from consensus.batching.fixed import Fixed
from consensus.batching.policy import BatchLimits, BatchPolicy, Queue

__all__ = ["Adaptive", "BatchLimits", "BatchPolicy", "Fixed", "Queue"]
