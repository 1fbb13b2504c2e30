"""What a batching policy is told, and what it decides.

A decision costs about the same for one transaction as for five hundred: two rounds of votes, 2n
of them at each of n replicas. So a primary gathers transactions into batches. Waiting costs
latency, and proposing early costs votes; where the balance lies depends on the load. A policy
decides when the next batch is due. How much a block may hold it does not decide: that is agreed
in `ConsensusParams`, because validators judge by it whether a block passes a transaction over
(`consensus.fairness`).

Whatever a policy says, a batch is proposed no later than `delay` after it began to gather, as
soon as the pipeline has room. A policy can waste votes, and it can starve nobody.
"""

from typing import Protocol

import msgspec

from primitives.ids import Duration, Instant

UNLIMITED = 2**63 - 1


class BatchLimits(msgspec.Struct, frozen=True, gc=False):
    """What one block takes at most. A single transaction that exceeds them may stand alone."""

    count: int = UNLIMITED
    """Transactions."""
    byte_count: int = UNLIMITED
    """Bytes of their encodings together."""
    gas: int = UNLIMITED
    """Gas limits of what waits; gas used and the next gas limit when a block is built."""


class Queue(msgspec.Struct, frozen=True, gc=False):
    """The primary's situation: what waits at it and what is in flight."""

    since: Instant
    """When the oldest waiting transaction came."""
    begun: Instant
    """When the batch began to gather: then, or at the last proposal if that was later, because
    what came before it is mostly in it."""
    count: int
    """Transactions that wait, at least 1."""
    byte_count: int
    gas: int
    in_flight: int
    """Sequences that are proposed and not delivered, below `depth`."""
    depth: int
    """Sequences that may be in flight at once."""
    limits: BatchLimits
    delay: Duration
    """How long a batch may gather at most, ns."""

    def fills(self, part: int, whole: int) -> bool:
        """Tell whether what waits reaches `part / whole` of one of the limits."""
        limits = self.limits
        return (
            self.count * whole >= limits.count * part
            or self.byte_count * whole >= limits.byte_count * part
            or self.gas * whole >= limits.gas * part
        )


class BatchPolicy(Protocol):
    """One way to batch. Pure, integers only, and the same for all who hold it."""

    def due(self, queue: Queue) -> Instant:
        """Return when the next batch is due; `queue.since` or earlier means at once."""
        ...


class BatchPolicyFactory(Protocol):
    """What an entry point of the group `orrery.batching` names."""

    def __call__(self) -> BatchPolicy:
        """Make the policy."""
        ...
