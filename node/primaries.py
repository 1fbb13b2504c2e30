"""Who leads where, and by which keys, as those who spread blocks have to know it."""

from consensus.signing import binding
from network.dissemination import Place, TreeRoster
from node.config import Environment
from node.epochs import Epochs
from primitives.epoch import Epoch
from primitives.ids import NodeId, View
from primitives.keys import Signer, Verifier


class Primaries:
    """The committee of the epoch that a node is in.

    Args:
        environment: what the node shares with its network.
        epochs: the node's.
    """

    __slots__ = ("_environment", "_epochs", "verifier")

    def __init__(self, environment: Environment, epochs: Epochs) -> None:
        self._environment = environment
        self._epochs = epochs
        self.verifier: Verifier = environment.later_verifiers.plain
        """Checks single signatures."""

    @property
    def epoch(self) -> Epoch:
        """The epoch of the next block."""
        return self._epochs.epoch

    @property
    def domain(self) -> bytes:
        """What every signature of this epoch is bound to."""
        return binding(self._environment.genesis_block.digest, epoch=self.epoch.number)

    @property
    def signer(self) -> Signer | None:
        """What this node signs with; None while it is no validator."""
        place = self._epochs.place()
        return None if place is None else place.keys.signer

    @property
    def view(self) -> int:
        """The view that this node's replica is in; 0 while it has none."""
        replica = self._epochs.replica
        return 0 if replica is None else replica.view

    def leader_of(self, place: Place) -> NodeId:
        """Return the primary of a view."""
        committee = self.epoch.committee
        return committee.members[committee.primary(View(place.view))].node

    def key_of(self, place: Place) -> bytes:
        """Return the public key of the primary of a view."""
        committee = self.epoch.committee
        return committee.members[committee.primary(View(place.view))].public_key

    def roster(self) -> TreeRoster:
        """Return who takes part in coded trees."""
        committee = self.epoch.committee
        keys = {member.node: member.public_key for member in committee.members}
        return TreeRoster(self.domain, committee.nodes, keys, self.leader_of, self.epoch.number)
