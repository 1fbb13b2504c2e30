"""Synthetic streams for the tests of reports: what a run would send, without running one."""

from collections.abc import Iterator

import msgspec
import numpy as np

from consensus.trace import ViewChangeStarted, ViewEntered
from node.trace import BlockCommitted, PeerScored, TransactionRejected, TransactionSubmitted
from primitives.ids import NodeId, View
from primitives.machine import TraceEvent
from sim.links.regions import TABLES
from sim.report import (
    Breach,
    Collector,
    Expectation,
    LinkPicture,
    NetworkPicture,
    NodePicture,
    RunIdentity,
    RunResult,
    RunShape,
    build_result,
)
from sim.report.stream import Usage
from sim.trace import Observation, Traffic
from sim.trace_events import Crashed, Delayed, Healed, Partitioned, Restarted, Slowed

SECOND = 1_000_000_000
MS = 1_000_000

AWS = TABLES["aws-13"]


class Blocks:
    """Block contents by digest."""

    def __init__(self) -> None:
        self.hashes: dict[bytes, tuple[bytes, ...]] = {}
        self.asked: list[bytes] = []

    def transaction_hashes(self, digest: bytes) -> tuple[bytes, ...]:
        self.asked.append(digest)
        return self.hashes.get(digest, ())


def digest_of(height: int, fork: int = 0) -> bytes:
    return bytes([fork]) + height.to_bytes(31, "big")


def transaction(number: int) -> bytes:
    return b"\x7a" + number.to_bytes(31, "big")


def shape(nodes: int = 4, seconds: float = 10, **changes: object) -> RunShape:
    fields: dict[str, object] = {
        "nodes": nodes,
        "validators": nodes,
        "duration_ns": round(seconds * SECOND),
    }
    return msgspec.convert(fields | changes, RunShape)


def committed(
    height: int, transactions: int = 0, view: int = 0, size: int = 1_000, fork: int = 0
) -> BlockCommitted:
    return BlockCommitted(
        height=height,
        digest=digest_of(height, fork),
        parent=digest_of(height - 1),
        view=view,
        transactions=transactions,
        gas_used=21_000 * transactions,
        bytes=size,
    )


class Feed:
    """Hands a collector its stream, in seconds instead of nanoseconds."""

    def __init__(self, collector: Collector, blocks: Blocks) -> None:
        self.collector = collector
        self.blocks = blocks

    def event(self, at_s: float, node: int, event: TraceEvent) -> None:
        self.collector.observe(Observation(round(at_s * SECOND), node, event))

    def sent(self, at_s: float, node: int, kind: str, count: int, size: int) -> None:
        self.collector.traffic(Traffic(round(at_s * SECOND), node, kind, count, size))

    def submit(self, at_s: float, node: int, number: int) -> None:
        self.event(at_s, node, TransactionSubmitted(transaction(number)))

    def reject(self, at_s: float, node: int, number: int, code: str) -> None:
        self.event(at_s, node, TransactionRejected(transaction(number), code))

    def commit(self, at_s: float, node: int, height: int, *numbers: int, view: int = 0) -> None:
        event = committed(height, len(numbers), view)
        self.blocks.hashes.setdefault(event.digest, tuple(transaction(n) for n in numbers))
        self.event(at_s, node, event)

    def finish(self, at_s: float) -> Collector:
        self.collector.finish(round(at_s * SECOND))
        return self.collector


def feed(run: RunShape | None = None, usage: Usage | None = None) -> Feed:
    blocks = Blocks()
    return Feed(Collector(run or shape(), blocks, usage), blocks)


def result_of(collector: Collector, **changes: object) -> RunResult:
    identity = RunIdentity(
        scenario="quickstart",
        seed=7,
        digest="8f2c51d0a97be6340c1d2e3f40516273",
        wall_seconds=4.21,
        replay="orrery run scenarios/quickstart.toml --seed 7 --set consensus.batch_size=500",
        run_directory="runs/quickstart-7",
    )
    return build_result(collector, identity, **changes)  # type: ignore[arg-type]


EXPECTATIONS = (
    Expectation("safety", True, "no checker objected in 118 commits at 7 nodes"),
    Expectation("liveness after heal", True, "first commit 1.31 s after the heal, within 10 s"),
    Expectation("tps >= 150", True, "181 tx/s over 50 s"),
    Expectation("confirmation p99 <= 5 s", False, "7.82 s, expected at most 5 s"),
)

BREACH = Breach("agreement", 31_204_118_330, 5, "height 61: digest 0x3fc1 here, 0x98aa at node 2")


def latency_ns(origin: str, destination: str) -> int:
    """Return the latency of the AWS table, half a millisecond for places that it lacks."""
    if origin in AWS.regions and destination in AWS.regions:
        return AWS.one_way_ns(origin, destination)
    return MS // 2


def picture(
    nodes: int, followers: int = 0, regions: tuple[str, ...] = AWS.regions
) -> NetworkPicture:
    """Return a network over AWS zones: full mesh of validators, two links for each follower."""
    validators = nodes - followers
    places = tuple(
        NodePicture(regions[i % len(regions)], i < validators, "c5.xlarge") for i in range(nodes)
    )
    pairs = [(a, b) for a in range(validators) for b in range(a + 1, validators)]
    pairs += [(f, (f * step) % validators) for f in range(validators, nodes) for step in (1, 3)]
    links = tuple(
        LinkPicture(a, b, latency_ns(places[a].region, places[b].region)) for a, b in pairs
    )
    return NetworkPicture(places, links, "full mesh of validators")


