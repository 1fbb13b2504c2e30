"""Small batches when idle, large ones under load, by how full the pipeline is.

With k of `depth` sequences in flight, a batch is due as soon as it reaches k/depth of one of the
limits, or has gathered for k/depth of the delay:

    due = since                             if count * depth >= limits.count * k  (or bytes, gas)
        = begun + delay * k // depth        otherwise

* Nothing in flight (k = 0): at once. A transaction that comes to an idle network waits for nobody.
* The fuller the pipeline, the more there must be, because the sequences left are the scarce good.
  The last of them is spent on (depth-1)/depth of a full batch.
* Under saturation the pipeline is full and the queue exceeds the limits when a delivery makes
  room, so blocks are as full as with `Fixed`, and as many.

With depth 1 this is the rule of Castro and Liskov: the primary proposes at once while the window
of outstanding instances has room, else it queues, and what has queued up goes with the next
instance. It is also Nagle's: a small segment is sent at once if nothing is unacknowledged. The
scaling between is ours, for a window of several sequences: filling it with single transactions
would leave the next burst to wait for a whole decision.

Reference: Castro & Liskov, TOCS 2002 (request batching by a sliding window of instances); RFC 896.
"""

from dataclasses import dataclass

from consensus.batching.policy import Queue
from primitives.ids import Instant


@dataclass(frozen=True, slots=True)
class Adaptive:
    """Asks for more, and waits longer, the more is in flight."""

    def due(self, queue: Queue) -> Instant:
        """Return `since` if enough waits for so full a pipeline, else when it has waited enough."""
        k, depth = queue.in_flight, queue.depth
        if queue.fills(k, depth):
            return queue.since
        return Instant(queue.begun + queue.delay * k // depth)
