"""The fast kernel equals the naive one: same turns at the same instants, same trace."""

import hashlib
from functools import partial
from typing import ClassVar

import pytest
from hypothesis import example, given, settings, strategies as st

from network.delays import JitterLaw
from primitives.ids import Duration, NodeId, RequestId, Token
from primitives.machine import (
    Broadcast,
    CancelTimer,
    Compute,
    Emit,
    Event,
    Loopback,
    Measured,
    Message,
    Persist,
    Record,
    Send,
    Serial,
    SetTimer,
    TaskGraph,
    Tasks,
    TraceEvent,
    Work,
)
from sim.hosts.clock import Clock
from sim.hosts.disk import Disk, DiskSpec
from sim.hosts.medium import Medium
from sim.hosts.processors import Processors
from sim.hosts.space import Space
from sim.kernel.engine import Kernel
from sim.kernel.host import CostTable, Host
from sim.kernel.pausing import pause
from sim.links.cuts import Direction
from sim.links.disturbances import Duplicate, Lose, Reorder, Ways
from sim.links.links import Links, LinkSpec
from sim.trace import Trace
from storage.memory import MemoryStore
from tests.properties.naive_kernel import NaiveKernel


class Vote(Message, frozen=True, gc=False, tag="vote"):
    core: ClassVar[str] = "votes"
    number: int
    hops: int


class Gossip(Message, frozen=True, gc=False, tag="gossip"):
    core: ClassVar[str] = "gossip"
    number: int
    hops: int


class Poke(Event, frozen=True, gc=False):
    core: ClassVar[str] = "votes"
    number: int
    hops: int


class Noted(TraceEvent, frozen=True, gc=False):
    name: ClassVar[str] = "test.noted"
    number: int


class Answer:
    def __init__(self, taken=()):
        self.taken = taken

    def run(self):
        return 7

    def demand(self, result):
        assert result == 7
        return self.taken


class Chatter:
    """A machine whose turns are drawn from a hash of its own history."""

    def __init__(self, node, nodes, log, store):
        self.node, self.nodes, self.log = node, nodes, log
        self.store = store
        self.turns = 0
        self.state = hashlib.sha256(b"%d" % node).digest()

    def step(self, now, event):
        self.log.append((self.node, now, event))
        self.turns += 1
        text = repr((now, event)).encode()
        self.state = hashlib.sha256(self.state + text).digest()
        body = getattr(event, "message", event)
        hops = getattr(body, "hops", 4)
        draws = self.state
        # Rows that have rotted end the node; their values are of no consequence.
        self.store.get("rows", bytes((draws[31],)))
        effects = []
        for k in range(1 + draws[0] % 5):
            effect = self.effect(draws[1 + 3 * k : 4 + 3 * k], hops)
            if effect is not None:
                effects.append(effect)
        return effects

    def effect(self, draw, hops):
        kind, a, b = draw
        number = a * 256 + b
        message = (Vote if a & 1 else Gossip)(number, hops - 1)
        match kind % 10:
            case 0 | 1:
                return Work("work", 1 + b)
            case 2 | 3:
                return Broadcast("all", message) if hops > 0 else None
            case 4:
                to = NodeId((self.node + 1 + a % (self.nodes - 1)) % self.nodes)
                return Send(to, message) if hops > 0 else None
            case 5:
                return SetTimer(f"t{a % 3}", Duration(b * 40_000)) if self.turns < 100 else None
            case 6:
                return CancelTimer(f"t{a % 3}")
            case 7:
                rows = (Record("rows", bytes([a]), bytes(b)),)
                return Persist(("votes", "gossip")[b & 1], Token(self.turns * 10 + kind), rows)
            case 8:
                if self.turns > 100:
                    return None
                return self.computation(number, a, b)
            case _:
                if number & 1:
                    return Emit(Noted(number))
                return Loopback(Poke(number, hops - 1)) if hops > 0 else None

    def computation(self, number, a, b):
        stages = self.stages(a, b)
        if not a & 4:
            return Compute(RequestId(number), stages, Answer())
        # The last stages, or that there are none, show only with the result.
        first = b % (len(stages) + 1)
        job = Answer(stages[first:] if a & 8 else ())
        return Compute(RequestId(number), (*stages[:first], Measured()), job)

    @staticmethod
    def stages(a, b):
        graph = TaskGraph(
            "work",
            (a, b, 3, 4),
            ((0, 1), (0, 2), (1, 3)),
            "optimistic" if b & 2 else "critical-path",
            (("work", (1, 0, a, 2)),),
            (1, 3) if b & 4 else (),
            (("work", a & 3),) if a & 16 else (),
            (("work", b & 3),) if b & 16 else (),
        )
        return (Serial("work", a), Tasks("work", (b, 5, a)), graph)[: 1 + a % 3]


