"""What happens to disks on the timeline: slow, full, freed, torn and rotten ones."""

import pytest

from sim.assembly import build_world
from sim.scenario import ScenarioError, decode_table
from sim.scenario.disk_checks import _written
from sim.trace_events import DiskFilled, DiskFull, Rotted, StoreDamaged, WriteTorn

SECOND = 1_000_000_000


class Played:
    """A run of four loaded validators on slow disks, and what its trace said."""

    def __init__(self, *events, store=None, until=12, network=None, chain=None, clients=True):
        table = {
            "name": "t",
            "duration": f"{until}s",
            "network": {
                "validators": 4,
                "latency": "uniform",
                "latency_value": "5ms",
                "disk": "hdd",
                **(network or {}),
            },
            "consensus": {"signatures": "modelled", "request_timeout": "1s"},
            "chain": {"base_fee": "fixed", "checkpoint_interval": 4, **(chain or {})},
            "workload": {"kind": "transfers", "rate": 20, "accounts": 30, "resend_after": "1s"},
            "store": store or {},
            "events": list(events),
        }
        self.faults = []
        self.said = []
        with build_world(decode_table(table, "t"), 1, with_clients=clients) as world:
            world.subscribe(events=self._observe)
            world.run_until(until * SECOND)
            self.live = [world.is_live(node) for node in range(world.size)]
            self.heights = [
                world.node(node).ledger.height if live else None
                for node, live in enumerate(self.live)
            ]
            self.digest = world.trace.digest()

    def _observe(self, observation):
        event = observation.event
        if event.name.startswith(("fault.", "store.")):
            self.said.append((observation.at_ns, observation.node, event))
            self.faults.append((observation.node, event.name.rpartition(".")[2]))

    def times(self, kind):
        return [at / SECOND for at, _, event in self.said if isinstance(event, kind)]

    def of(self, kind):
        return [event for _, _, event in self.said if isinstance(event, kind)]

    def caught_up(self, *nodes):
        best = max(height for height in self.heights if height is not None)
        assert best > 10
        return all(self.heights[node] >= best - 3 for node in nodes)


def slow(**changes):
    return {"kind": "slow-disk", "at": "1s", "node": 2, "factor": 3, **changes}


def full(**changes):
    return {"kind": "full-disk", "at": "3s", "node": 2, **changes}


def test_a_slow_disk_takes_its_time_for_a_while():
    calm = Played(clients=False)
    seen = Played(slow(), slow(at="4s", factor=10, **{"for": "2s"}), clients=False)
    percents = [event.factor_percent for _, _, event in seen.said]
    assert percents == [300, 1_000, 100]
    assert seen.faults == [(2, "slow_disk")] * 3
    assert calm.faults == []


def test_nodes_of_one_machine_have_one_disk():
    network = {"nodes_per_machine": 2}
    first = slow(node=0, **{"for": "5s"})
    second = slow(at="2s", node=1, factor=9)
    seen = Played(first, second, network=network, clients=False)
    # The later event stands: what the first did is not taken back.
    assert [event.factor_percent for _, _, event in seen.said] == [300, 900]


def test_a_full_disk_stops_its_node_and_its_end_brings_it_back():
    seen = Played(full(**{"for": "3s"}))
    assert [name for _, name in seen.faults] == [
        *("full_disk", "disk_full", "crashed"),
        *("full_disk", "restarted"),
    ]
    assert 3 < seen.times(DiskFull)[0] < 4
    assert seen.live == [True] * 4
    assert seen.caught_up(0, 1, 2, 3)


def test_a_node_that_is_restarted_on_a_full_disk_stops_again():
    restart = {"kind": "restart", "at": "5s", "node": 2}
    seen = Played(full(), restart)
    assert [name for _, name in seen.faults] == [
        *("full_disk", "disk_full", "crashed"),
        *("restarted", "disk_full", "crashed"),
    ]
    assert seen.live == [True, True, False, True]
    assert seen.caught_up(0, 1, 3)


