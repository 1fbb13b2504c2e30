"""What a replica does about a primary that serves some and censors others.

The request timer does not see it: each delivery starts it anew. So the node also says since when
blocks have *passed over* a transaction that it has admitted itself (`WorkPending.passed_over`).
What that means is its business, since only it knows prices; a block that is full of transactions
that pay at least as much passes nothing over (`node.fairness`).

A primary is suspected when blocks have passed something over for `FAIRNESS_TIMEOUTS` request
timeouts without a break, counted from the beginning of its view at the earliest. The rule for
leaving is that of the request timer: half a request timeout before that a replica complains, and
leaves when f others complain as well, or have left the view; else it complains again. Of f+1
replicas one is correct, so liars alone replace nobody, and a replica whose pool differs from all
others stays with the committee. A complaint counts for one request timeout, and only in its
view.

With each primary that is replaced for it the patience doubles, until nothing is passed over any
more: if it was not the primaries' fault, the committee does not spend its time on view changes.
"""

from collections.abc import Sequence as Seq

from consensus.state import Effects, ReplicaState, Timer
from consensus.timers import fairness_due, own_status, request_timeout
from consensus.view_change import start_view_change
from primitives.ids import Duration, Instant, View
from primitives.machine import NOTHING, Broadcast, Effect, SetTimer


def on_fairness_timeout(state: ReplicaState, now: Instant) -> Seq[Effect]:
    """Complain about the primary; from the second time on, suspect it with the others."""
    fairness = state.fairness
    due = fairness_due(state)
    if not fairness.armed or due is None:
        return NOTHING
    timeout = request_timeout(state)
    half = timeout // 2
    effects: Effects = []
    if now < due - half:  # what was passed over first is served, something else is not
        fairness.complained = False
        effects.append(SetTimer(Timer.FAIRNESS, Duration(due - half - now)))
        return effects
    if fairness.complained and now >= due and _is_shared(state, now):
        fairness.replaced += 1
        start_view_change(state, View(state.view + 1), effects)
        return effects
    fairness.complained = True
    complaint = own_status(state, alone=False, passed_over=True)
    effects.append(Broadcast(state.config.group, complaint))
    effects.append(SetTimer(Timer.FAIRNESS, Duration(timeout - half)))
    return effects


def _is_shared(state: ReplicaState, now: Instant) -> bool:
    """Tell whether f others complain of this primary too, or have left its view."""
    lasting = request_timeout(state)
    complaints = state.fairness.complaints
    others = {peer: None for peer, at in complaints.items() if now - at <= lasting}
    others |= dict.fromkeys(state.changing.latest)
    others.pop(state.index, None)
    return len(others) >= state.faults
