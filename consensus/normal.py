"""The three phases in the ordinary case: PRE-PREPARE, PREPARE, COMMIT.

A committee of n replicas handles about 2n votes for each decision, each of them here, so the
two vote handlers look things up instead of computing them, and answer with shared tuples. Cheap
checks come first, and a vote for a phase that is already over is not verified at all.

Of each replica the first vote for (view, sequence, phase) counts; another one is at most evidence.

Reference: Castro & Liskov 1999, section 4.2.
"""

from collections.abc import Sequence as Seq

from consensus.acceptance import answer, check_prepared, consider, new_slot, set_proposal
from consensus.certificate import Certificate
from consensus.delivery import deliver_ready, note_final
from consensus.early import keep_early, note_beyond
from consensus.effects import VERIFIED, VERIFY, BlockValidated
from consensus.exposure import (
    confront,
    confront_all,
    expose,
    expose_proposal,
    on_exhibit,
    on_further_prepare,
)
from consensus.messages import HINT_BYTES_MAX, Commit, GetProposal, Prepare, PrePrepare
from consensus.proposing import propose
from consensus.state import Block, Effects, MissingPayload, ReplicaState, Slot, Validity
from consensus.timers import arm_repair, watch
from primitives.ids import Hash32, Instant, NodeId, Sequence
from primitives.machine import NOTHING, Effect, Message, Send


def on_pre_prepare(
    state: ReplicaState, now: Instant, sender: NodeId, message: PrePrepare
) -> Seq[Effect]:
    """Take the primary's first proposal for a sequence in the window."""
    if message.view != state.view:
        return keep_early(state, sender, message)
    sequence = message.sequence
    if sender != state.primary:
        return on_exhibit(state, sender, message)
    if sender == state.index:
        return NOTHING
    if sequence <= state.delivered or sequence <= state.floor:
        return NOTHING
    if sequence > state.delivered + state.params.window:
        return note_beyond(state, sender, sequence)
    slot = state.slots.get(sequence)
    if slot is not None and _is_proposed(state, slot, message):
        return NOTHING if slot.proposal is None else expose(state, slot, slot.proposal, message)
    if not state.verify(message):
        return VERIFIED
    if slot is None:
        slot = new_slot(state, sequence)
    effects: Effects = [VERIFY]
    if slot.digest is None:
        set_proposal(state, slot, message.digest, message.parent)
        slot.proposal = message
        confront_all(state, slot, effects)
    block = learn_block(state, sequence, message.digest, message.parent, message.payload)
    if message.hint and not block.hint and len(message.hint) <= HINT_BYTES_MAX:
        block.hint, block.hinted_by = message.hint, int(sender)
    consider(state, sequence, effects)
    if slot.committed:
        deliver_ready(state, now, effects)
    watch(state, now, effects)
    return effects


def _is_proposed(state: ReplicaState, slot: Slot, message: PrePrepare) -> bool:
    """Tell whether another block is proposed for a slot, or this one, and its payload is there."""
    known = slot.digest
    if known is None:
        return False
    return known != message.digest or known in state.blocks or slot.forged


def learn_block(
    state: ReplicaState, sequence: Sequence, digest: Hash32, parent: Hash32, payload: bytes
) -> Block:
    """Keep a payload, unless the block is known.

    One that the node is being asked about stays: the answer names only the digest, and would be
    taken for an answer about whatever stands in its place.
    """
    block = state.blocks.get(digest)
    unsettled = block is not None and block.validity in {Validity.UNKNOWN, Validity.INVALID}
    if block is None or (block.parent != parent and unsettled):
        block = state.blocks[digest] = Block(sequence, digest, parent, payload)
    return block


def on_prepare(state: ReplicaState, now: Instant, sender: NodeId, message: Prepare) -> Seq[Effect]:
    """Count a backup's PREPARE. The primary's does not count: its PRE-PREPARE stands for it."""
    if message.view != state.view:
        return keep_early(state, sender, message)
    slot = state.slots.get(message.sequence)
    if slot is None:
        if message.sequence <= state.delivered:
            return NOTHING
        slot = _open_slot(state, sender, message.sequence)
        if slot is None:
            return note_beyond(state, sender, message.sequence)
    votes = slot.prepares
    if sender != message.replica or sender >= len(votes) or votes[sender] is not None:
        return on_further_prepare(state, slot, sender, message)
    if slot.prepared or sender == state.primary:
        return NOTHING
    if sender != state.index and not state.verify(message):
        return state.verified
    votes[sender] = message
    if message.digest == slot.digest and message.parent == slot.parent:
        slot.prepare_count += 1
        if slot.prepare_count >= state.backups:
            effects: Effects = [] if sender == state.index else [*state.verified]
            check_prepared(state, slot, effects)
            return answer(effects)
    elif slot.proposal is not None and sender != state.index:
        return _confronted(state, slot, message)
    return NOTHING if sender == state.index else state.verified


def _confronted(state: ReplicaState, slot: Slot, odd: Prepare) -> Seq[Effect]:
    effects: Effects = [*state.verified]
    confront(state, slot, odd, effects)
    return effects


