"""Sources: what the system, the loop, the transport, the store and the queues say."""

import asyncio
import gc
from collections.abc import Iterable
from dataclasses import fields
from enum import Enum
from pathlib import Path

import psutil
import pytest

from network.handshake_messages import PeerRole
from network.outbox import Traffic
from network.transport import Counters, DropReason, PeerInfo
from node.observe.calls import RpcSource
from node.observe.driving import DriverSource, QueueFigures, QueueSource
from node.observe.families import Family, World, network, rpc, runtime, storage
from node.observe.links import TransportSource
from node.observe.process import PoolSource, ProcessSource, UptimeSource
from node.observe.reading import Histogram, Reading
from node.observe.stores import CacheSource, CommitSource, StoreSource
from node.observe.ticker import CollectionSource, Ticker
from node.rpc.server import RpcFigures
from node.runtime.limits import DriverFigures
from node.runtime.scheduler import JobFigures, Priority
from primitives.ids import Duration, NodeId
from primitives.machine import Record
from storage.cache import CachedTable, CacheOptions, Kind, Limits
from storage.cache.metrics import cache_families
from storage.memory import MemoryStore
from storage.rocks import CommitStatistics, RocksStore, profile

SECOND = 1_000_000_000
Shown = dict[tuple[str, ...], float]


def shown(readings: Iterable[Reading], family: Family) -> Shown:
    """Return the numbers of a family, by its own labels."""
    found = [each for each in readings if each.family is family]
    assert World.LIVE in family.worlds
    assert all(len(each.labels) == len(family.labels) for each in found)
    return {each.labels: each.number for each in found}


# ---------------------------------------------------------------- the process


def test_the_process_has_memory_threads_files_and_processor_time() -> None:
    readings = list(ProcessSource().readings())
    assert shown(readings, runtime.MEMORY)[()] > 1 << 20
    assert shown(readings, runtime.THREADS)[()] >= 1
    assert shown(readings, runtime.OPEN_FILES)[()] >= 3
    assert shown(readings, runtime.CPU)["user",] > 0
    assert shown(readings, runtime.HOST_NETWORK).keys() == {("received",), ("sent",)}


class Process:
    """A process as psutil shows it."""

    def __init__(self) -> None:
        self.user = 0.0

    def cpu_times(self) -> "Process":
        return self

    system = 0.0


def test_processor_usage_is_that_between_two_samples() -> None:
    process = Process()
    source = ProcessSource(process)
    source.sample(SECOND)
    assert source.cpu_usage == 0
    process.user = 3.0
    source.sample(3 * SECOND)
    assert source.cpu_usage == 1.5


def test_what_the_system_does_not_tell_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_: psutil.Process) -> object:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil.Process, "io_counters", denied, raising=False)
    monkeypatch.setattr(psutil.Process, "num_fds", denied, raising=False)
    monkeypatch.setattr(psutil, "net_io_counters", lambda: None)
    readings = list(ProcessSource().readings())
    assert not shown(readings, storage.DISK_IO)
    assert not shown(readings, runtime.OPEN_FILES)
    assert not shown(readings, runtime.HOST_NETWORK)
    assert shown(readings, runtime.MEMORY)


def test_age_and_pool() -> None:
    assert shown(UptimeSource(lambda: 5 * SECOND).readings(), runtime.UPTIME) == {(): 5}
    readings = list(PoolSource(lambda: (4, 2, 900)).readings())
    assert [each.value for each in readings] == [4, 2, 900]


# ---------------------------------------------------------------- the loop


def test_the_ticker_samples_at_once_and_notes_the_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.observe.ticker.LAG_SECONDS", 0.01)
    monkeypatch.setattr("node.observe.ticker.TICKS_PER_SAMPLE", 2)

    class Sampled:
        def __init__(self) -> None:
            self.at: list[int] = []

        def sample(self, at_ns: int) -> None:
            self.at.append(at_ns)

    async def run() -> tuple[list[int], Histogram]:
        sampled = Sampled()
        ticker = Ticker(asyncio.get_running_loop(), sampled)
        ticker.start()
        ticker.start()
        assert len(sampled.at) == 1
        async with asyncio.timeout(60):
            while len(sampled.at) < 3:
                await asyncio.sleep(0.01)
        ticker.stop()
        ticker.stop()
        count = sum(ticker.lag.counts)
        await asyncio.sleep(0.05)
        assert sum(ticker.lag.counts) == count
        return sampled.at, ticker.lag

    at, lag = asyncio.run(run())
    assert at == sorted(at)
    assert sum(lag.counts) >= 4


