"""The fault timeline: what each event does, when, and what its `for` takes back."""

from collections import Counter

import msgspec
import pytest

from sim.assembly import build_world
from sim.scenario import decode_table

SECOND = 1_000_000_000
MILLISECOND = 1_000_000


def play(*events, seed=1, nodes=4, until=10, stop=None, **network):
    """Return (second, node, text) of each fault of a run without clients."""
    table: dict[str, object] = {
        "name": "t",
        "duration": f"{until}s",
        "network": {"validators": nodes, "regions": ["Tokyo", "London"], **network},
        "events": list(events),
    }
    world = build_world(decode_table(table, "t"), seed, with_clients=False)
    seen = []

    def observe(observation):
        event = observation.event
        if event.name.startswith("fault."):
            fields = msgspec.structs.fields(event)
            told = [getattr(event, f.name) for f in fields if getattr(event, f.name) != f.default]
            text = " ".join([event.name.removeprefix("fault."), *map(str, told)])
            seen.append((observation.at_ns / SECOND, observation.node, text))

    world.subscribe(events=observe)
    world.run_until((stop or until) * SECOND)
    return seen, world


def faults(*events, **options):
    return play(*events, **options)[0]


# ---------------------------------------------------------------- one event


def test_crash_and_restart():
    assert faults(
        {"kind": "crash", "at": "1s", "node": 2}, {"kind": "restart", "at": "3s", "node": 2}
    ) == [(1, 2, "crashed"), (3, 2, "restarted")]


def test_a_crash_for_a_while():
    event = {"kind": "crash", "at": "1s", "node": 2, "for": "1500ms"}
    assert faults(event) == [(1, 2, "crashed"), (2.5, 2, "restarted")]


def test_restart_all():
    seen = faults(
        {"kind": "crash", "at": "1s", "node": 3},
        {"kind": "crash", "at": "2s", "node": 1},
        {"kind": "restart", "at": "3s", "node": "all"},
    )
    assert seen[2:] == [(3, 1, "restarted"), (3, 3, "restarted")]


def test_slow_and_for():
    event = {"kind": "slow", "at": "1s", "node": 0, "factor": 4}
    assert faults(event) == [(1, 0, "slowed 400")]
    assert faults({**event, "for": "2s"}) == [(1, 0, "slowed 400"), (3, 0, "slowed 100")]


def test_partition_by_numbers_and_regions_and_for():
    event = {"kind": "partition", "at": "1s", "groups": [["London"], [0]]}
    assert faults(event) == [(1, -1, "partitioned ((1, 3), (0,))")]
    healed = faults({**event, "for": "2s"})
    assert healed[1:] == [(3, -1, "healed")]


def test_heal():
    events = (
        {"kind": "partition", "at": "1s", "groups": [[0]]},
        {"kind": "heal", "at": "2s"},
    )
    assert faults(*events)[1:] == [(2, -1, "healed")]


def test_latency_of_all_or_of_regions_and_for():
    event = {"kind": "latency", "at": "1s", "extra": "5ms"}
    assert faults(event) == [(1, -1, "latency 5000000 (0, 1, 2, 3)")]
    regional = faults({**event, "regions": ["Tokyo"], "for": "1s"})
    assert regional == [(1, -1, "latency 5000000 (0, 2)"), (2, -1, "latency 0 (0, 2)")]


def test_the_primary_is_whoever_it_is_at_that_moment():
    crash = {"kind": "crash", "at": "2s", "node": "primary"}
    assert faults(crash) == [(2, 0, "crashed")]
    slow = {"kind": "slow", "at": "2s", "node": "primary", "factor": 2, "for": "1s"}
    assert faults(slow) == [(2, 0, "slowed 200"), (3, 0, "slowed 100")]
    table: dict[str, object] = {
        "name": "t",
        "duration": "10s",
        "network": {"validators": 4},
        "consensus": {"request_timeout": "500ms", "view_change_timeout": "500ms"},
        "workload": {"rate": 20, "accounts": 20},
        "events": [crash, {"kind": "crash", "at": "7s", "node": "primary"}],
    }
    world = build_world(decode_table(table, "t"), 1)
    victims = []
    world.subscribe(
        events=lambda o: victims.append(o.node) if o.event.name == "fault.crashed" else None
    )
    world.run_until(10 * SECOND)
    assert victims == [0, 1]


