"""The virtual-time kernel: exact turns, one heap operation for each delivery.

**What is simulated.** A message passes its sender's uplink and the link (`sim.links`), then the
receiver's downlink, one message after another, and enters the inbox. Inboxes are first in,
first out. A turn begins when the protocol thread is free; `step` runs with that instant; `Work`
moves the instant at which the following effects leave and at which the next turn may begin. A
turn takes at least one nanosecond, so that an effect is always later than its cause.

**Why it is fast.** A naive kernel needs four heap entries for each message: access link, inbox,
begin and end of the turn. This one runs a turn early, at the moment when its message reaches the
access link, whenever that cannot be told from outside:

* nothing else can enter that inbox before this message does (`clear_until`, the earliest
  pending timer, completion, acknowledgement or submission of that node), and
* no action of the timeline and no end of the run lies before the turn's start (`horizon`).

Clients may react to what they see at once. What they submit passes the node's access link too,
behind the messages that are there already, so it cannot overtake one whose turn has run.

What a turn lists leaves at its own instant, later than the turn began. Links, disks and
processors see the requests of each of their users in time order, for which most need not pass
through the heap (`sim.kernel.scheduling`). Where the conditions fail, an event takes the slow
path through the inbox, and an effect the one through the heap. A property test compares both
with a naive kernel, event by event.

Reference: DESIGN section 2; conservative synchronisation after Chandy and Misra (1979).
"""

import heapq
from collections import Counter
from collections.abc import Callable, Sequence

from primitives.ids import Instant, NodeId
from primitives.machine import (
    NOTHING,
    Effect,
    Event,
    Machine,
    Message,
    Received,
    Started,
    TimerFired,
    TraceEvent,
    Work,
)
from sim.hosts.clock import Clock
from sim.kernel import departures, timers
from sim.kernel.entries import (
    NEVER,
    Action,
    Arriving,
    Feeding,
    Fired,
    Flight,
    Landing,
    Sent,
    Waking,
)
from sim.kernel.handlers import HANDLERS
from sim.kernel.host import CostTable, Host
from sim.kernel.network import Network
from sim.kernel.scheduling import SCHEDULES
from sim.trace import Trace
from storage.store import Store

PICOSECONDS_PER_NANOSECOND = 1000
TURN_NS_MIN = 1
"""A turn takes at least this long, so that no effect happens at the instant that caused it."""
ACTION_KEY = -(1 << 60)
OUTSIDE_KEY = -(1 << 59)
WAKING_KEY = 1 << 60
"""Where the keys of actions, outside events and wakings begin. None of them draws from a node's
counter: a progress bar that stops the loop every second must not change how ties fall."""
SENT_INDEX = -1
BLOCKED = -1
"""Value of `clear_until` for a node whose messages must take the slow path."""


Factory = Callable[[int, Store], Machine]
"""Makes a node's machine from its index and what it has stored."""


def _dead(_now: Instant, _event: Event) -> Sequence[Effect]:
    return NOTHING