def build(kind, params, log):
    nodes, cores = params["nodes"], params["cores"]
    spec = LinkSpec(
        region_of=tuple(k % 2 for k in range(nodes)),
        latency_ns=((params["latency"], 900_000), (900_000, params["latency"])),
        uplink_bps=(params["bandwidth"],) * nodes,
        downlink_bps=(params["bandwidth"],) * nodes,
        loss=(params["loss"],) * nodes,
        jitter_law=params["jitter"],
        jitter_spread=0.3,
    )

    def members(_group, sender):
        return [k for k in range(nodes) if k != sender]

    shared = Processors(cores)
    disk = Disk(DiskSpec(latency_ns=50_000, fsync_ns=300_000))
    space = Space()
    media = {k: Medium(MemoryStore(), None, space if k < 2 else Space()) for k in params["limited"]}
    hosts = [
        Host(
            index=k,
            medium=media.get(k),
            ahead=k not in media,
            base_costs=CostTable({"work": 100_000 * params["work"]}),
            processors=shared if k < 2 else Processors(cores),
            disk=disk if k < 2 else Disk(DiskSpec()),
            store=media.get(k, MemoryStore()),
        )
        for k in range(nodes)
    ]
    trace = Trace()
    events: list[object] = []
    trace.subscribe(events=events.append, traffic=events.append)
    links = Links(spec, members, seed=params["seed"])

    def factory(node, store):
        return Chatter(node, nodes, log, store)

    kernel = kind(hosts, links, factory, lambda m: 60 + m.number % 500, trace)
    return kernel, links, trace, events


def reacting_client(kernel, params):
    """Answer the first few notes with a submission, at once or a little later."""
    reactions = list(params["reactions"])

    def react(observation):
        if not isinstance(observation.event, Noted) or not reactions:
            return
        delay, drawn, size = reactions.pop()
        at, node = observation.at_ns + delay * 1000, drawn % params["nodes"]
        kernel.feed(at, partial(kernel.deliver, at, node, Poke(size, 4), size))

    return react


FAULTS = (
    *("crash", "crash", "restart", "restart", "power", "slow", "partition", "ring", "deaf", "heal"),
    *("clock", "truth", "lie", "honesty", "clog", "double", "mix", "lose"),
    *("fill", "fill", "free", "drag", "rot", "rot", "tear", "pause"),
)


def limit(kernel, node, room):
    """Let the disk of a node take so many bytes more, if it was built with a limit."""
    medium = kernel.hosts[node].medium
    if medium is not None:
        medium.space.limit(room)


def rot(kernel, node):
    """Flip bits of every other row of a node whose disk may rot."""
    medium = kernel.hosts[node].medium
    if medium is not None:
        medium.rot(lambda rows: range(0, rows, 2), None)


def decayed(host):
    return host.medium is not None and bool(host.medium.rotten())


def stop_for_a_while(kernel, node):
    """Stop a node that is up for some of the time that a message takes, or for many of them."""
    if kernel.hosts[node].machine:
        until = kernel.now + 40_000 * (1 + 20 * node)
        pause(kernel, node, until) if isinstance(kernel, Kernel) else kernel.pause(node, until)


def restart(kernel, node):
    """Start a node that is down, with a disk that was mended."""
    host = kernel.hosts[node]
    if host.machine is None:
        if host.medium is not None:
            host.medium.write([Record("rows", key, b"") for _, key in host.medium.rotten()])
        kernel.start(node)


