"""Messages that come too early: of a later view, or of a sequence beyond the window.

A later view's messages are kept, within a bound for each peer, until its NEW-VIEW has come; it
may arrive after the first votes. What lies beyond the window is dropped. Both are evidence when
f+1 peers send such: one of them is correct, so the committee is ahead of this replica, and it
should ask (`consensus.repair`).
"""

from collections.abc import Sequence as Seq

from consensus.acceptance import answer
from consensus.delivery import fall_behind
from consensus.messages import Commit, Prepare, PrePrepare
from consensus.state import EarlyMessages, Effects, ReplicaState
from consensus.timers import arm_repair
from primitives.ids import NodeId, Sequence
from primitives.machine import NOTHING, Effect


def early_bound(state: ReplicaState) -> int:
    """Return how many messages of a later view are kept for each peer."""
    return 3 * state.params.reach


def keep_early(
    state: ReplicaState, sender: NodeId, message: PrePrepare | Prepare | Commit
) -> Seq[Effect]:
    """Keep a message of a later view; drop one of an earlier view."""
    view = message.view
    if view < state.view or sender >= state.size or sender == state.index:
        return NOTHING
    if message.sequence <= state.config.beginning.sequence:
        return NOTHING  # of the epoch before, whose views say nothing about this one's
    if isinstance(message, PrePrepare) and state.config.committee.primary(view) != sender:
        return NOTHING
    kept = state.early.get(sender)
    if kept is None or kept.view < view:
        kept = state.early[sender] = EarlyMessages(view)
    if kept.view == view and len(kept.messages) < early_bound(state):
        kept.messages.append(message)
    return note_view(state, sender, message)


def note_view(
    state: ReplicaState, sender: NodeId, message: PrePrepare | Prepare | Commit
) -> Seq[Effect]:
    """Note that a peer works in a later view; f+1 of them are reason to ask for its proof."""
    views = state.repair.peer_views
    if message.view <= views.get(sender, 0):
        return NOTHING
    views[sender] = message.view
    if len(views) <= state.faults:
        return NOTHING
    effects: Effects = []
    arm_repair(state, effects)
    return answer(effects)


def note_beyond(state: ReplicaState, sender: NodeId, sequence: Sequence) -> Seq[Effect]:
    """Note that a peer works beyond the window; f+1 of them are reason to fetch blocks.

    A correct replica votes for n only when it has delivered n - reach.
    """
    if sequence <= state.delivered + state.params.window or sender >= state.size:
        return NOTHING
    sequences = state.repair.peer_sequences
    if sequence <= sequences.get(sender, 0):
        return NOTHING
    sequences[sender] = sequence
    if len(sequences) <= state.faults:
        return NOTHING
    reached = sorted(sequences.values(), reverse=True)[state.faults]
    final = Sequence(reached - state.params.reach)
    if final <= state.repair.horizon or final <= state.delivered:
        return NOTHING
    state.repair.horizon = final
    state.repair.witnesses = tuple(peer for peer, known in sequences.items() if known >= reached)
    effects: Effects = []
    if not state.repair.armed:
        fall_behind(state, state.repair.witnesses, effects)
    arm_repair(state, effects)
    return answer(effects)