class Kernel:
    """Runs machines in virtual time.

    Args:
        hosts: one for each node, in order.
        network: the links.
        factory: makes a machine at start and at each restart.
        size_of: bytes of a message on the wire.
        trace: where protocol events and traffic go.
    """

    def __init__(
        self,
        hosts: Sequence[Host],
        network: Network,
        factory: Factory,
        size_of: Callable[[Message], int],
        trace: Trace,
    ) -> None:
        self.hosts = list(hosts)
        self.network = network
        self.size_of = size_of
        self.trace = trace
        self.now = 0
        """Virtual nanoseconds since the start."""
        self.deliveries = 0
        """Messages that have reached a receiver's access link."""
        self.stopped = False
        """Set by `stop`: the run ends before the next entry."""
        self._factory = factory
        self.heap: list[tuple[int, int, int, object]] = []
        """What happens next, see `entries`."""
        self.actions: list[int] = []
        self._action_key = ACTION_KEY
        self._outside_key = OUTSIDE_KEY
        self.horizon = 0
        """No turn may begin early at or after this instant."""
        self._until = 0
        self._schedules = dict(SCHEDULES)
        count = len(self.hosts)
        self._stride = count + 1
        self._step: list[Callable[[Instant, Event], Sequence[Effect]]] = [_dead] * count
        self.busy = [0] * count
        self.worked = [0] * count
        """Nanoseconds that each node's protocol thread has worked so far."""
        self.costs: list[CostTable] = [h.base_costs for h in self.hosts]
        """What work takes on each node now."""
        self._down_free = [0] * count
        self._down_ps = network.downlink_picoseconds_per_byte()
        self.clear_until = [BLOCKED] * count
        disks = Counter(host.disk for host in self.hosts)
        processors = Counter(host.processors for host in self.hosts)
        for host in self.hosts:
            host.owns_disk = disks[host.disk] == 1
            host.owns_processors = processors[host.processors] == 1 and host.ahead

    # ---------------------------------------------------------------- the outside's verbs

    def make(self, node: int) -> Machine:
        """Make a node's machine from what it has stored.

        Raises:
            DamagedStore: what it has stored is damaged, and the node cannot do without.
        """
        host = self.hosts[node]
        if host.medium is not None:
            host.medium.power_on()
        return self._factory(node, host.store)

    def start(self, node: int, machine: Machine | None = None) -> None:
        """Bring a node to life (again), as the machine that `make` returned, or returns now."""
        host = self.hosts[node]
        host.machine, host.filled = machine or self.make(node), False
        self._step[node] = host.turn()
        self.busy[node] = self.now - 1
        self.unblock(host)
        self.arrive(host, self.now, Started())

    def crash(
        self,
        node: int,
        reached: Callable[[int], int] | None = None,
        tear: Callable[[], int] | None = None,
    ) -> int:
        """Kill a node: inbox, running turn, timers, unsent effects and unsynced records go.

        `reached` is told how many batches the disk has not acknowledged, and answers how many of
        them, from the first on, it has written all the same (None: none). With `tear`, the one
        after these is there in part; it answers how much, in thousandths. Returns how many batches
        are there as a whole; negative: so many that the disk had lied about are gone.
        """
        host = self.hosts[node]
        kept = departures.lose_unsynced(self, host, reached, tear)
        host.die()
        self._step[node] = _dead
        self.clear_until[node] = BLOCKED
        host.processors.release(self.now, node)
        return kept

    def set_clock(self, node: int, clock: Clock | None) -> None:
        """Give a node a clock from its next turn on; None is the true one."""
        host = self.hosts[node]
        host.clock = clock
        if host.machine is not None:
            self._step[node] = host.turn()

    def slow(self, node: int, numerator: int, denominator: int) -> None:
        """Make later turns and computations take numerator/denominator times as long."""
        self.costs[node] = self.hosts[node].base_costs.scaled(numerator, denominator)

    def act(self, at: int, run: Callable[[], object]) -> None:
        """Schedule an action of the timeline; it comes before all else at its instant."""
        self._action_key += 1
        heapq.heappush(self.heap, (at, self._action_key, 0, Action(run)))
        heapq.heappush(self.actions, at)
        self.set_horizon()

    def feed(self, at: int, run: Callable[[], None]) -> None:
        """Schedule a client: it may `deliver` events at that instant and touches nothing else.

        It comes before all else at its instant, as an action does, but no turn waits for it.
        """
        self._action_key += 1
        heapq.heappush(self.heap, (at, self._action_key, 0, Feeding(run)))

    def deliver(self, at: int, node: int, event: Event, size: int = 0) -> None:
        """Bring an event from outside to a node's access link at `at`.

        It queues there like a message of `size` bytes; lost if the node is down.
        """
        host = self.hosts[node]
        self._outside_key += 1
        self.push(host, max(at, self.now), self._outside_key, Arriving(node, event, size))

    def observe(self, node: int, event: TraceEvent) -> None:
        """Trace something that the world itself does to `node` (-1: to the network), now."""
        self.trace.event(self.now, node, event)

    def stop(self) -> None:
        """End the run before its next entry; called by a consumer of the trace."""
        self.stopped = True

    # ---------------------------------------------------------------- the loop

    def run_until(self, until: int) -> None:
        """Process everything up to and including the instant `until`, or until stopped."""
        self._until = until
        self.set_horizon()
        self._loop(until)
        if not self.stopped:
            self.now = max(self.now, until)

    def _loop(self, until: int) -> None:
        heap, step, busy, costs = self.heap, self._step, self.busy, self.costs
        down_free, down_ps, clear_until = self._down_free, self._down_ps, self.clear_until
        replace, pop, handlers = heapq.heapreplace, heapq.heappop, dict(HANDLERS)
        apply, slow_path = self._apply, self._land
        trace_deliveries = self.trace.wants_deliveries
        horizon, deliveries, worked = self.horizon, self.deliveries, self.worked
        while heap and not self.stopped:
            at, key, index, entry = heap[0]
            if at > until:
                break
            if entry.__class__ is not Flight:
                pop(heap)
                self.now, self.deliveries = at, deliveries
                handlers[entry.__class__](self, at, key, entry)
                horizon = self.horizon
                continue
            node = entry.nodes[index]
            index += 1
            if index < entry.count:
                replace(heap, (entry.times[index], key, index, entry))
            else:
                pop(heap)
            deliveries += 1
            start = down_free[node]
            if at > start:
                start = at
            rate = down_ps[node]
            if rate:
                start += entry.size * rate // PICOSECONDS_PER_NANOSECOND + 1
                down_free[node] = start
            landed = start
            if busy[node] > start:
                start = busy[node]
            if landed >= clear_until[node] or start >= horizon or trace_deliveries:
                self.now = at
                slow_path(landed, key, index, node, entry)
                continue
            effects = step[node](start, entry.event)  # type: ignore[arg-type]
            began, start = start, start + TURN_NS_MIN
            for effect in effects:
                if effect.__class__ is Work:
                    start += costs[node][effect.kind] * effect.units // PICOSECONDS_PER_NANOSECOND
                else:
                    apply(node, start, effect)
            busy[node] = start
            worked[node] += start - began
        self.deliveries = deliveries

    # ---------------------------------------------------------------- turns

    def arrive(self, host: Host, at: int, item: Event | Fired) -> None:
        """Put `item` into the inbox at the present instant `at`, or run its turn at once."""
        node = host.index
        if not host.inbox:
            start = self.busy[node]
            if at > start:
                start = at
            if start < self.horizon and (host.ahead or self.busy[node] < at):
                self.turn(host, start, item)
                return
            self.wake(start, Waking(node, host.incarnation))
            self.clear_until[node] = BLOCKED
        host.inbox.append(item)

    def turn(self, host: Host, start: int, item: Event | Fired) -> None:
        """Run one turn that begins at `start`."""
        if isinstance(item, Fired):
            if not timers.taken(host, item):
                return
            item = TimerFired(item.timer.name)
        node = host.index
        effects = self._step[node](Instant(start), item)
        began, start = start, start + TURN_NS_MIN
        for effect in effects:
            if effect.__class__ is Work:
                start += self.costs[node].nanoseconds(effect.kind, effect.units)
            else:
                self._apply(node, start, effect)
        self.busy[node] = start
        self.worked[node] += start - began

    def _apply(self, node: int, at: int, effect: Effect) -> None:
        """Schedule what one effect that leaves its turn at `at` does."""
        schedule = self._schedules.get(effect.__class__)
        if schedule is None:
            raise TypeError(f"node {node} asked for an effect nobody performs: {effect!r}")
        host = self.hosts[node]
        host.order = order = host.order + 1
        schedule(self, host, at, order * self._stride + node, effect)

    # ---------------------------------------------------------------- scheduling

    def push(self, host: Host, at: int, key: int, entry: object, index: int = 0) -> None:
        """Schedule an entry that may put an event into this host's inbox."""
        heapq.heappush(self.heap, (at, key, index, entry))
        heapq.heappush(host.private, at)
        if at < self.clear_until[host.index]:
            self.clear_until[host.index] = at

    def wake(self, at: int, waking: Waking) -> None:
        """Let a node whose inbox waits go on at `at`, after all else at that instant."""
        # Of a node that died and came back, two incarnations may be due at one instant.
        key = WAKING_KEY + waking.node
        heapq.heappush(self.heap, (at, key, waking.incarnation, waking))

    def popped(self, host: Host) -> None:
        """Note that an entry made by `push` has left the heap."""
        private = host.private
        heapq.heappop(private)
        if self.clear_until[host.index] != BLOCKED:
            self.clear_until[host.index] = private[0] if private else NEVER

    def unblock(self, host: Host) -> None:
        """Let messages take the fast path again, up to the node's next private entry."""
        if host.ahead and host.machine is not None and not host.inbox:
            self.clear_until[host.index] = host.private[0] if host.private else NEVER

    def set_horizon(self) -> None:
        """Find the first instant at which turns have to wait."""
        next_action = self.actions[0] if self.actions else NEVER
        self.horizon = min(next_action, self._until + 1)

    # ---------------------------------------------------------------- entries

    def pass_downlink(self, node: int, at: int, size: int) -> int:
        """Queue `size` bytes at a node's access link; return when they have passed it."""
        landed = max(at, self._down_free[node])
        if self._down_ps[node]:
            landed += size * self._down_ps[node] // PICOSECONDS_PER_NANOSECOND + 1
            self._down_free[node] = landed
        return landed

    def _land(self, at: int, key: int, index: int, node: int, flight: Flight) -> None:
        """Take the slow path: the message enters the inbox through the heap."""
        host = self.hosts[node]
        if host.machine is not None:
            landing = Landing(node, host.incarnation, flight.event)
            self.push(host, at, key, landing, index - 1 + flight.count)

    def note_sent(
        self, at: int, key: int, sender: int, message: Message, count: int, size: int, plain: int
    ) -> None:
        """Count copies that leave at `at`, now or later; consumers of traffic hear of it then."""
        trace = self.trace
        if not trace.wants_traffic:
            trace.count_sent(count, size)
        elif at == self.now:
            trace.sent(at, sender, message.__class__.__name__, count, size, plain)
        else:
            # Before the message's own entry, which has the same key and may have this instant.
            entry = Sent(sender, message.__class__.__name__, count, size, plain)
            heapq.heappush(self.heap, (at, key, SENT_INDEX, entry))

    def launch(
        self, sender: int, key: int, times: list[int], nodes: list[int], message: Message, size: int
    ) -> None:
        """Put a message on its way to all its receivers as one heap entry."""
        flight = Flight(times, nodes, len(nodes), Received(NodeId(sender), message), size)
        heapq.heappush(self.heap, (times[0], key, 0, flight))
