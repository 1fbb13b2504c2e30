"""False ids: announces over a mesh what nobody has, and withholds or changes what it is asked for.

It tells ids of nothing beside those that are true, and asks four times for what it hears of. What
is to be passed on or given by turns it only announces, changes or gives. It says nothing when it
cuts a link, and tells everybody of a message at once that it has not looked at yet.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from network.mesh import MeshDontWant, MeshHave, MeshPayload, MeshPrune, MeshWant
from network.mesh.messages import IDENTITY_BYTES, IDS_PER_MESSAGE
from network.mesh.topics import BLOCKS, TRANSACTIONS
from primitives.ids import NodeId
from primitives.machine import Machine, Message
from sim.liars.context import LiarContext
from sim.liars.speaker import Speaker

FALSE_IDS = 40
REPEATS = 4
"""How often each request is sent."""
SHARE = 3
"""One of so many messages is only announced, and one changed."""


def false_ids(honest: Machine, context: LiarContext) -> Machine:
    """Make a node whose announcements cannot be relied on."""
    draw = context.generator

    def made_up() -> tuple[bytes, ...]:
        made = draw.bytes(FALSE_IDS * IDENTITY_BYTES)
        starts = range(0, len(made), IDENTITY_BYTES)
        return tuple([made[start : start + IDENTITY_BYTES] for start in starts])

    def change(to: NodeId, message: Message) -> Iterable[Message]:
        match message:
            case MeshPayload():
                announced = MeshHave(message.topic, made_up())
                changed = replace(message, payload=message.payload[:-1] + b"\x00")
                return ((announced,), (changed,), (message,))[int(draw.integers(SHARE))]
            case MeshHave():
                return (replace(message, ids=(*made_up(), *message.ids)[:IDS_PER_MESSAGE]),)
            case MeshWant():
                return (message,) * REPEATS
            case MeshDontWant():
                told = [MeshHave(topic, message.ids) for topic in (BLOCKS, TRANSACTIONS)]
                return (message, *told)
            case _:
                return ()

    kinds = (MeshPayload, MeshHave, MeshWant, MeshDontWant, MeshPrune)
    return Speaker(honest, context, kinds, change)
