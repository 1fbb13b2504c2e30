"""False forms: proposes honest blocks in compact forms that are not theirs, and answers likewise.

The signature of a proposal covers the digest of its block and not the compact form beside it, so
a primary can send every backup another one. Each lie comes in turn: ids of transactions that
nobody has, ids in another order, one id for all, a form that is cut off, the form of another
header. Who asks for what is missing gets other transactions, none, or a block with a bit turned.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from network.compact.messages import BlockTransactions, CompactBlock, CompactForm, WholeBlock
from network.compact.short_ids import SHORT_ID_BYTES
from node.relay_messages import CompactProposal
from primitives.ids import NodeId
from primitives.machine import Machine, Message
from sim.liars.context import LiarContext
from sim.liars.speaker import Speaker

LIES = 6
"""The last is to say nothing false of the form itself."""
ANSWERS = 3


def false_forms(honest: Machine, context: LiarContext) -> Machine:
    """Make a node whose blocks cannot be put together from what it says of them."""
    draw = context.generator

    def change(to: NodeId, message: Message) -> Iterable[Message]:
        if isinstance(message, CompactProposal | CompactBlock):
            return (replace(message, form=_spoilt(message.form, int(draw.integers(LIES)))),)
        if isinstance(message, BlockTransactions):
            return (_other_transactions(message, int(draw.integers(ANSWERS))),)
        assert isinstance(message, WholeBlock)
        payload = message.payload
        turned = payload[:-1] + bytes([payload[-1] ^ 1]) if payload else payload
        return (replace(message, payload=turned),)

    kinds = (CompactProposal, CompactBlock, BlockTransactions, WholeBlock)
    return Speaker(honest, context, kinds, change)


def _spoilt(form: CompactForm, lie: int) -> CompactForm:
    ids, first = form.ids, form.ids[:SHORT_ID_BYTES]
    if lie == 0:
        return replace(form, ids=bytes([byte ^ 0x55 for byte in ids]))
    if lie == 1:
        return replace(form, ids=ids[SHORT_ID_BYTES:] + first)
    if lie == 2:
        return replace(form, ids=first * (len(ids) // SHORT_ID_BYTES))
    if lie == 3:
        return replace(form, ids=ids[:-1], prefilled=((60_000, b"\x02"),))
    if lie == 4:
        return replace(form, header=form.header[:-1] + bytes([form.header[-1] ^ 1]))
    return form


def _other_transactions(answer: BlockTransactions, lie: int) -> BlockTransactions:
    if lie == 0:
        return replace(answer, transactions=())
    if lie == 1:
        return replace(answer, transactions=answer.transactions[::-1])
    return replace(answer, transactions=tuple([raw[:-1] + b"\x01" for raw in answer.transactions]))