def on_commit(state: ReplicaState, now: Instant, sender: NodeId, message: Commit) -> Seq[Effect]:
    """Count a replica's COMMIT."""
    if message.view != state.view:
        return keep_early(state, sender, message)
    slot = state.slots.get(message.sequence)
    if slot is None:
        if message.sequence <= state.delivered:
            return NOTHING
        slot = _open_slot(state, sender, message.sequence)
        if slot is None:
            return note_beyond(state, sender, message.sequence)
    if slot.committed or sender != message.replica:
        return NOTHING
    votes = slot.commits
    if sender >= len(votes):
        return NOTHING
    if (counted := votes[sender]) is not None:
        return expose(state, slot, counted, message)
    if sender != state.index and not state.verify(message):
        return state.verified
    votes[sender] = message
    if message.digest == slot.digest:
        count = slot.commit_count = slot.commit_count + 1
    else:
        count = slot.strays[message.digest] = slot.strays.get(message.digest, 0) + 1
    if count < state.quorum:
        return NOTHING if sender == state.index else state.verified
    effects: Effects = [] if sender == state.index else [*state.verified]
    _committed(state, now, slot, message.digest, effects)
    return answer(effects)


def _open_slot(state: ReplicaState, sender: NodeId, sequence: Sequence) -> Slot | None:
    """Open a slot for a vote that comes before the proposal, if it is in the window."""
    if sequence > state.delivered + state.params.window or sender >= state.size:
        return None
    return new_slot(state, sequence)


def _committed(
    state: ReplicaState, now: Instant, slot: Slot, digest: Hash32, effects: Effects
) -> None:
    """Make the certificate of Q COMMITs, and deliver what can be."""
    slot.committed = True
    votes = [vote for vote in slot.commits if vote is not None and vote.digest == digest]
    certificate = Certificate(
        state.config.epoch,
        state.view,
        slot.sequence,
        digest,
        tuple([vote.replica for vote in votes]),
        state.policy.combine([vote.signature for vote in votes]),
    )
    effects.extend(state.policy.costs.combining(len(votes)))
    state.certified.setdefault(slot.sequence, certificate)
    deliver_ready(state, now, effects)
    note_final(state, certificate, effects)


def on_block_validated(state: ReplicaState, now: Instant, event: BlockValidated) -> Seq[Effect]:
    """Go on with a block that the node has checked."""
    block = state.blocks.get(event.digest)
    if block is None or block.validity is not Validity.ASKED:
        return NOTHING
    block.validity = Validity.VALID if event.accepted else Validity.INVALID
    block.closing = event.closing
    effects: Effects = []
    slot = state.slots.get(block.sequence)
    misplaced = (
        slot is not None and slot.digest == block.digest and slot.parent != block.parent
    )  # this view wants it on another parent than the view that it was asked about for
    if event.mislabelled or (misplaced and not event.accepted):
        fetch_payload(state, block, effects)
        return answer(effects)
    if not event.accepted and block.fetched:
        del state.blocks[event.digest]
        return NOTHING
    if event.proven and not event.accepted:
        expose_proposal(state, block, effects)
    consider(state, block.sequence, effects)
    deliver_ready(state, now, effects)
    propose(state, now, effects)
    return answer(effects)


def fetch_payload(state: ReplicaState, block: Block, effects: Effects) -> None:
    """Forget a payload that is not its digest's, and ask others for the true one.

    The signature of a PRE-PREPARE binds the digest alone, so a primary can send a single backup
    another payload beside it. Were the block itself held to be invalid, that backup could not
    vote for it, nor deliver it when all others have.
    """
    del state.blocks[block.digest]
    slot = state.slots.get(block.sequence)
    if slot is None or slot.digest != block.digest or slot.parent is None:
        return
    missing = state.repair.missing.get(block.digest)
    if missing is None:
        liars = {state.index, state.primary}
        holders = tuple(replica for replica in range(state.size) if replica not in liars)
        missing = MissingPayload(block.sequence, slot.parent, holders)
        state.repair.missing[block.digest] = missing
    if not block.fetched:
        slot.forged = True
        request_payload(state, block.digest, missing, effects)
    arm_repair(state, effects)


def request_payload(
    state: ReplicaState, digest: Hash32, missing: MissingPayload, effects: Effects
) -> None:
    """Ask one of those who have a payload for it, another one each time."""
    if missing.holders:
        holders = state.misdeeds.spare(missing.holders)
        peer = holders[(state.index + missing.asked) % len(holders)]
        missing.asked += 1
        missing.awaited[peer] = None
        effects.append(Send(NodeId(peer), GetProposal(missing.sequence, digest)))


def replay(state: ReplicaState, now: Instant, sender: NodeId, message: Message) -> Seq[Effect]:
    """Handle a message that came before its view."""
    if isinstance(message, Prepare):
        return on_prepare(state, now, sender, message)
    if isinstance(message, Commit):
        return on_commit(state, now, sender, message)
    assert isinstance(message, PrePrepare), "only the three phases are kept"
    return on_pre_prepare(state, now, sender, message)
