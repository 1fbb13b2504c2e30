"""The contract between a protocol core and the world that drives it.

A protocol part is a `Machine`: a pure turn from one event to an ordered list of effects. It
holds no clock, socket, file, thread or source of randomness. A driver (the virtual-time kernel
in `sim`, the real-time runtime in `node`) hands it events and performs its effects.

Why effects are data and not calls: the same turn can then be run early, replayed, compared
with a naive driver, and delayed until what it must remember is durable. Three rules make that
possible, and both drivers keep them:

1. **Work** occupies the node's protocol thread. Effects that follow a `Work` in the same list,
   and every later turn of that node, wait for it. Effects leave in the order of the list.
2. **Durability.** Effects of one core leave in turn order, and a `Persist` holds back every
   later `Send`, `Broadcast` and `Loopback` of the same core, in this and in later turns, until
   its records are durable. Timers, `Work`, `Compute`, `Emit` and other cores are not held.
   Without this rule a replica that crashes between a vote and its log could vote twice.
3. **Timers** are named. Setting a timer that is already set moves it; a firing that was
   overtaken by `SetTimer` or `CancelTimer` before its turn began is not delivered.

Reference: DESIGN section 2; the order of effects follows etcd-io/raft's `Ready` contract.
"""

from collections.abc import Hashable, Sequence as Seq
from typing import Any, ClassVar, Protocol

import msgspec

from primitives.ids import Duration, Instant, NodeId, RequestId, Token


class Message(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=True):
    """Base of whatever one node sends to another. Fields are ints, bytes and tuples of them.

    `core` names the protocol core that speaks the message; it decides which `Persist` may hold
    the message back, and its class of traffic.
    """

    core: ClassVar[str] = ""


class Event(msgspec.Struct, frozen=True, gc=False):
    """Base of whatever a driver hands to `Machine.step`.

    `core` names the core that a looped-back event belongs to (see `Loopback`).
    """

    core: ClassVar[str] = ""


class Started(Event, frozen=True, gc=False):
    """The first event of a node's life, and the first one after a restart."""


class Received(Event, frozen=True, gc=False):
    """A message has arrived. `sender` is authenticated by the link, not by the message."""

    sender: NodeId
    message: Message


class TimerFired(Event, frozen=True, gc=False):
    """The timer named `timer` is due."""

    timer: Hashable


class Submitted(Event, frozen=True, gc=False):
    """A client hands over a signed transaction in its canonical (EIP-2718) encoding."""

    raw: bytes


class Spent(msgspec.Struct, frozen=True, gc=False):
    """What the task graphs of a computation took."""

    work_ns: int = 0
    """Time of one core for all tasks, each once, in ns."""
    span_ns: int = 0
    """From when the graphs could start to their end, on the cores that were free, in ns. What
    comes before the first task and after the last counts."""
    repeats: int = 0
    """Executions beside the first of each task."""


UNSPENT = Spent()


class Completed(Event, frozen=True, gc=False):
    """The `Compute` named `request` is done; `result` is what its job returned."""

    request: RequestId
    result: object
    spent: Spent | None = UNSPENT
    """None where nobody has told the graphs from the rest of the job: in real time."""


class Persisted(Event, frozen=True, gc=False):
    """The `Persist` named `token` of `origin` is durable. An acknowledgement, nothing more."""

    origin: str
    token: Token


class Demand(msgspec.Struct, frozen=True, gc=False):
    """Base of the shapes of processor demand. Units are those of the cost kind."""

    kind: str


class Serial(Demand, frozen=True, gc=False):
    """`units` that one core does one after another."""

    units: int


class Tasks(Demand, frozen=True, gc=False):
    """Independent tasks of the given units each; they spread over the free cores."""

    units: tuple[int, ...]


