"""What each kind of heap entry does when its instant comes (all but message arrivals)."""

import heapq
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from primitives.machine import Broadcast, Send
from sim.kernel import departures, stopping, timers
from sim.kernel.entries import (
    Action,
    Arriving,
    Durable,
    Entering,
    Feeding,
    Landing,
    Leaving,
    Sent,
    Stage,
    Stopping,
    Timer,
    Traced,
    Waking,
)

if TYPE_CHECKING:
    from sim.kernel.engine import Kernel


def on_landing(kernel: "Kernel", at: int, _key: int, entry: Landing) -> None:
    """Give a message that took the slow path to its node."""
    host = kernel.hosts[entry.node]
    kernel.popped(host)
    if host.incarnation == entry.incarnation:
        if kernel.trace.wants_deliveries:
            sender, kind = int(entry.event.sender), type(entry.event.message).__name__
            kernel.trace.delivered(at, sender, entry.node, kind)
        kernel.arrive(host, at, entry.event)


def on_arriving(kernel: "Kernel", at: int, key: int, entry: Arriving) -> None:
    """Let an event from outside queue for its node's downlink."""
    host = kernel.hosts[entry.node]
    kernel.popped(host)
    landed = kernel.pass_downlink(entry.node, at, entry.size)
    if host.machine is not None:
        entering = Entering(entry.node, host.incarnation, entry.event)
        kernel.push(host, landed, key, entering)


def on_entering(kernel: "Kernel", at: int, _key: int, entry: Entering) -> None:
    """Give an event from outside to its node."""
    host = kernel.hosts[entry.node]
    kernel.popped(host)
    if host.incarnation == entry.incarnation:
        kernel.arrive(host, at, entry.event)


def on_leaving(kernel: "Kernel", at: int, key: int, entry: Leaving) -> None:
    """Perform an effect, unless its node has crashed since."""
    host = kernel.hosts[entry.node]
    kind = entry.effect.__class__
    if kind is not Send and kind is not Broadcast:
        kernel.popped(host)
    if host.incarnation == entry.incarnation:
        departures.leave(kernel, host, at, key, entry.effect)


def on_traced(kernel: "Kernel", at: int, _key: int, entry: Traced) -> None:
    """Write a protocol event to the trace, unless its node has crashed since."""
    if kernel.hosts[entry.node].incarnation == entry.incarnation:
        kernel.trace.event(at, entry.node, entry.event)


def on_sent(kernel: "Kernel", at: int, _key: int, entry: Sent) -> None:
    """Tell the trace of a message; the packet does not know whether its sender has died since."""
    kernel.trace.sent(at, entry.node, entry.kind, entry.count, entry.size, entry.plain)


def on_stage(kernel: "Kernel", at: int, key: int, entry: Stage) -> None:
    """End a stage of a computation."""
    host = kernel.hosts[entry.node]
    kernel.popped(host)
    if host.incarnation == entry.incarnation:
        departures.next_stage(kernel, host, at, key, entry.compute, entry.number + 1, entry.spent)


def on_durable(kernel: "Kernel", at: int, _key: int, entry: Durable) -> None:
    """End a sync of the disk; what was not synced at a crash is lost."""
    host = kernel.hosts[entry.node]
    kernel.popped(host)
    if host.incarnation == entry.incarnation:
        departures.made_durable(kernel, host, at, entry.persist, entry.since)


def on_waking(kernel: "Kernel", at: int, _key: int, entry: Waking) -> None:
    """Run the turns that wait in an inbox, as far as the horizon."""
    host = kernel.hosts[entry.node]
    if host.incarnation != entry.incarnation:
        return
    while host.inbox:
        start = max(at, kernel.busy[entry.node])
        if start >= kernel.horizon or (start > at and not host.ahead):
            kernel.wake(start, entry)
            return
        kernel.turn(host, start, host.inbox.popleft())
    kernel.unblock(host)


def on_action(kernel: "Kernel", _at: int, _key: int, entry: Action) -> None:
    """Let the timeline act."""
    heapq.heappop(kernel.actions)
    kernel.set_horizon()
    entry.run()


def on_feeding(_kernel: "Kernel", _at: int, _key: int, entry: Feeding) -> None:
    """Let a client act."""
    entry.run()


Handler = Callable[["Kernel", int, int, Any], None]

HANDLERS: Mapping[type, Handler] = MappingProxyType(
    {
        Landing: on_landing,
        Arriving: on_arriving,
        Entering: on_entering,
        Leaving: on_leaving,
        Traced: on_traced,
        Sent: on_sent,
        Timer: timers.come_up,
        Stage: on_stage,
        Durable: on_durable,
        Stopping: stopping.on_stopping,
        Waking: on_waking,
        Action: on_action,
        Feeding: on_feeding,
    }
)
