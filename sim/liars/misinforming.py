"""Misinforming: an honest replica that lies to gateways only, each time in another way.

Signatures that are not its own, two true ones for two blocks at one place, the same one three
times, proofs of another result, certificates of nothing, refusals of what it has taken. What
clients are told rests on a quorum of signatures and on proofs, so none of it may come through.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from consensus.messages import TentativeVote
from node.confirmation_messages import BlockResults, FinalBlock, TentativeBlock
from primitives.ids import Hash32, NodeId, Sequence, View
from primitives.keccak import keccak256
from primitives.machine import Machine, Message
from sim.liars.context import LiarContext
from sim.liars.speaker import Speaker


class Misinforming:
    """Changes what gateways are told. Its lies follow one another in a fixed turn."""

    def __init__(self, context: LiarContext) -> None:
        self._context = context
        self._turn = 0

    def change(self, to: NodeId, message: Message) -> Iterable[Message]:
        """Return what to send instead."""
        self._turn += 1
        if isinstance(message, TentativeBlock):
            return self._signatures(message)
        if isinstance(message, BlockResults):
            return (self._results(message),)
        assert isinstance(message, FinalBlock), "no other kind is changed"
        return (replace(message, certificate=message.certificate[: self._turn % 2 * 40]),)

    def _signatures(self, message: TentativeBlock) -> tuple[Message, ...]:
        other = self._other_block(message)
        return (
            (replace(message, signature=bytes(64)),),
            (message, message, message),
            (other, message),
            (replace(message, digest=other.digest),),
            (message, other),
        )[self._turn % 5]

    def _other_block(self, message: TentativeBlock) -> TentativeBlock:
        """Return a signature for a block that does not exist: a true one, while it has a vote."""
        digest = Hash32(keccak256(message.digest))
        place = self._context.place()
        if place.index is None or message.epoch != place.epoch:
            return replace(message, digest=digest)
        where = View(message.view), Sequence(message.sequence)
        signed = self._context.sign(TentativeVote(*where, digest, int(place.index), b""))
        return replace(message, digest=digest, signature=signed.signature)

    def _results(self, message: BlockResults) -> BlockResults:
        nodes = message.receipt_nodes
        return (
            replace(message, receipt_nodes=(*nodes[:-1], nodes[-1] + b"!")),
            replace(message, indexes=tuple(reversed(message.indexes)), receipt_nodes=nodes[1:]),
            replace(message, header=message.header[:-1]),
        )[self._turn % 3]


def misinforming(honest: Machine, context: LiarContext) -> Machine:
    """Make a validator that gateways cannot trust."""
    change = Misinforming(context).change
    return Speaker(honest, context, (TentativeBlock, BlockResults, FinalBlock), change)
