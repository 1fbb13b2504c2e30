"""False shreds: cuts its blocks otherwise than it should, and passes others' shreds on likewise.

As primary it lies by turns. It signs the shreds of two payloads for one place and gives each half
of the others one of them; signs shreds that are no code word; sends fewer than anybody needs; and
in between it is honest. As a member of others' trees it drops some shreds and changes some.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from network.dissemination import BlockShred, Commitment, Place, ReedSolomon
from network.dissemination.merkle import MerkleTree
from network.dissemination.shreds import cut, signed_payload
from primitives.ids import NodeId, View
from primitives.machine import Machine, Message
from sim.liars.context import LiarContext
from sim.liars.speaker import Speaker

LIES = 4
SHARE = 3
"""One of so many shreds of others is dropped, and one changed."""


class _Forger:
    """Makes the shreds of payloads that nobody has proposed; remembers those of one place."""

    def __init__(self, context: LiarContext) -> None:
        self._context = context
        self._made: tuple[Commitment, int] | None = None
        self._shreds: tuple[BlockShred, ...] = ()

    def another(self, shred: BlockShred) -> BlockShred:
        """Return the shred of a second payload in the place of one of the first."""
        self._make(shred.commitment, 0)
        return self._shreds[shred.index]

    def miscoded(self, shred: BlockShred) -> BlockShred:
        """Return a shred of what is no code word."""
        self._make(shred.commitment, 1)
        return self._shreds[shred.index]

    def _make(self, honest: Commitment, lie: int) -> None:
        if self._made == (honest, lie):
            return
        self._made = honest, lie
        told, keys = self._context.place(), self._context.place().keys
        assert keys is not None, "only a validator leads"
        code = ReedSolomon(honest.data, honest.parity)
        place, payload = Place(honest.sequence, honest.view), bytes(honest.length)
        shreds = cut(code, told.binding, place, payload, keys.signer, honest.epoch)
        if lie:
            pieces = [bytes([index % 251]) * len(each.data) for index, each in enumerate(shreds)]
            tree = MerkleTree(pieces)
            bare = replace(shreds[0].commitment, root=tree.root)
            signature = keys.signer.sign(signed_payload(told.binding, bare))
            commitment = replace(bare, signature=signature)
            shreds = tuple(
                [
                    BlockShred(commitment, index, tree.proof(index), data)
                    for index, data in enumerate(pieces)
                ]
            )
        self._shreds = shreds


def false_shreds(honest: Machine, context: LiarContext) -> Machine:
    """Make a node whose shreds cannot be relied on."""
    draw, forger = context.generator, _Forger(context)

    def change(to: NodeId, message: Message) -> Iterable[Message]:
        assert isinstance(message, BlockShred)
        place, commitment = context.place(), message.commitment
        if place.index is None or place.committee.primary(View(commitment.view)) != place.index:
            turn = int(draw.integers(SHARE))
            changed = replace(message, data=bytes(len(message.data)))
            return ((), (changed,), (message,))[turn]
        match commitment.sequence % LIES:
            case 0:
                return (forger.another(message) if to in place.halves[1] else message,)
            case 1:
                return (forger.miscoded(message),)
            case 2:
                return (message,) if message.index < commitment.data // 2 else ()
            case _:
                return (message,)

    return Speaker(honest, context, (BlockShred,), change)
