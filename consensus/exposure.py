"""How a replica comes to evidence, and what it keeps of it.

A message that contradicts one which is already there is verified and, with it, kept as evidence;
the first one goes on counting. What comes after its phase is over is not looked at, as ever, so
not every lie is noticed. Each lie (replica, kind, view, sequence) is noted once, and costs one
signature check.

Who says one thing to some and another to others shows nobody a contradiction. But where the
primary does so, or a backup, somebody gets a PREPARE for another block than he was proposed. He
shows the voter the proposal: it has another one, if the primary has lied. And he passes the odd
PREPARE on to his neighbour: if the voter has lied, there is somewhere in the ring one who was
told otherwise. Two messages for each odd PREPARE, and only where there is a lie.

Evidence is bounded for each peer: the first `KEPT` contradictions, and one invalid proposal,
which carries a block. They survive a restart. The score counts on beyond that.
"""

from collections.abc import Sequence as Seq

from consensus.effects import VERIFY, Exposed
from consensus.evidence import (
    Equivocation,
    Evidence,
    InvalidProposal,
    Vote,
    bare,
    bare_proposal,
    contradict,
    culprit_of,
    kind_of,
    place_of,
)
from consensus.log import evidence_records, persist
from consensus.messages import Commit, Prepare, PrePrepare
from consensus.state import KEPT, Block, Effects, ReplicaState, Slot
from consensus.trace import EvidenceFound
from primitives.ids import NodeId
from primitives.machine import NOTHING, Effect, Emit, Send


def expose(state: ReplicaState, slot: Slot, first: Vote, second: Vote) -> Seq[Effect]:
    """Take a message of a slot that may contradict the one that counts."""
    if first is second or not contradict(first, second):
        return NOTHING
    evidence = Equivocation(bare(first), bare(second))
    lie = (kind_of(evidence), culprit_of(evidence, state.config.committee))
    if lie in slot.exposed:
        return NOTHING
    counted = isinstance(second, Prepare | Commit)
    effects: Effects = [*state.verified] if counted else [VERIFY]
    if state.verify(second):
        slot.exposed[lie] = None
        _keep(state, evidence, effects)
    return effects


def on_exhibit(state: ReplicaState, sender: NodeId, message: PrePrepare) -> Seq[Effect]:
    """Compare a proposal that a peer shows with what the primary has proposed here."""
    slot = state.slots.get(message.sequence)
    if slot is None or slot.proposal is None or sender >= state.size:
        return NOTHING
    return expose(state, slot, slot.proposal, message)


def on_further_prepare(
    state: ReplicaState, slot: Slot, sender: NodeId, message: Prepare
) -> Seq[Effect]:
    """Compare a second PREPARE, or one that a peer passes on, with what its voter has said here."""
    if sender >= state.size or not 0 <= message.replica < state.size:
        return NOTHING
    counted = slot.prepares[message.replica]
    return NOTHING if counted is None else expose(state, slot, counted, message)


def confront(state: ReplicaState, slot: Slot, odd: Prepare, effects: Effects) -> None:
    """Show who has prepared another block the own proposal, and the own neighbour his vote."""
    if slot.proposal is None or odd.replica == state.index:
        return
    effects.append(Send(NodeId(odd.replica), bare_proposal(slot.proposal)))
    neighbour = (state.index + 1) % state.size
    if neighbour == odd.replica:
        neighbour = (neighbour + 1) % state.size
    if neighbour != state.index:
        effects.append(Send(NodeId(neighbour), odd))


def confront_all(state: ReplicaState, slot: Slot, effects: Effects) -> None:
    """Do so with those whose PREPAREs came before the proposal."""
    for vote in slot.prepares:
        if vote is not None and (vote.digest, vote.parent) != (slot.digest, slot.parent):
            confront(state, slot, vote, effects)


def expose_proposal(state: ReplicaState, block: Block, effects: Effects) -> None:
    """Keep the signed proposal of a block that breaks a rule of the chain."""
    slot = state.slots.get(block.sequence)
    if slot is None or slot.proposal is None:
        return
    proposal = slot.proposal
    if (proposal.digest, proposal.parent) == (block.digest, block.parent):
        fields = (proposal.view, proposal.sequence, proposal.digest, proposal.parent)
        shown = PrePrepare(*fields, block.payload, proposal.signature)
        _keep(state, InvalidProposal(shown), effects)


def _keep(state: ReplicaState, evidence: Evidence, effects: Effects) -> None:
    culprit = culprit_of(evidence, state.config.committee)
    misdeeds = state.misdeeds
    misdeeds.scores[culprit] = misdeeds.scores.get(culprit, 0) + 1
    epoch = state.config.epoch
    view, sequence = place_of(evidence)
    kind, peer = kind_of(evidence), NodeId(culprit)
    effects.append(Emit(EvidenceFound(peer, kind, view, sequence, epoch)))
    effects.append(Exposed(peer, kind))
    kept = misdeeds.kept.setdefault(culprit, [])
    alike = sum(type(old) is type(evidence) for old in kept)
    if alike < (1 if isinstance(evidence, InvalidProposal) else KEPT):
        effects.append(persist(state, evidence_records(state, culprit, len(kept), evidence)))
        kept.append(evidence)
