"""A kernel that does exactly what DESIGN section 2 says, one heap entry for each step.

No turn runs early, no broadcast is one entry, no timer moves lazily: this is the twin that the
fast kernel is compared with. It shares the models of links, cores and disks, and nothing else.
"""

import heapq
from collections import deque

from msgspec.structs import astuple

from primitives.durability import core_of
from primitives.machine import (
    Broadcast,
    CancelTimer,
    Completed,
    Compute,
    Emit,
    Loopback,
    Measured,
    Persist,
    Persisted,
    Received,
    Send,
    SetTimer,
    Spent,
    Started,
    TaskGraph,
    TimerFired,
    Work,
)
from sim.hosts.volatile import VolatileStore
from sim.kernel.stopping import damage
from sim.trace_events import Crashed, DiskFull
from storage.store import DamagedStore

ACTION, OUTSIDE = -(1 << 60), -(1 << 59)
STARTING = OUTSIDE


class NaiveKernel:
    """The same verbs as `sim.kernel.engine.Kernel`, without any of its shortcuts."""

    def __init__(self, hosts, network, factory, size_of, trace):
        self.hosts, self.network, self.factory = hosts, network, factory
        self.size_of, self.trace = size_of, trace
        self.now = 0
        self.heap = []
        self.tie = 0
        self.actions = ACTION
        self.outside = OUTSIDE
        count = len(hosts)
        self.stride = count + 1
        self.inbox: list[deque[object]] = [deque() for _ in hosts]
        self.running = [False] * count
        self.paused = [0] * count
        self.order = [0] * count
        self.costs = [h.base_costs for h in hosts]
        self.down_free = [0] * count
        self.down_ps = network.downlink_picoseconds_per_byte()
        self.timers: list[dict[object, int]] = [{} for _ in hosts]
        self.clocks = [None] * count
        self.unsynced: list[list[Persist]] = [[] for _ in hosts]
        self.serial = 0

    def at(self, when, key, run):
        self.tie += 1
        heapq.heappush(self.heap, (when, key, self.tie, run))

    def alive(self, node, run):
        life = self.hosts[node].incarnation
        return lambda: run() if self.hosts[node].incarnation == life else None

    def act(self, when, run):
        self.actions += 1
        self.at(when, self.actions, run)

    feed = act

    def deliver(self, when, node, event, size=0):
        self.outside += 1
        key = self.outside
        self.at(max(when, self.now), key, lambda: self.access(node, key, event, size))

    def start(self, node):
        host = self.hosts[node]
        host.machine = self.factory(node, host.store)
        self.running[node] = False
        self.paused[node] = 0
        self.inbox[node].append(Started())
        # Actions come before all else at their instant: one may kill the node again.
        self.at(self.now, STARTING, self.alive(node, lambda: self.resume(node)))

    def resume(self, node):
        if self.inbox[node] and not self.running[node]:
            self.begin(node)

    def crash(self, node, reached=None, tear=None):
        store, unsynced = self.hosts[node].store, self.unsynced[node]
        if isinstance(store, VolatileStore):
            store.lose()
        elif reached is not None:
            kept = reached(len(unsynced))
            for effect in unsynced[:kept]:
                store.write(effect.records)
            if tear is not None and kept < len(unsynced):
                tear()
        unsynced.clear()
        self.hosts[node].die()
        self.hosts[node].processors.release(self.now, node)
        self.inbox[node].clear()
        self.timers[node] = {}
        self.running[node] = False

    def slow(self, node, numerator, denominator):
        self.costs[node] = self.hosts[node].base_costs.scaled(numerator, denominator)

    def pause(self, node, until):
        self.paused[node] = max(self.paused[node], until)

    def set_clock(self, node, clock):
        self.clocks[node] = clock

    def run_until(self, until):
        while self.heap and self.heap[0][0] <= until:
            self.now, _, _, run = heapq.heappop(self.heap)
            run()
        self.now = until

    def arrive(self, node, item):
        self.inbox[node].append(item)
        if not self.running[node]:
            self.begin(node)

    def begin(self, node):
        """Begin the next turn now; the end of the turn is an entry of its own."""
        if self.now < self.paused[node]:
            self.running[node] = True
            self.at(self.paused[node], 1 << 60, self.alive(node, lambda: self.end(node)))
            return
        item = self.inbox[node].popleft()
        if isinstance(item, tuple):
            name, serial = item
            if self.timers[node].get(name) != serial:
                if self.inbox[node]:
                    self.begin(node)
                return
            del self.timers[node][name]
            item = TimerFired(name)
        host, when, clock = self.hosts[node], self.now + 1, self.clocks[node]
        shown = self.now if clock is None else clock.reading(self.now)
        try:
            effects = host.machine.step(shown, item)
        except DamagedStore as error:
            effects = ()
            self.stop(node, when, self.next_key(node), damage(error))
        for effect in effects:
            if isinstance(effect, Work):
                when += self.costs[node].nanoseconds(effect.kind, effect.units)
            else:
                self.schedule(node, when, effect)
        self.running[node] = True
        self.at(when, 1 << 60, self.alive(node, lambda: self.end(node)))

    def end(self, node):
        self.running[node] = False
        if self.inbox[node]:
            self.begin(node)

    def stop(self, node, when, key, why):
        """Let a node's process end at an instant."""

        def end():
            self.trace.event(self.now, node, why)
            self.crash(node)
            self.trace.event(self.now, node, Crashed())

        self.at(when, key, self.alive(node, end))

    def next_key(self, node):
        self.order[node] += 1
        return self.order[node] * self.stride + node

    def schedule(self, node, when, effect):
        key = self.next_key(node)
        if isinstance(effect, SetTimer):
            self.serial += 1
            serial, name, delay = self.serial, effect.timer, effect.delay_ns
            if self.clocks[node] is not None:
                delay = self.clocks[node].true_span(delay)
            self.timers[node][name] = serial

            def fire():
                if self.timers[node].get(name) == serial:
                    self.arrive(node, (name, serial))

            self.at(when + delay, key, self.alive(node, fire))
        elif isinstance(effect, CancelTimer):
            self.timers[node].pop(effect.timer, None)
        elif isinstance(effect, Emit):
            self.at(
                when, key, self.alive(node, lambda: self.trace.event(self.now, node, effect.event))
            )
        else:
            self.at(when, key, self.alive(node, lambda: self.leave(node, key, effect)))

    def leave(self, node, key, effect):
        host = self.hosts[node]
        if isinstance(effect, Persist):
            host.gate.begin(effect.origin, effect.token)
            if not host.takes(effect.records):
                answered = max(self.now, host.device.free_at) + host.device.latency_ns
                self.stop(node, answered, key, DiskFull(len(effect.records)))
                return
            durable_at = host.disk.write(self.now, effect.records)
            self.unsynced[node].append(effect)
            self.at(durable_at, key, self.alive(node, lambda: self.durable(node, effect)))
        elif isinstance(effect, Compute):
            self.compute(node, key, effect, effect.stages)
        elif host.gate.holds(core_of(effect)):
            host.gate.hold(core_of(effect), (key, effect))
        else:
            self.release(node, key, effect)

    def compute(self, node, key, effect, stages, spent=(0, 0, 0)):
        if not stages:
            self.arrive(node, Completed(effect.request, effect.job.run(), Spent(*spent)))
            return
        stage, *later = stages
        if isinstance(stage, Measured):
            stages = [*effect.job.demand(effect.job.run()), *later]
            self.compute(node, key, effect, stages, spent)
            return
        cost = self.costs[node].nanoseconds
        processors = self.hosts[node].processors
        end = processors.reserve(self.now, node, stage, cost)
        if isinstance(stage, TaskGraph):
            took = astuple(processors.spent)
            spent = tuple(a + b for a, b in zip(spent, took, strict=True))
        self.at(end, key, self.alive(node, lambda: self.compute(node, key, effect, later, spent)))

    def durable(self, node, effect):
        host = self.hosts[node]
        self.unsynced[node].remove(effect)
        host.store.write(effect.records)
        host.wrote(effect.records)
        released = host.gate.durable(effect.origin, effect.token)
        self.arrive(node, Persisted(effect.origin, effect.token))
        for key, held in released:
            self.release(node, key, held)

    def release(self, node, key, effect):
        if isinstance(effect, Loopback):
            self.arrive(node, effect.event)
            return
        size = self.size_of(effect.message)
        if isinstance(effect, Broadcast):
            times, nodes = self.network.broadcast(self.now, node, effect.group, size)
        else:
            assert isinstance(effect, Send)
            times = self.network.send(self.now, node, effect.to, size)
            nodes = [effect.to] * len(times)
        if nodes:
            self.trace.sent(self.now, node, type(effect.message).__name__, len(nodes), size)
        event = Received(node, effect.message)
        for when, to in zip(times, nodes, strict=True):
            self.at(when, key, lambda to=to: self.access(to, key, event, size))

    def access(self, to, key, event, size):
        """The message has reached the receiver's access link: queue for the downlink."""
        landed = max(self.now, self.down_free[to])
        if self.down_ps[to]:
            landed += size * self.down_ps[to] // 1000 + 1
            self.down_free[to] = landed
        if self.hosts[to].machine is not None:
            self.at(landed, key, self.alive(to, lambda: self.arrive(to, event)))