def test_garbage_collections_are_counted_from_start_to_stop() -> None:
    source = CollectionSource()
    gc.collect()
    assert shown(source.readings(), runtime.GC_RUNS)["2",] == 0
    source.start()
    gc.collect()
    source.stop()
    source.stop()
    gc.collect()
    assert shown(source.readings(), runtime.GC_RUNS)["2",] == 1
    assert shown(source.readings(), runtime.GC_TIME)["2",] > 0


# ---------------------------------------------------------------- the transport


def peer(node: int, round_trip: int | None, queued: int = 0) -> PeerInfo:
    return PeerInfo(
        NodeId(node),
        PeerRole.VALIDATOR if node else PeerRole.FOLLOWER,
        "127.0.0.1:1",
        True,
        None,  # type: ignore[arg-type]
        None if round_trip is None else Duration(round_trip),
        queued,
        queued * 100,
        7,
    )


def test_a_round_trip_counts_once_for_each_ping() -> None:
    peers = [peer(1, 1_000_000), peer(2, None)]
    source = TransportSource(Counters(), lambda: peers)
    source.sample(1)
    source.sample(2)
    assert (sum(source.latency.counts), source.latency.sum) == (1, 1_000_000)
    peers[0] = peer(1, 2_000_000)
    source.sample(3)
    peers.pop(0)
    source.sample(4)
    peers.insert(0, peer(1, 2_000_000))
    source.sample(5)
    assert (sum(source.latency.counts), source.latency.sum) == (3, 5_000_000)


def test_peers_and_what_waits_for_them() -> None:
    source = TransportSource(Counters(), lambda: [peer(0, 5), peer(1, None, 2), peer(2, 7, 3)])
    readings = list(source.readings())
    assert shown(readings, network.PEERS) == {("follower",): 1, ("validator",): 2}
    assert shown(readings, network.QUEUED_MESSAGES)[()] == 5
    assert shown(readings, network.QUEUED_BYTES)[()] == 500
    assert shown(readings, network.HELD_BYTES)[()] == 21
    assert shown(readings, network.ROUND_TRIP) == {("0",): 5e-9, ("2",): 7e-9}


def test_that_no_validator_is_connected_is_shown() -> None:
    readings = list(TransportSource(Counters(), lambda: [peer(0, 5)]).readings())
    assert shown(readings, network.PEERS) == {("follower",): 1, ("validator",): 0}


def test_every_counter_of_the_transport_is_shown() -> None:
    counters = Counters()
    number = 1
    expected = set()
    for field in fields(counters):
        value = getattr(counters, field.name)
        if isinstance(value, int):
            setattr(counters, field.name, number)
            expected.add(number)
            number += 1
        elif isinstance(value, list):
            for place in range(len(value)):
                value[place] = number
                expected.add(number)
                number += 1
    counters.dropped[DropReason.SLOW] = number
    expected.add(number)
    counters.writes = 0
    readings = list(TransportSource(counters, list).readings())
    values = {each.number for each in readings if not isinstance(each.value, Histogram)}
    # Writes to sockets say nothing to an operator.
    assert expected - values <= {fields_number(counters, "writes")}
    assert shown(readings, network.CONNECTIONS_ENDED) == {("slow",): number}
    sent = shown(readings, network.WIRE_MESSAGES)["sent", Traffic.SYNC.name.lower()]
    assert sent == counters.messages_sent[Traffic.SYNC]


def fields_number(counters: Counters, name: str) -> int:
    """Return the number that the test above gave a field."""
    number = 1
    for field in fields(counters):
        if field.name == name:
            return number
        value = getattr(counters, field.name)
        number += len(value) if isinstance(value, list) else isinstance(value, int)
    raise AssertionError(name)


