"""How a node spreads blocks and transactions, where that is not directly and by announcements.

Here are the mesh and the coded trees of one node, whose cores are `network.mesh` and
`network.dissemination`, and what they cannot know: who leads where, what a payload is worth, and
when a sequence is decided. Nothing depends on what they bring. A node that gets nothing by them is
like one whose links lose messages, and catches up in the same ways.
"""

from collections.abc import Sequence

from consensus.costs import VOTE_SIGN, VOTE_VERIFY
from network.costs import CODED, PROVEN, RECOVERED
from network.dissemination import (
    CodedTree,
    CutWanted,
    DisseminationTimer,
    LeaderContradicts,
    Meshed,
    PayloadArrived,
    PayloadLost,
    Place,
    RebuildWanted,
)
from network.dissemination.coding import Rebuilt
from network.dissemination.messages import PAYLOAD_BYTES_MAX, BlockShred
from network.mesh import Mesh, MeshArrived, MeshPayload, MeshSubscribe, MeshTimer, Verdict
from network.mesh.topics import BLOCKS, TRANSACTIONS
from network.reconcile import ReconcilingAnnouncer
from node.config import Environment
from node.events import BlockFinal, PeerConnected, PeerGone, PublishProposal
from node.ledger import Ledger
from node.peer_scores import PeerScores
from node.primaries import Primaries
from node.requests import Purpose, Requests
from node.spread_config import SpreadConfig
from node.spread_decisions import Decisions
from node.spread_letters import LetterKind, is_from, open_letter, seal
from node.spread_proposals import SpreadProposals, pack
from node.spread_transactions import MeshTransactions
from primitives.errors import InvalidEncoding
from primitives.ids import Hash32, Instant, NodeId
from primitives.keccak import keccak256
from primitives.machine import (
    NOTHING,
    Broadcast,
    Compute,
    Effect,
    Message,
    Send,
    Serial,
    Work,
)

BEHIND = 4
"""Decided sequences whose shreds are still given away: some members are a little slower."""
VIEWS_APART = 32
"""How far from the view that this node knows of a place is looked at. Every member leads views
without end, and could fill memory and links with blocks of those that nobody will come to."""
ROOM_BYTES = 1_024
"""For what stands around a proposal in a payload."""
PROPOSALS_MAX, DECISIONS_MAX = 2, 1
"""Letters of one place that are passed on. A second proposal is evidence, a third is noise."""


class CutPurpose(Purpose, frozen=True, gc=False):
    """A proposal is being cut into shreds."""

    epoch: int
    place: Place


class RebuildPurpose(Purpose, frozen=True, gc=False):
    """A proposal is being rebuilt from shreds."""

    epoch: int
    place: Place
    root: bytes


