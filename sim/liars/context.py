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
from primitives.ids import NodeId
from primitives.machine import Machine, Message
from sim.liars.place import LiarPlace

AnySigned = TypeVar("AnySigned", bound=Signed)


class LiarTimer(msgspec.Struct, frozen=True, gc=False):
    """Names an alarm that belongs to the liar and not to the machine that it wraps."""

    number: int


@dataclass(frozen=True, slots=True)
class LiarContext:
    """What one liar knows of its network."""

    node: NodeId
    """Itself."""
    params: ConsensusParams
    message_types: tuple[type[Message], ...]
    """Every kind of message that nodes exchange, in wire order."""
    place: Callable[[], LiarPlace]
    """Where it stands in the epoch that its honest machine is in: the committee, whom of it to
    mislead, its own index and keys. Ask again in every turn, for committees change."""
    members: Callable[[str], Seq[NodeId]]
    """The other members of a group, as a `Broadcast` reaches them."""
    accomplices: tuple[NodeId, ...]
    """All nodes that tell the same lie, itself among them, ascending."""
    generator: np.random.Generator
    """Its own."""
    spare: Callable[[], Machine]
    """Makes another honest machine of the same identity, with an empty store."""

    def is_own(self, proposal: PrePrepare) -> bool:
        """Tell whether this node proposes here, as the primary of a view (`LiarPlace.is_own`)."""
        return self.place().is_own(proposal)

    def sign(self, message: AnySigned) -> AnySigned:
        """Return `message` with this validator's true signature over what it says.

        It is one of the epoch of the moment. A node that has no vote there cannot sign.
        """
        place = self.place()
        assert place.keys is not None, "only a validator has a key to lie with"
        votes = place.keys.vote_signer
        counted = isinstance(message, Prepare | Commit)
        signer = votes if counted and votes is not None else place.keys.signer
        signature = signer.sign(signed_payload(place.binding, message))
        return msgspec.structs.replace(message, signature=signature)


class LiarFactory(Protocol):
    """What an entry point of the group `orrery.liars` names."""

    def __call__(self, honest: Machine, context: LiarContext) -> Machine:
        """Return a machine that misbehaves, by changing what `honest` is told or says."""
        ...
