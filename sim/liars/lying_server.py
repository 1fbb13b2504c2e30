"""Lying server: gives those who are behind false blocks, false states, or says it has nothing.

It votes honestly. Each kind of lie comes in turn: a block whose payload is not its certificate's, a
chunk with one balance changed or one account left out, an offer with another committee's word for
it, a chunk that is said to be too large, a state that is said to be gone. Whoever asks must notice
the first false chunk by itself, leave the liar and lose nothing that others gave.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from network.messages import CertifiedBlock, CertifiedBlocks, Chunk, Content, SnapshotOffer
from primitives.ids import NodeId
from primitives.machine import Machine, Message
from sim.liars.context import LiarContext
from sim.liars.speaker import Speaker


def lying_server(honest: Machine, context: LiarContext) -> Machine:
    """Make a node that lies to those who fetch blocks or states."""

    def change(to: NodeId, message: Message) -> Iterable[Message]:
        if isinstance(message, CertifiedBlocks):
            return (replace(message, blocks=tuple(_spoilt(each) for each in message.blocks)),)
        if isinstance(message, SnapshotOffer):
            return (_boast(message) if context.generator.integers(4) == 0 else message,)
        assert isinstance(message, Chunk)
        return (_false_chunk(message, int(context.generator.integers(4))),)

    return Speaker(honest, context, (CertifiedBlocks, SnapshotOffer, Chunk), change)


def _spoilt(block: CertifiedBlock) -> CertifiedBlock:
    return CertifiedBlock(block.payload[:-1] + b"\x01", block.certificate)


def _boast(offer: SnapshotOffer) -> SnapshotOffer:
    """Return an offer of a block that nobody has decided."""
    return replace(offer, height=offer.height + 1_000)


def _false_chunk(chunk: Chunk, lie: int) -> Chunk:
    if lie == 0 or not chunk.accounts:
        return replace(chunk, content=Content.SPLIT, accounts=(), way=())
    if lie == 1:
        return replace(chunk, content=Content.GONE, accounts=(), way=())
    if lie == 2:
        return replace(chunk, accounts=chunk.accounts[1:])
    (address, slim), *others = chunk.accounts
    return replace(chunk, accounts=((address, slim[:-3] + b"\x07" + slim[-2:]), *others))
