"""Withholding: lets just enough others see a block that it is decided, and denies it to the rest.

Only Q-1 backups get its proposals, by lot. The rest get nothing, or, for every other sequence, the
digest with its true signature and no payload: the signature does not cover the payload. Nor does it
hand a block out later, be it asked for a proposal, for certified blocks or for transactions. Where
blocks are sent in compact form, the rest get one with ids that no transaction has, and no answer.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from consensus.messages import PrePrepare, Proposal
from network.compact.messages import BlockTransactions, CompactBlock, WholeBlock
from network.messages import CertifiedBlocks, PooledTransactions
from node.relay_messages import CompactProposal
from primitives.ids import NodeId
from primitives.machine import Machine, Message
from sim.liars.context import LiarContext
from sim.liars.speaker import Speaker

KINDS = (
    PrePrepare,
    Proposal,
    CertifiedBlocks,
    PooledTransactions,
    CompactProposal,
    CompactBlock,
    BlockTransactions,
    WholeBlock,
)
"""Messages that hand out blocks, or transactions."""


def withholding(honest: Machine, context: LiarContext) -> Machine:
    """Make a node that keeps the bodies of its blocks from those whose vote it does not need."""

    def change(to: NodeId, message: Message) -> Iterable[Message]:
        if not isinstance(message, PrePrepare | CompactProposal | BlockTransactions | WholeBlock):
            return ()
        place = context.place()
        if to in place.drawn[: place.committee.quorum - 1]:
            return (message,)
        if isinstance(message, CompactProposal):
            form = replace(message.form, ids=bytes(len(message.form.ids)))
            return (replace(message, form=form),) if message.proposal.sequence % 2 else ()
        if not isinstance(message, PrePrepare):
            return ()
        if not place.is_own(message):
            return (message,)
        return (replace(message, payload=b""),) if message.sequence % 2 else ()

    return Speaker(honest, context, KINDS, change)
