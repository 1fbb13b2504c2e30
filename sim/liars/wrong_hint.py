"""Wrong hint: proposes valid blocks beside which stand hints that are none, or are not true.

Where headers commit to block access lists, a wrong one stands beside the hint.

Nobody signs what stands there, so there is no evidence against it, and no reason to refuse the
block. All that it may cost is time: what was planned wrongly is executed again, what was tied
together for nothing waits.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from consensus.messages import PrePrepare
from node.enclosure import encode_enclosure
from node.schedule.hint import ScheduleHint, encode_hint
from primitives.access import ADDRESS_BYTES, NONCE, AccessSet
from primitives.block import Block, decode_block
from primitives.block_access_list import encode_access_list
from primitives.ids import NodeId
from primitives.machine import Machine, Message
from sim.liars.context import LiarContext
from sim.liars.speaker import Speaker

NOTHING = AccessSet((), ())
ONE_CELL = (b"\xee" * ADDRESS_BYTES + NONCE,)
EVERYTHING = AccessSet(ONE_CELL, ONE_CELL)
"""All transactions want the same cell, so each waits for the one before it."""
NO_ACCOUNTS = encode_access_list(())
"""Wrong of every block: at least the protocol's own contracts are called."""


def wrong_hint(honest: Machine, context: LiarContext) -> Machine:
    """Make a node that, as primary, says of each block one of three wrong things.

    Either that no transaction touches anything, or that each depends on the one before it, or
    nothing that could be read. All hear the same.
    """
    said: dict[bytes, bytes] = {}

    def invented(proposal: PrePrepare) -> bytes:
        known = said.get(proposal.digest)
        if known is None:
            block = decode_block(proposal.payload)
            known = _lie(int(context.generator.integers(3)), block, context)
            said.clear()
            said[proposal.digest] = known
        return known

    def change(to: NodeId, message: Message) -> Iterable[Message]:
        assert isinstance(message, PrePrepare)
        if not context.is_own(message) or not message.payload:
            return (message,)
        return (replace(message, hint=invented(message)),)

    return Speaker(honest, context, (PrePrepare,), change)


def _lie(kind: int, block: Block, context: LiarContext) -> bytes:
    if kind == 0:
        return context.generator.bytes(40)
    count = len(block.transactions)
    accesses = (NOTHING if kind == 1 else EVERYTHING,) * count
    schedule = encode_hint(ScheduleHint(accesses, (0,) * count))
    is_listed = block.header.block_access_list_hash is not None
    return encode_enclosure(schedule, NO_ACCOUNTS if is_listed else b"")
