"""Which operations of a live node can be timed, and under which names.

`turn.KIND` is a turn of the node by its message, event or finished job; `job.KIND` a computation;
`send.KIND` putting a message into the queues of peers, encoding included; `persist` handing over a
batch, and `commit` making batches durable, on a thread of its own.
"""

from collections.abc import Iterable
from typing import Any, Protocol

from node.observe.profiler import Name
from node.runtime.live import LiveNode
from primitives.ids import Instant, NodeId
from primitives.machine import Event, Message, Received, TimerFired


class Borrower(Protocol):
    """Takes the place of functions while it is on; `node.observe.profiler.Profiler`."""

    def instrument(self, owner: object, attribute: str, name: Name) -> None:
        """Take note of a function that may be timed, and what to call it."""
        ...


def lend(live: LiveNode, profiler: Borrower) -> None:
    """Let a profiler time a node's operations."""
    profiler.instrument(live.driver, "step", turn_name)
    profiler.instrument(live.driver.scheduler, "_run", job_name)
    profiler.instrument(live.transport, "post", message_name)
    profiler.instrument(live.writer, "submit", "persist")
    if hasattr(live.writer, "_commit"):
        profiler.instrument(live.writer, "_commit", "commit")


def turn_name(_now: Instant, event: Event) -> str:
    """Return the operation that a turn is."""
    if isinstance(event, Received):
        return f"turn.{type(event.message).__name__}"
    if isinstance(event, TimerFired):
        return f"turn.TimerFired.{_kind(event.timer)}"
    return f"turn.{type(event).__name__}"


def job_name(waiting: Any) -> str:
    """Return the operation that a computation is."""
    return f"job.{type(waiting.job).__name__}"


def message_name(_nodes: Iterable[NodeId], message: Message) -> str:
    """Return the operation that sending a message is."""
    return f"send.{type(message).__name__}"


def _kind(timer: object) -> str:
    """Return what kind of timer it is; those that are told apart by a number are one kind."""
    return str(getattr(timer, "name", type(timer).__name__))
