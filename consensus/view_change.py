"""VIEW-CHANGE: how a committee replaces its primary.

A VIEW-CHANGE is a promise not to vote in the views below, which nobody can take back: a replica
that gave it alone would be lost to a committee that goes on without it, and after a partition a
whole minority would. So a replica whose patience ends first looks whether f others wait as well,
and asks around again if they do not. They are as many as it takes for the rest to join, so a
primary that stops the committee is replaced no later; a replica that is cut off alone votes again
when it is back. Here we deviate from the paper, which has it leave at once.

A replica that leaves stops voting, says so, and repeats it until a new view has begun, since its
message may be lost in a partition. It moves on to a still later view only when a quorum
wanted this one and its primary kept silent for the timeout; a replica that is alone stays where
it is and meets the others there. When f+1 others want later views it joins them at once, because
one of those is correct.

Reference: Castro & Liskov 1999, sections 4.4 and 4.5.2; for asking before leaving, the complaints
of concord-bft (`ReplicaAsksToLeaveViewMsg`).
"""

from collections.abc import Sequence as Seq

from consensus.acceptance import SIGN, answer, reconsider_refused
from consensus.certificate import Certificate, InvalidCertificate, PreparedCertificate
from consensus.certificate_policy import Bill
from consensus.costs import VOTE_VERIFY
from consensus.log import persist, view_records
from consensus.messages import Claim, Decided, ViewChange, ViewChangeVote
from consensus.new_view import is_known, is_own, try_new_view
from consensus.new_view_rules import InvalidViewChange, check_proofs, check_trail, check_vote
from consensus.signing import signed_payload, verify_commits, verify_prepares
from consensus.state import Effects, ReplicaState, Timer
from consensus.timers import (
    arm_repair,
    is_turn,
    own_status,
    request_timeout,
    view_change_timeout,
)
from consensus.trace import ViewChangeStarted
from primitives.ids import Duration, Instant, NodeId, Sequence, View
from primitives.machine import (
    NOTHING,
    Broadcast,
    CancelTimer,
    Effect,
    Emit,
    Loopback,
    Received,
    Send,
    SetTimer,
    Work,
)


def on_progress_timeout(state: ReplicaState, now: Instant) -> Seq[Effect]:
    """Ask the others how far they are; from the second time on, suspect the primary with them."""
    if not state.progress_armed:
        return NOTHING
    effects: Effects = []
    if state.inquired and _is_wait_shared(state):
        start_view_change(state, View(state.view + 1), effects)
        return effects
    state.inquired = True
    reconsider_refused(state, effects)
    rest = request_timeout(state) - request_timeout(state) // 2
    effects.append(Broadcast(state.config.group, own_status(state, alone=False)))
    effects.append(SetTimer(Timer.PROGRESS, Duration(rest)))
    return effects


def _is_wait_shared(state: ReplicaState) -> bool:
    """Tell whether f others have asked around since the last delivery, or left this view."""
    others = {**state.impatient, **dict.fromkeys(state.changing.latest)}
    others.pop(state.index, None)
    return len(others) >= state.faults


def on_view_change_timeout(state: ReplicaState, now: Instant) -> Seq[Effect]:
    """Give up a view that a quorum wanted and its primary did not begin."""
    if state.voting or state.changing.armed != state.changing.target:
        return NOTHING
    effects: Effects = []
    start_view_change(state, View(state.changing.target + 1), effects)
    _join_or_begin(state, now, effects)
    return effects


def start_view_change(state: ReplicaState, target: View, effects: Effects) -> None:
    """Stop voting and ask for `target`."""
    changing = state.changing
    changing.target = target
    changing.attempts = min(changing.attempts, state.params.timeout_doublings) + 1
    changing.short_waits = 0
    if state.progress_armed:
        state.progress_armed = False
        effects.append(CancelTimer(Timer.PROGRESS))
    if state.fairness.armed:
        state.fairness.armed = False
        effects.append(CancelTimer(Timer.FAIRNESS))
    own = changing.own = _view_change(state, target)
    effects.append(Emit(ViewChangeStarted(target, state.config.epoch)))
    effects.append(SIGN)
    effects.append(persist(state, view_records(state)))
    announce(state, effects)
    effects.append(Loopback(Received(NodeId(state.index), own)))
    arm_repair(state, effects)


