"""From a proposal to this replica's PREPARE and COMMIT.

Blocks are hash-linked and executed before the vote, so a proposal is asked about (`ValidateBlock`)
only when its parent is known to be valid, and accepted in ascending order. Three rules govern
what is signed:

* PREPARE(n) needs a valid block whose parent is delivered or accepted in this view; the parent
  need not be committed. It must not close the epoch: what stands on it is for the next committee
  to decide, and only once this one has made it final.
* COMMIT(n) needs every sequence between the last delivered one and n to be prepared *in this
  view*, with linked parents (`advance_frontier`). An older view's certificate does not do: its
  block may have been replaced below, and then what is committed on top of it could never be
  delivered.
* A certificate of Q COMMITs makes its block final whatever this replica has seen of it; see
  `consensus.delivery`.

Reference: DESIGN section 2, rules for linked blocks; Castro & Liskov 1999, section 4.2.
"""

from collections.abc import Sequence as Seq

from consensus.certificate import PreparedCertificate
from consensus.confirmation import confirm
from consensus.costs import VOTE_SIGN
from consensus.effects import ValidateBlock
from consensus.log import acceptance_records, persist, prepared_records
from consensus.messages import Commit, Prepare
from consensus.signing import signed_payload
from consensus.state import Block, Effects, ReplicaState, Slot, Validity
from consensus.trace import Prepared, PrePrepared
from primitives.ids import Hash32, NodeId, Sequence
from primitives.machine import NOTHING, Broadcast, Effect, Emit, Loopback, Received, Work

SIGN = Work(VOTE_SIGN, 1)


def new_slot(state: ReplicaState, sequence: Sequence) -> Slot:
    """Open an empty slot."""
    slot = Slot(sequence, [None] * state.size, [None] * state.size)
    state.slots[sequence] = slot
    return slot


def set_proposal(state: ReplicaState, slot: Slot, digest: Hash32, parent: Hash32) -> None:
    """Fix what the primary has proposed for a slot, and count the votes that came before."""
    slot.digest = digest
    slot.parent = parent
    slot.prepare_count = sum(
        vote is not None and vote.digest == digest and vote.parent == parent
        for vote in slot.prepares
    )
    slot.commit_count = slot.strays.pop(digest, 0)
    state.top = max(state.top, slot.sequence)


def consider(state: ReplicaState, sequence: Sequence, effects: Effects) -> None:
    """Take the proposals from `sequence` upward as far as they can go."""
    while True:
        slot = state.slots.get(sequence)
        if slot is None or slot.digest is None:
            return
        block = state.blocks.get(slot.digest)
        if block is None or block.parent != slot.parent or not _is_parent_valid(state, slot):
            return
        if block.validity is not Validity.VALID:
            ask_validity(block, effects)
            return
        if not slot.accepted:
            if sequence > state.delivered + state.params.reach:
                return
            _accept(state, slot, block, effects)
        sequence = Sequence(sequence + 1)


def ask_validity(block: Block, effects: Effects) -> None:
    """Have the node check a block, once."""
    if block.validity is Validity.UNKNOWN:
        block.validity = Validity.ASKED
        place = (block.sequence, block.digest, block.parent, block.payload)
        by = None if block.hinted_by is None else NodeId(block.hinted_by)
        effects.append(ValidateBlock(*place, block.hint, by))


def reconsider(block: Block) -> None:
    """Let a block that was refused be asked about once more: others have found it valid."""
    if block.validity is Validity.INVALID and not block.reconsidered:
        block.reconsidered = True
        block.validity = Validity.UNKNOWN


def reconsider_refused(state: ReplicaState, effects: Effects) -> None:
    """Ask once more about refused blocks that f+1 backups have prepared; one of them is correct.

    What a block is refused for may pass: it came from a clock that is ahead of this node's.
    """
    for sequence in sorted(state.slots):
        slot = state.slots[sequence]
        block = None if slot.digest is None else state.blocks.get(slot.digest)
        if block is not None and slot.prepare_count > state.faults:
            reconsider(block)
    consider(state, Sequence(state.delivered + 1), effects)


