"""The first limit that is reached proposes: transactions, bytes, gas or time."""

from dataclasses import dataclass

from consensus.batching.policy import Queue
from primitives.ids import Instant


@dataclass(frozen=True, slots=True)
class Fixed:
    """Gathers a full batch, for `delay` at most, whatever is in flight."""

    def due(self, queue: Queue) -> Instant:
        """Return `since` for a full batch, else the end of the delay."""
        return queue.since if queue.fills(1, 1) else Instant(queue.begun + queue.delay)