def announce(state: ReplicaState, effects: Effects) -> None:
    """Tell all that this replica wants another view, and its primary also why."""
    own = state.changing.own
    assert own is not None, "a view change without its message"
    effects.append(Broadcast(state.config.group, ViewChange(own.vote, (), ())))
    primary = state.config.committee.primary(own.vote.view)
    if primary != state.index and (own.trail or own.proofs):
        effects.append(Send(primary, own))


def _view_change(state: ReplicaState, target: View) -> ViewChange:
    """Collect what this replica knows to be final, and what it has prepared above that."""
    base, digest, trail = state.delivered, state.head, tuple(state.trail)
    if state.base is not None and state.base.sequence > base:
        base, digest, trail = state.base.sequence, state.base.digest, (state.base,)
    proofs: list[PreparedCertificate] = []
    below, sequence = digest, Sequence(base + 1)
    while (proof := state.prepared.get(sequence)) is not None and proof.parent == below:
        proofs.append(proof)
        below, sequence = proof.digest, Sequence(sequence + 1)
    claims = tuple(Claim(proof.view, proof.digest) for proof in proofs)
    unsigned = ViewChangeVote(target, state.index, base, digest, claims, b"")
    signature = state.config.signer.sign(signed_payload(state.binding, unsigned))
    vote = ViewChangeVote(target, state.index, base, digest, claims, signature)
    return ViewChange(vote, trail, tuple(proofs))


def on_view_change(
    state: ReplicaState, now: Instant, sender: NodeId, message: ViewChange
) -> Seq[Effect]:
    """Count a replica that wants a later view; help one that wants a past one."""
    vote, changing = message.vote, state.changing
    if vote.replica != sender or sender >= state.size:
        return NOTHING
    if vote.view <= state.view:
        return _help_back(state, now, vote)
    known = changing.latest.get(sender)
    effects: Effects = []
    if known is not None and known.vote == vote:
        behind = state.delivered > vote.base_sequence and state.trail
        shown = message.proofs or message.trail
        if behind and not shown and is_turn(state, changing.helped, now, sender):
            effects.append(Send(sender, Decided(state.trail[-1])))
    elif known is not None and known.vote.view >= vote.view:
        return NOTHING
    else:
        if sender != state.index:
            effects.append(Work(VOTE_VERIFY, 1))
            if not _is_valid_vote(state, vote):
                return effects
        changing.latest[sender] = message
    _prove(state, message, effects)
    _join_or_begin(state, now, effects)
    return answer(effects)


def _is_valid_vote(state: ReplicaState, vote: ViewChangeVote) -> bool:
    try:
        check_vote(vote, state.config.beginning)
    except InvalidViewChange:
        return False
    return len(vote.prepared) <= state.params.window and state.verify(vote)


def _help_back(state: ReplicaState, now: Instant, vote: ViewChangeVote) -> Seq[Effect]:
    """Give the proof of this view to a replica that still asks for it, or for an earlier one.

    Not right after this view has begun, when the answer is under way anyhow. Of those who could
    answer, f+1 do, others each time.
    """
    pause = state.params.repair_interval // 2
    if vote.replica == state.index or now - state.entered_at < pause:
        return NOTHING
    if not is_turn(state, state.changing.helped, now, vote.replica):
        return NOTHING
    effects = help_with_view(state, now, NodeId(vote.replica), alone=False)
    if effects and vote.base_sequence < state.delivered and state.trail:
        effects.append(Send(NodeId(vote.replica), Decided(state.trail[-1])))
    return answer(effects)


