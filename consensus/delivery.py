"""From certificates to delivered blocks, strictly in order.

A commit certificate is proof by itself, wherever it comes from: Q COMMITs of this view, a
`Decided`, or the trail of a new view. A block is delivered when it has one, is valid, and its
parent is the last delivered block. A replica that is not prepared yet when the certificate is
complete sends its own COMMIT all the same: the block is final, and others may want the vote.
"""

from collections.abc import Sequence as Seq
from typing import TypeVar

from consensus.acceptance import (
    advance_frontier,
    ask_validity,
    consider,
    reconsider,
    send_commit,
)
from consensus.certificate import Certificate
from consensus.confirmation import confirm
from consensus.effects import Deliver, FellBehind
from consensus.log import base_records, persist
from consensus.proposing import propose
from consensus.state import Block, Effects, ReplicaState, Validity
from consensus.timers import arm_repair, fall_back, restart
from consensus.trace import Committed
from primitives.ids import Instant, NodeId, Sequence
from primitives.machine import Emit

Kept = TypeVar("Kept")


def deliver_ready(state: ReplicaState, now: Instant, effects: Effects) -> None:
    """Deliver every block that is certified, valid and next."""
    before = state.delivered
    while not state.closed:
        certificate = state.certified.get(Sequence(state.delivered + 1))
        if certificate is None:
            break
        block = state.blocks.get(certificate.digest)
        if block is None:
            break
        if block.validity is not Validity.VALID:
            _settle(state, block)
            ask_validity(block, effects)
            break
        if block.parent != state.head:
            break
        _deliver(state, certificate, effects)
    if state.delivered > before:
        after_progress(state, now, effects)


def _settle(state: ReplicaState, block: Block) -> None:
    """Have a final block checked again that was refused, or was proposed here on a false parent.

    That it is final means that f+1 correct replicas found it valid, on the block below. Its
    primary may have named another parent to this replica alone, and this replica's clock may
    have been behind.
    """
    if block.validity is Validity.ASKED:
        return
    if block.parent != state.head:
        block.parent = state.head
        block.validity = Validity.UNKNOWN
    else:
        reconsider(block)


def _deliver(state: ReplicaState, certificate: Certificate, effects: Effects) -> None:
    sequence = certificate.sequence
    proof = state.prepared.get(sequence)
    if proof is None or proof.digest != certificate.digest:
        # In place of the prepared certificate that a later VIEW-CHANGE would have to show.
        records = base_records(state, certificate)
        if records:
            effects.append(persist(state, records))
    slot = state.slots.get(sequence)
    accepted = slot is not None and slot.accepted and slot.digest == certificate.digest
    if slot is not None and accepted and not slot.committing and state.voting:
        send_commit(state, slot, effects)
    state.trail.append(certificate)
    state.closed = state.blocks[certificate.digest].closing
    move_head(state, certificate)
    effects.append(
        Emit(Committed(certificate.view, sequence, certificate.digest, state.config.epoch))
    )
    effects.append(Deliver(sequence, certificate.digest, certificate))


def move_head(state: ReplicaState, certificate: Certificate) -> None:
    """Make a certified block the last delivered one, and drop what it decides."""
    sequence = certificate.sequence
    state.delivered = sequence
    state.head = certificate.digest
    _drop_up_to(state.slots, sequence)
    _drop_up_to(state.prepared, sequence)
    _drop_up_to(state.certified, sequence)
    floor = sequence - state.params.reach
    stale = [
        digest
        for digest, block in state.blocks.items()
        if block.sequence <= floor or (block.sequence == sequence and digest != certificate.digest)
    ]
    for digest in stale:
        del state.blocks[digest]


def _drop_up_to(table: dict[Sequence, Kept], sequence: Sequence) -> None:
    if sequence in table and len(table) == 1:
        table.clear()
        return
    for old in [known for known in table if known <= sequence]:
        del table[old]


def after_progress(state: ReplicaState, now: Instant, effects: Effects) -> None:
    """Go on from a new head: timers, held proposals, the next block."""
    fall_back(state, now)
    state.top = max(state.top, state.delivered)
    restart(state, now, effects)
    consider(state, Sequence(state.delivered + 1), effects)
    advance_frontier(state, effects)
    confirm(state, effects)
    propose(state, now, effects)


def note_final(state: ReplicaState, certificate: Certificate, effects: Effects) -> None:
    """Remember a verified certificate above the head, and see to it that it is reached."""
    sequence = certificate.sequence
    if sequence <= state.delivered:
        return
    if sequence <= state.delivered + state.params.window:
        state.certified.setdefault(sequence, certificate)
    if sequence > state.repair.horizon:
        state.repair.horizon = sequence
        state.repair.witnesses = tuple(
            replica for replica in certificate.signers if replica != state.index
        )
    arm_repair(state, effects)


def next_block(state: ReplicaState) -> Block | None:
    """Return the block that would be delivered next, if its payload is there."""
    certificate = state.certified.get(Sequence(state.delivered + 1))
    return None if certificate is None else state.blocks.get(certificate.digest)


def fall_behind(state: ReplicaState, holders: Seq[int], effects: Effects) -> None:
    """Ask the node to fetch what this replica cannot reach by itself.

    Args:
        state: of the replica.
        holders: who has it, the first to ask first. The replica itself may be among them: it has
            signed, and its node has lost the blocks in a crash.
        effects: where the question goes.
    """
    block = next_block(state)
    if block is not None and block.validity in {Validity.ASKED, Validity.VALID}:
        return
    for peer in holders:
        if peer != state.index:
            effects.append(FellBehind(state.repair.horizon, NodeId(peer)))
            return
