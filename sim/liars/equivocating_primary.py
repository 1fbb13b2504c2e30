"""Equivocating primary: proposes two valid blocks for one sequence, one to each half.

Both are properly signed, and each half alone sees nothing wrong. The quorum rule is what stops it:
two quorums share an honest replica, and that one prepares only the first block it was shown. With
each proposal goes a PREPARE of its own, which may not count: the proposal stands for it.
"""

from collections.abc import Iterable

from consensus.messages import Prepare, PrePrepare
from primitives.ids import NodeId
from primitives.machine import Machine, Message
from sim.liars.context import LiarContext
from sim.liars.forgery import second_story
from sim.liars.speaker import Speaker


def equivocating_primary(honest: Machine, context: LiarContext) -> Machine:
    """Make a node that, as primary, tells one half of the others another story."""

    def change(to: NodeId, message: Message) -> Iterable[Message]:
        assert isinstance(message, PrePrepare)
        place = context.place()
        if place.index is None or not place.is_own(message):
            return (message,)
        _, misled = place.halves
        told = second_story(message, context) if to in misled else message
        block = (told.view, told.sequence, told.digest, told.parent)
        return (told, context.sign(Prepare(*block, int(place.index), b"")))

    return Speaker(honest, context, (PrePrepare,), change)
