"""Named timers with one heap entry each, moved lazily.

A request timer is re-set at every delivery. Were each setting a heap entry, the heap would fill
with void ones; so a later setting only moves the due time, and the entry follows when it comes
up. A setting that is earlier than the entry adds one.
"""

from collections.abc import Hashable
from typing import TYPE_CHECKING

from sim.kernel.entries import NEVER, Fired, Timer
from sim.kernel.host import Host

if TYPE_CHECKING:
    from sim.kernel.engine import Kernel


def arm(kernel: "Kernel", host: Host, due: int, key: int, name: Hashable) -> None:
    """Let the timer fire at `due`, whatever it was set to before."""
    timer = host.timers.get(name)
    if timer is None:
        timer = Timer(host.index, host.incarnation, name, due, key, NEVER)
        host.timers[name] = timer
    timer.due, timer.key = due, key
    timer.serial += 1
    if due < timer.scheduled:
        timer.scheduled = due
        kernel.push(host, due, key, timer)


def disarm(host: Host, name: Hashable) -> None:
    """Make the timer, and a firing of it that waits in the inbox, void."""
    timer = host.timers.get(name)
    if timer is not None:
        timer.due = NEVER
        timer.serial += 1
        _forget(host, timer)


def come_up(kernel: "Kernel", at: int, key: int, timer: Timer) -> None:
    """Handle a heap entry of `timer`: fire it, or follow it to where it was moved."""
    host = kernel.hosts[timer.node]
    kernel.popped(host)
    if host.incarnation != timer.incarnation:
        return
    if at == timer.scheduled:
        timer.scheduled = NEVER
    if timer.due == at and timer.key == key:
        timer.due = NEVER
        timer.queued += 1
        kernel.arrive(host, at, Fired(timer, timer.serial))
    elif timer.due < timer.scheduled:
        timer.scheduled = timer.due
        kernel.push(host, timer.due, timer.key, timer)
    else:
        _forget(host, timer)


def taken(host: Host, fired: Fired) -> bool:
    """Take a firing out of the inbox; False when it was overtaken meanwhile."""
    fired.timer.queued -= 1
    _forget(host, fired.timer)
    return fired.timer.serial == fired.serial


def _forget(host: Host, timer: Timer) -> None:
    """Drop a timer that is neither armed, nor in the heap, nor in the inbox."""
    idle = timer.due == NEVER and timer.scheduled == NEVER and not timer.queued
    if idle and host.timers.get(timer.name) is timer:
        del host.timers[timer.name]
