"""A block in shreds, each down a tree of its own: for committees that one uplink cannot serve.

The leader cuts its block into k shreds of data and m of parity, any k of which give it back,
hashes all of them into a tree, and signs the root. Each shred goes to the first member of its own
tree, and from there to the others (`tree`). So the leader sends (k + m) / k times the block,
whatever the size of the committee, and every member passes on about as much.

Every shred proves itself: by the leader's signature, checked once for each block, and by its way
to the root. A member that changes a shred is found out by the next one. Who has k shreds rebuilds
the block, checks that it cuts into the same shreds, and passes on also those that had not come to
it: behind a silent member the tree goes on from there. What is still missing is asked for
(`repair`). A leader that signs two blocks for one place is proven to have done so by its two
signatures; one that signs what is no code word is found out by everybody alike.

Reference: Solana's Turbine; Cachin and Tessaro 2005. Shreds are as long as the block is, over k,
and not a datagram: links here are streams.
"""

from collections.abc import Hashable, Sequence

from numpy.random import Generator

from network.costs import PROVEN
from network.dissemination.coding import (
    CutBlock,
    CutWanted,
    RebuildBlock,
    RebuildWanted,
    Rebuilt,
)
from network.dissemination.messages import BlockShred, Commitment, GetShreds
from network.dissemination.policy import (
    DisseminationTimer,
    Horizon,
    PayloadArrived,
    PayloadLost,
    Place,
)
from network.dissemination.reed_solomon import ReedSolomon
from network.dissemination.repair import ask, serve
from network.dissemination.shreds import proves_itself, signed_payload
from network.dissemination.tree import own_children, tree_orders
from network.dissemination.tree_state import (
    Draft,
    Drafts,
    LeaderContradicts,
    Phase,
    TreeConfig,
    TreeRoster,
    TreeStatistics,
)
from network.mesh.state import Verdict
from network.offences import Offence, PeerBook
from primitives.errors import InvalidInput
from primitives.ids import Duration, Instant, NodeId
from primitives.keys import Signer, Verifier
from primitives.machine import NOTHING, Effect, Message, Send, SetTimer, Work


