"""What happens to an effect when its turn lists it: it leaves at once, or through the heap.

An effect leaves at an instant that lies after its turn's start, and in between other entries of
the heap may come up. Where none of them can tell the difference, the effect is performed as its
turn lists it, for that later instant, which saves a heap entry:

* A **message** concerns only its sender's uplink and links, so what counts is that the messages
  of one node take them in order. It goes at once if no earlier one of its node still waits, in
  the heap or behind a `Persist`, and its own core has no unfinished `Persist`.
* A **batch** concerns a disk and the durability gate, a **computation** the cores of a machine.
  They go at once if the node has those for itself and nothing earlier of it is on its way there.

Nothing goes at once that would leave at the `horizon` or later: an action of the timeline may
crash the node or cut the network before. What the trace hears has to be in the order of time
between nodes, so it always passes through the heap.
"""

import heapq
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from primitives.machine import (
    Broadcast,
    CancelTimer,
    Compute,
    Emit,
    Loopback,
    Measured,
    Persist,
    Send,
    SetTimer,
)
from sim.kernel import departures, timers
from sim.kernel.entries import Leaving, Traced
from sim.kernel.host import Host
from sim.kernel.stopping import Stop, stop

if TYPE_CHECKING:
    from sim.kernel.engine import Kernel


def send(kernel: "Kernel", host: Host, at: int, key: int, effect: Send) -> None:
    """Let a message to one node go."""
    if host.waiting or at >= kernel.horizon or effect.message.core in host.persisting:
        _wait(kernel, host, at, key, effect)
    else:
        departures.send(kernel, host, at, key, effect)


def broadcast(kernel: "Kernel", host: Host, at: int, key: int, effect: Broadcast) -> None:
    """Let a message to a group go."""
    if host.waiting or at >= kernel.horizon or effect.message.core in host.persisting:
        _wait(kernel, host, at, key, effect)
    else:
        departures.broadcast(kernel, host, at, key, effect)


def _wait(kernel: "Kernel", host: Host, at: int, key: int, effect: Send | Broadcast) -> None:
    """Let a message leave through the heap; it puts no event into its own node's inbox."""
    host.waiting += 1
    heapq.heappush(kernel.heap, (at, key, 0, Leaving(host.index, host.incarnation, effect)))


def loop_back(kernel: "Kernel", host: Host, at: int, key: int, effect: Loopback) -> None:
    """Let an event set out for its own node."""
    host.waiting += 1
    kernel.push(host, at, key, Leaving(host.index, host.incarnation, effect))


def persist(kernel: "Kernel", host: Host, at: int, key: int, effect: Persist) -> None:
    """Let a batch go to the disk."""
    persisting = host.persisting
    persisting[effect.origin] = persisting.get(effect.origin, 0) + 1
    if host.owns_disk and not host.waiting and not host.writing and at < kernel.horizon:
        departures.persist(kernel, host, at, key, effect)
    else:
        host.writing += 1
        kernel.push(host, at, key, Leaving(host.index, host.incarnation, effect))


def compute(kernel: "Kernel", host: Host, at: int, key: int, effect: Compute) -> None:
    """Let a computation go to the cores; one without stages is over when it begins."""
    host.computing += 1
    alone = host.owns_processors and host.computing == 1
    lasting = effect.stages and effect.stages[0].__class__ is not Measured
    if alone and lasting and at < kernel.horizon:
        departures.compute(kernel, host, at, key, effect)
    else:
        kernel.push(host, at, key, Leaving(host.index, host.incarnation, effect))


def emit(kernel: "Kernel", host: Host, at: int, key: int, effect: Emit) -> None:
    """Let a protocol event go to the trace."""
    traced = Traced(host.index, host.incarnation, effect.event)
    heapq.heappush(kernel.heap, (at, key, 0, traced))


def set_timer(kernel: "Kernel", host: Host, at: int, key: int, effect: SetTimer) -> None:
    """Arm a timer; its delay counts from when the effect leaves."""
    timers.arm(kernel, host, at + effect.delay_ns, key, effect.timer)


def cancel_timer(_kernel: "Kernel", host: Host, _at: int, _key: int, effect: CancelTimer) -> None:
    """Disarm a timer."""
    timers.disarm(host, effect.timer)


Schedule = Callable[["Kernel", Host, int, int, Any], None]

SCHEDULES: Mapping[type, Schedule] = MappingProxyType(
    {
        Send: send,
        Broadcast: broadcast,
        Loopback: loop_back,
        Persist: persist,
        Compute: compute,
        Emit: emit,
        SetTimer: set_timer,
        CancelTimer: cancel_timer,
        Stop: stop,
    }
)
"""What becomes of each effect but `Work`, given the instant at which it leaves, and its key."""
