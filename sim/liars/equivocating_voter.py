"""Equivocating voter: its PREPARE and COMMIT name a different block for each of half the others.

The votes are properly signed. They can neither complete a quorum for a block that nobody proposed,
nor may they take the place of the votes that are still to come.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from consensus.messages import Commit, Prepare
from primitives.ids import NodeId
from primitives.keccak import keccak256
from primitives.machine import Machine, Message
from sim.liars.context import LiarContext
from sim.liars.speaker import Speaker


def equivocating_voter(honest: Machine, context: LiarContext) -> Machine:
    """Make a node that votes for as many blocks as it has victims."""

    def change(to: NodeId, message: Message) -> Iterable[Message]:
        assert isinstance(message, Prepare | Commit)
        place = context.place()
        _, misled = place.halves
        if to not in misled or message.replica != place.index:
            return (message,)
        other = keccak256(message.digest + to.to_bytes(4, "big"))
        return (context.sign(replace(message, digest=other)),)

    return Speaker(honest, context, (Prepare, Commit), change)