# ---------------------------------------------------------------- what `for` leaves alone


def test_a_for_does_not_heal_a_later_partition():
    first = {"kind": "partition", "at": "1s", "groups": [[0]], "for": "3s"}
    second = {"kind": "partition", "at": "2s", "groups": [[1]], "for": "4s"}
    assert [(at, text.split()[0]) for at, _, text in faults(first, second)] == [
        (1, "partitioned"),
        (2, "partitioned"),
        (6, "healed"),
    ]


@pytest.mark.parametrize("at", ["2s", "4s"])
def test_a_for_does_not_undo_a_later_slowdown(at):
    first = {"kind": "slow", "at": "1s", "node": 0, "factor": 2, "for": "3s"}
    second = {"kind": "slow", "at": at, "node": 0, "factor": 3, "for": "4s"}
    other = {"kind": "slow", "at": "5s", "node": 1, "factor": 5}
    seen = [row for row in faults(first, second, other) if row[1] == 0]
    begun = int(at[0])
    assert seen == [(1, 0, "slowed 200"), (begun, 0, "slowed 300"), (begun + 4, 0, "slowed 100")]


def test_a_for_takes_back_its_own_latency_only():
    everywhere = {"kind": "latency", "at": "1s", "extra": "1ms", "for": "3s"}
    tokyo = {"kind": "latency", "at": "2s", "extra": "9ms", "regions": ["Tokyo"], "for": "4s"}
    assert [(at, text) for at, _, text in faults(everywhere, tokyo)] == [
        (1, "latency 1000000 (0, 1, 2, 3)"),
        (2, "latency 9000000 (0, 2)"),
        (4, "latency 0 (1, 3)"),
        (6, "latency 0 (0, 2)"),
    ]


def test_a_for_does_not_end_a_later_crash():
    seen = faults(
        {"kind": "crash", "at": "1s", "node": 0, "for": "5s"},
        {"kind": "restart", "at": "2s", "node": 0},
        {"kind": "crash", "at": "3s", "node": 0},
    )
    assert seen == [(1, 0, "crashed"), (2, 0, "restarted"), (3, 0, "crashed")]


def test_a_crash_of_a_dead_node_does_nothing():
    seen = faults(
        {"kind": "crash", "at": "1s", "node": 0},
        {"kind": "crash", "at": "2s", "node": 0, "for": "1s"},
    )
    assert seen == [(1, 0, "crashed")]


def test_events_of_one_instant_happen_in_the_order_of_the_file():
    seen = faults(
        {"kind": "crash", "at": "0s", "node": 1},
        {"kind": "restart", "at": "0s", "node": 1},
        {"kind": "crash", "at": "0s", "node": 1},
        {"kind": "restart", "at": "0s", "node": 1},
        {"kind": "slow", "at": "0s", "node": 2, "factor": 2},
    )
    assert [text for _, _, text in seen] == ["crashed", "restarted"] * 2 + ["slowed 200"]


# ---------------------------------------------------------------- links

PAIR = {"at": "1s", "from": [0], "to": [1]}
RATE = {"probability": 0.25}


def test_shapes_of_a_partition():
    cut = {"kind": "partition", "at": "1s"}
    assert faults({**cut, "groups": [[0]], "bridge": ["London"]}) == [
        (1, -1, "partitioned ((0,),) (1, 3)")
    ]
    assert faults({**cut, "groups": [[0]], "direction": "in"}) == [
        (1, -1, "partitioned ((0,),) in")
    ]
    ring = faults({**cut, "ring": 1, "for": "2s"}, nodes=5)
    assert ring == [(1, -1, "partitioned () 1"), (3, -1, "healed")]


def test_shapes_reach_the_links():
    cut = {"kind": "partition", "at": "1s", "groups": [[0]]}
    for shape, expected in (({"direction": "out"}, []), ({"bridge": [2]}, [2]), ({}, [])):
        _, world = play({**cut, **shape})
        assert sorted(world._links.broadcast(10**12, 0, "committee", 0)[1]) == expected
    _, world = play({"kind": "partition", "at": "1s", "ring": 1}, nodes=6)
    assert sorted(world._links.broadcast(10**12, 0, "committee", 0)[1]) == [1, 5]


