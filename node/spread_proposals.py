"""Proposals on their way to the committee: between a validator's consensus and its peers.

Consensus broadcasts a PRE-PREPARE with its block. Where blocks spread otherwise than directly,
the whole message becomes a payload of the node's policy of dissemination, and at the other end
consensus gets it as if its primary had sent it. Whoever does not get it that way gets it as in any
network that loses messages: the primary repeats it whole when it is asked, and peers that have
decided give the block.

What consensus may not say before its log is durable must not leave by another core before that
either. So a proposal first takes a turn through the loop of consensus (`PublishProposal`), which
the durability rule holds back, and is spread in a later turn.

Reference: DESIGN section 2, "How the cores talk inside a node".
"""

from collections.abc import Sequence

from consensus.messages import PrePrepare, ReplicaStatus
from network.dissemination import LeaderContradicts, PayloadLost, Place
from network.offences import Offence
from node.config import Environment
from node.epochs import Epochs
from node.events import ProposalRebuilt, PublishProposal
from node.peer_scores import Misdeed, PeerScores
from node.primaries import Primaries
from node.trace import PrimaryContradicted, ProposalLost
from primitives.codec import decode_canonical, encode_canonical
from primitives.errors import InvalidEncoding
from primitives.ids import Instant, NodeId
from primitives.machine import NOTHING, Broadcast, Effect, Emit, Loopback, Send


def outward(effects: Sequence[Effect]) -> Sequence[Effect]:
    """Hold back the blocks that consensus proposes; the same effects if it proposes nothing."""
    if not any(map(_is_proposal, effects)):
        return effects
    return [
        Loopback(PublishProposal(effect.group, effect.message))
        if isinstance(effect, Broadcast) and isinstance(effect.message, PrePrepare)
        else effect
        for effect in effects
    ]


def _is_proposal(effect: Effect) -> bool:
    return isinstance(effect, Broadcast) and isinstance(effect.message, PrePrepare)


def pack(proposal: PrePrepare) -> bytes:
    """Return a proposal as a payload."""
    return encode_canonical(proposal)


class SpreadProposals:
    """What becomes of proposals that have spread.

    Args:
        environment: what the node shares with its network.
        epochs: its replicas.
        primaries: who leads where.
        scores: notes what peers do wrong.
    """

    __slots__ = ("_environment", "_epochs", "_primaries", "_scores")

    def __init__(
        self, environment: Environment, epochs: Epochs, primaries: Primaries, scores: PeerScores
    ) -> None:
        self._environment = environment
        self._epochs = epochs
        self._primaries = primaries
        self._scores = scores

    def read(self, place: Place, content: bytes) -> PrePrepare | None:
        """Return the proposal of a place; None if the primary has sent something else."""
        try:
            proposal = decode_canonical(content, PrePrepare)
            header = self._environment.blocks.split(proposal.payload).header
            digest = self._environment.blocks.digest(header)
        except InvalidEncoding:
            return None
        named = Place(proposal.sequence, proposal.view)
        return proposal if named == place and digest == proposal.digest else None

    def arrived(self, leader: NodeId, proposal: PrePrepare) -> Sequence[Effect]:
        """Let consensus have a proposal, which it checks as any other."""
        if self._epochs.replica is None:
            return NOTHING
        return (ProposalRebuilt(leader, proposal),)

    def is_meaningless(self, now: Instant, leader: NodeId) -> Sequence[Effect]:
        """Note that a primary has signed what is no proposal of the place it is for."""
        return self._scores.count(now, leader, Offence.MISCODED)

    def on_lost(self, now: Instant, effect: PayloadLost) -> Sequence[Effect]:
        """Ask the primary for a proposal whose parts do not come; do without one that has none."""
        place = effect.place
        leader = self._primaries.leader_of(place)
        lost = Emit(ProposalLost(place.sequence, place.view, effect.is_miscoded))
        if effect.is_miscoded:
            return [lost, *self._scores.count(now, leader, Offence.MISCODED)]
        replica, epoch = self._epochs.replica, self._epochs.epoch.number
        if replica is None or place.sequence <= replica.delivered:
            return (lost,)
        status = ReplicaStatus(replica.view, replica.delivered, alone=True, epoch=epoch)
        return lost, Send(leader, status)

    def on_contradiction(self, now: Instant, effect: LeaderContradicts) -> Sequence[Effect]:
        """Note that a primary has signed two payloads for one place."""
        first = effect.first
        return self.contradicted(now, effect.leader, Place(first.sequence, first.view))

    def contradicted(self, now: Instant, leader: NodeId, place: Place) -> Sequence[Effect]:
        """Note that a primary says two things in one place."""
        told = PrimaryContradicted(leader, place.sequence, place.view)
        return [Emit(told), *self._scores.count(now, leader, Misdeed.EQUIVOCATION)]
