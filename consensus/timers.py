"""When a replica loses patience.

The request timer runs while something waits for a delivery: transactions that the node holds, or
a proposal that is not delivered. Each delivery starts it anew. When half of it is over the
replica asks the others how far they are, because a message may have been lost; only when that
does not help either, and f others wait too, does it suspect the primary.

Timeouts double with each view change in a row. They fall back by one step when `SHORT_WAITS` waits
in a row have been over within the shorter timeout too: a committee whose timeouts are too short,
for its network or for the execution of its blocks, then stays with those that work, instead of
changing the view for every block. Such a wait lasts until something is delivered that was proposed
after it had begun. The rest of a pipeline comes in the same instant and shows nothing, and neither
does what is delivered to a replica that has left its view.

The fairness timer runs while the node says that blocks pass a transaction over; deliveries do
not restart it. Its rule stands in `consensus.fairness`.

Reference: Castro & Liskov 1999, section 4.4; for the inquiry, the status messages of TOCS 2002,
section 5.2.
"""

from consensus.messages import ReplicaStatus
from consensus.state import Effects, ReplicaState, Timer
from primitives.ids import Duration, Instant
from primitives.machine import CancelTimer, SetTimer

FAIRNESS_TIMEOUTS = 2
"""For how many request timeouts blocks may pass a transaction over."""
SHORT_WAITS = 4
"""Waits in a row that take back a doubling. One proves little where messages get lost: in a network
of eight with one lost copy in twenty, and two that are silent to half of it, 1, 2, 4 and 8 led to
124, 98, 75 and 68 view changes in the same eight minutes."""


def _doubled(state: ReplicaState, timeout: Duration, fewer: int = 0) -> Duration:
    attempts = state.changing.attempts - fewer
    doublings = min(max(attempts - 1, 0), state.params.timeout_doublings)
    return Duration(timeout << doublings)


def request_timeout(state: ReplicaState) -> Duration:
    """Return how long work may wait in this view without a delivery."""
    return _doubled(state, state.params.request_timeout)


def view_change_timeout(state: ReplicaState) -> Duration:
    """Return how long the wanted view may take to begin."""
    return _doubled(state, state.params.view_change_timeout)


def is_waiting(state: ReplicaState) -> bool:
    """Tell whether a delivery is due."""
    if state.closed or state.size == 1:
        return False
    return state.work is not None or state.top > state.delivered or state.params.empty_blocks


def watch(state: ReplicaState, now: Instant, effects: Effects) -> None:
    """Start the request timer if something waits, stop it if nothing does."""
    wanted = state.voting and is_waiting(state)
    if wanted == state.progress_armed:
        return
    state.progress_armed = wanted
    state.inquired = False
    if not wanted:
        effects.append(CancelTimer(Timer.PROGRESS))
        return
    start = state.progress_at
    if state.top > state.delivered or state.work is None:
        start = now
    elif state.work.since > start:
        start = state.work.since
    state.changing.timed, state.changing.timed_since = state.delivered, start
    half = request_timeout(state) // 2
    effects.append(SetTimer(Timer.PROGRESS, Duration(max(start + half - now, 0))))


def restart(state: ReplicaState, now: Instant, effects: Effects) -> None:
    """Begin a new wait: something was delivered, or a view entered."""
    state.progress_at = now
    state.impatient.clear()
    changing = state.changing
    if state.progress_armed and state.voting and is_waiting(state):
        state.inquired = False
        if state.delivered > changing.timed:
            changing.timed, changing.timed_since = state.top, now
        effects.append(SetTimer(Timer.PROGRESS, Duration(request_timeout(state) // 2)))
    else:
        watch(state, now, effects)


def fall_back(state: ReplicaState, now: Instant) -> None:
    """After a delivery, take back a doubling that the last waits did not need."""
    changing = state.changing
    if not changing.attempts or not state.progress_armed or state.delivered <= changing.timed:
        return
    shorter = _doubled(state, state.params.request_timeout, fewer=1)
    if now - changing.timed_since >= shorter:
        changing.short_waits = 0
        return
    changing.short_waits += 1
    if changing.short_waits == SHORT_WAITS:
        changing.short_waits = 0
        changing.attempts -= 1


def fairness_due(state: ReplicaState) -> Instant | None:
    """Return when the primary has passed a transaction over for too long, None if it does not."""
    since = None if state.work is None else state.work.passed_over
    if since is None or state.closed or not state.voting or state.primary == state.index:
        return None
    doublings = min(state.fairness.replaced, state.params.timeout_doublings)
    patience = FAIRNESS_TIMEOUTS * request_timeout(state) << doublings
    return Instant(max(since, state.entered_at) + patience)


def watch_fairness(state: ReplicaState, now: Instant, effects: Effects) -> None:
    """Start the fairness timer if a transaction is passed over, stop it if none is."""
    fairness = state.fairness
    if state.work is None or state.work.passed_over is None:
        fairness.replaced = 0
    due = fairness_due(state)
    if (due is not None) == fairness.armed:
        return
    fairness.armed = due is not None
    fairness.complained = False
    if due is None:
        effects.append(CancelTimer(Timer.FAIRNESS))
        return
    half = request_timeout(state) // 2
    effects.append(SetTimer(Timer.FAIRNESS, Duration(max(due - half - now, 0))))


def own_status(state: ReplicaState, *, alone: bool, passed_over: bool = False) -> ReplicaStatus:
    """Return how far this replica is, as it tells others."""
    return ReplicaStatus(state.view, state.delivered, alone, passed_over, state.config.epoch)


def arm_repair(state: ReplicaState, effects: Effects) -> None:
    """See to it that what was asked for is asked again."""
    if not state.repair.armed:
        state.repair.armed = True
        effects.append(SetTimer(Timer.REPAIR, state.params.repair_interval))


def is_turn(state: ReplicaState, table: dict[int, Instant], now: Instant, peer: int) -> bool:
    """Tell whether a peer may be answered again, and note that it is.

    A question is small and an answer large, so each peer has one in half a repair interval; an
    honest one asks no sooner than after a whole one.
    """
    pause = state.params.repair_interval // 2
    if now - table.get(peer, -pause) < pause:
        return False
    table[peer] = now
    return True
