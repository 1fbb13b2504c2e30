"""Proposals in compact form: between a validator's consensus and its peers.

Consensus sees whole blocks. What leaves as a PRE-PREPARE with a block goes out as one without,
and beside it the block's compact form; what comes so is held here until the block is whole. The
signature is looked at first, so that only the primary of a view can make a validator go through
its pool. A vote that overtakes the proposal meanwhile is for consensus nothing new.

Where a block does not come together, consensus gets the proposal without it, as from a primary
that keeps its blocks to itself: it then asks the others, one after another. So compact blocks
never cost a validator a block that it would have had.

Reference: DESIGN section 2, "How the cores talk inside a node"; BIP 152.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from consensus.costs import VOTE_VERIFY
from consensus.messages import PrePrepare
from network.compact import BlockLost, BlockRebuilt
from network.gossip import Gossip
from network.offences import Offence
from node.config import Environment
from node.epochs import Epochs
from node.events import ProposalRebuilt
from node.peer_scores import PeerScores
from node.relay import Relay
from node.relay_messages import CompactProposal
from primitives.errors import InvalidEncoding
from primitives.ids import Hash32, Instant, NodeId
from primitives.machine import NOTHING, Broadcast, Effect, Send, Work


class CompactProposals:
    """Replaces blocks by their compact forms and back.

    Args:
        environment: what the node shares with its network.
        relay: rebuilds blocks, and answers for those that this node has sent.
        epochs: its replicas.
        gossip: knows which transactions nobody has been told of.
        scores: notes what peers do wrong.
    """

    __slots__ = (
        "_environment",
        "_epochs",
        "_gossip",
        "_relay",
        "_scores",
        "_waiting",
        "_window",
    )

    def __init__(
        self,
        environment: Environment,
        relay: Relay,
        epochs: Epochs,
        gossip: Gossip,
        scores: PeerScores,
    ) -> None:
        self._environment = environment
        self._relay = relay
        self._epochs = epochs
        self._gossip = gossip
        self._scores = scores
        self._window = environment.consensus.window
        self._waiting: dict[Hash32, dict[NodeId, ProposalRebuilt]] = {}
        """Proposals whose blocks are on their way, without payload. Of each sender the latest, so
        that nobody takes the place of another's."""

    def outward(self, effects: Sequence[Effect]) -> Sequence[Effect]:
        """Put compact forms into what consensus sends; the same effects if it proposes nothing."""
        if not self._relay.proposes:
            return effects
        for effect in effects:
            if isinstance(effect, Broadcast) and isinstance(effect.message, PrePrepare):
                break
        else:
            return effects
        outward: list[Effect] = []
        for effect in effects:
            if isinstance(effect, Broadcast) and isinstance(effect.message, PrePrepare):
                outward += self._propose(effect, effect.message)
            else:
                outward.append(effect)
        return outward

    def on_compact_proposal(
        self, now: Instant, sender: NodeId, message: CompactProposal
    ) -> Sequence[Effect]:
        """Take a proposal whose block has to be put together."""
        proposal = message.proposal
        replica, epoch = self._epochs.replica, self._epochs.epoch
        members = epoch.committee.members
        if replica is None or proposal.payload or proposal.view < replica.view:
            return NOTHING
        primary = members[epoch.committee.primary(proposal.view)].node
        if sender != primary or proposal.sequence <= replica.delivered:
            return NOTHING
        work = Work(VOTE_VERIFY, 1)
        if not self._environment.verifier_of(epoch).verify_message(proposal):
            return (work,)
        digest = Hash32(proposal.digest)
        if proposal.sequence > replica.delivered + self._window:
            return work, ProposalRebuilt(sender, proposal)
        known = self._relay.payload(digest)
        if known is not None:
            return work, ProposalRebuilt(sender, replace(proposal, payload=known))
        if not self._is_meant(message):
            noted = self._scores.count(now, sender, Offence.OTHER_PARTS)
            return [work, *noted, ProposalRebuilt(sender, proposal)]
        return [work, *self._begin(now, sender, message)]

    def on_block_rebuilt(self, now: Instant, effect: BlockRebuilt) -> Sequence[Effect]:
        """Give consensus the proposals that waited for a block; the relay, what it waits for."""
        waited = self._waiting.pop(effect.digest, {})
        whole: list[Effect] = [
            ProposalRebuilt(each.sender, replace(each.proposal, payload=effect.payload))
            for each in waited.values()
        ]
        return [*whole, *self._relay.on_block_rebuilt(now, effect)]

    def on_block_lost(self, now: Instant, effect: BlockLost) -> Sequence[Effect]:
        """Let consensus ask others for a block that its primary does not give."""
        waited = self._waiting.pop(effect.digest, {})
        return [*waited.values(), *self._relay.on_block_lost(now, effect)]

    def _begin(self, now: Instant, sender: NodeId, message: CompactProposal) -> Sequence[Effect]:
        """Let the relay rebuild the block, and keep the proposal meanwhile."""
        proposal, receiver = message.proposal, self._relay.core.receiver
        digest, room = Hash32(proposal.digest), 0
        effects = self._clear(now)
        replica = self._epochs.replica
        if replica is not None and proposal.view == replica.view:
            room = self._window
            effects += self._make_way(now, sender, message)
        self._waiting.setdefault(digest, {})[sender] = ProposalRebuilt(sender, proposal)
        effects += receiver.begin(now, sender, message.form, proposed=True, room=room)
        rebuilt = any(isinstance(effect, BlockRebuilt) for effect in effects)
        if not rebuilt and digest not in receiver.state.rebuilds:
            # No room, or a malformed form.
            effects += self._waiting.pop(digest).values()
        return effects

    def _clear(self, now: Instant) -> list[Effect]:
        """Give up what was decided since, or is left of earlier views."""
        receiver, effects = self._relay.core.receiver, list[Effect]()
        for digest in [each for each in self._waiting if self._is_over(each)]:
            del self._waiting[digest]
            effects += receiver.forget(now, digest)
        return effects

    def _is_over(self, digest: Hash32) -> bool:
        """Tell whether consensus has no use for any proposal of a block any more."""
        replica = self._epochs.replica
        return replica is None or all(
            each.proposal.view < replica.view or each.proposal.sequence <= replica.delivered
            for each in self._waiting[digest].values()
        )

    def _make_way(self, now: Instant, sender: NodeId, message: CompactProposal) -> Sequence[Effect]:
        """Give up another form of the block that the present primary proposes.

        It may be another node's: whoever is primary of a later view could sign this block, and be
        silent. Or the primary's own, which after a crash does not answer for its earlier form.
        """
        receiver = self._relay.core.receiver
        rebuild = receiver.state.rebuilds.get(Hash32(message.proposal.digest))
        if rebuild is None or sender in rebuild.failed:
            return NOTHING
        if sender == rebuild.source and message.form == rebuild.form:
            return NOTHING
        return receiver.forget(now, rebuild.digest)

    def _is_meant(self, message: CompactProposal) -> bool:
        try:
            digest = self._environment.blocks.digest(message.form.header)
        except InvalidEncoding:
            return False
        return digest == message.proposal.digest

    def _propose(self, effect: Broadcast, proposal: PrePrepare) -> list[Effect]:
        """Return what leaves in place of a proposal, to each as it understands it."""
        relay, digest = self._relay, Hash32(proposal.digest)
        try:
            effects = [*relay.hold(proposal.payload, digest, lacking=self._gossip.untold())]
        except InvalidEncoding:
            return [effect]  # Consensus orders opaque blocks; this one is none.
        form = relay.form(digest)
        if form is None:
            return [*effects, effect]
        compact = CompactProposal(replace(proposal, payload=b""), form)
        committee = self._epochs.epoch.committee
        own = self._epochs.place()
        nodes = committee.nodes
        first = 0 if own is None else own.index + 1
        others = [*nodes[first:], *nodes[: max(0, first - 1)]]
        unable = [node for node in others if not relay.is_able(node)]
        if not unable:
            return [*effects, Broadcast(effect.group, compact)]
        if len(unable) == len(others):
            return [*effects, effect]
        apart = frozenset(unable)
        return [*effects, *(Send(n, proposal if n in apart else compact) for n in others)]
