"""Twins: one identity that runs twice, as after a failover that left the old server running.

Two honest machines share one key and one place in the committee. The other validators are split by
lot, anew in each epoch: one half talks to the first machine, the other half to the second. Each
twin is honest; what they sign together is not. The second keeps nothing on disk, and begins anew
after a crash.

Reference: Bano et al., Twins: BFT Systems Made Robust, OPODIS 2021.
"""

from collections.abc import Sequence as Seq
from typing import ClassVar

import msgspec

from primitives.ids import Instant, NodeId, RequestId
from primitives.machine import (
    NOTHING,
    Broadcast,
    CancelTimer,
    Completed,
    Compute,
    Effect,
    Emit,
    Event,
    Loopback,
    Machine,
    Persist,
    Received,
    Send,
    SetTimer,
    Started,
    TimerFired,
)
from sim.liars.context import LiarContext


class TwinTimer(msgspec.Struct, frozen=True, gc=False):
    """A timer of the second twin."""

    timer: object


class TwinEvent(Event, frozen=True, gc=False):
    """What the second twin hands to itself. It waits for no disk: that twin has none."""

    core: ClassVar[str] = "twin"
    event: Event


class Twins:
    """Two machines behind one node."""

    def __init__(self, honest: Machine, context: LiarContext) -> None:
        self._first = honest
        self._second = context.spare()
        self._members = context.members
        self._place = context.place

    def step(self, now: Instant, event: Event) -> Seq[Effect]:
        """Run one turn of the twin that the event is for, or of both."""
        if isinstance(event, Started):
            started = self._second_turn(now, event)
            return [*self._first_turn(now, event), *started]
        if isinstance(event, TwinEvent):
            return self._second_turn(now, event.event)
        if isinstance(event, TimerFired) and isinstance(event.timer, TwinTimer):
            return self._second_turn(now, TimerFired(event.timer.timer))
        if isinstance(event, Completed) and event.request < 0:
            return self._second_turn(now, Completed(_mirrored(event.request), event.result))
        if isinstance(event, Received) and self._is_apart(event.sender):
            return self._second_turn(now, event)
        return self._first_turn(now, event)

    def _first_turn(self, now: Instant, event: Event) -> list[Effect]:
        effects: list[Effect] = []
        for effect in self._first.step(now, event):
            effects += self._spoken(effect, second=False)
        return effects

    def _second_turn(self, now: Instant, event: Event) -> list[Effect]:
        effects: list[Effect] = []
        for effect in self._second.step(now, event):
            for spoken in self._spoken(effect, second=True):
                effects += _renamed(spoken)
        return effects

    def _spoken(self, effect: Effect, *, second: bool) -> Seq[Effect]:
        """Return what of an effect reaches the twin's own half of the network."""
        if isinstance(effect, Send):
            return (effect,) if self._is_apart(effect.to) is second else NOTHING
        if isinstance(effect, Broadcast):
            members = self._members(effect.group)
            return [Send(to, effect.message) for to in members if self._is_apart(to) is second]
        return (effect,)

    def _is_apart(self, node: NodeId) -> bool:
        """Tell whether a node has to do with the second twin, in the first one's epoch."""
        _, apart = self._place().halves
        return node in apart


def _renamed(effect: Effect) -> Seq[Effect]:
    """Return an effect of the second twin under names that the first does not use."""
    if isinstance(effect, SetTimer):
        return (SetTimer(TwinTimer(effect.timer), effect.delay_ns),)
    if isinstance(effect, CancelTimer):
        return (CancelTimer(TwinTimer(effect.timer)),)
    if isinstance(effect, Compute):
        return (Compute(_mirrored(effect.request), effect.stages, effect.job),)
    if isinstance(effect, Loopback):
        return (Loopback(TwinEvent(effect.event)),)
    return NOTHING if isinstance(effect, Persist | Emit) else (effect,)


def _mirrored(request: RequestId) -> RequestId:
    """Return the number that stands for a request of the second twin; its own inverse."""
    return RequestId(-1 - request)