def crash_half_written(kernel, node, tear=None):
    """Crash a node half of whose unacknowledged batches have reached the disk."""
    if kernel.hosts[node].machine:
        kernel.crash(node, lambda batches: (batches + 1) // 2, tear)


def play(kind, params, chunks):
    log: list[tuple[int, int, Event]] = []
    kernel, links, trace, events = build(kind, params, log)
    nodes = params["nodes"]
    others = tuple(range(nodes))
    for number, (at, fault, drawn) in enumerate(params["faults"]):
        node = drawn % nodes
        verbs = {
            "crash": lambda n=node: kernel.crash(n) if kernel.hosts[n].machine else None,
            "power": lambda n=node: crash_half_written(kernel, n),
            "clock": lambda n=node: kernel.set_clock(
                n, Clock(kernel.now, (n - 2) * 700_000, (n - 1) * 300_000)
            ),
            "truth": lambda n=node: kernel.set_clock(n, None),
            "lie": lambda n=node: kernel.hosts[n].lie_about_writes(900_000, lambda: kernel.now),
            "honesty": lambda n=node: kernel.hosts[n].be_honest_about_writes(),
            "clog": lambda n=node: links.clog(Ways((n,), others), kernel.now + 2_000_000),
            "double": lambda n=node: links.disturb(Duplicate(Ways((n,), others), 0.5, 400_000)),
            "mix": lambda n=node: links.disturb(Reorder(Ways((n,), others, True), 0.5, 900_000)),
            "lose": lambda n=node: links.disturb(Lose(Ways((n,), others), 0.3)),
            "ring": lambda: links.ring(1),
            "deaf": lambda n=node: links.partition([[n]], direction=Direction.IN),
            "restart": lambda n=node: restart(kernel, n),
            "fill": lambda n=node: limit(kernel, n, 40 * n),
            "free": lambda n=node: limit(kernel, n, None),
            "drag": lambda n=node: kernel.hosts[n].device.slow(7, 2),
            "rot": lambda n=node: rot(kernel, n),
            "tear": lambda n=node: crash_half_written(kernel, n, lambda: 500),
            "slow": lambda n=node: kernel.slow(n, 3, 1),
            "pause": lambda n=node: stop_for_a_while(kernel, n),
            "partition": lambda n=node: links.partition([[n], [(n + 1) % nodes]]),
            "heal": links.heal,
        }
        kernel.act(at * 1000 + number % 2, verbs[fault])
    for node in range(nodes):
        kernel.start(node)
    for number, (at, node) in enumerate(params["submissions"]):
        client = partial(kernel.deliver, at * 1000, node % nodes, Poke(number, 4))
        kernel.feed(at * 1000, client) if number & 1 else client()
    trace.subscribe(events=reacting_client(kernel, params))
    if params["deliveries"] and kind is Kernel:
        trace.subscribe(deliveries=lambda _: None)
    end = 12_000_000
    for part in range(1, chunks + 1):
        kernel.run_until(end * part // chunks)
    turns = [[entry for entry in log if entry[0] == node] for node in range(nodes)]
    rows = [sorted((h.medium or h.store).scan("rows")) for h in kernel.hosts if not decayed(h)]
    return turns, events, trace.digest(), rows


PARAMS = st.fixed_dictionaries(
    {
        "nodes": st.integers(2, 5),
        "cores": st.integers(1, 3),
        "seed": st.integers(0, 1000),
        "latency": st.sampled_from([0, 1000, 250_000]),
        "bandwidth": st.sampled_from([0, 1_000_000, 100_000_000]),
        "loss": st.sampled_from([0.0, 0.2]),
        "jitter": st.sampled_from([JitterLaw.NONE, JitterLaw.EXPONENTIAL]),
        "work": st.sampled_from([0, 1, 10]),
        "faults": st.lists(
            st.tuples(
                st.integers(1, 9000),
                st.sampled_from(FAULTS),
                st.integers(0, 4),
            ),
            max_size=8,
        ),
        "submissions": st.lists(
            st.tuples(st.integers(0, 8000), st.integers(0, 4)), min_size=1, max_size=12
        ),
        "reactions": st.lists(
            st.tuples(st.sampled_from([0, 1, 300]), st.integers(0, 4), st.integers(0, 2000)),
            max_size=8,
        ),
        "deliveries": st.booleans(),
        "limited": st.one_of(st.just(()), st.just((0, 1)), st.just((1,))),
    }
)


KILLED_AT_BIRTH = {
    "nodes": 2,
    "cores": 1,
    "seed": 0,
    "latency": 0,
    "bandwidth": 0,
    "loss": 0.0,
    "jitter": JitterLaw.NONE,
    "work": 0,
    "faults": [(2, "restart", 0), (1, "crash", 0), (2, "crash", 0)],
    "submissions": [(0, 0)],
    "reactions": [],
    "deliveries": False,
    "limited": (),
}
"""A node is restarted and killed again at one instant: it has no turn between the two."""


@example(params=KILLED_AT_BIRTH, chunks=1)
@given(params=PARAMS, chunks=st.integers(1, 7))
@settings(max_examples=150, deadline=None)
def test_fast_kernel_equals_naive_kernel(params, chunks):
    fast_turns, fast_events, fast_digest, fast_rows = play(Kernel, params, chunks)
    turns, events, digest, rows = play(NaiveKernel, params, 1)
    for fast, naive in zip(fast_turns, turns, strict=True):
        assert fast == naive
    assert fast_events == events
    assert fast_digest == digest
    assert fast_rows == rows


@pytest.mark.soak
@given(params=PARAMS, chunks=st.integers(1, 7))
@settings(max_examples=3000, deadline=None)
def test_fast_kernel_equals_naive_kernel_for_long(params, chunks):
    assert play(Kernel, params, chunks) == play(NaiveKernel, params, 1)
