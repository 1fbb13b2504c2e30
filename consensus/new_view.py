"""NEW-VIEW: how a view begins.

The primary of the view collects Q VIEW-CHANGEs for it, checks their proofs, and shows what
follows from them. Everybody else computes the same again (`consensus.new_view_rules`) and enters.
A NEW-VIEW proves itself, so whoever works in a view can give it to a peer that missed it.

Blocks that are proposed again run through the three phases once more but are not executed again.
A replica that lacks the payload of one fetches it from the signers of its certificate.

A replica that has asked for a still later view enters as well, but does not vote: its VIEW-CHANGE
was a promise. It follows what the others commit until they join it in a later view.

Reference: Castro & Liskov 1999, section 4.4.
"""

from collections.abc import Sequence as Seq

from consensus.acceptance import SIGN, consider, new_slot, set_proposal
from consensus.certificate import Certificate, InvalidCertificate, PreparedCertificate
from consensus.certificate_policy import Bill
from consensus.costs import VOTE_VERIFY
from consensus.delivery import deliver_ready, fall_behind, note_final
from consensus.effects import ViewBegun
from consensus.log import persist, view_records
from consensus.messages import NewView
from consensus.new_view_rules import InvalidViewChange, Opening, choose_proofs, open_view
from consensus.normal import replay, request_payload
from consensus.proposing import propose
from consensus.signing import signed_payload, verify_commits, verify_prepares
from consensus.state import Block, Effects, MissingPayload, ReplicaState, Timer, Validity
from consensus.timers import arm_repair, restart, watch_fairness
from consensus.trace import ViewEntered
from primitives.ids import Instant, NodeId, Sequence, View
from primitives.machine import (
    NOTHING,
    Broadcast,
    CancelTimer,
    Effect,
    Emit,
)


def try_new_view(state: ReplicaState, now: Instant, effects: Effects) -> None:
    """Begin the view that this replica is to lead, once Q proven VIEW-CHANGEs are there."""
    changing, view = state.changing, state.changing.target
    if view <= state.view or state.config.committee.primary(view) != state.index:
        return
    proven = {
        replica: changing.proven[replica]
        for replica in sorted(changing.proven)
        if changing.proven[replica].vote.view == view
    }
    if len(proven) < state.quorum or state.index not in proven:
        return
    votes = tuple(message.vote for message in proven.values())
    base = max(proven.values(), key=lambda message: message.vote.base_sequence)
    if proven[state.index].vote.base_sequence == base.vote.base_sequence:
        base = proven[state.index]
    proofs = choose_proofs(
        votes, base.vote.base_sequence, base.vote.base_digest, changing.established
    )
    unsigned = NewView(view, votes, base.trail, proofs, b"")
    signature = state.config.signer.sign(signed_payload(state.binding, unsigned))
    message = NewView(view, votes, base.trail, proofs, signature)
    try:
        opening = open_view(message, state.size, state.quorum, state.config.beginning)
    except InvalidViewChange:
        return  # Two proofs contradict each other: more than f replicas lie.
    effects.append(SIGN)
    _enter(state, now, message, opening, effects, announce=True)


def on_new_view(state: ReplicaState, now: Instant, sender: NodeId, message: NewView) -> Seq[Effect]:
    """Enter a later view, if its NEW-VIEW proves that it may begin so."""
    if message.view <= state.view or len(message.trail) > state.params.reach:
        return NOTHING
    try:
        opening = open_view(message, state.size, state.quorum, state.config.beginning)
    except InvalidViewChange:
        return NOTHING
    bill = Bill()
    valid = _verify(state, message, bill)
    effects = bill.work()
    if valid:
        _enter(state, now, message, opening, effects, announce=False)
    return effects


def _verify(state: ReplicaState, message: NewView, bill: Bill) -> bool:
    """Check all signatures that are not known to be good, up to the first bad one."""
    bill.add(VOTE_VERIFY, 1)
    if not state.verify(message):
        return False
    for vote in message.votes:
        bill.add(VOTE_VERIFY, 1)
        if not state.verify(vote):
            return False
    verifier, committee = state.config.verifier, state.config.committee
    try:
        for certificate in message.trail:
            last = certificate is message.trail[-1]
            if certificate.sequence > state.delivered or (last and not is_own(state, certificate)):
                bill.certificate(state.policy, min(len(certificate.signers), state.size))
                verify_commits(certificate, committee, state.config.epoch, verifier)
        for proof in message.proofs:
            if not is_known(state, proof):
                bill.certificate(state.policy, min(len(proof.signers), state.size))
                verify_prepares(proof, committee, verifier)
    except InvalidCertificate:
        return False
    return True