def busy_run(nodes: int = 7, seconds: int = 60, rate: int = 180, seed: int = 7) -> Collector:
    """Return a run with a primary's crash, a partition and a slow node: what quickstart shows."""
    run = shape(nodes, seconds, warmup_ns=5 * SECOND, cooldown_ns=5 * SECOND)
    blocks = Blocks()
    collector = Collector(run, blocks)
    rows = sorted(_stream(blocks, nodes, seconds, rate, seed), key=lambda row: row[0])
    for at_ns, node, entry in rows:
        if isinstance(entry, tuple):
            collector.traffic(Traffic(at_ns, node, *entry))
        else:
            collector.observe(Observation(at_ns, node, entry))
    collector.finish(seconds * SECOND)
    return collector


Row = tuple[int, int, TraceEvent | tuple[str, int, int]]


def _stream(blocks: Blocks, nodes: int, seconds: int, rate: int, seed: int) -> Iterator[Row]:
    draw = np.random.default_rng(seed)
    end = seconds * SECOND
    crash, back = round(0.2 * end), round(0.42 * end)
    cut, heal = round(0.55 * end), round(0.7 * end)
    yield from _faults(nodes, crash, back, cut, heal, end)
    submissions = np.sort(draw.integers(0, round(0.97 * end), rate * seconds))
    view, height, at_ns, taken = 0, 0, 300 * MS, 0
    for node in range(nodes):
        yield 0, node, ViewEntered(View(0), NodeId(0))
    for number, submitted in enumerate(submissions.tolist()):
        node = int(draw.integers(nodes))
        yield submitted, node, TransactionSubmitted(transaction(number))
        if number % 97 == 0:
            code = ("nonce_too_low", "underpriced", "insufficient_funds")[number // 97 % 3]
            yield submitted, node, TransactionRejected(transaction(number), code)
    while at_ns < end - SECOND:
        for fault, pause in ((crash, 2_400 * MS), (cut, 1_900 * MS)):
            if at_ns <= fault < at_ns + 600 * MS:
                view += 1
                at_ns = fault + pause
                yield from _view_change(draw, nodes, view, fault, at_ns, crash, back)
        at_ns += round((500 + abs(draw.normal(0, 40))) * MS)
        height += 1
        ready = int(np.searchsorted(submissions, at_ns - 180 * MS))
        chosen = range(taken, min(ready, taken + 400))
        taken = chosen.stop if chosen else taken
        event = committed(height, len(chosen), view, size=700 + 118 * len(chosen))
        blocks.hashes[event.digest] = tuple(transaction(n) for n in chosen)
        yield from _block(draw, nodes, at_ns, event, (crash, back, cut, heal))


def _faults(nodes: int, crash: int, back: int, cut: int, heal: int, end: int) -> Iterator[Row]:
    most = -(-2 * nodes // 3)
    yield crash, 0, Crashed()
    yield crash + 2 * SECOND, 1, PeerScored(0, 96, "no answer in time")
    yield back, 0, Restarted()
    groups = (tuple(range(most)), tuple(range(most, nodes)))
    yield cut, -1, Partitioned(groups)
    yield heal, -1, Healed()
    yield round(0.8 * end), 2, Slowed(400)
    yield round(0.88 * end), 2, Slowed(100)
    yield round(0.75 * end), -1, Delayed(80 * MS, (3, 4))
    yield round(0.93 * end), -1, Delayed(0, (3, 4))


def _view_change(
    draw: np.random.Generator, nodes: int, view: int, start: int, end: int, crash: int, back: int
) -> Iterator[Row]:
    for node in range(nodes):
        if node == 0 and crash <= start < back:
            continue
        began = start + round((900 + 200 * draw.random()) * MS)
        yield began, node, ViewChangeStarted(View(view))
        entered = end + round(90 * draw.random() * MS)
        yield entered, node, ViewEntered(View(view), NodeId(view % nodes))


def _block(
    draw: np.random.Generator,
    nodes: int,
    at_ns: int,
    event: BlockCommitted,
    times: tuple[int, int, int, int],
) -> Iterator[Row]:
    crash, back, cut, heal = times
    most = -(-2 * nodes // 3)
    down = 1 if crash <= at_ns < back else 0
    others = nodes - 1 - down
    yield at_ns - 200 * MS, 1, ("PrePrepare", others, (event.bytes + 90) * others)
    for node in range(down, nodes):
        yield at_ns - 120 * MS, node, ("Prepare", others, 182 * others)
        yield at_ns - 60 * MS, node, ("Commit", others, 182 * others)
        yield at_ns - 300 * MS, node, ("AnnounceTransactions", others, 40 * event.transactions)
        yield at_ns - 280 * MS, node, ("GetTransactions", 1, 33 * event.transactions)
        yield at_ns - 260 * MS, node, ("PooledTransactions", 1, 112 * event.transactions)
        late = round(abs(draw.normal(30, 25)) * MS)
        when = at_ns + late
        if node == 0 and crash <= at_ns < back:
            continue
        if node >= most and cut <= when < heal:
            when = heal + round(400 * MS + 4 * MS * event.height)
        yield when, node, event
    if down:
        yield back + 300 * MS + event.height * MS, 0, event
