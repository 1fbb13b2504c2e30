"""What validators send in place of a proposal when both ends understand compact blocks."""

from typing import ClassVar

from consensus.messages import HINT_BYTES_MAX, PrePrepare
from network.compact.messages import LIMITS as COMPACT_LIMITS, CompactBlock, CompactForm
from primitives.machine import Message

ROOM_BYTES = 1_024
"""For the fields beside form and hint."""


class CompactProposal(Message, frozen=True, gc=False):
    """A primary's PRE-PREPARE whose block stands beside it in compact form.

    The signature of a PRE-PREPARE covers the digest and not the payload, so it holds for both
    ways of sending it, and nobody else need know which was taken.
    """

    core: ClassVar[str] = "consensus"

    proposal: PrePrepare
    """Without its payload."""
    form: CompactForm
    """Of the block that `proposal.digest` names. Nobody has signed it."""


RELAY_MESSAGES: dict[type[Message], int] = {
    CompactProposal: COMPACT_LIMITS[CompactBlock] + HINT_BYTES_MAX + ROOM_BYTES,
}
"""Its kinds in wire order, each with the longest body in bytes."""
