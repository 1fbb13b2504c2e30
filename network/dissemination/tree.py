"""Who passes which shred on to whom: one tree for each shred, known to all without a word.

The members other than the leader are shuffled for each shred. The first one hears from the leader
and passes the shred to the next `fanout`, each of which passes it on to as many. So in one tree a
few nodes do all the work and most do none; over all shreds of a block everybody does about the
same. A node that keeps silent takes from the others only what it should have passed on: some
shreds of each, which the parity makes up for.

The seed does not depend on the block's content, or a leader would try contents until its friends
stood at the top. Anybody can compute the trees of a place in advance, as in Turbine; what that
lets an attacker do is bounded by the repair of shreds.

Reference: Solana's Turbine (fan-out 200, a shuffle for each shred). There the shuffle is weighted
by stake; here every member counts the same.
"""

from collections.abc import Sequence
from typing import Final

import numpy
from numpy.typing import NDArray

from network.dissemination.policy import Place
from primitives.errors import InvalidInput
from primitives.ids import NodeId
from primitives.keccak import keccak256

_GOLDEN: Final = numpy.uint64(0x9E3779B97F4A7C15)
_FIRST: Final = numpy.uint64(0xBF58476D1CE4E5B9)
_SECOND: Final = numpy.uint64(0x94D049BB133111EB)


def tree_orders(
    domain: bytes, place: Place, others: Sequence[NodeId], shreds: int
) -> NDArray[numpy.int64]:
    """Return for each shred the members in the order of its tree.

    Args:
        domain: what tells this network and epoch from others.
        place: of the block.
        others: all members but the leader, in an order that all agree on.
        shreds: how many.

    Returns:
        Shape (shreds, members), node ids.
    """
    numbers = place.sequence.to_bytes(8, "big") + place.view.to_bytes(8, "big")
    seed = int.from_bytes(keccak256(b"orrery/tree" + domain + numbers)[:8], "big")
    at = numpy.arange(shreds * len(others), dtype=numpy.uint64) * _GOLDEN + numpy.uint64(seed)
    keys = _mix(at).reshape(shreds, len(others))
    members = numpy.array(others, numpy.int64)
    orders: NDArray[numpy.int64] = members[numpy.argsort(keys, axis=1, kind="stable")]
    return orders


def _mix(words: NDArray[numpy.uint64]) -> NDArray[numpy.uint64]:
    """Spread words evenly (the output function of SplitMix64)."""
    words = (words ^ (words >> numpy.uint64(30))) * _FIRST
    words = (words ^ (words >> numpy.uint64(27))) * _SECOND
    return words ^ (words >> numpy.uint64(31))


def child_positions(position: int, fanout: int, count: int) -> range:
    """Return the positions that one position of a tree passes a shred on to.

    Position 0 serves the next `fanout`. Below, the members of one neighbourhood of `fanout` take
    turns at serving the positions after it, so that a last layer that is not full is spread over
    all of them and does not hang on the first.

    Raises:
        InvalidInput: no tree has this fan-out.
    """
    if fanout < 1:
        raise InvalidInput("dissemination.fanout", "at least 1", fanout)
    if position == 0:
        return range(1, min(1 + fanout, count))
    turn = (position - 1) % fanout
    first = (position - turn) * fanout + turn + 1
    return range(min(first, count), min(first + fanout * fanout, count), fanout)


def own_children(
    orders: NDArray[numpy.int64], node: NodeId, fanout: int
) -> tuple[tuple[NodeId, ...], ...]:
    """Return for each shred to whom a node passes it on; nobody if it is not in the trees."""
    children: list[tuple[NodeId, ...]] = []
    for order in orders:
        here = numpy.flatnonzero(order == node)
        if not len(here):
            children.append(())
            continue
        below = child_positions(int(here[0]), fanout, len(order))
        chosen = order[below.start : below.stop : below.step].tolist()
        children.append(tuple([NodeId(child) for child in chosen]))
    return tuple(children)