def test_a_clog_says_when_it_ends():
    clog = {"kind": "clog", "for": "2s"}
    assert faults({**clog, **PAIR}) == [(1, -1, "clogged (0,) (1,) False 2000000000")]
    everything = (0, 1, 2, 3)
    assert faults({**clog, "at": "1s"}) == [
        (1, -1, f"clogged {everything} {everything} False 2000000000")
    ]
    one_way = {**clog, "at": "1s", "from": ["Tokyo", 1], "to": "primary", "one_way": True}
    assert faults(one_way) == [(1, -1, "clogged (0, 1, 2) (0,) True 2000000000")]


def test_a_clog_holds_messages_back():
    _, world = play({"kind": "clog", "for": "8s", **PAIR}, stop=2)
    assert world._links.send(2 * SECOND, 0, 1, 1)[0] >= 9 * SECOND
    assert world._links.send(2 * SECOND, 0, 2, 1)[0] < 3 * SECOND


def test_duplicate_reorder_and_lose_and_for():
    assert faults({"kind": "duplicate", **PAIR, **RATE, "delay": "5ms", "for": "3s"}) == [
        (1, -1, "disturbed 1 duplicate (0,) (1,) False 250000 5000000"),
        (4, -1, "settled 1"),
    ]
    assert faults({"kind": "reorder", **PAIR, **RATE, "delay": "5ms", "one_way": True}) == [
        (1, -1, "disturbed 1 reorder (0,) (1,) True 250000 5000000")
    ]
    assert faults({"kind": "lose", **PAIR, **RATE}) == [
        (1, -1, "disturbed 1 lose (0,) (1,) False 250000 0")
    ]


def test_a_for_ends_its_own_disturbance_only():
    first = {"kind": "duplicate", **PAIR, "probability": 1, "for": "3s"}
    second = {**first, "at": "2s", "for": "5s"}
    seen, world = play(first, second, stop=5)
    assert [(at, text.split()[:2]) for at, _, text in seen] == [
        (1, ["disturbed", "1"]),
        (2, ["disturbed", "2"]),
        (4, ["settled", "1"]),
    ]
    assert len(world._links.send(5 * SECOND, 0, 1, 1)) == 2
    world.run_until(8 * SECOND)
    assert len(world._links.send(8 * SECOND, 0, 1, 1)) == 1


# ---------------------------------------------------------------- clocks and disks


def test_clock_and_for():
    event = {"kind": "clock", "at": "1s", "node": 1, "behind": "3s", "drift": -0.02, "for": "2s"}
    assert faults(event) == [(1, 1, "clock -3000000000 -20000"), (3, 1, "clock 0 0")]
    ahead = {"kind": "clock", "at": "1s", "node": "primary", "ahead": "3s"}
    seen, world = play(ahead)
    assert seen == [(1, 0, "clock 3000000000 0")]
    assert world.kernel.hosts[0].clock.reading(0) == 3 * SECOND


def test_a_for_does_not_set_right_a_clock_that_was_set_again():
    first = {"kind": "clock", "at": "1s", "node": 1, "ahead": "3s", "for": "2s"}
    again = {**first, "at": "2s", "ahead": "4s", "for": "5s"}
    slow = {"kind": "slow", "at": "2500ms", "node": 1, "factor": 2}
    seen = [row for row in faults(first, again, slow) if "clock" in row[2]]
    assert [at for at, _, _ in seen] == [1, 2, 7]


def test_a_lying_disk_and_for_and_who_has_it_is_a_liar():
    event = {"kind": "lying-disk", "at": "1s", "node": 2, "cache": "50ms", "for": "2s"}
    seen, world = play(event)
    assert seen == [(1, -1, "lying_disk 2 50000000"), (3, -1, "lying_disk 2 0")]
    assert [world.is_honest(node) for node in range(4)] == [True, True, False, True]


LOADED = {"at": "2005ms", "node": 3, "kind": "crash"}


def crashes(*events, seed=1):
    """Return (node, text) of what crashes of busy nodes leave; slow disks, so that some waits."""
    table: dict[str, object] = {
        "name": "t",
        "duration": "10s",
        "network": {
            "validators": 4,
            "latency": "uniform",
            "latency_value": "1ms",
            "disk": {"latency": "20ms", "fsync": "20ms", "throughput": "1GB"},
        },
        "consensus": {"empty_blocks": True, "block_interval": "10ms", "pipeline_depth": 8},
        "workload": {"rate": 100, "accounts": 50},
        "events": list(events),
    }
    world = build_world(decode_table(table, "t"), seed)
    seen = []

    def observe(observation):
        event = observation.event
        if event.name.startswith("fault.writes"):
            seen.append((observation.node, event.name.removeprefix("fault."), event.batches))

    world.subscribe(events=observe)
    world.run_until(10 * SECOND)
    return seen


