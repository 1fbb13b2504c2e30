"""Fast confirmation: what a replica may say about a block that is not committed yet.

PBFT answers a client after three phases. A replica that has *prepared* a block can already say
what the result will be, one phase earlier, and a client that hears the same of Q replicas has its
answer for good. One signature for each block is enough: its digest covers the receipts, so the
result of every transaction in it is a Merkle proof away.

The rule. Replica i signs TENTATIVE(v, n, d) when n is its last delivered sequence plus one, d
stands on the block that it has delivered last, and d is prepared at n in view v, the view that i
works and votes in, with i's own acceptance. The signature leaves after the record of the
prepared certificate is durable, and once for each (v, n).

Why Q of them mean that no other block is ever committed at n. Say that Q replicas have signed
TENTATIVE(v, n, d).

* In view v nothing else is prepared at n: two certificates would share a correct backup, and it
  PREPAREs once for each (v, n), across its crashes too.
* A NEW-VIEW for w > v needs Q VIEW-CHANGEs. Q and Q share a correct replica r that has signed,
  and signed before it asked for w, because it says nothing while it does not vote. When r signed,
  all below n was committed; so r's base in the VIEW-CHANGE is n - 1 or more, or, after a crash
  that has cost its node blocks, its P set begins lower and leads up to n without a hole. What it
  knew as final is in its log as `base` or as prepared certificates (`consensus.log`).
* If some base in the NEW-VIEW is n or more, n is committed, and by this same argument for the
  views in between it is d. Otherwise r claims n with view v or a later one, and by induction over
  the views from v to w every claim at n of view v or later is for d: the new view's choice at n
  has the highest view, so it is d.
* The walk upward does reach n. Everything below n is committed, so what is chosen there is what
  was committed, and d's parent is just that. Here the linked blocks need the rule's "everything
  below is delivered": a claim counts only in a P set without holes, on the chosen parent. A
  replica that signed d over an unprepared n - 1 could not show d in its VIEW-CHANGE at all, the
  new view would fill n - 1 and n with other blocks, and the answer would have been a lie
  (`tests/properties/mutations.toml` keeps that run).
* A certificate of an older view will not do either. At (u, n), u < v, a block may be prepared and
  then lose against another in v; only "prepared in v" makes d the one that has the highest view
  at a quorum.

Everything below *prepared* in v, as COMMIT asks for it, would be as safe. It is not offered: the
COMMITs of those blocks are then already on their way, and the delivery that follows makes the
next block eligible in the same turn.

What a restart must not forget is what COMMIT needs too: the acceptance (or it could PREPARE
another block at (v, n)), the prepared certificate (or its VIEW-CHANGE would hide it), and the
base below. A restarted replica signs again; the bytes are the same.

Epochs. An epoch is a replica of its own and its number is in what is signed. The block that
closes an epoch is the last one that the old replica accepts, so it never signs above it; the new
replica begins with the closing block delivered. Signatures of two epochs are never added up,
because they are over other bytes.

The paper's replicas also *execute* tentatively and must undo it if a view change takes the block
away. Blocks here are executed before they are voted on, as layers on their parent, so there is
nothing to undo.

Reference: Castro & Liskov, Practical Byzantine Fault Tolerance and Proactive Recovery, TOCS
20(4), 2002, section 5.1 (tentative execution): "the client waits for 2f + 1 matching tentative
replies"; read Q for 2f + 1 (DESIGN section 2).
"""

from consensus.costs import VOTE_SIGN
from consensus.messages import TentativeVote
from consensus.signing import signed_payload
from consensus.state import Effects, ReplicaState, Slot
from primitives.ids import Hash32, Sequence, View
from primitives.machine import Effect, Work


class Tentative(Effect, frozen=True, gc=False):
    """This replica has signed that `digest` will stand at `sequence`, unless too many lie.

    May leave the node only when the core's earlier `Persist`s are durable.
    """

    epoch: int
    view: View
    sequence: Sequence
    digest: Hash32
    signature: bytes


def confirm(state: ReplicaState, effects: Effects) -> None:
    """Sign the block above the last delivered one, if it is prepared in this view."""
    if not state.params.fast_confirmation or not state.voting:
        return
    slot = _next_prepared(state)
    if slot is None or (state.view, slot.sequence) == state.confirmed:
        return
    view, sequence, digest = state.view, slot.sequence, slot.digest
    assert digest is not None, "prepared without a proposal"
    state.confirmed = (view, sequence)
    unsigned = TentativeVote(view, sequence, digest, state.index, b"")
    signature = state.config.signer.sign(signed_payload(state.binding, unsigned))
    effects.append(Work(VOTE_SIGN, 1))
    effects.append(Tentative(state.config.epoch, view, sequence, digest, signature))


def _next_prepared(state: ReplicaState) -> Slot | None:
    """Return the slot above the last delivered one, if it is prepared, on that very block."""
    slot = state.slots.get(Sequence(state.delivered + 1))
    if slot is None or slot.parent != state.head or not slot.prepared:
        return None
    return slot