def test_freed_space_and_a_restart_let_it_go_on():
    free = {"kind": "free-disk", "at": "5s", "node": 2}
    restart = {"kind": "restart", "at": "6s", "node": 2}
    seen = Played(full(room="2KiB", **{"for": "8s"}), free, restart)
    # The `for` of the full disk has nothing to take back any more.
    assert [name for _, name in seen.faults] == [
        *("full_disk", "disk_full", "crashed"),
        *("full_disk", "restarted"),
    ]
    assert seen.caught_up(0, 1, 2, 3)


def test_a_full_disk_does_not_start_what_a_crash_has_ended():
    crash = {"kind": "crash", "at": "2s", "node": 2}
    seen = Played(crash, full(**{"for": "1s"}))
    assert [name for _, name in seen.faults] == ["crashed", "full_disk", "full_disk"]


@pytest.mark.parametrize("form", ["runs", "flat"])
def test_a_disk_may_be_small_from_the_start(form):
    small = {"latency": "1ms", "fsync": "1ms", "throughput": "100MB", "capacity": "64KiB"}
    network = {"classes": [{"name": "small", "nodes": [1], "disk": small}]}
    free = {"kind": "free-disk", "at": "9s", "node": 1}
    restart = {"kind": "restart", "at": "9s", "node": 1}
    chain = {"history": "archive"}
    seen = Played(free, restart, network=network, store={"state": form}, chain=chain)
    assert seen.faults[:2] == [(1, "disk_full"), (1, "crashed")]
    assert seen.caught_up(0, 1, 2, 3)


@pytest.mark.parametrize("form", ["runs", "flat"])
def test_torn_writes_count_for_nothing(form):
    crashes = [
        {"kind": "crash", "at": f"{at}ms", "node": node, "unsynced": "torn", "for": "300ms"}
        for node, at in ((0, 3_010), (1, 4_033), (2, 5_047), (3, 6_111), (0, 7_002), (1, 8_018))
    ]
    dragging = [slow(node=node, factor=4) for node in range(4)]
    seen = Played(*dragging, *crashes, store={"state": form})
    assert len(seen.of(WriteTorn)) >= 2
    assert seen.live == [True] * 4
    assert seen.caught_up(0, 1, 2, 3)


def rot(table=None, at="5s", **changes):
    named = {} if table is None else {"table": table}
    return {"kind": "bit-rot", "at": at, "node": 3, **named, **changes}


AGAIN = {"kind": "crash", "at": "5010ms", "node": 3, "for": "500ms"}


def test_a_validator_without_its_log_does_not_start_and_the_others_go_on():
    seen = Played(rot("consensus"), AGAIN)
    assert seen.faults == [(3, "bit_rot"), (3, "crashed"), (3, "damaged_store")]
    assert seen.of(StoreDamaged) == [StoreDamaged("consensus")]
    assert seen.live == [True, True, True, False]
    assert seen.caught_up(0, 1, 2)


@pytest.mark.parametrize(
    ("form", "table"),
    [("runs", "chain.accounts"), ("runs", "chain.blocks"), ("flat", "state.accounts")],
)
def test_a_node_fetches_again_what_has_rotted_of_the_chain(form, table):
    seen = Played(rot(table, rows=2), AGAIN, store={"state": form})
    assert seen.of(Rotted)[0].rows
    assert (3, "restarted") in seen.faults
    assert seen.live == [True] * 4
    assert seen.caught_up(0, 1, 2, 3)


@pytest.mark.parametrize("engine", ["memory", "rocksdb"])
def test_the_disk_of_a_node_that_is_down_rots_too(engine):
    crash = {"kind": "crash", "at": "4s", "node": 3, "for": "2s"}
    seen = Played(crash, rot("consensus"), store={"engine": engine, "state": "flat"}, until=8)
    assert seen.faults == [(3, "crashed"), (3, "bit_rot"), (3, "damaged_store")]


def test_what_rot_has_stopped_may_be_restarted():
    again = {"kind": "restart", "at": "6s", "node": 3}
    table = {"name": "t", "duration": "10s", "network": {"validators": 4}}
    decode_table({**table, "events": [rot(), again]}, "t")
    for events in ([rot(at="7s"), again], [rot(), {**again, "node": 2}]):
        assert "an earlier event may have crashed" in mistakes_of(*events)[0]


