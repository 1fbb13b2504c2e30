"""Events and effects that stay inside a node."""

from consensus.certificate import Certificate
from primitives.ids import Hash32, NodeId, Sequence
from primitives.machine import Effect, Event


class Delivered(Event, frozen=True, gc=False):
    """Consensus has decided a block, and what it remembers of that is durable.

    Travels as a `Loopback` of the core "consensus", so that the durability rule holds it back.
    """

    core = "consensus"

    sequence: Sequence
    digest: Hash32
    certificate: Certificate


class ToConsensus(Effect, frozen=True, gc=False):
    """Hand `event` to the consensus core in this turn. A follower drops it."""

    event: Event


class BlockExecuted(Effect, frozen=True, gc=False):
    """The node holds one more executed block: what waited for it may go on."""

    digest: Hash32


class PoolChanged(Effect, frozen=True, gc=False):
    """What waits for a block may have changed, in number or in age."""

    news: bool
    """Whether to tell consensus even if nothing has: a block was built or has become final."""


class CatchUp(Effect, frozen=True, gc=False):
    """The node has reason to think that it misses blocks; `peer` should hold `height`."""

    peer: NodeId
    height: int
