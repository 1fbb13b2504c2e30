"""The primary's business: when to ask for a block, and what to do with it.

A block is asked for when the batching policy (`consensus.batching`) finds that enough waits, or has
waited long enough, and in any case when a batch has gathered for `batch_delay`, as long as fewer
than `pipeline_depth` sequences are in flight. With `empty_blocks` one is asked for every
`block_interval` in any case.
"""

from collections.abc import Sequence as Seq

from consensus.acceptance import (
    SIGN,
    answer,
    check_prepared,
    new_slot,
    set_proposal,
)
from consensus.batching.policy import Queue
from consensus.effects import BlockBuilt, RequestBlock, WorkDone, WorkPending
from consensus.log import acceptance_records, persist
from consensus.messages import PrePrepare
from consensus.signing import signed_payload
from consensus.state import Block, Effects, ReplicaState, Timer, Validity
from consensus.timers import watch, watch_fairness
from consensus.trace import PrePrepared
from primitives.ids import Duration, Instant, Sequence
from primitives.machine import NOTHING, Broadcast, CancelTimer, Effect, Emit, SetTimer


def on_work_pending(state: ReplicaState, now: Instant, event: WorkPending) -> Seq[Effect]:
    """Wait for a delivery, and as primary propose."""
    state.work = event
    state.proposing.asked = True
    effects: Effects = []
    watch_fairness(state, now, effects)
    if state.progress_armed and not state.leading:
        return answer(effects)
    watch(state, now, effects)
    propose(state, now, effects)
    return answer(effects)


def on_work_done(state: ReplicaState, now: Instant, event: WorkDone) -> Seq[Effect]:
    """Stop waiting, unless a proposal is in flight."""
    state.work = None
    effects: Effects = []
    watch(state, now, effects)
    watch_fairness(state, now, effects)
    return answer(effects)


def on_propose_timeout(state: ReplicaState, now: Instant) -> Seq[Effect]:
    """Propose what has come together."""
    state.proposing.timer_at = Instant(-1)
    effects: Effects = []
    propose(state, now, effects)
    return answer(effects)


def propose(state: ReplicaState, now: Instant, effects: Effects) -> None:
    """Ask the node for a block, or wait until one is due."""
    proposing = state.proposing
    if not state.leading or proposing.building or state.closed:
        return
    sequence = Sequence(state.top + 1)
    if sequence > state.delivered + state.params.pipeline_depth:
        return
    due = _due(state)
    if due is None or not _is_top_valid(state):
        return
    if due > now:
        if proposing.timer_at != due:
            proposing.timer_at = due
            effects.append(SetTimer(Timer.PROPOSE, Duration(due - now)))
        return
    if proposing.timer_at >= 0:
        proposing.timer_at = Instant(-1)
        effects.append(CancelTimer(Timer.PROPOSE))
    parent = state.digest_at(state.top)
    assert parent is not None, "a valid top without a digest"
    proposing.building = sequence
    effects.append(RequestBlock(state.view, sequence, parent, state.params.batch_limits))


def _due(state: ReplicaState) -> Instant | None:
    """Return when the next proposal is due, None if nothing calls for one."""
    params, proposing, work = state.params, state.proposing, state.work
    interval_end = Instant(proposing.proposed_at + params.block_interval)
    due = interval_end if params.empty_blocks else None
    if work is not None and proposing.asked:
        queue = _queue(state, work)
        # A policy may hurry, but nobody is starved by one.
        latest = Instant(queue.begun + queue.delay)
        batch = min(params.batching.due(queue), latest)
        due = batch if due is None else min(due, batch)
    if due is None:
        return None
    return max(due, interval_end) if params.block_interval else due


def _queue(state: ReplicaState, work: WorkPending) -> Queue:
    """Return the situation that the batching policy decides upon."""
    params = state.params
    return Queue(
        since=work.since,
        begun=max(work.since, state.proposing.proposed_at),
        count=work.count,
        byte_count=work.byte_count,
        gas=work.gas,
        in_flight=state.top - state.delivered,
        depth=params.pipeline_depth,
        limits=params.batch_limits,
        delay=params.batch_delay,
    )


def _is_top_valid(state: ReplicaState) -> bool:
    """Tell whether the next block can build on the last: it is there, executed, and not closing."""
    digest = state.digest_at(state.top)
    if digest is None or state.top == state.delivered:
        return digest is not None
    block = state.blocks.get(digest)
    slot = state.slots[state.top]
    if block is None or block.validity is not Validity.VALID or block.closing:
        return False
    return slot.accepted


def on_block_built(state: ReplicaState, now: Instant, event: BlockBuilt) -> Seq[Effect]:
    """PRE-PREPARE the block, if it is still wanted."""
    proposing = state.proposing
    if event.view != state.view or event.sequence != proposing.building:
        return NOTHING
    proposing.building = Sequence(0)
    effects: Effects = []
    fits = event.sequence == state.top + 1 and event.parent == state.digest_at(state.top)
    if state.leading and fits:
        proposing.asked = False
        proposing.proposed_at = now
        _pre_prepare(state, event, effects)
        watch(state, now, effects)
    propose(state, now, effects)
    return answer(effects)


def _pre_prepare(state: ReplicaState, event: BlockBuilt, effects: Effects) -> None:
    """Accept this replica's own proposal and send it."""
    slot = state.slots.get(event.sequence) or new_slot(state, event.sequence)
    set_proposal(state, slot, event.digest, event.parent)
    block = state.blocks.get(event.digest)
    if block is None:
        block = Block(event.sequence, event.digest, event.parent, event.payload, hint=event.hint)
        state.blocks[event.digest] = block
    block.validity = Validity.VALID
    block.closing = event.closing
    slot.accepted = True
    effects.append(Emit(PrePrepared(state.view, slot.sequence, block.digest, state.config.epoch)))
    effects.append(persist(state, acceptance_records(state, slot, block)))
    effects.append(SIGN)
    effects.append(Broadcast(state.config.group, signed_proposal(state, block)))
    check_prepared(state, slot, effects)


def signed_proposal(state: ReplicaState, block: Block) -> PrePrepare:
    """Return this primary's PRE-PREPARE for a block; the same each time.

    What an earlier primary said beside it is left out: it may be a lie, and would be this one's.
    """
    fields = (state.view, block.sequence, block.digest, block.parent, block.payload)
    payload = signed_payload(state.binding, PrePrepare(*fields, b""))
    hint = block.hint if block.hinted_by is None else b""
    return PrePrepare(*fields, state.config.signer.sign(payload), hint)
