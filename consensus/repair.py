"""What a replica does about lost messages, and how one that was away finds back.

A replica that comes back, after a crash or a partition, may lack the view, blocks, or votes.
Nobody tracks who lacks what; whoever notices asks, and whoever is asked answers with something
that proves itself:

* **The view.** A `ReplicaStatus` or a VIEW-CHANGE of a past view is answered with the NEW-VIEW of
  the current one. A replica sends its status when it restarts, when half of the request timeout
  is over, and to a peer when f+1 peers were heard in a later view.
* **Blocks.** A status below the own last delivery is answered with `Decided`, a certificate of
  that delivery. With it, with f+1 peers beyond the window, with the base of a NEW-VIEW, or with a
  certificate above a gap, a replica knows that it is behind, and has the node fetch (`FellBehind`).
* **Votes.** A status of the same view and height is answered with the own votes above it.
* **Epochs.** A status of an earlier epoch is answered with the own one, and one of a later epoch
  makes the node fetch.
* **Payloads** of blocks that a new view proposes again, or that came forged with the primary's
  proposal: `GetProposal`, `Proposal`.

The REPAIR timer repeats what was asked for, with another peer each time, as long as it lacks.

Reference: Castro & Liskov, TOCS 2002, section 5.2 (status messages and retransmission).
"""

from collections.abc import Sequence as Seq

from consensus.acceptance import SIGN, answer, consider
from consensus.certificate import Certificate, InvalidCertificate
from consensus.certificate_policy import Bill
from consensus.delivery import (
    after_progress,
    deliver_ready,
    fall_behind,
    move_head,
    note_final,
)
from consensus.effects import ChainAdvanced, FellBehind
from consensus.log import base_records, persist
from consensus.messages import Decided, GetProposal, Proposal, ReplicaStatus
from consensus.normal import learn_block, request_payload
from consensus.proposing import signed_proposal
from consensus.signing import verify_commits
from consensus.state import Effects, ReplicaState, Validity
from consensus.timers import arm_repair, is_turn, own_status
from consensus.view_change import announce, help_with_view
from primitives.ids import Instant, NodeId, View
from primitives.machine import NOTHING, Effect, Send


def on_repair_timeout(state: ReplicaState, now: Instant) -> Seq[Effect]:
    """Repeat what is still lacking."""
    repair = state.repair
    repair.armed = False
    turn = repair.turns
    repair.turns += 1
    effects: Effects = []
    if not state.voting:
        announce(state, effects)
    _ask_for_view(state, turn, effects)
    _ask_for_payloads(state, effects)
    lacking = bool(effects)
    if repair.horizon > state.delivered:
        lacking = True
        peers = state.misdeeds.spare(repair.witnesses)
        if peers:
            fall_behind(state, peers[turn % len(peers) :], effects)
    if lacking:
        arm_repair(state, effects)
    else:
        repair.turns = 0
    return answer(effects)


def _ask_for_view(state: ReplicaState, turn: int, effects: Effects) -> None:
    """Ask a peer that works in a later view for its proof, if f+1 do."""
    ahead = [peer for peer, view in state.repair.peer_views.items() if view > state.view]
    if len(ahead) > state.faults:
        peer = ahead[turn % len(ahead)]
        effects.append(Send(NodeId(peer), own_status(state, alone=True)))


def _ask_for_payloads(state: ReplicaState, effects: Effects) -> None:
    missing = state.repair.missing
    for digest in [d for d, entry in missing.items() if entry.sequence <= state.delivered]:
        del missing[digest]
    for digest, entry in missing.items():
        if digest not in state.blocks:
            request_payload(state, digest, entry, effects)


def on_replica_status(
    state: ReplicaState, now: Instant, sender: NodeId, message: ReplicaStatus
) -> Seq[Effect]:
    """Send a peer what it seems to lack, at most once in half a repair interval."""
    if sender >= state.size or sender == state.index:
        return NOTHING
    if message.epoch != state.config.epoch:
        return _help_across_epochs(state, now, sender, message)
    if message.passed_over and message.view == state.view:
        state.fairness.complaints[sender] = now
    elif message.view == state.view and message.sequence >= state.delivered and not message.alone:
        state.impatient[sender] = None
    if not is_turn(state, state.repair.answered, now, sender):
        return NOTHING
    effects: Effects = []
    if message.view < state.view:
        effects.extend(help_with_view(state, now, sender, alone=message.alone))
    if message.sequence < state.delivered and state.trail:
        effects.append(Send(sender, Decided(state.trail[-1])))
    elif message.view == state.view and message.sequence == state.delivered and state.voting:
        _repeat_votes(state, sender, effects)
    return answer(effects)


