"""Silent: hears everything, believes itself part of the committee, and never says a word.

To the others it looks like a crash, except that it does not even answer who asks for transactions
that clients have given it.
"""

from primitives.machine import Machine, Message
from sim.liars.context import LiarContext
from sim.liars.speaker import Speaker


def silent(honest: Machine, context: LiarContext) -> Machine:
    """Make a node that says nothing."""
    return Speaker(honest, context, (Message,), lambda to, message: ())
