"""A liar's place in an epoch: whom it can mislead there, and in whose name it signs.

Committees change, and consensus begins anew with each (`node.epochs`). A liar goes along with its
honest machine: what it signs is bound to the epoch that this one works in, under the key that the
committee of that epoch knows, and names the liar by its index there, which need not be its node.
"""

from collections.abc import Callable

import msgspec
import numpy as np

from consensus.messages import PrePrepare
from consensus.origin import Origin
from consensus.signing import binding
from node.epochs import Epochs, group_of
from node.verifiers import Keys
from primitives.committee import Committee
from primitives.epoch import Epoch
from primitives.ids import Hash32, NodeId, Sequence

Halves = tuple[tuple[NodeId, ...], tuple[NodeId, ...]]


class LiarPlace(msgspec.Struct, frozen=True):
    """Where a liar stands in one epoch."""

    epoch: int
    committee: Committee
    origin: Origin
    """The block that the epoch begins above."""
    binding: bytes
    """What every payload that is signed in it begins with (`consensus.signing.binding`)."""
    index: NodeId | None
    """The liar's place in the committee; None where it has no vote."""
    keys: Keys | None
    """Those of its own that the committee knows; None where it has no vote."""
    drawn: tuple[NodeId, ...]
    """The nodes of the committee that are no accomplices, in an order drawn by lot."""
    halves: Halves
    """The same in two halves, each ascending; the first may be larger by one."""

    @property
    def group(self) -> str:
        """The group that the committee makes, for a `Broadcast`."""
        return group_of(self.epoch)

    @property
    def victims(self) -> tuple[NodeId, ...]:
        """The nodes of the committee that are no accomplices, ascending."""
        return tuple(sorted(self.drawn))

    def is_own(self, proposal: PrePrepare) -> bool:
        """Tell whether this primary proposes here, and does not show as evidence who proposed what.

        What is shown has no payload.
        """
        return self.committee.primary(proposal.view) == self.index and bool(proposal.payload)


def find_place(
    epoch: Epoch,
    origin: Origin,
    genesis_hash: Hash32,
    accomplices: tuple[NodeId, ...],
    plan: np.random.Generator,
) -> LiarPlace:
    """Return what an epoch is to a liar that has no vote in it.

    Args:
        epoch: its number and committee count.
        origin: the block that it begins above.
        genesis_hash: the chain.
        accomplices: all nodes that tell the same lie.
        plan: unused so far; draws the same for all of them.
    """
    victims = [node for node in sorted(epoch.committee.nodes) if node not in accomplices]
    drawn = [NodeId(victims[place]) for place in plan.permutation(len(victims))]
    middle = (len(drawn) + 1) // 2
    return LiarPlace(
        epoch=epoch.number,
        committee=epoch.committee,
        origin=origin,
        binding=binding(genesis_hash, epoch=epoch.number),
        index=None,
        keys=None,
        drawn=tuple(drawn),
        halves=(tuple(sorted(drawn[:middle])), tuple(sorted(drawn[middle:]))),
    )


class Places:
    """A liar's place from epoch to epoch, read off its honest machine.

    Args:
        epochs: the honest machine's.
        genesis_hash: the chain.
        accomplices: all nodes that tell the same lie.
        plan: makes the generator of an epoch, the same one for all of them.
    """

    __slots__ = ("_accomplices", "_epochs", "_genesis_hash", "_place", "_plan")

    def __init__(
        self,
        epochs: Epochs,
        genesis_hash: Hash32,
        accomplices: tuple[NodeId, ...],
        plan: Callable[[int], np.random.Generator],
    ) -> None:
        self._epochs = epochs
        self._genesis_hash = genesis_hash
        self._accomplices = accomplices
        self._plan = plan
        self._place: LiarPlace | None = None

    def __call__(self) -> LiarPlace:
        """Return the place of the moment."""
        epoch = self._epochs.epoch
        if self._place is None or self._place.epoch != epoch.number:
            self._place = self._find(epoch)
        return self._place

    def _find(self, epoch: Epoch) -> LiarPlace:
        epochs, genesis_hash = self._epochs, self._genesis_hash
        origin = epochs.origin() or genesis_origin(genesis_hash)
        plan = self._plan(epoch.number)
        found = find_place(epoch, origin, genesis_hash, self._accomplices, plan)
        own = epochs.place()
        if own is None:
            return found
        return msgspec.structs.replace(found, index=NodeId(own.index), keys=own.keys)


def genesis_origin(genesis_hash: Hash32) -> Origin:
    """Return what the first epoch begins above."""
    return Origin(Sequence(0), genesis_hash)