class CodedTree:
    """The core of one node.

    Args:
        config: the code, the tree, and limits.
        roster: who takes part; node replaces it when the epoch changes (`enter`).
        node: this node.
        signer: signs what this node leads with, in the epoch of the roster.
        verifier: checks what others lead with.
        generator: chooses whom to ask for missing shreds.
        book: notes what peers do wrong.
    """

    __slots__ = (
        "_alarm", "_book", "_code", "_generator", "_node", "_verifier",
        "config", "drafts", "horizon", "roster", "signer", "statistics",
    )  # fmt: skip

    def __init__(
        self,
        config: TreeConfig,
        roster: TreeRoster,
        node: NodeId,
        signer: Signer,
        verifier: Verifier,
        generator: Generator,
        book: PeerBook,
    ) -> None:
        self.config = config
        self.roster = roster
        self._node = node
        self.signer = signer
        self._verifier = verifier
        self._generator = generator
        self._book = book
        self._code = ReedSolomon(config.data, config.parity)
        self._alarm = False
        self.drafts = Drafts(config.drafts_per_leader, config.bytes_max)
        self.horizon = Horizon(config.sequences_ahead)
        self.statistics = TreeStatistics()

    def enter(self, roster: TreeRoster, signer: Signer) -> None:
        """Go over to another epoch; what was under way in the last one is forgotten."""
        self.roster, self.signer = roster, signer
        for place, _ in self.drafts.entries():
            self.drafts.drop(place)

    def publish(self, now: Instant, place: Place, payload: bytes) -> Sequence[Effect]:
        """Have a block cut, to send each shred to the first member of its tree.

        Raises:
            InvalidInput: the block is too long, or another node leads at this place.
        """
        most = self.config.payload_bytes_max
        if len(payload) > most:
            raise InvalidInput("dissemination.payload", f"at most {most} bytes", len(payload))
        leader = self.roster.leader_of(place)
        if leader != self._node:
            raise InvalidInput("dissemination.place", f"node {self._node} leads", f"node {leader}")
        roster = self.roster
        job = CutBlock(self._code, roster.domain, place, payload, self.signer, roster.epoch)
        return (CutWanted(place, job),)

    def was_cut(
        self, now: Instant, place: Place, shreds: tuple[BlockShred, ...]
    ) -> Sequence[Effect]:
        """Send the shreds of a block of one's own."""
        leader = self.roster.leader_of(place)
        draft = Draft(shreds[0].commitment, leader, (), now, Phase.WHOLE)
        draft.shreds.update(enumerate(shreds))
        self.statistics.evicted += self.drafts.add(place, draft)
        others = self._others(leader)
        if not others:
            return NOTHING
        orders = tree_orders(self.roster.domain, place, others, len(shreds))
        firsts = orders[:, 0].tolist()
        return [Send(NodeId(to), shred) for to, shred in zip(firsts, shreds, strict=True)]

    def on_message(self, now: Instant, sender: NodeId, message: Message) -> Sequence[Effect]:
        """Take a shred, or a request for some."""
        match message:
            case BlockShred():
                return self._on_shred(now, sender, message)
            case GetShreds():
                draft = self.drafts.get(Place(message.sequence, message.view))
                if draft is None or sender not in self.roster.members:
                    return NOTHING
                effects = serve(draft, sender, message)
                self.statistics.repairs_served += len(effects)
                return effects
            case _:
                return NOTHING

    def _on_shred(self, now: Instant, sender: NodeId, shred: BlockShred) -> Sequence[Effect]:
        """Keep a new shred that proves itself, pass it on, rebuild the block when it is enough."""
        statistics, commitment = self.statistics, shred.commitment
        statistics.received += 1
        place = Place(commitment.sequence, commitment.view)
        if commitment.epoch != self.roster.epoch or not self.horizon.is_near(place.sequence):
            # Whoever is ahead or behind knows another committee: nobody is to blame.
            return NOTHING
        draft = self.drafts.get(place)
        if draft is not None and draft.commitment != commitment:
            return self._contradicted(now, sender, draft, commitment)
        if draft is not None and (draft.phase not in _TAKING or shred.index in draft.shreds):
            statistics.duplicates += 1
            statistics.duplicate_bytes += len(shred.data)
            return NOTHING
        if not (self._is_possible(commitment) and proves_itself(shred)):
            return self._false(now, sender)
        effects: list[Effect] = [Work(PROVEN, len(shred.data))]
        if draft is None:
            if not self._is_signed(place, commitment):
                return self._false(now, sender)
            draft = self._begin(now, place, commitment)
            effects += self._set_alarm(self.config.repair_delay)
        draft.shreds[shred.index] = shred
        draft.due, draft.tries = now + self.config.repair_delay, 0
        effects += [Send(child, shred) for child in draft.children[shred.index]]
        if draft.phase is Phase.COLLECTING and len(draft.shreds) == self.config.data:
            draft.phase = Phase.REBUILDING
            job = RebuildBlock(self._code, commitment, dict(draft.shreds))
            effects.append(RebuildWanted(place, job))
        return effects

    def _is_possible(self, commitment: Commitment) -> bool:
        """Whether a block of this network could be cut so."""
        config = self.config
        return (
            commitment.data == config.data
            and commitment.parity == config.parity
            and commitment.length <= config.payload_bytes_max
        )

    def _is_signed(self, place: Place, commitment: Commitment) -> bool:
        """Whether the leader of the place has signed this."""
        self.statistics.signatures_checked += 1
        key = self.roster.keys.get(self.roster.leader_of(place))
        payload = signed_payload(self.roster.domain, commitment)
        return key is not None and self._verifier.verify(key, payload, commitment.signature)

    def _false(self, now: Instant, sender: NodeId) -> Sequence[Effect]:
        self.statistics.false += 1
        return self._book.count(now, sender, Offence.FALSE_SHRED)

    def _contradicted(
        self, now: Instant, sender: NodeId, draft: Draft, second: Commitment
    ) -> Sequence[Effect]:
        """Report a leader that has signed two blocks for one place, once.

        The first one is kept and passed on; which of them counts is for consensus to say, and
        whoever lacks that one fetches it as any other missing block.
        """
        if draft.contradicted:
            return NOTHING
        if not self._is_signed(Place(second.sequence, second.view), second):
            return self._false(now, sender)
        if _unsigned(second) == _unsigned(draft.commitment):
            # The same block under another signature of the same key: no contradiction.
            return NOTHING
        draft.contradicted = True
        return (LeaderContradicts(draft.leader, draft.commitment, second),)

    def _begin(self, now: Instant, place: Place, commitment: Commitment) -> Draft:
        """Remember a block that the first shred has come of."""
        leader = self.roster.leader_of(place)
        others = self._others(leader)
        total = commitment.data + commitment.parity
        orders = tree_orders(self.roster.domain, place, others, total)
        children = own_children(orders, self._node, self.config.fanout)
        draft = Draft(commitment, leader, children, now + self.config.repair_delay)
        self.statistics.evicted += self.drafts.add(place, draft)
        return draft

    def _others(self, node: NodeId) -> list[NodeId]:
        return [member for member in self.roster.members if member != node]

    def was_rebuilt(
        self, now: Instant, place: Place, root: bytes, found: Rebuilt
    ) -> Sequence[Effect]:
        """Hand a rebuilt block over, and pass on the shreds that had not come."""
        draft = self.drafts.get(place)
        if draft is None or draft.commitment.root != root or draft.phase is not Phase.REBUILDING:
            return NOTHING
        if found is None:
            draft.phase = Phase.MISCODED
            draft.shreds.clear()
            return (PayloadLost(place, root, is_miscoded=True),)
        payload, shreds = found
        effects: list[Effect] = [PayloadArrived(place, root, payload, draft.leader)]
        for shred in shreds:
            if shred.index not in draft.shreds:
                effects += [Send(child, shred) for child in draft.children[shred.index]]
        draft.shreds = dict(enumerate(shreds))
        draft.phase = Phase.WHOLE
        return effects

    def on_timeout(self, now: Instant, timer: Hashable) -> Sequence[Effect]:
        """Ask for shreds of the blocks of which nothing new has come for a while."""
        if timer is not DisseminationTimer.REPAIR:
            return NOTHING
        self._alarm = False
        effects: list[Effect] = []
        due: list[int] = []
        for place, draft in self.drafts.entries():
            if draft.phase is not Phase.COLLECTING:
                continue
            if draft.due <= now:
                effects += self._repair(now, place, draft)
            if self.drafts.get(place) is draft:
                due.append(draft.due)
        if due:
            effects += self._set_alarm(Duration(max(0, min(due) - now)))
        return effects

    def _repair(self, now: Instant, place: Place, draft: Draft) -> Sequence[Effect]:
        """Ask some peers, or give the block up when that was done often enough."""
        draft.tries += 1
        if draft.tries > self.config.repair_tries_max:
            self.drafts.drop(place)
            return (PayloadLost(place, draft.commitment.root, is_miscoded=False),)
        draft.due = now + self.config.repair_interval
        draft.asked += 1
        requests = ask(self.config, self._generator, place, draft, self._others(self._node))
        self.statistics.repairs_asked += sum(
            len(request.message.indexes)
            for request in requests
            if isinstance(request.message, GetShreds)
        )
        return requests

    def _set_alarm(self, delay: Duration) -> Sequence[Effect]:
        """Set the timer, unless it is set; it may then fire early and is set anew."""
        if self._alarm:
            return NOTHING
        self._alarm = True
        return (SetTimer(DisseminationTimer.REPAIR, delay),)

    def judged(self, now: Instant, identity: bytes, verdict: Verdict) -> Sequence[Effect]:
        """Give a block that is not valid to nobody any more."""
        if verdict is Verdict.REJECT:
            for _, draft in self.drafts.entries():
                if draft.commitment.root == identity and draft.phase is Phase.WHOLE:
                    draft.phase = Phase.REFUSED
                    draft.shreds.clear()
        return NOTHING

    def advance(self, now: Instant, sequence: int) -> None:
        """Forget decided sequences."""
        self.horizon.advance(sequence)
        for place, _ in self.drafts.entries():
            if place.sequence <= sequence:
                self.drafts.drop(place)


_TAKING = (Phase.COLLECTING, Phase.REBUILDING)


def answered(tree: CodedTree, now: Instant, wanted: CutWanted | RebuildWanted) -> Sequence[Effect]:
    """Do at once what a core asks for: for whoever has no other cores, or no time that passes."""
    match wanted:
        case CutWanted():
            return tree.was_cut(now, wanted.place, wanted.job.run())
        case RebuildWanted():
            job = wanted.job
            return tree.was_rebuilt(now, wanted.place, job.commitment.root, job.run())


def _unsigned(commitment: Commitment) -> tuple[int, int, bytes, int, int, int]:
    return (
        commitment.sequence,
        commitment.view,
        commitment.root,
        commitment.length,
        commitment.data,
        commitment.parity,
    )
