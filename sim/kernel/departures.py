"""What happens when an effect leaves its turn: the wire, the disk, the cores, the loop back."""

from collections.abc import Callable, Mapping
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

import msgspec

from primitives.durability import core_of
from primitives.machine import (
    UNSPENT,
    Broadcast,
    Completed,
    Compute,
    Demand,
    Effect,
    Loopback,
    Measured,
    MeasuredJob,
    Message,
    Persist,
    Persisted,
    Send,
    Spent,
)
from sim.hosts.disk import batch_bytes
from sim.hosts.volatile import VolatileStore
from sim.kernel.entries import Durable, Stage
from sim.kernel.host import Host
from sim.kernel.stopping import Stop, damage, refuse, stop
from storage.store import DamagedStore

if TYPE_CHECKING:
    from sim.kernel.engine import Kernel


def sizes(kernel: "Kernel", host: Host, message: Message) -> tuple[int, int]:
    """Return the bytes of a message's frame as this node sends it, and without compression."""
    if host.packer is None:
        size = kernel.size_of(message)
        return size, size
    packed = host.packer.packed(message)
    return packed.size, packed.plain


def send(kernel: "Kernel", host: Host, at: int, key: int, effect: Send) -> None:
    """Put a message on its way to one node."""
    message = effect.message
    size, plain = sizes(kernel, host, message)
    to = int(effect.to)
    if to == host.index:
        raise ValueError(f"node {to} sent {message.__class__.__name__} to itself; use Loopback")
    times = kernel.network.send(at, host.index, to, size)
    if times:
        kernel.note_sent(at, key, host.index, message, len(times), size, plain)
        kernel.launch(host.index, key, times, [to] * len(times), message, size)


def broadcast(kernel: "Kernel", host: Host, at: int, key: int, effect: Broadcast) -> None:
    """Put a message on its way to a group."""
    message = effect.message
    size, plain = sizes(kernel, host, message)
    times, nodes = kernel.network.broadcast(at, host.index, effect.group, size)
    if nodes:
        kernel.note_sent(at, key, host.index, message, len(nodes), size, plain)
        kernel.launch(host.index, key, times, nodes, message, size)


def loop_back(kernel: "Kernel", host: Host, at: int, _key: int, effect: Loopback) -> None:
    """Hand an event to its own node."""
    kernel.arrive(host, at, effect.event)


def leave(kernel: "Kernel", host: Host, at: int, key: int, effect: Effect) -> None:
    """Let an effect go, unless an unfinished `Persist` of its core holds it back."""
    kind = effect.__class__
    if kind is Persist:
        host.writing -= 1
    elif isinstance(effect, Send | Broadcast | Loopback):
        core = core_of(effect)
        if host.gate.holds(core):
            host.gate.hold(core, (key, effect))
            return
        host.waiting -= 1
    DEPARTURES[kind](kernel, host, at, key, effect)


def persist(kernel: "Kernel", host: Host, at: int, key: int, effect: Persist) -> None:
    """Hand a batch to the disk; what follows of the same core waits for it."""
    host.gate.begin(effect.origin, effect.token)
    if host.medium is not None and not host.takes(effect.records):
        refuse(kernel, host, at, key, effect)
        return
    durable_at = host.disk.write(at, effect.records)
    kernel.push(host, durable_at, key, Durable(host.index, host.incarnation, effect, at))


def compute(kernel: "Kernel", host: Host, at: int, key: int, effect: Compute) -> None:
    """Begin a computation."""
    next_stage(kernel, host, at, key, effect, 0)


def next_stage(
    kernel: "Kernel",
    host: Host,
    at: int,
    key: int,
    computed: Compute,
    number: int,
    spent: Spent = UNSPENT,
) -> None:
    """Begin stage `number` of a computation, or answer it when all have ended."""
    try:
        if number < len(computed.stages) and computed.stages[number].__class__ is Measured:
            computed = measured(computed)
        result = computed.job.run() if number == len(computed.stages) else None
    except DamagedStore as error:
        stop(kernel, host, at, key, Stop(damage(error)))
        return
    if number == len(computed.stages):
        host.computing -= 1
        kernel.arrive(host, at, Completed(computed.request, result, spent))
        return
    node = host.index
    cost = kernel.costs[node].nanoseconds
    stage = computed.stages[number]
    assert isinstance(stage, Demand)
    end = host.processors.reserve(at, node, stage, cost)
    spent = spent_with(spent, host.processors.spent)
    kernel.push(host, end, key, Stage(node, host.incarnation, computed, number, spent))


def spent_with(earlier: Spent, later: Spent) -> Spent:
    """Return what two stages of a computation took together."""
    if later is UNSPENT:
        return earlier
    return Spent(
        earlier.work_ns + later.work_ns,
        earlier.span_ns + later.span_ns,
        earlier.repeats + later.repeats,
    )


class _Known(msgspec.Struct, frozen=True):
    """A job that has been done."""

    result: object

    def run(self) -> object:
        """Return the result."""
        return self.result


def measured(computed: Compute) -> Compute:
    """Do the job of a computation, and put what it took in the place of `Measured`."""
    job = cast("MeasuredJob", computed.job)
    result = job.run()
    taken = job.demand(result)
    stages = [taken if isinstance(s, Measured) else (s,) for s in computed.stages]
    return Compute(computed.request, tuple(chain.from_iterable(stages)), _Known(result))


def made_durable(kernel: "Kernel", host: Host, at: int, persisted: Persist, since: int = 0) -> None:
    """Apply a batch that the disk has synced, acknowledge it, let go of what it held back."""
    host.store.write(persisted.records)
    if host.medium is not None:
        host.wrote(persisted.records)
    if kernel.trace.wants_storage:
        kernel.trace.stored(at, host.index, batch_bytes(persisted.records), at - since)
    origin = persisted.origin
    released = host.gate.durable(origin, persisted.token)
    host.persisting[origin] -= 1
    if not host.persisting[origin]:
        del host.persisting[origin]
    kernel.arrive(host, at, Persisted(origin, persisted.token))
    for key, effect in released:
        # One by one: what the turn of a loopback lists may not overtake those behind it.
        host.waiting -= 1
        DEPARTURES[effect.__class__](kernel, host, at, key, effect)


def lose_unsynced(
    kernel: "Kernel",
    host: Host,
    reached: Callable[[int], int] | None,
    tear: Callable[[], int] | None = None,
) -> int:
    """Settle at a crash which batches are durable; see `Kernel.crash`."""
    if isinstance(host.store, VolatileStore):
        return -host.store.lose()
    if reached is None:
        return 0
    handed = [
        entry
        for entry in kernel.heap
        if isinstance(entry[3], Durable)
        and (entry[3].node, entry[3].incarnation) == (host.index, host.incarnation)
    ]
    handed.sort(key=lambda entry: entry[:3])
    kept = reached(len(handed))
    for *_, durable in handed[:kept]:
        assert isinstance(durable, Durable)
        host.store.write(durable.persist.records)
    if tear is not None and kept < len(handed):
        torn = handed[kept][3]
        assert isinstance(torn, Durable)
        permille = tear()
        if host.medium is not None:
            host.medium.tear(torn.persist.records, permille)
    return kept


Departure = Callable[["Kernel", Host, int, int, Any], None]

DEPARTURES: Mapping[type, Departure] = MappingProxyType(
    {
        Send: send,
        Broadcast: broadcast,
        Loopback: loop_back,
        Persist: persist,
        Compute: compute,
    }
)
"""What each effect does once nothing holds it back."""