# ---------------------------------------------------------------- the store


def test_rocksdb_says_what_its_families_hold(tmp_path: Path) -> None:
    store = RocksStore(tmp_path / "store", profile("small"))
    store.write([Record("chain.headers", bytes(8), b"value")])
    readings = list(StoreSource(store.statistics).readings())
    statistics = store.statistics()
    store.close()
    rows = shown(readings, storage.FAMILY_ROWS)
    assert {family for (family,) in rows} == {
        key.split(".")[1] for key in statistics if key.startswith("family.")
    }
    assert len(shown(readings, storage.FAMILY_BYTES)) == 4 * len(rows)
    assert shown(readings, storage.BACKGROUND)["writes_stopped",] == 0


def test_what_commits_took() -> None:
    numbers = dict.fromkeys(CommitStatistics.__struct_fields__, 0)
    statistics = CommitStatistics(
        **numbers | {"groups": 3, "rows": 9, "queued_bytes": 70, "sync_ns": 2 * SECOND}
    )
    readings = list(CommitSource(lambda: statistics).readings())
    assert shown(readings, storage.GROUPS)[()] == 3
    assert shown(readings, storage.COMMITTED_ROWS)[()] == 9
    assert shown(readings, storage.QUEUED_BYTES)[()] == 70
    assert shown(readings, storage.COMMIT_TIME)["sync",] == 2


def test_every_count_of_a_cache_is_shown() -> None:
    options = CacheOptions(Limits(2, 10_000), Limits(4, 10_000))
    table = CachedTable(Kind[bytes]("code", bytes, bytes, len), MemoryStore(), options)
    table.read(b"absent")
    counters = [table.counters()]
    readings = list(CacheSource(lambda: counters).readings())
    assert {each.family.name for each in readings} == {
        family.name for family in cache_families(counters)
    }
    misses = next(each for each in storage.CACHE_LEVEL if each.name == "storage_cache_misses")
    assert shown(readings, misses)["decoded", "code"] == 1


# ---------------------------------------------------------------- JSON-RPC


def test_every_figure_of_the_rpc_server_is_shown() -> None:
    names = [name for name in RpcFigures.__dataclass_fields__ if name not in {"calls", "failures"}]
    numbers = {name: number for number, name in enumerate(names, 5)}
    figures = RpcFigures(calls={"eth_call": 3}, failures={-32601: 4}, **numbers)
    readings = list(RpcSource(lambda: figures).readings())
    assert shown(readings, rpc.CALLS) == {("eth_call",): 3}
    assert shown(readings, rpc.ERRORS) == {("-32601",): 4}
    assert sorted(each.number for each in readings) == [3, 4, *sorted(numbers.values())]


# ---------------------------------------------------------------- turns, jobs, queues


def test_turns_and_jobs() -> None:
    figures = DriverFigures(turns=4, busy_ns=SECOND, portions=2, stalls=1, work={"hash": 9})
    jobs: dict[Enum, JobFigures] = {each: JobFigures(1, SECOND, 2 * SECOND) for each in Priority}
    readings = list(DriverSource(figures, jobs).readings())
    assert shown(readings, runtime.TURNS)[()] == 4
    assert shown(readings, runtime.BUSY)[()] == 1
    assert shown(readings, runtime.WORK_UNITS) == {("hash",): 9}
    assert len(shown(readings, runtime.JOBS)) == len(Priority)
    assert set(shown(readings, runtime.JOB_WAIT).values()) == {2}


def test_queues_show_what_they_count() -> None:
    source = QueueSource()
    source.watch("peers", lambda: QueueFigures(3))
    source.watch("clients", lambda: QueueFigures(1, 8, 2))
    readings = list(source.readings())
    assert shown(readings, runtime.QUEUE_DEPTH) == {("peers",): 3, ("clients",): 1}
    assert shown(readings, runtime.QUEUE_DEPTH_MAX) == {("clients",): 8}
    assert shown(readings, runtime.QUEUE_DROPPED) == {("clients",): 2}
