"""What a liar is told, and what it can do with it: choose victims, and sign whatever it likes.

A liar wraps the honest machine of its node. It is as pure as that one: it changes the events that
the machine is told and the effects that it asks for, draws only from generators that it was
handed, and never touches the world. It holds its own key and nobody else's, so it can say
anything in its own name, and nothing in another's.
"""

from collections.abc import Callable, Sequence as Seq
from dataclasses import dataclass
from typing import Protocol, TypeVar

import msgspec
import numpy as np

from consensus.messages import Commit, Prepare, PrePrepare
from consensus.params import ConsensusParams
from consensus.signing import Signed, signed_payload
from primitives.bls import AggregateSigner
from primitives.committee import Committee
from primitives.ids import NodeId
from primitives.keys import Signer
from primitives.machine import Machine, Message

AnySigned = TypeVar("AnySigned", bound=Signed)


class LiarTimer(msgspec.Struct, frozen=True, gc=False):
    """Names an alarm that belongs to the liar and not to the machine that it wraps."""

    number: int


@dataclass(frozen=True, slots=True)
class LiarContext:
    """One liar's place in the network."""

    index: NodeId
    """Its node; a validator's is also its place in the committee."""
    committee: Committee
    params: ConsensusParams
    message_types: tuple[type[Message], ...]
    """Every kind of message that nodes exchange, in wire order."""
    binding: bytes
    """What every payload that it signs begins with (`consensus.signing.binding`). It is that of the
    first epoch: when the committee has changed, what a liar signs itself is believed no more, and
    only what it bends or holds back of its honest machine's still tells."""
    signer: Signer | None
    """Its key; None for a follower."""
    vote_signer: AggregateSigner | None
    """Signs its votes where certificates are aggregates; None where `signer` does."""
    members: Callable[[str], Seq[NodeId]]
    """The other members of a group, as a `Broadcast` reaches them."""
    accomplices: tuple[NodeId, ...]
    """All nodes that tell the same lie, itself among them, ascending."""
    generator: np.random.Generator
    """Its own."""
    plan: np.random.Generator
    """Draws the same numbers for all accomplices, so that they agree without a word."""
    spare: Callable[[], Machine]
    """Makes another honest machine of the same identity, with an empty store."""

    @property
    def victims(self) -> tuple[NodeId, ...]:
        """The validators that are no accomplices, ascending."""
        return tuple(
            NodeId(node) for node in range(self.committee.size) if node not in self.accomplices
        )

    def halves(self) -> tuple[tuple[NodeId, ...], tuple[NodeId, ...]]:
        """Split the victims by lot, the same for all accomplices; the first half may be larger."""
        drawn = [self.victims[place] for place in self.plan.permutation(len(self.victims))]
        middle = (len(drawn) + 1) // 2
        return tuple(sorted(drawn[:middle])), tuple(sorted(drawn[middle:]))

    def is_own(self, proposal: PrePrepare) -> bool:
        """Tell whether this primary proposes here, and does not show as evidence who proposed what.

        What is shown has no payload.
        """
        return self.committee.primary(proposal.view) == self.index and bool(proposal.payload)

    def sign(self, message: AnySigned) -> AnySigned:
        """Return `message` with this validator's true signature over what it says."""
        assert self.signer is not None, "only a validator has a key to lie with"
        counted = isinstance(message, Prepare | Commit)
        signer = self.vote_signer if counted and self.vote_signer is not None else self.signer
        signature = signer.sign(signed_payload(self.binding, message))
        return msgspec.structs.replace(message, signature=signature)


class LiarFactory(Protocol):
    """What an entry point of the group `orrery.liars` names."""

    def __call__(self, honest: Machine, context: LiarContext) -> Machine:
        """Return a machine that misbehaves, by changing what `honest` is told or says."""
        ...