def _help_across_epochs(
    state: ReplicaState, now: Instant, sender: NodeId, message: ReplicaStatus
) -> Seq[Effect]:
    """Tell a peer of an earlier epoch of this one; have the node fetch the way to a later one.

    Nothing that is signed in one epoch holds in another: what leads across is certified blocks.
    """
    if message.epoch < state.config.epoch:
        if not is_turn(state, state.repair.answered, now, sender):
            return NOTHING
        return (Send(sender, own_status(state, alone=True)),)
    if message.sequence <= state.delivered or not is_turn(
        state, state.repair.answered, now, sender
    ):
        return NOTHING
    return (FellBehind(message.sequence, sender),)


def _repeat_votes(state: ReplicaState, peer: NodeId, effects: Effects) -> None:
    for sequence in sorted(state.slots):
        slot = state.slots[sequence]
        block = None if slot.digest is None else state.blocks.get(slot.digest)
        if state.leading and slot.accepted and block is not None:
            effects.append(SIGN)
            effects.append(Send(peer, signed_proposal(state, block)))
        for vote in (slot.prepares[state.index], slot.commits[state.index]):
            if vote is not None:
                effects.append(Send(peer, vote))


def on_decided(state: ReplicaState, now: Instant, sender: NodeId, message: Decided) -> Seq[Effect]:
    """Take a proof that a sequence above the last delivery is final."""
    certificate, config = message.certificate, state.config
    sequence = certificate.sequence
    if sequence <= state.delivered or sequence in state.certified:
        return NOTHING
    if sequence <= state.repair.horizon and sequence > state.delivered + state.params.window:
        return NOTHING
    bill = Bill()
    bill.certificate(state.policy, min(len(certificate.signers), state.size))
    effects = bill.work()
    try:
        verify_commits(certificate, config.committee, config.epoch, config.verifier)
    except InvalidCertificate:
        return effects
    note_final(state, certificate, effects)
    _note_view(state, certificate)
    deliver_ready(state, now, effects)
    if state.delivered < sequence:
        fall_behind(state, (sender,), effects)
    return effects


def _note_view(state: ReplicaState, certificate: Certificate) -> None:
    """A certificate of a later view proves that Q replicas have worked in it."""
    if certificate.view > state.view:
        for replica in certificate.signers:
            known = state.repair.peer_views.get(replica, View(0))
            state.repair.peer_views[replica] = max(known, certificate.view)


def on_chain_advanced(state: ReplicaState, now: Instant, event: ChainAdvanced) -> Seq[Effect]:
    """Go on from the blocks that the node has fetched."""
    if event.sequence <= state.delivered:
        return NOTHING
    effects: Effects = []
    # The node may not have these blocks on its disk yet; what this replica votes for next
    # builds on them.
    records = base_records(state, event.certificate)
    if records:
        effects.append(persist(state, records))
    _replace_trail(state, (*event.trail, event.certificate))
    state.closed = event.closing or state.superseded
    move_head(state, event.certificate)
    _note_view(state, event.certificate)
    if state.repair.peer_views:
        arm_repair(state, effects)
    after_progress(state, now, effects)
    deliver_ready(state, now, effects)
    return answer(effects)


def _replace_trail(state: ReplicaState, certificates: tuple[Certificate, ...]) -> None:
    """Keep the longest consecutive run that ends with the new head's certificate."""
    for certificate in certificates:
        if state.trail and certificate.sequence <= state.trail[-1].sequence:
            continue
        if state.trail and certificate.sequence != state.trail[-1].sequence + 1:
            state.trail.clear()
        state.trail.append(certificate)


def on_get_proposal(
    state: ReplicaState, now: Instant, sender: NodeId, message: GetProposal
) -> Seq[Effect]:
    """Hand out a payload that this replica has found valid; to each peer now and then only."""
    block = state.blocks.get(message.digest)
    if block is None or block.sequence != message.sequence or sender >= state.size:
        return NOTHING
    if block.validity is not Validity.VALID and not block.durable:
        return NOTHING
    if not is_turn(state, block.handed, now, sender):
        return NOTHING
    return (Send(sender, Proposal(block.sequence, block.digest, block.payload)),)


def on_proposal(
    state: ReplicaState, now: Instant, sender: NodeId, message: Proposal
) -> Seq[Effect]:
    """Take a payload from whom this replica asked. Whether it fits its digest, the node says.

    Of each question one answer is looked at: a liar could keep the node busy with forgeries.
    """
    missing = state.repair.missing.get(message.digest)
    if missing is None or message.digest in state.blocks or sender not in missing.awaited:
        return NOTHING
    del missing.awaited[sender]
    block = learn_block(state, missing.sequence, message.digest, missing.parent, message.payload)
    block.fetched = True
    effects: Effects = []
    consider(state, missing.sequence, effects)
    deliver_ready(state, now, effects)
    return answer(effects)
