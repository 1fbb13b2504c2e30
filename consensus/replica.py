"""The engine: it finds the handler of an event and holds the state. The rules are elsewhere."""

from collections.abc import Callable, Iterable, Mapping, Sequence as Seq
from functools import partial
from typing import Any

from consensus.effects import BlockBuilt, BlockValidated, ChainAdvanced, WorkDone, WorkPending
from consensus.engine import MessageHandler
from consensus.fairness import on_fairness_timeout
from consensus.log import persist, retirement_records
from consensus.messages import (
    Commit,
    Decided,
    GetProposal,
    NewView,
    Prepare,
    PrePrepare,
    Proposal,
    ReplicaStatus,
    ViewChange,
)
from consensus.new_view import on_new_view
from consensus.normal import on_block_validated, on_commit, on_pre_prepare, on_prepare
from consensus.params import ReplicaConfig
from consensus.proposing import on_block_built, on_propose_timeout, on_work_done, on_work_pending
from consensus.recovery import on_started, recover
from consensus.repair import (
    on_chain_advanced,
    on_decided,
    on_get_proposal,
    on_proposal,
    on_repair_timeout,
    on_replica_status,
)
from consensus.state import ReplicaState, Timer
from consensus.view_change import on_progress_timeout, on_view_change, on_view_change_timeout
from primitives.ids import Hash32, Instant, NodeId, Sequence, View
from primitives.machine import (
    NOTHING,
    CancelTimer,
    Effect,
    Event,
    Message,
    Received,
    Record,
    Started,
    TimerFired,
)

ON_MESSAGE: Mapping[type[Message], Callable[..., Seq[Effect]]] = {
    PrePrepare: on_pre_prepare,
    Prepare: on_prepare,
    Commit: on_commit,
    ViewChange: on_view_change,
    NewView: on_new_view,
    ReplicaStatus: on_replica_status,
    Decided: on_decided,
    GetProposal: on_get_proposal,
    Proposal: on_proposal,
}
"""(state, now, sender, message) -> effects, by type of message."""

ON_TIMER: Mapping[Any, Callable[[ReplicaState, Instant], Seq[Effect]]] = {
    Timer.PROGRESS: on_progress_timeout,
    Timer.VIEW_CHANGE: on_view_change_timeout,
    Timer.FAIRNESS: on_fairness_timeout,
    Timer.REPAIR: on_repair_timeout,
    Timer.PROPOSE: on_propose_timeout,
}

ON_EVENT: Mapping[type[Event], Callable[..., Seq[Effect]]] = {
    WorkPending: on_work_pending,
    WorkDone: on_work_done,
    BlockBuilt: on_block_built,
    BlockValidated: on_block_validated,
    ChainAdvanced: on_chain_advanced,
}
"""(state, now, event) -> effects, by type of event."""


class Replica:
    """One replica of a PBFT committee.

    Args:
        config: its place in the committee, its key, the chain it starts from.
        recovered: the records of its log (table `consensus`) that were durable; empty at birth.

    Raises:
        InvalidEncoding: the log is not one.

    Reference: Castro & Liskov, Practical Byzantine Fault Tolerance, OSDI 1999.
    """

    __slots__ = ("_on_message", "state")

    def __init__(self, config: ReplicaConfig, recovered: Iterable[Record] = ()) -> None:
        self.state = recover(config, recovered)
        self._on_message = dict(ON_MESSAGE)

    @property
    def handlers(self) -> Mapping[type[Message], MessageHandler]:
        """What to call for each kind of message, bound to this replica's state."""
        return {kind: partial(handle, self.state) for kind, handle in ON_MESSAGE.items()}

    @property
    def view(self) -> View:
        """The view it works in."""
        return self.state.view

    @property
    def primary(self) -> NodeId:
        """The primary of that view."""
        return self.state.primary

    @property
    def delivered(self) -> Sequence:
        """The last sequence that it has delivered."""
        return self.state.delivered

    @property
    def head(self) -> Hash32:
        """The digest of the last block that it has delivered."""
        return self.state.head

    @property
    def scores(self) -> Mapping[int, int]:
        """How many lies this replica can prove of each peer that has told any."""
        return self.state.misdeeds.scores

    def step(self, now: Instant, event: Event) -> Seq[Effect]:
        """Run one turn. What consensus does not know it ignores."""
        if type(event) is Received:
            message = event.message
            handler = self._on_message.get(type(message))
            if handler is None:
                return NOTHING
            return handler(self.state, now, event.sender, message)
        return self._on_other(now, event)

    def retire(self) -> Seq[Effect]:
        """End this replica's life: its epoch is over, and the node has begun the next one."""
        gone = persist(self.state, retirement_records(self.state))
        return (gone, *(CancelTimer(timer) for timer in Timer))

    def _on_other(self, now: Instant, event: Event) -> Seq[Effect]:
        known = ON_EVENT.get(type(event))
        if known is not None:
            return known(self.state, now, event)
        if isinstance(event, TimerFired):
            alarm = ON_TIMER.get(event.timer)
            return NOTHING if alarm is None else alarm(self.state, now)
        if isinstance(event, Started):
            return on_started(self.state, now)
        return NOTHING