def is_own(state: ReplicaState, certificate: Certificate) -> bool:
    """Tell whether this replica has delivered that very block, as far back as it remembers."""
    return any(
        own.sequence == certificate.sequence and own.digest == certificate.digest
        for own in state.trail
    )


def is_known(state: ReplicaState, proof: PreparedCertificate) -> bool:
    """Tell whether this replica has itself seen prepared what a certificate is about."""
    own = state.prepared.get(proof.sequence)
    key = (proof.view, proof.digest, proof.parent)
    return own is not None and (own.view, own.digest, own.parent) == key


def _enter(
    state: ReplicaState,
    now: Instant,
    message: NewView,
    opening: Opening,
    effects: Effects,
    *,
    announce: bool,
) -> None:
    """Begin to work in a view."""
    set_view(state, message, opening)
    state.entered_at = now
    changing = state.changing
    if state.voting and changing.armed:
        changing.armed = View(0)
        effects.append(CancelTimer(Timer.VIEW_CHANGE))
    effects.append(Emit(ViewEntered(state.view, state.primary, state.config.epoch)))
    kept = tuple(proof.digest for proof in opening.chain if proof.sequence > state.delivered)
    effects.append(ViewBegun(state.view, kept))
    effects.append(persist(state, view_records(state)))
    if announce:
        effects.append(Broadcast(state.config.group, message))
    for certificate in message.trail:
        note_final(state, certificate, effects)
    state.progress_armed = False
    restart(state, now, effects)
    watch_fairness(state, now, effects)
    deliver_ready(state, now, effects)
    if state.delivered < opening.base_sequence:
        fall_behind(state, message.trail[-1].signers, effects)
    consider(state, Sequence(state.delivered + 1), effects)
    _fetch_missing(state, effects)
    _replay(state, now, effects)
    propose(state, now, effects)


def set_view(state: ReplicaState, message: NewView, opening: Opening) -> None:
    """Make `message` the proof of the current view, and its choice the proposals."""
    state.view, state.new_view = message.view, message
    state.primary = state.config.committee.primary(message.view)
    state.slots = {}
    state.floor = opening.base_sequence
    state.frontier = state.delivered
    state.inquired = False
    state.fairness.armed = False
    state.fairness.complaints.clear()
    state.top = max(state.delivered, opening.base_sequence)
    state.proposing.building = Sequence(0)
    state.proposing.asked = state.work is not None
    changing, repair = state.changing, state.repair
    for table in (changing.latest, changing.proven):
        for replica in [r for r in table if table[r].vote.view <= message.view]:
            del table[replica]
    shown = [(p.view, p.sequence) for each in changing.proven.values() for p in each.proofs]
    known = changing.established
    changing.established = {key: known[key] for key in shown if key in known}
    changing.refused = {r: v for r, v in changing.refused.items() if v.view > message.view}
    repair.peer_views = {r: v for r, v in repair.peer_views.items() if v > message.view}
    repair.missing = {}
    _drop_unasked(state, opening)
    for proof in opening.chain:
        if proof.sequence > state.delivered:
            set_proposal(state, new_slot(state, proof.sequence), proof.digest, proof.parent)
            block = state.blocks.get(proof.digest)
            if block is None or not _can_be(block, proof):
                state.blocks.pop(proof.digest, None)
                holders = tuple(r for r in proof.signers if r != state.index)
                repair.missing[proof.digest] = MissingPayload(proof.sequence, proof.parent, holders)


def _drop_unasked(state: ReplicaState, opening: Opening) -> None:
    """Forget payloads of earlier views that nobody has looked at, unless they are wanted.

    Each primary may leave a window of them behind, and only a delivery would clear them away.
    """
    wanted = {proof.digest: None for proof in opening.chain}
    wanted |= {certificate.digest: None for certificate in state.certified.values()}
    for digest, block in list(state.blocks.items()):
        if block.validity is Validity.UNKNOWN and not block.durable and digest not in wanted:
            del state.blocks[digest]


def _can_be(block: Block, proof: PreparedCertificate) -> bool:
    """Tell whether a known payload may be that of a prepared block.

    Backups found the block valid, so an invalid payload is none that belongs to its digest.
    """
    return block.validity is not Validity.INVALID and block.parent == proof.parent


def _fetch_missing(state: ReplicaState, effects: Effects) -> None:
    for digest, missing in state.repair.missing.items():
        request_payload(state, digest, missing, effects)
        arm_repair(state, effects)


def _replay(state: ReplicaState, now: Instant, effects: Effects) -> None:
    """Handle the messages that came before their view."""
    for sender in sorted(state.early):
        if state.early[sender].view > state.view:
            continue
        kept = state.early.pop(sender)
        if kept.view == state.view:
            for message in kept.messages:
                effects.extend(replay(state, now, NodeId(sender), message))
