"""Performs a node's effects in real time: the counterpart of the virtual-time kernel.

One event loop, one protocol thread. A turn runs when its event's time has come and there is room
for what it may cause; its effects are performed in their order. `Work` is not charged here, it has
been done: it is only counted. Turns run in portions, so that timers, sockets and RPC, which share
the loop, are served in between.

What goes first: what the node has asked for itself (answers of jobs, acknowledgements, its own
messages, timers), then peers by class of traffic and in turn, then clients. A client's transaction
is taken for every few messages even if peers never stop.

Whatever goes wrong ends the node with a reason, once; nothing is passed over.

Reference: `primitives.machine` for the contract; `sim.kernel` for the other driver.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from network.transport import Inbox
from node.intake import ClientsAnswered, QueueOverflow
from node.observe.sink import Sink
from node.rpc.backend import SubmitOutcome
from node.runtime.errors import ordinary
from node.runtime.keeper import Held, StoreKeeper
from node.runtime.limits import DriverFigures, DriverLimits
from node.runtime.queues import BoundedQueue
from node.runtime.scheduler import Finished, JobScheduler
from node.runtime.submissions import Submissions
from node.runtime.timers import Fired, Timers
from primitives.durability import core_of
from primitives.ids import Instant, NodeId
from primitives.machine import (
    Broadcast,
    CancelTimer,
    Completed,
    Compute,
    Effect,
    Emit,
    Event,
    Loopback,
    Machine,
    Message,
    Persist,
    Persisted,
    Received,
    Send,
    SetTimer,
    Started,
    Submitted,
    TimerFired,
    Work,
)

STALL_SECONDS = 0.005
"""When it is looked again whether there is room."""


class Outward(Protocol):
    """Where messages go: `node.runtime.links.Links`."""

    def send(self, effect: Send) -> None:
        """Let a message go to one node."""
        ...

    def broadcast(self, effect: Broadcast) -> None:
        """Let a message go to a group."""
        ...


class Driver:
    """Drives one machine.

    Args:
        loop: all of it runs there.
        machine: the node.
        now: its time.
        keeper: makes durable; `StoreKeeper.begin` is the caller's to call.
        links: to other nodes.
        hub: is told of events.
        pause: stops reading from a peer whose share of the inbox is full.
        resume: goes on with it.
        hold: is told how many bytes of whom the inbox keeps.
        limits: of what waits.
        on_failure: told once why the node has ended by itself.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        machine: Machine,
        now: Callable[[], Instant],
        keeper: StoreKeeper,
        links: Outward,
        hub: Sink,
        pause: Callable[[NodeId], None],
        resume: Callable[[NodeId], None],
        hold: Callable[[NodeId, int], None],
        limits: DriverLimits,
        on_failure: Callable[[Exception], None],
    ) -> None:
        self.limits = limits
        self.figures = DriverFigures()
        self.inbox = Inbox(limits.peer_messages, limits.peer_bytes, pause, resume, hold)
        self.arrivals: BoundedQueue[bytes] = BoundedQueue(limits.submissions)
        """Transactions of clients that wait for their turn."""
        self.submissions = Submissions(loop)
        self.scheduler = JobScheduler(loop, self._on_finished, limits.workers, limits.jobs)
        self.timers = Timers(loop, self._on_own)
        self._loop = loop
        self.step = machine.step
        """Runs one turn; the profiler puts a timed one in its place."""
        self._now = now
        self._keeper = keeper
        self._links = links
        self._hub = hub
        self._on_failure = on_failure
        self._own: deque[Event | Fired] = deque()
        """What the node has asked for itself, oldest first."""
        self._since_submission = 0
        self._is_awake = False
        self._is_stalled = False
        self._over = False
        self._effects: dict[type[Effect], Callable[[Any], None]] = {
            Send: self._leave_or_wait,
            Broadcast: self._leave_or_wait,
            Loopback: self._leave_or_wait,
            SetTimer: lambda effect: self.timers.arm(effect.timer, effect.delay_ns),
            CancelTimer: lambda effect: self.timers.disarm(effect.timer),
            Persist: keeper.persist,
            Work: self._count,
            Compute: lambda effect: self.scheduler.submit(effect.request, effect.job),
            Emit: lambda effect: self._hub.event(self._now(), effect.event),
            ClientsAnswered: self._answer,
        }

    # ---------------------------------------------------------------- the outside's verbs

    def start(self) -> None:
        """Begin the machine's life."""
        self._on_own(Started())

    def receive(self, peer: NodeId, message: Message, size: int) -> None:
        """Take a message from a peer; `size` is its bytes."""
        if not self._over:
            self.inbox.put(peer, message, size)
            self._wake()

    def tell(self, event: Event) -> None:
        """Let the machine know of something around it."""
        self._on_own(event)

    def submit(self, raw: bytes) -> Awaitable[SubmitOutcome]:
        """Take a client's transaction; the answer comes once it is in the pool, or is refused."""
        is_new, name, future = self.submissions.open(raw)
        if self._over:
            self.submissions.close()
        elif is_new and self.arrivals.put(raw):
            self._wake()
        elif is_new:
            self.submissions.answer(name, QueueOverflow.code)
        return future

    def stop(self) -> None:
        """End the machine's life; `JobScheduler.join` waits for jobs that run.

        A second call does nothing.
        """
        if self._over:
            return
        self._over = True
        self._own.clear()
        self.arrivals.clear()
        self.timers.close()
        self._keeper.stop()
        self.submissions.close()
        self.scheduler.close()

    # ---------------------------------------------------------------- what comes back

    def leave(self, effect: Held) -> None:
        """Let an effect go that nothing holds back any more."""
        kind = effect.__class__
        if kind is Loopback:
            self._on_own(effect.event)  # type: ignore[union-attr]
        elif kind is Broadcast:
            self._links.broadcast(effect)  # type: ignore[arg-type]
        else:
            self._links.send(effect)  # type: ignore[arg-type]

    def on_persisted(self, done: Persisted) -> None:
        """Take note that a batch is durable."""
        self._on_own(done)

    def fail(self, error: Exception) -> None:
        """End the node for a reason that is not its own."""
        if not self._over:
            self.stop()
            self._on_failure(error)

    def _on_finished(self, finished: Finished) -> None:
        if finished.error is not None:
            self.fail(finished.error)
        elif not self._over:
            self._on_own(Completed(finished.request, finished.result, None))

    def _on_own(self, event: Event | Fired) -> None:
        self._own.append(event)
        self._wake()

    # ---------------------------------------------------------------- turns

    def _wake(self) -> None:
        if not self._is_awake:
            self._is_awake = True
            self._loop.call_soon(self._portion)

    def _portion(self) -> None:
        """Run turns until nothing waits, time is up, or there is no room for more."""
        self._is_awake = False
        begun = time.thread_time_ns()
        until, figures = time.perf_counter_ns() + self.limits.portion_ns, self.figures
        try:
            while not self._over and (event := self._next()) is not None:
                figures.turns += 1
                for effect in self.step(self._now(), event):
                    self._effects[effect.__class__](effect)
                if time.perf_counter_ns() > until:
                    self._wake()
                    break
        except BaseException as error:  # noqa: BLE001 - a node that met an error must not go on
            self.fail(ordinary(error))
        figures.portions += 1
        figures.busy_ns += time.thread_time_ns() - begun

    def _next(self) -> Event | None:
        """Return whose turn it is; None if nothing waits, or there is no room."""
        while self._own:
            event = self._own.popleft()
            if event.__class__ is not Fired:
                return event  # type: ignore[return-value]
            assert isinstance(event, Fired)
            if self.timers.taken(event):
                return TimerFired(event.timer.name)
        if not self._keeper.has_room or not self.scheduler.has_room:
            # What makes room does not say when: some comes after the last answer is told.
            self._stall()
            return None
        if self._since_submission < self.limits.messages_per_submission or not self.arrivals:
            arrival = self.inbox.take()
            if arrival is not None:
                self._since_submission += 1
                return Received(arrival[0], arrival[1])
        self._since_submission = 0
        raw = self.arrivals.take()
        return None if raw is None else Submitted(raw)

    def _stall(self) -> None:
        self.figures.stalls += 1
        if not self._is_stalled:
            self._is_stalled = True
            self._loop.call_later(STALL_SECONDS, self._end_stall)

    def _end_stall(self) -> None:
        self._is_stalled = False
        self._wake()

    # ---------------------------------------------------------------- effects

    def _leave_or_wait(self, effect: Held) -> None:
        if not self._keeper.holds(core_of(effect), effect):
            self.leave(effect)

    def _count(self, effect: Work) -> None:
        work = self.figures.work
        work[effect.kind] = work.get(effect.kind, 0) + effect.units

    def _answer(self, effect: ClientsAnswered) -> None:
        for name, code in effect.outcomes:
            self.submissions.answer(name, code)
