"""Asking for shreds that the trees have not brought, and giving them.

A tree loses what its silent members should have passed on. Parity makes up for that in most
cases; where it does not, the missing number of shreds is asked for, of a few peers chosen by
chance, and of others when those do not have them either. What a dead member should have passed on
from the top of a tree nobody has but the leader, who is asked for all of it from the second time
on. Nobody is blamed for silence here: a peer that has too few shreds itself looks the same.
"""

from collections.abc import Sequence

from numpy.random import Generator

from network.dissemination.messages import GetShreds
from network.dissemination.policy import Place
from network.dissemination.tree_state import Draft, Phase, TreeConfig
from primitives.ids import NodeId
from primitives.machine import NOTHING, Effect, Send

MARGIN = 4
"""One shred more is asked for with so many: a peer may lack some."""


def ask(
    config: TreeConfig, generator: Generator, place: Place, draft: Draft, others: Sequence[NodeId]
) -> list[Send]:
    """Return requests for what is missing, in parts of about the same size.

    Args:
        config: how many peers are asked.
        generator: chooses shreds and peers.
        place: of the block.
        draft: what is held of it.
        others: who may be asked.
    """
    held = draft.shreds
    absent = [index for index in range(draft.total) if index not in held]
    lacking = draft.commitment.data - len(held)
    lacking += -(-lacking // MARGIN)
    wanted = [absent[at] for at in generator.permutation(len(absent))[:lacking].tolist()]
    peers = [others[at] for at in generator.permutation(len(others)).tolist()]
    peers = peers[: config.repair_peers]
    parts = [(peer, wanted[at :: len(peers)]) for at, peer in enumerate(peers)]
    if draft.asked > 1 and draft.leader in others:
        parts = [(draft.leader, wanted), *[each for each in parts if each[0] != draft.leader]]
    root = draft.commitment.root
    return [
        Send(peer, GetShreds(place.sequence, place.view, root, tuple(sorted(part))))
        for peer, part in parts
        if part
    ]


def serve(draft: Draft, sender: NodeId, request: GetShreds) -> Sequence[Effect]:
    """Return the shreds that are held, to each peer as many as the block has and no more."""
    if draft.commitment.root != request.root or draft.phase in (Phase.MISCODED, Phase.REFUSED):
        return NOTHING
    found = [
        draft.shreds[index] for index in dict.fromkeys(request.indexes) if index in draft.shreds
    ]
    found = found[: max(0, draft.total - draft.served.get(sender, 0))]
    if not found:
        return NOTHING
    draft.served[sender] = draft.served.get(sender, 0) + len(found)
    return [Send(sender, shred) for shred in found]