class Spreading:
    """The part of a node that spreads.

    Args:
        config: its choices.
        own: the node.
        environment: what it shares with its network.
        ledger: its blocks.
        primaries: who leads where.
        proposals: what becomes of proposals that have spread.
        decisions: what a follower holds.
        requests: numbers computations.
        scores: notes what peers do wrong.

    Raises:
        ValueError: the environment has nothing to choose peers with.
    """

    __slots__ = (
        "_came", "_config", "_environment", "_ledger", "_own", "_primaries", "_requests",
        "_scores", "_view", "announcer", "decisions", "mesh", "meshed", "proposals",
        "transactions", "tree",
    )  # fmt: skip

    def __init__(
        self,
        config: SpreadConfig,
        own: NodeId,
        environment: Environment,
        ledger: Ledger,
        primaries: Primaries,
        proposals: SpreadProposals,
        decisions: Decisions,
        requests: Requests,
        scores: PeerScores,
    ) -> None:
        if environment.draws is None:
            raise ValueError("meshes and coded trees need an environment with draws")
        self._config = config
        self._own = own
        self._environment = environment
        self._ledger = ledger
        self._primaries = primaries
        self._requests = requests
        self._scores = scores
        self._came: dict[tuple[Place, LetterKind], int] = {}
        """Letters that were passed on, undecided ones."""
        self._view = 0
        """Of the last block that was decided in this epoch."""
        self.proposals = proposals
        self.decisions = decisions
        self.mesh: Mesh | None = None
        self.meshed: Meshed | None = None
        """The mesh where it carries blocks."""
        self.tree: CodedTree | None = None
        """None also while this node is no validator."""
        self.transactions: MeshTransactions | None = None
        """Where the mesh carries transactions."""
        self.announcer: ReconcilingAnnouncer | None = None
        """Where transactions are announced by reconciling."""
        if config.has_mesh:
            self.mesh = Mesh(config.mesh, environment.draws, keccak256)
        if self.mesh is not None and config.dissemination == "mesh":
            self.meshed = Meshed(self.mesh)
        self.enter()

    # ---------------------------------------------------------------- its life

    def enter(self) -> None:
        """Go over to the epoch that the node is in now."""
        signer, draws = self._primaries.signer, self._environment.draws
        if self._config.dissemination == "tree" and draws is not None:
            if signer is None:
                self.tree = None
            elif self.tree is not None:
                self.tree.enter(self._primaries.roster(), signer)
            else:
                roster, verifier = self._primaries.roster(), self._primaries.verifier
                self.tree = CodedTree(
                    self._config.tree, roster, self._own, signer, verifier, draws, self._scores
                )
        self._view = 0
        # A height that the last committee has proposed for and not decided is this one's again.
        self._came = {}
        self._advance(Instant(0))

    def start(self, now: Instant) -> list[Effect]:
        """Begin, with the peers that are linked already: they have begun likewise.

        When all begin together, nobody has to say so: between `n` nodes that are all linked it
        would be `n * (n - 1)` messages.
        """
        mesh, topics = self.mesh, self._topics()
        effects: list[Effect] = []
        if self.announcer is not None:
            effects += self.announcer.start(now, self._config.peers)
        if mesh is None:
            return effects
        effects += mesh.start()
        for peer in self._config.peers:
            effects += mesh.connected(now, peer)
            for topic in topics:
                effects += mesh.on_message(now, peer, MeshSubscribe(topic, joined=True))
        for topic in topics:
            effects += mesh.join(now, topic, told=now == 0)
        return effects

    def on_peer_connected(self, now: Instant, event: PeerConnected) -> Sequence[Effect]:
        """Link with a peer."""
        effects: list[Effect] = []
        if self.announcer is not None and event.near:
            effects += self.announcer.connected(now, event.peer, reconciles=event.reconciles)
        if self.mesh is not None:
            effects += self.mesh.connected(now, event.peer)
        return effects

    def on_peer_gone(self, now: Instant, event: PeerGone) -> Sequence[Effect]:
        """Do without a peer."""
        if self.announcer is not None:
            self.announcer.disconnected(event.peer)
        return NOTHING if self.mesh is None else self.mesh.disconnected(now, event.peer)

    def on_block_final(self, now: Instant, effect: BlockFinal) -> Sequence[Effect]:
        """Forget what is decided; as its primary, prove it to those who do not vote."""
        self._advance(now)
        height = effect.block.number
        certificate = self._environment.certificates.read(effect.certificate)
        place = Place(height, certificate.view)
        if certificate.epoch == self._primaries.epoch.number:
            self._view = certificate.view
        if self.meshed is None or self._primaries.leader_of(place) != self._own:
            return NOTHING
        return self._send_letter(now, place, LetterKind.DECISION, effect.certificate)

    def _advance(self, now: Instant) -> None:
        decided = max(0, self._ledger.height - BEHIND)
        if self.tree is not None:
            self.tree.advance(now, decided)
        if self.meshed is not None:
            self.meshed.advance(now, decided)
            self.decisions.forget(self._ledger.height)
            self._came = {key: n for key, n in self._came.items() if key[0].sequence > decided}

    def _topics(self) -> list[bytes]:
        blocks = [BLOCKS] if self.meshed is not None else []
        return blocks + ([TRANSACTIONS] if self._config.gossip == "mesh" else [])

    # ---------------------------------------------------------------- what it spreads

    @property
    def takes_proposals(self) -> bool:
        """Whether this node's proposals do not go directly to each."""
        return self._config.publishes and self._config.dissemination != "direct"

    def on_publish_proposal(self, now: Instant, event: PublishProposal) -> Sequence[Effect]:
        """Spread a proposal of this node's consensus; one that is too long goes directly."""
        proposal = event.proposal
        place, payload = Place(proposal.sequence, proposal.view), pack(proposal)
        leads = self._primaries.leader_of(place) == self._own
        if leads and len(payload) + ROOM_BYTES <= PAYLOAD_BYTES_MAX:
            if self.tree is not None and len(payload) <= self._config.tree.payload_bytes_max:
                return self._settle(now, self.tree.publish(now, place, payload))
            if self.meshed is not None:
                return self._send_letter(now, place, LetterKind.PROPOSAL, payload)
        return (Broadcast(event.group, proposal),)

    def _send_letter(
        self, now: Instant, place: Place, kind: LetterKind, content: bytes
    ) -> Sequence[Effect]:
        signer, meshed = self._primaries.signer, self.meshed
        if signer is None or meshed is None:
            return NOTHING
        epoch = self._primaries.epoch.number
        letter = seal(self._primaries.domain, signer, place, kind, epoch, content)
        work = [Work(PROVEN, 2 * len(content)), Work(VOTE_SIGN, 1)]
        return [*work, *meshed.publish(now, place, letter)]

    def cut(
        self, now: Instant, purpose: CutPurpose, shreds: tuple[BlockShred, ...]
    ) -> Sequence[Effect]:
        """Send the shreds of a proposal."""
        if self.tree is None or purpose.epoch != self._primaries.epoch.number:
            return NOTHING
        return self._settle(now, self.tree.was_cut(now, purpose.place, shreds))

    def rebuilt(self, now: Instant, purpose: RebuildPurpose, found: Rebuilt) -> Sequence[Effect]:
        """Go on with a proposal that is whole again, or is none."""
        if self.tree is None or purpose.epoch != self._primaries.epoch.number:
            return NOTHING
        return self._settle(now, self.tree.was_rebuilt(now, purpose.place, purpose.root, found))

    # ---------------------------------------------------------------- what comes

    def _is_near(self, view: int) -> bool:
        return abs(view - max(self._view, self._primaries.view)) <= VIEWS_APART

    def on_tree_message(self, now: Instant, sender: NodeId, message: Message) -> Sequence[Effect]:
        """Take a shred, or a request for some."""
        if self.tree is None:
            return NOTHING
        if isinstance(message, BlockShred) and not self._is_near(message.commitment.view):
            return NOTHING
        return self._settle(now, self.tree.on_message(now, sender, message))

    def on_tree_timeout(self, now: Instant) -> Sequence[Effect]:
        """Ask for what is missing."""
        if self.tree is None:
            return NOTHING
        return self._settle(now, self.tree.on_timeout(now, DisseminationTimer.REPAIR))

    def on_mesh_message(self, now: Instant, sender: NodeId, message: Message) -> Sequence[Effect]:
        """Take a message of the mesh."""
        source = self.mesh if self.meshed is None else self.meshed
        if source is None:
            return NOTHING
        effects = self._settle(now, source.on_message(now, sender, message))
        if isinstance(message, MeshPayload):
            return [Work(PROVEN, len(message.payload)), *effects]
        return effects

    def on_heartbeat(self, now: Instant) -> Sequence[Effect]:
        """Mend the mesh."""
        return NOTHING if self.mesh is None else self.mesh.on_timeout(now, MeshTimer.HEARTBEAT)

    def _settle(self, now: Instant, effects: Sequence[Effect]) -> Sequence[Effect]:
        """Do what the cores ask of the node; the rest stays in its place."""
        settled: list[Effect] = []
        for effect in effects:
            match effect:
                case Send():
                    settled.append(effect)
                case CutWanted():
                    purpose: Purpose = CutPurpose(self._primaries.epoch.number, effect.place)
                    stages = (Serial(CODED, len(effect.job.payload)),)
                    settled.append(Compute(self._requests.open(purpose), stages, effect.job))
                case RebuildWanted():
                    commitment = effect.job.commitment
                    epoch = self._primaries.epoch.number
                    purpose = RebuildPurpose(epoch, effect.place, commitment.root)
                    stages = (Serial(RECOVERED, commitment.length),)
                    settled.append(Compute(self._requests.open(purpose), stages, effect.job))
                case PayloadArrived():
                    settled += self._arrived(now, effect)
                case PayloadLost():
                    settled += self.proposals.on_lost(now, effect)
                case LeaderContradicts():
                    settled += self.proposals.on_contradiction(now, effect)
                case MeshArrived():
                    if self.transactions is not None:
                        settled += self.transactions.on_arrived(now, effect)
                case _:
                    settled.append(effect)
        return settled

    def _arrived(self, now: Instant, arrived: PayloadArrived) -> Sequence[Effect]:
        if self.meshed is not None:
            verdict, effects = self._open(now, arrived)
            return [*effects, *self.meshed.judged(now, arrived.identity, verdict)]
        proposal = self.proposals.read(arrived.place, arrived.payload)
        if proposal is None:
            return self.proposals.is_meaningless(now, arrived.peer)
        return self.proposals.arrived(arrived.peer, proposal)

    def _open(self, now: Instant, arrived: PayloadArrived) -> tuple[Verdict, Sequence[Effect]]:
        """Take a letter, and tell whether it is to be passed on."""
        place, primaries = arrived.place, self._primaries
        try:
            letter = open_letter(arrived.payload)
        except InvalidEncoding:
            return Verdict.REJECT, NOTHING
        if letter.epoch != primaries.epoch.number or not self._is_near(place.view):
            # Whoever is ahead or behind knows another committee or view: nobody is to blame.
            return Verdict.IGNORE, NOTHING
        key, most = (place, letter.kind), PROPOSALS_MAX
        if letter.kind is LetterKind.DECISION:
            most = DECISIONS_MAX
        if self._came.get(key, 0) >= most:
            return Verdict.IGNORE, NOTHING
        effects: list[Effect] = [Work(PROVEN, len(letter.content)), Work(VOTE_VERIFY, 1)]
        leader = primaries.leader_of(place)
        key_of = primaries.key_of(place)
        if not is_from(letter, primaries.domain, place, key_of, primaries.verifier):
            return Verdict.REJECT, effects
        self._came[key] = came = self._came.get(key, 0) + 1
        if letter.kind is LetterKind.PROPOSAL and came > 1:
            effects += self.proposals.contradicted(now, leader, place)
        taken = self._take(now, letter.kind, leader, place, letter.content)
        if taken is None:
            effects += self.proposals.is_meaningless(now, leader)
            return Verdict.IGNORE, effects
        return Verdict.ACCEPT, [*effects, *taken]

    def _take(
        self, now: Instant, kind: LetterKind, leader: NodeId, place: Place, content: bytes
    ) -> Sequence[Effect] | None:
        """Use what a primary has sent; None if it makes no sense."""
        votes = self._primaries.signer is not None
        if kind is LetterKind.DECISION:
            return NOTHING if votes else self.decisions.prove(now, leader, content)
        proposal = self.proposals.read(place, content)
        if proposal is None:
            return None
        if votes:
            return self.proposals.arrived(leader, proposal)
        digest = Hash32(proposal.digest)
        return self.decisions.hold(now, place.sequence, digest, proposal.payload)
