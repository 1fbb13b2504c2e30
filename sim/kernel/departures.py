"""What happens when an effect leaves its turn: the wire, the disk, the cores, the loop back."""

from typing import TYPE_CHECKING

from primitives.durability import core_of
from primitives.machine import (
    Broadcast,
    Completed,
    Compute,
    Loopback,
    Persist,
    Persisted,
    Send,
)
from sim.kernel.entries import Durable, Stage
from sim.kernel.host import Host

if TYPE_CHECKING:
    from sim.kernel.engine import Kernel

PUBLIC = (Send, Broadcast)
"""Effects that cannot put an event into their own node's inbox."""

Departure = Send | Broadcast | Loopback | Persist | Compute


def leave(kernel: "Kernel", host: Host, at: int, key: int, effect: Departure) -> None:
    """Perform one effect at the instant at which its turn lets go of it."""
    if isinstance(effect, Persist):
        host.gate.begin(effect.origin, effect.token)
        durable_at = host.disk.write(at, effect.records)
        kernel.push(host, durable_at, key, Durable(host.index, host.incarnation, effect))
    elif isinstance(effect, Compute):
        next_stage(kernel, host, at, key, effect, 0)
    elif host.gate.holds(core := core_of(effect)):
        host.gate.hold(core, (key, effect))
    else:
        _release(kernel, host, at, key, effect)


def next_stage(
    kernel: "Kernel", host: Host, at: int, key: int, compute: Compute, number: int
) -> None:
    """Begin stage `number` of a computation, or answer it when all have ended."""
    if number == len(compute.stages):
        kernel.arrive(host, at, Completed(compute.request, compute.job.run()))
        return
    node = host.index

    def cost(kind: str, units: int) -> int:
        return kernel.cost(node, kind, units)

    end = host.processors.reserve(at, node, compute.stages[number], cost)
    kernel.push(host, end, key, Stage(node, host.incarnation, compute, number))


def made_durable(kernel: "Kernel", host: Host, at: int, persist: Persist) -> None:
    """Apply a batch that the disk has synced, acknowledge it, let go of what it held back."""
    host.store.write(persist.records)
    released = host.gate.durable(persist.origin, persist.token)
    kernel.arrive(host, at, Persisted(persist.origin, persist.token))
    for key, effect in released:
        _release(kernel, host, at, key, effect)


def _release(
    kernel: "Kernel", host: Host, at: int, key: int, effect: Send | Broadcast | Loopback
) -> None:
    if isinstance(effect, Loopback):
        kernel.arrive(host, at, effect.event)
        return
    size = kernel.size_of(effect.message)
    if isinstance(effect, Broadcast):
        arrivals = kernel.network.broadcast(at, host.index, effect.group, size)
    else:
        to = int(effect.to)
        arrival = kernel.network.send(at, host.index, to, size)
        arrivals = ([], []) if arrival is None else ([arrival], [to])
    kernel.trace.sent(at, host.index, type(effect.message).__name__, len(arrivals[1]), size)
    kernel.launch(host.index, key, arrivals, effect.message, size)
