"""A small world whose machines do what a test wrote down, on a kernel without nodes."""

from typing import ClassVar

from primitives.ids import Duration, NodeId, RequestId, Token
from primitives.machine import (
    Broadcast,
    Compute,
    Emit,
    Event,
    Message,
    Persist,
    Received,
    Record,
    Send,
    Serial,
    SetTimer,
    TraceEvent,
    Work,
)
from sim.hosts.disk import Disk, DiskSpec
from sim.hosts.processors import Processors
from sim.kernel.engine import Kernel
from sim.kernel.host import CostTable, Host
from sim.links.links import Links, LinkSpec
from sim.trace import Trace
from storage.memory import MemoryStore

LATENCY = 1_000
DISK = DiskSpec(latency_ns=100, fsync_ns=400, bytes_per_second=1_000_000_000)
"""A batch without bytes takes 500 ns."""
SYNC = 500


class Ping(Message, frozen=True, gc=False, tag="kernel-ping"):
    core: ClassVar[str] = "a"
    number: int = 0


class Pong(Message, frozen=True, gc=False, tag="kernel-pong"):
    core: ClassVar[str] = "b"
    number: int = 0


class Poke(Event, frozen=True, gc=False):
    core: ClassVar[str] = "a"
    number: int = 0


class Noted(TraceEvent, frozen=True, gc=False):
    name: ClassVar[str] = "test.noted"
    number: int


class Answer:
    def __init__(self, result=42):
        self.result = result

    def run(self):
        return self.result


class Scripted:
    """Answers the k-th event of a kind by the k-th list of effects written for it."""

    def __init__(self, node, script, log, received):
        self.node, self.log, self.received = node, log, received
        self.script = {key: list(answers) for key, answers in script.items()}

    def step(self, now, event):
        body = event.message if isinstance(event, Received) else event
        self.log.append((now, self.node, body))
        if isinstance(event, Received):
            self.received.append(event)
        answers = self.script.get((self.node, type(body)), [])
        return answers.pop(0) if answers else []


class Scene:
    """A kernel, its links and what happened.

    Args:
        script: (node, type of event or message) to the answers, in turn.
        nodes: how many.
        downlink: bits a second; 0 is unlimited.
        machines: the machine of each node; each its own if None.
        cores: of each machine.
        size: bytes of every message.
        work: picoseconds of a unit of "w".
        disk: figures of all disks.
        media: what lies on the disks of some nodes, which may fill or rot.
    """

    def __init__(
        self,
        script,
        nodes=3,
        downlink=0,
        machines=None,
        cores=1,
        size=10,
        work=1_000,
        disk=DISK,
        media=None,
    ):
        self.log = []
        self.received = []
        self.noted = []
        self.seen = []
        spec = LinkSpec(
            (0,) * nodes, ((LATENCY,),), (0,) * nodes, (downlink,) * nodes, (0.0,) * nodes
        )
        self.links = Links(spec, lambda _g, s: [k for k in range(nodes) if k != s], 1)
        machines = machines or range(nodes)
        processors = {m: Processors(cores) for m in machines}
        disks = {m: Disk(disk) for m in machines}
        media = media or {}
        hosts = [
            Host(
                k,
                CostTable({"w": work}),
                processors[m],
                disks[m],
                media.get(k, MemoryStore()),
                media.get(k),
                k not in media,
            )
            for k, m in zip(range(nodes), machines, strict=True)
        ]
        self.trace = Trace()
        self.trace.subscribe(events=self._note)
        self.script = script
        self.kernel = Kernel(hosts, self.links, self._make, lambda _message: size, self.trace)
        for node in range(nodes):
            self.kernel.start(node)

    def _make(self, node, store):
        self.stored = dict(store.scan("rows"))
        return Scripted(node, self.script, self.log, self.received)

    def _note(self, observation):
        if isinstance(observation.event, Noted):
            self.noted.append((observation.at_ns, observation.node, observation.event.number))

    def poke(self, at, node=0, number=0, size=0):
        self.kernel.deliver(at, node, Poke(number), size)

    def run(self, until=10**9):
        self.kernel.run_until(until)
        return self

    def turns(self, kind, node=None):
        """Return (instant, node) of each turn that this kind of event or message had."""
        return [
            (at, who)
            for at, who, body in self.log
            if isinstance(body, kind) and node in (None, who)
        ]


def work(units):
    return Work("w", units)


def note(number):
    return Emit(Noted(number))


def send(to, message=None):
    return Send(NodeId(to), message or Ping())


def broadcast(message=None):
    return Broadcast("all", message or Ping())


def persist(origin="a", token=1, value=b""):
    records = (Record("rows", b"", value),) if value is not None else ()
    return Persist(origin, Token(token), records)


def timer(name, delay):
    return SetTimer(name, Duration(delay))


def compute(request, *units):
    return Compute(RequestId(request), tuple(Serial("w", u) for u in units), Answer())
