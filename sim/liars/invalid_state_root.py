"""Invalid state root: proposes well-formed, signed blocks whose header lies about the accounts.

Only execution shows it. Everyone must refuse the block before voting, and replace the primary.
"""

from collections.abc import Iterable

from consensus.messages import PrePrepare
from primitives.ids import NodeId
from primitives.machine import Machine, Message
from sim.liars.context import LiarContext
from sim.liars.forgery import wrong_state
from sim.liars.speaker import Speaker


def invalid_state_root(honest: Machine, context: LiarContext) -> Machine:
    """Make a node that, as primary, claims a state that its block does not lead to."""

    def change(to: NodeId, message: Message) -> Iterable[Message]:
        assert isinstance(message, PrePrepare)
        return (wrong_state(message, context) if context.is_own(message) else message,)

    return Speaker(honest, context, (PrePrepare,), change)