def test_a_disk_that_fills_up_never_takes_more_than_it_did():
    small = {"latency": "1ms", "fsync": "1ms", "throughput": "100MB", "capacity": "64KiB"}
    network = {"classes": [{"name": "small", "nodes": [1], "disk": small}]}
    seen = Played(full(node=1, at="1s", room="1MiB"), network=network, clients=False)
    assert seen.of(DiskFilled)[0].room_bytes == 64 * 1024


def test_the_end_of_a_full_disk_is_told_as_such_also_where_the_disk_is_small():
    """The report draws the fault up to there."""
    small = {"latency": "1ms", "fsync": "1ms", "throughput": "100MB", "capacity": "64MiB"}
    network = {"classes": [{"name": "small", "nodes": [1], "disk": small}]}
    seen = Played(full(node=1, at="1s", room="4KiB", **{"for": "2s"}), network=network)
    assert [event.room_bytes for event in seen.of(DiskFilled)] == [4 * 1024, -1]


def test_rows_are_drawn_from_all_tables_and_from_the_seed():
    first = Played(rot(rows=20), clients=True, until=6)
    again = Played(rot(rows=20), clients=True, until=6)
    tables = dict.fromkeys(table for table, _ in first.of(Rotted)[0].rows)
    assert len(tables) > 1
    assert first.digest == again.digest


def mistakes_of(*events, network=None, store=None):
    table = {
        "name": "t",
        "duration": "10s",
        "network": {"validators": 4, "gateways": 1, **(network or {})},
        "consensus": {"fast_confirmation": True},
        "store": store or {},
        "events": list(events),
    }
    with pytest.raises(ScenarioError) as caught:
        decode_table(table, "t")
    return [str(each).removeprefix("t: ") for each in caught.value.mistakes]


@pytest.mark.parametrize(
    ("event", "wrong"),
    [
        (slow(node=4), "events[0].node: expected a node with a disk, 0 to 3, got 4"),
        (full(node=9), "events[0].node: expected a node with a disk, 0 to 3, got 9"),
        (rot(node=4), "events[0].node: expected a node with a disk, 0 to 3, got 4"),
        (rot("chain.blokcs"), "events[0].table: expected one of"),
        (slow(factor=0), "events[0].factor: expected a number, more than 0"),
        (rot(rows=0), "events[0].rows: expected a whole number"),
        (full(at="11s"), "events[0].at: expected an instant before the run ends at 10s"),
        (
            {"kind": "free-disk", "at": "1s", "node": 1},
            "events[0].node: expected a disk with a capacity, or one that an earlier full-disk",
        ),
        (
            {"kind": "restart", "at": "1s", "node": 1},
            "events[0].node: expected a node that an earlier event may have crashed",
        ),
    ],
)
def test_nonsense_is_refused(event, wrong):
    assert mistakes_of(event)[0].startswith(wrong)


@pytest.mark.parametrize(
    ("form", "table", "history"),
    [("runs", "state.accounts", 128), ("flat", "chain.accounts", 128), ("flat", "state.index", 8)],
)
def test_rot_in_a_table_that_the_node_never_writes_is_refused(form, table, history):
    store = {"state": form, **({} if form == "runs" else {"state_history": history})}
    found = mistakes_of(rot(table), store=store)
    assert f'got "{table}"' in found[0]
    assert found[0].startswith("events[0].table: expected one of chain.blocks")


@pytest.mark.parametrize(
    "store", [{"state": "runs"}, {"state": "flat", "state_history": "archive"}]
)
def test_a_node_writes_to_the_tables_that_may_rot_and_to_no_other(store):
    table = {"name": "t", "duration": "12s", "network": {"validators": 4}, "store": store}
    seen = Played(rot(rows=10_000), store=store, until=6)
    struck = {name for name, _ in seen.of(Rotted)[0].rows}
    assert struck == set(_written(decode_table(table, "t"), 3))


def test_space_is_freed_only_where_it_was_short():
    free = {"kind": "free-disk", "at": "5s", "node": 1}
    for event in (full(at="6s", node=1), full(at="1s", node=1, **{"for": "2s"}), full(node=0)):
        found = mistakes_of(free, event)
        assert "whose disk has room" in found[0]
    shared = {"nodes_per_machine": 2}
    table = {"validators": 4, **shared}
    decode_table(
        {"name": "t", "duration": "10s", "network": table, "events": [full(node=0), free]}, "t"
    )