def test_a_crash_loses_keeps_or_draws_the_writes_that_are_not_acknowledged():
    assert crashes(LOADED) == []
    ((node, what, kept),) = crashes({**LOADED, "unsynced": "kept"})
    assert (node, what) == (3, "writes_kept")
    assert kept > 1
    some = [crashes({**LOADED, "unsynced": "some"}, seed=seed) for seed in range(1, 5)]
    assert len({row[0][2] if row else 0 for row in some}) > 1
    assert some[0] == crashes({**LOADED, "unsynced": "some"})


def test_churn_leaves_writes_too():
    churn = {"kind": "churn", "at": "1s", "rate": 3, "down_time": "100ms", "unsynced": "kept"}
    assert len(crashes(churn)) > 5


def test_a_lying_disk_loses_what_it_acknowledged():
    lying = {"kind": "lying-disk", "at": "1s", "node": 3, "cache": "1s"}
    ((node, what, lost),) = crashes(lying, LOADED)
    assert (node, what) == (3, "writes_lost")
    assert lost > 10


# ---------------------------------------------------------------- churn

CHURN = {"kind": "churn", "at": "2s", "rate": 3, "down_time": "400ms", "for": "6s"}


def test_churn_follows_the_seed():
    first = faults(CHURN, nodes=7)
    assert first == faults(CHURN, nodes=7)
    assert first != faults(CHURN, nodes=7, seed=2)
    assert faults(CHURN, nodes=7, jitter="none") == first


def test_two_churns_draw_for_themselves():
    followers = {**CHURN, "nodes": "followers"}
    both = faults({**CHURN, "nodes": "validators"}, followers, followers=3)
    alone = faults({**CHURN, "nodes": "validators"}, followers=3)
    assert alone == [row for row in both if row[1] < 4]
    assert [row[0] for row in both if row[1] >= 4] != [row[0] for row in alone]


def test_churn_strikes_as_often_as_it_should_within_its_time_and_returns_each():
    event = {"kind": "churn", "at": "10s", "rate": 0.5, "down_time": "1ms", "for": "400s"}
    seen = faults(event, until=500)
    strikes = [row for row in seen if row[2] == "crashed"]
    assert 150 < len(strikes) < 250
    assert all(10 <= at < 410 for at, _, _ in strikes)
    assert set(Counter(node for _, node, _ in strikes)) == {0, 1, 2, 3}
    for (at, node, what), (back, same, then) in zip(seen[::2], seen[1::2], strict=True):
        assert (what, then, same) == ("crashed", "restarted", node)
        assert back == pytest.approx(at + 0.001)


def down_at_once(seen):
    down: set[int] = set()
    most = 0
    for _, node, what in seen:
        (down.add if what == "crashed" else down.discard)(node)
        most = max(most, len(down))
    return most


def test_churn_keeps_to_its_limit_and_its_nodes():
    event = {**CHURN, "rate": 30, "nodes": "followers"}
    assert down_at_once(faults(event, followers=3)) == 3
    limited = faults({**event, "at_most": 2}, followers=3)
    assert down_at_once(limited) == 2
    assert {node for _, node, _ in limited} == {4, 5, 6}


def test_a_node_that_was_brought_back_does_not_count_as_kept_down():
    churn = {**CHURN, "at": "1s", "rate": 50, "down_time": "5s", "for": "4s", "at_most": 1}
    seen = faults(churn, {"kind": "restart", "at": "2s", "node": "all"}, nodes=4)
    assert [what for _, _, what in seen] == ["crashed", "restarted", "crashed", "restarted"]
    assert seen[1][0] == 2
    assert 2 < seen[2][0] < 3
    assert seen[3][0] == pytest.approx(seen[2][0] + 5)


def test_churn_without_for_lasts_until_the_end():
    event = {"kind": "churn", "at": "1s", "rate": 5, "down_time": "100ms"}
    assert max(at for at, _, what in faults(event) if what == "crashed") > 9