def help_with_view(state: ReplicaState, now: Instant, peer: NodeId, *, alone: bool) -> Effects:
    """Return the proof of this view for `peer`, if it is this replica's turn to send it."""
    if state.new_view is None:
        return []
    if alone:
        return [Send(peer, state.new_view)]
    helpers = state.faults + 1
    first = now // state.params.repair_interval * helpers
    turn = (state.index - peer - 1 - first) % max(state.size - 1, 1)
    return [Send(peer, state.new_view)] if turn < helpers else []


def _prove(state: ReplicaState, message: ViewChange, effects: Effects) -> None:
    """As the primary of the wanted view, check the proofs of a VIEW-CHANGE.

    Who has shown a false one is not listened to again about that view: a correct replica shows
    none, and each may cost this one hundreds of checks.
    """
    vote, changing, config = message.vote, state.changing, state.config
    if config.committee.primary(vote.view) != state.index:
        return
    proven = changing.proven.get(vote.replica)
    if proven is not None and proven.vote == vote:
        return
    if changing.refused.get(vote.replica) == vote or len(message.trail) > state.params.reach:
        return
    bill = Bill()
    try:
        check_trail(vote, message.trail, config.beginning)
        check_proofs(message)
        trail = _own_trail(state, message.trail)
        for certificate in () if trail else message.trail:
            bill.certificate(state.policy, min(len(certificate.signers), state.size))
            verify_commits(certificate, config.committee, config.epoch, config.verifier)
        for proof in message.proofs:
            _establish(state, proof, bill)
    except InvalidViewChange:
        return
    except InvalidCertificate:
        changing.refused[vote.replica] = vote
        return
    finally:
        if vote.replica != state.index:
            effects.extend(bill.work())
    changing.proven[vote.replica] = ViewChange(vote, trail or message.trail, message.proofs)


def _own_trail(state: ReplicaState, trail: tuple[Certificate, ...]) -> tuple[Certificate, ...]:
    """Return this replica's own certificates up to the same base; none if it has none of it.

    They need no check, and go into the NEW-VIEW instead of those shown: a replica that lacks
    the blocks would refuse it for one bad signature that nobody has looked at.
    """
    if not trail or not is_own(state, trail[-1]):
        return ()
    return tuple(own for own in state.trail if own.sequence <= trail[-1].sequence)


def _establish(state: ReplicaState, proof: PreparedCertificate, bill: Bill) -> None:
    """Check a prepared certificate, unless the same fact is known."""
    established = state.changing.established
    key = (proof.view, proof.sequence)
    known = established.get(key)
    if known is not None and (known.digest, known.parent) == (proof.digest, proof.parent):
        return
    if not is_known(state, proof):
        bill.certificate(state.policy, min(len(proof.signers), state.size))
        verify_prepares(proof, state.config.committee, state.config.verifier)
        established[key] = proof
        return
    # Its own, not the one shown: nobody has looked at those signatures.
    established[key] = state.prepared[proof.sequence]


def _join_or_begin(state: ReplicaState, now: Instant, effects: Effects) -> None:
    """Join f+1 others, wait for a view that a quorum wants, or begin it."""
    changing = state.changing
    others = [
        message.vote.view for replica, message in changing.latest.items() if replica != state.index
    ]
    others.sort(reverse=True)
    if state.superseded:
        return
    # The paper joins the smallest later view, and again, until f others or fewer are ahead.
    if len(others) > state.faults:
        joined = others[state.faults]
        if joined > max(state.view, changing.target):
            start_view_change(state, joined, effects)
    target = changing.target
    if target <= state.view:
        return
    wanting = sum(message.vote.view >= target for message in changing.latest.values())
    if wanting >= state.quorum and changing.armed != target:
        changing.armed = target
        effects.append(SetTimer(Timer.VIEW_CHANGE, view_change_timeout(state)))
    try_new_view(state, now, effects)