def _is_parent_valid(state: ReplicaState, slot: Slot) -> bool:
    below = Sequence(slot.sequence - 1)
    if slot.parent is None or state.digest_at(below) != slot.parent:
        return False
    if below == state.delivered:
        return not state.closed
    parent = state.blocks.get(slot.parent)
    return parent is not None and parent.validity is Validity.VALID and not parent.closing


def _accept(state: ReplicaState, slot: Slot, block: Block, effects: Effects) -> None:
    """Accept a valid proposal: PREPARE it, unless this replica is the primary."""
    slot.accepted = True
    if state.voting:
        effects.append(
            Emit(PrePrepared(state.view, slot.sequence, block.digest, state.config.epoch))
        )
        effects.append(persist(state, acceptance_records(state, slot, block)))
        send_prepare(state, slot, effects)
    check_prepared(state, slot, effects)


def send_prepare(state: ReplicaState, slot: Slot, effects: Effects) -> None:
    """Sign and send this backup's PREPARE; the primary sends none."""
    if state.primary == state.index or slot.digest is None or slot.parent is None:
        return
    unsigned = Prepare(state.view, slot.sequence, slot.digest, slot.parent, state.index, b"")
    signature = state.sign_vote(signed_payload(state.binding, unsigned))
    _cast(
        state,
        Prepare(state.view, slot.sequence, slot.digest, slot.parent, state.index, signature),
        effects,
    )


def send_commit(state: ReplicaState, slot: Slot, effects: Effects) -> None:
    """Sign and send this replica's COMMIT."""
    slot.committing = True
    assert slot.digest is not None, "a COMMIT without a proposal"
    unsigned = Commit(state.view, slot.sequence, slot.digest, state.index, b"")
    signature = state.sign_vote(signed_payload(state.binding, unsigned))
    _cast(state, Commit(state.view, slot.sequence, slot.digest, state.index, signature), effects)


def _cast(state: ReplicaState, vote: Prepare | Commit, effects: Effects) -> None:
    effects.append(state.policy.costs.signed)
    effects.append(Broadcast(state.config.group, vote))
    effects.append(Loopback(Received(NodeId(state.index), vote)))


def check_prepared(state: ReplicaState, slot: Slot, effects: Effects) -> None:
    """Note that a proposal is prepared: accepted, and Q-1 backups say the same."""
    if slot.prepared or not slot.accepted or slot.prepare_count < state.backups:
        return
    slot.prepared = True
    certificate = _prepared_certificate(state, slot)
    effects.extend(state.policy.costs.combining(len(certificate.signers)))
    state.prepared[slot.sequence] = certificate
    if state.voting:
        effects.append(
            Emit(Prepared(state.view, slot.sequence, certificate.digest, state.config.epoch))
        )
    effects.append(persist(state, prepared_records(state, certificate)))
    advance_frontier(state, effects)
    confirm(state, effects)


def _prepared_certificate(state: ReplicaState, slot: Slot) -> PreparedCertificate:
    digest, parent = slot.digest, slot.parent
    assert digest is not None, "prepared without a proposal"
    assert parent is not None, "prepared without a parent"
    votes = [
        vote
        for vote in slot.prepares
        if vote is not None and vote.digest == digest and vote.parent == parent
    ][: state.backups]
    return PreparedCertificate(
        state.view,
        slot.sequence,
        digest,
        parent,
        tuple([vote.replica for vote in votes]),
        state.policy.combine([vote.signature for vote in votes]),
    )


def advance_frontier(state: ReplicaState, effects: Effects) -> None:
    """COMMIT upward from the last delivery, as far as everything is prepared and linked."""
    while True:
        sequence = Sequence(max(state.frontier, state.delivered) + 1)
        slot = state.slots.get(sequence)
        if slot is None or not slot.prepared or not state.voting:
            return
        if slot.parent != state.digest_at(Sequence(sequence - 1)):
            return
        state.frontier = sequence
        if not slot.committing:
            send_commit(state, slot, effects)


def answer(effects: Effects) -> Seq[Effect]:
    """Return a turn's effects, or the shared nothing."""
    return effects or NOTHING
