"""A node that its disk stops: it was refused a batch, or what it read was damaged.

That is no crash of the simulator and no fault of the protocol. The node's process ends, with a
trace event that says why, and what was durable stays so. A restart finds what there is.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from primitives.ids import Instant
from primitives.machine import Effect, Event, Persist, TraceEvent
from sim.hosts.clock import Step
from sim.kernel.entries import Stopping
from sim.trace_events import Crashed, DiskFull, StoreDamaged
from storage.store import DamagedStore

SOME_FILE = "a file"
"""What is damaged where RocksDB does not tell."""

if TYPE_CHECKING:
    from sim.kernel.engine import Kernel
    from sim.kernel.host import Host


class Stop(Effect, frozen=True, gc=False):
    """End the node's process."""

    why: TraceEvent


def stopped_by_damage(step: Step) -> Step:
    """Return a machine's turn that ends its node where it meets damage."""

    def stepped(now: Instant, event: Event) -> Sequence[Effect]:
        try:
            return step(now, event)
        except DamagedStore as error:
            return (Stop(damage(error)),)

    return stepped


def damage(error: DamagedStore) -> StoreDamaged:
    """Return what the trace says of damage: no path of this machine."""
    file = getattr(error, "file", None)
    return StoreDamaged(error.where if file is None else file or SOME_FILE)


def stop(kernel: "Kernel", host: "Host", at: int, key: int, effect: Stop) -> None:
    """Let a node end when the turn that says so lets go of it."""
    kernel.push(host, at, key, Stopping(host.index, host.incarnation, effect.why))


def refuse(kernel: "Kernel", host: "Host", at: int, key: int, persisted: Persist) -> None:
    """Let a node end when its full disk has answered, all batches before being durable."""
    answered = max(at, host.device.free_at) + host.device.latency_ns
    why = DiskFull(len(persisted.records))
    kernel.push(host, answered, key, Stopping(host.index, host.incarnation, why))


def on_stopping(kernel: "Kernel", _at: int, _key: int, entry: Stopping) -> None:
    """End a node's process, unless it has ended since."""
    host = kernel.hosts[entry.node]
    kernel.popped(host)
    if host.incarnation == entry.incarnation:
        kernel.observe(entry.node, entry.why)
        kernel.crash(entry.node)
        host.filled = isinstance(entry.why, DiskFull)
        kernel.observe(entry.node, Crashed())
