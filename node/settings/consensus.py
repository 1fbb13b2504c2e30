"""`[consensus]`: how the committee works, in a scenario as in a node's configuration."""

from typing import Annotated

import msgspec
from msgspec import Meta

from node.settings.quantities import PositiveCount, PositiveSpan, Span
from primitives.ids import Duration

MILLISECOND = 1_000_000


class ConsensusSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The protocol by which the validators agree."""

    protocol: str = "pbft"
    """"pbft", or the name of one that an installed package adds (docs/guides/extending.md)."""
    request_timeout: PositiveSpan = Duration(4_000 * MILLISECOND)
    """How long work may wait without a delivery before a replica wants another primary, ns."""
    view_change_timeout: PositiveSpan = Duration(4_000 * MILLISECOND)
    """How long a new view may take once a quorum wants it; doubles with each failure, ns."""
    timeout_doublings: Annotated[int, Meta(ge=0, le=20)] = 8
    """How often the two timeouts double at most."""
    repair_interval: PositiveSpan = Duration(1_000 * MILLISECOND)
    """How often a replica repeats what may have been lost, ns."""
    batching: str = "fixed"
    """When the primary proposes what waits: "fixed", "adaptive", or the name of a policy that an
    installed package adds (docs/guides/batching.md)."""
    batch_size: PositiveCount = 500
    """Transactions in a full batch, and in a block at most."""
    batch_bytes: Annotated[int, Meta(gt=0, le=8_388_608, extra={"unit": "bytes"})] | None = None
    """Bytes of its transactions; as many as the chain allows if left out."""
    batch_gas: Annotated[int, Meta(ge=21_000, le=2**63 - 1)] | None = None
    """Gas of its transactions; as much as the chain allows if left out."""
    batch_delay: Span = Duration(200 * MILLISECOND)
    """How long a batch may gather at most, ns."""
    pipeline_depth: PositiveCount = 4
    """Sequence numbers that the primary keeps in flight."""
    block_interval: Span = Duration(0)
    """Least time between two proposals, ns."""
    empty_blocks: bool = False
    """Propose every `block_interval`, also when nothing waits."""
    fast_confirmation: bool = False
    """Validators sign a block for clients as soon as it is prepared and all below it is final."""
    window: PositiveCount = 32
    """Sequence numbers above the last delivered one for which votes are kept; at least twice
    the pipeline_depth."""