class TaskGraph(Demand, frozen=True, gc=False):
    """Tasks with dependencies, under the scheduler of that name.

    Every edge (before, after) into a task stands before every edge out of it. Numbers from
    `len(units)` on are joins: such a node ends with the last of what it waits for, and takes
    neither time nor a core. `node.schedule.SCHEDULERS` lists the schedulers; what an optimistic
    one executes again is charged again.
    """

    units: tuple[int, ...]
    edges: tuple[tuple[int, int], ...]
    scheduler: str = "critical-path"
    more: tuple[tuple[str, tuple[int, ...]], ...] = ()
    """Further kinds of work, each with its units in each task."""
    again: tuple[int, ...] = ()
    """Tasks that have to be done once more, one after another, when all are done: their
    dependencies were not what was thought."""
    before: tuple[tuple[str, int], ...] = ()
    """What one core does before the first task, by kind: finding out the dependencies."""
    after: tuple[tuple[str, int], ...] = ()
    """What one core does after all of them: taking over what they did."""


class Measured(msgspec.Struct, frozen=True, gc=False):
    """A stage whose demand only the result shows: in its place comes `job.demand(result)`.

    What a block's transactions depend on is known once they have been executed. Jobs are pure, so
    the driver may run one when the stage begins and hand the result over when all stages are done.
    """


class Job(Protocol):
    """A pure computation. The driver runs it once, anywhere, between request and completion."""

    def run(self) -> object:
        """Return the result that `Completed` brings back."""
        ...


class MeasuredJob(Job, Protocol):
    """A job that can tell afterwards what it took."""

    def demand(self, result: Any) -> tuple[Demand, ...]:
        """Return what the work behind `result`, which `run` has returned, costs."""
        ...


class Record(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One row of a `Persist`: put `value` under (table, key), or delete it when None."""

    table: str
    key: bytes
    value: bytes | None


class TraceEvent(msgspec.Struct, frozen=True, gc=False):
    """Base of the protocol events that make the trace. Fields are canonical (ints, bytes, str).

    `name` is dotted: "consensus.committed". It is the event's tag in trace files.
    """

    name: ClassVar[str] = ""


class Effect(msgspec.Struct, frozen=True, gc=False):
    """Base of whatever a turn asks its driver to do."""


class Send(Effect, frozen=True, gc=False):
    """Send `message` to one node."""

    to: NodeId
    message: Message


class Broadcast(Effect, frozen=True, gc=False):
    """Send `message` to every other member of a group ("committee", "neighbours", ...)."""

    group: str
    message: Message


class Loopback(Effect, frozen=True, gc=False):
    """Hand `event` to this same node in a later turn, once earlier `Persist`s are durable.

    A replica's own vote and the delivery of a committed block travel this way, so that neither
    counts before it is durable.
    """

    event: Event


class SetTimer(Effect, frozen=True, gc=False):
    """Arm `timer` to fire after `delay_ns`, replacing an earlier setting."""

    timer: Hashable
    delay_ns: Duration


class CancelTimer(Effect, frozen=True, gc=False):
    """Disarm `timer`; a no-op when it is not armed."""

    timer: Hashable


class Persist(Effect, frozen=True, gc=False):
    """Make `records` durable, atomically, for the core `origin`."""

    origin: str
    token: Token
    records: tuple[Record, ...]


class Work(Effect, frozen=True, gc=False):
    """Occupy the protocol thread with `units` of the cost kind `kind`."""

    kind: str
    units: int


class Compute(Effect, frozen=True, gc=False):
    """Queue work on the host's cores: `stages` run one after another, then `job`'s result returns.

    The demand is what the work costs, the job is the work: virtual time charges the first, real
    time does the second, and both answer `Completed(request, job.run())`.
    """

    request: RequestId
    stages: tuple[Demand | Measured, ...]
    """With a `Measured` among them, `job` is a `MeasuredJob`."""
    job: Job


class Emit(Effect, frozen=True, gc=False):
    """Write one protocol event to the trace."""

    event: TraceEvent


class Machine(Protocol):
    """A protocol core, or a node composed of several."""

    def step(self, now: Instant, event: Event) -> Seq[Effect]:
        """Run one turn. `now` never decreases; the same history gives the same effects."""
        ...


NOTHING: tuple[Effect, ...] = ()
"""What a turn without effects returns: shared, so that hot paths allocate nothing."""
