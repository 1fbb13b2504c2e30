"""How a replica's life begins: from nothing, or from its log.

A restarted replica knows its view, what it has accepted and prepared, and the view it has asked
for. It does not know whether its last messages left, nor whether its blocks are valid in this
life of the node. So it has them checked again, repeats its votes, which are the same to the byte,
and tells the others how far it is.
"""

from collections.abc import Iterable, Sequence as Seq

from consensus.acceptance import (
    SIGN,
    advance_frontier,
    answer,
    check_prepared,
    consider,
    new_slot,
    send_prepare,
    set_proposal,
)
from consensus.confirmation import confirm
from consensus.delivery import fall_behind, note_final
from consensus.log import Memory, keys_of, persist, read, stale_records
from consensus.new_view import set_view
from consensus.new_view_rules import open_view
from consensus.normal import request_payload
from consensus.params import ReplicaConfig
from consensus.proposing import propose, signed_proposal
from consensus.state import Effects, ReplicaState, initial_state
from consensus.timers import arm_repair, own_status, watch
from consensus.view_change import announce
from primitives.ids import Instant, NodeId, Sequence
from primitives.machine import Broadcast, Effect, Loopback, Received, Record


def recover(config: ReplicaConfig, records: Iterable[Record]) -> ReplicaState:
    """Return the state of a replica with this log.

    Raises:
        InvalidEncoding: the log is not one.
    """
    state = initial_state(config)
    found = tuple(records)
    memory = read(found, config.epoch)
    state.recovered = state.recovered or bool(found)
    state.logged = keys_of(memory)
    state.stale = tuple(memory.stale)
    state.closed = state.superseded = memory.superseded
    _recover_base(state, memory)
    state.misdeeds.kept = memory.evidence
    state.misdeeds.scores = {peer: len(kept) for peer, kept in memory.evidence.items()}
    for block in memory.blocks:
        if block.sequence > state.delivered:
            state.blocks[block.digest] = block
    floor = state.delivered if state.base is None else max(state.delivered, state.base.sequence)
    for sequence in sorted(memory.prepared):
        if sequence > floor:
            state.prepared[sequence] = memory.prepared[sequence]
    state.changing.target = memory.views.target
    if memory.new_view is not None:
        opening = open_view(memory.new_view, state.size, state.quorum, config.beginning)
        set_view(state, memory.new_view, opening)
    if memory.view_change is not None and not state.voting:
        state.changing.own = memory.view_change
        state.changing.attempts = 1
    _recover_slots(state, memory)
    return state


def _recover_base(state: ReplicaState, memory: Memory) -> None:
    if memory.base is not None:
        state.logged_base = memory.base.sequence
        if memory.base.sequence > state.delivered:
            state.base = memory.base


def _recover_slots(state: ReplicaState, memory: Memory) -> None:
    """Restore what was accepted and prepared in the view of the log."""
    for sequence in sorted(memory.accepted):
        accepted = memory.accepted[sequence]
        if accepted.view != state.view or sequence <= state.delivered:
            continue
        slot = state.slots.get(sequence) or new_slot(state, sequence)
        if slot.digest is None:
            set_proposal(state, slot, accepted.digest, accepted.parent)
        slot.accepted = True
        proof = state.prepared.get(sequence)
        slot.prepared = proof is not None and proof.view == state.view


def on_started(state: ReplicaState, now: Instant) -> Seq[Effect]:
    """Begin, or go on after a restart."""
    effects: Effects = []
    state.progress_at = state.entered_at = now
    if state.stale:
        effects.append(persist(state, stale_records(state)))
    if state.recovered:
        _repeat(state, effects)
        effects.append(Broadcast(state.config.group, own_status(state, alone=False)))
        consider(state, Sequence(state.delivered + 1), effects)
        for digest, missing in state.repair.missing.items():
            request_payload(state, digest, missing, effects)
            arm_repair(state, effects)
        if state.base is not None:
            note_final(state, state.base, effects)
            fall_behind(state, state.repair.witnesses, effects)
    watch(state, now, effects)
    propose(state, now, effects)
    return answer(effects)


def _repeat(state: ReplicaState, effects: Effects) -> None:
    """Send again what the log says was, or may have been, sent."""
    if not state.voting:
        announce(state, effects)
        own = state.changing.own
        assert own is not None, "a view change without its message"
        effects.append(Loopback(Received(NodeId(state.index), own)))
        arm_repair(state, effects)
        return
    if state.leading and state.new_view is not None:
        effects.append(Broadcast(state.config.group, state.new_view))
    for sequence in sorted(state.slots):
        slot = state.slots[sequence]
        if not slot.accepted:
            continue
        block = None if slot.digest is None else state.blocks.get(slot.digest)
        if state.leading and block is not None:
            effects.append(SIGN)
            effects.append(Broadcast(state.config.group, signed_proposal(state, block)))
        send_prepare(state, slot, effects)
        check_prepared(state, slot, effects)  # alone, it needs no vote that could remind it
    advance_frontier(state, effects)
    confirm(state, effects)
