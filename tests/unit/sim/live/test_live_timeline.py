"""The timeline of live nodes against that of virtual time: the same, at the same instants."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from network.conditions import PLAIN, Conditions
from primitives.ids import Duration
from sim.assembly import build_world
from sim.live.cuts import cuts
from sim.live.timeline import LiveTimeline
from sim.live.ways import LiveLinks
from sim.scenario import Partition, Scenario, decode_table

SECOND = 1_000_000_000
NODES = 5
KINDS = {"crashed": "crash", "restarted": "restart", "slowed": "slow", "healed": "heal"}


class Players:
    """Nodes that only remember what was done to them."""

    def __init__(self) -> None:
        self.now = 0
        self.done: list[tuple[int, str, int | None, Any]] = []
        self.up = [True] * NODES
        self.started = [1] * NODES
        self.stopped = [False] * NODES
        self.links = LiveLinks(NODES)

    def note(self, what, node=None, detail=None):
        if what == "links":
            detail = [self.links.orders(sender) for sender in range(NODES)]
        self.done.append((self.now, what, node, detail))

    def primary(self) -> int:
        return 0

    def lives(self, node):
        return self.started[node]

    def is_up(self, node):
        return self.up[node]

    async def crash(self, node):
        if not self.up[node]:
            return False
        self.up[node] = self.stopped[node] = False
        self.note("crash", node)
        return True

    async def restart(self, node):
        if self.up[node]:
            return False
        self.up[node] = True
        self.started[node] += 1
        self.note("restart", node)
        return True

    async def pause(self, node):
        if not self.up[node] or self.stopped[node]:
            return False
        self.stopped[node] = True
        self.note("pause", node)
        return True

    async def resume(self, node):
        if not self.stopped[node]:
            return False
        self.stopped[node] = False
        self.note("resume", node)
        return True

    async def slow(self, node, factor):
        if not self.up[node]:
            return False
        self.note("slow", node, factor)
        return True

    async def cut(self, shut_out):
        self.note("cut", None, shut_out)

    async def heal(self):
        self.note("heal")

    async def delay(self, nodes, extra_ns):
        self.links.delay(nodes, extra_ns)
        self.note("links")

    async def disturb(self, disturbance):
        self.links.disturb(disturbance)
        self.note("links")

    async def settle(self, disturbance):
        self.links.settle(disturbance)
        self.note("links")

    async def clog(self, ways):
        self.links.clog(ways)
        self.note("links")

    async def unclog(self, ways):
        self.links.unclog(ways)
        self.note("links")


def scenario(*events, until=10) -> Scenario:
    table: dict[str, object] = {
        "name": "t",
        "duration": f"{until}s",
        "network": {"validators": NODES},
        "events": list(events),
    }
    return decode_table(table, "t")


def play(made: Scenario, seed: int = 1) -> Players:
    players = Players()

    async def run():
        timeline = LiveTimeline(made, seed, players)
        while (at := timeline.next_at) is not None and at <= made.duration:
            players.now = at
            await timeline.run_due(at)

    asyncio.run(run())
    return players


def done(*events, **options):
    return [
        (at / SECOND, what, node) for at, what, node, _ in play(scenario(*events, **options)).done
    ]


def virtual(made: Scenario, seed: int = 1) -> list[tuple[int, str, int | None]]:
    """Return the crashes, restarts, heals and cuts of virtual time."""
    seen = []

    def observe(observation):
        name = observation.event.name.removeprefix("fault.")
        node = None if observation.node < 0 else observation.node
        if name in ("crashed", "restarted", "healed", "partitioned"):
            seen.append((observation.at_ns, {"partitioned": "cut"}.get(name) or KINDS[name], node))

    with build_world(made, seed, with_clients=False) as world:
        world.subscribe(events=observe)
        world.run_until(made.duration)
    return seen


def live(made: Scenario, seed: int = 1) -> list[tuple[int, str, int | None]]:
    told = ("crash", "restart", "heal", "cut")
    return [(at, what, node) for at, what, node, _ in play(made, seed).done if what in told]


def event(kind, at_ms, **fields):
    return {"kind": kind, "at": f"{at_ms}ms", **fields}


SPAN = st.integers(1, 4000).map(lambda ms: f"{ms}ms")
NODE = st.integers(0, NODES - 1)
EVENTS = st.one_of(
    st.builds(lambda at, n: event("crash", at, node=n), st.integers(0, 5000), NODE),
    st.builds(
        lambda at, n, d: event("crash", at, node=n, **{"for": d}), st.integers(0, 5000), NODE, SPAN
    ),
    st.builds(lambda at, n: event("restart", at, node=n), st.integers(0, 5000), NODE),
    st.builds(lambda at: event("restart", at, node="all"), st.integers(0, 5000)),
    st.builds(
        lambda at, n, d: event("partition", at, groups=[[n]], **{"for": d}),
        st.integers(0, 5000),
        NODE,
        SPAN,
    ),
    st.builds(lambda at, n: event("partition", at, groups=[[n]]), st.integers(0, 5000), NODE),
    st.builds(lambda at: event("heal", at), st.integers(0, 5000)),
    st.builds(
        lambda at, d, down, most: event(
            "churn", at, rate=3, down_time=down, at_most=most, **{"for": d}
        ),
        st.integers(0, 5000),
        SPAN,
        SPAN,
        st.sampled_from([1, 2, NODES]),
    ),
)


@settings(max_examples=20)
@given(st.lists(EVENTS, max_size=6), st.integers(0, 5))
def test_the_same_happens_in_both_worlds(events, seed):
    # So that a restart makes sense wherever it stands.
    first = [event("crash", 0, node="primary")]
    made = scenario(*first, *events)
    assert live(made, seed) == virtual(made, seed)


def test_an_end_takes_back_only_what_its_event_did():
    assert done(
        event("pause", 1000, node=1, **{"for": "4s"}),
        event("crash", 2000, node=1, **{"for": "1s"}),
        event("pause", 4000, node=1, **{"for": "3s"}),
    ) == [(1, "pause", 1), (2, "crash", 1), (3, "restart", 1), (4, "pause", 1), (7, "resume", 1)]


def test_a_crash_returns_nobody_whom_another_crash_keeps_down():
    told = done(
        event("crash", 1000, node=1, **{"for": "4s"}),
        event("restart", 2000, node=1),
        event("crash", 3000, node=1),
    )
    assert told == [(1, "crash", 1), (2, "restart", 1), (3, "crash", 1)]


def test_of_two_slownesses_the_later_one_stands():
    made = scenario(
        event("slow", 1000, node=2, factor=4, **{"for": "2s"}),
        event("slow", 2000, node=2, factor=9, **{"for": "3s"}),
    )
    told = [(at / SECOND, factor) for at, _, _, factor in play(made).done]
    assert told == [(1, 4.0), (2, 9.0), (5, 1.0)]


def test_the_primary_is_whoever_it_is_then():
    assert done(event("crash", 1000, node="primary")) == [(1, "crash", 0)]


def test_a_cut_says_whom_to_shut_out():
    made = scenario(event("partition", 1000, groups=[[0, 1]]))
    ((_, _, _, shut_out),) = play(made).done
    assert shut_out == cuts(Partition(Duration(0), groups=((0, 1),)), made.network)


@pytest.mark.parametrize("kind", ["pause", "slow"])
def test_nothing_is_taken_back_from_a_node_that_began_anew(kind):
    fields = {"factor": 4} if kind == "slow" else {}
    told = done(
        event(kind, 1000, node=1, **fields, **{"for": "5s"}),
        event("crash", 2000, node=1, **{"for": "1s"}),
    )
    assert [what for _, what, _ in told] == [kind, "crash", "restart"]


def links_of(*events) -> list[tuple[float, Conditions]]:
    """Return what happens to messages from node 0 to node 1, and from when on."""
    found = []
    for at, what, _, orders in play(scenario(*events)).done:
        if what == "links":
            (conditions,) = [c for nodes, c in orders[0] if 1 in nodes] or [PLAIN]
            found.append((at / SECOND, conditions))
    return found


def test_latency_is_added_at_both_ends_and_taken_back_by_its_own_end_only():
    ms = 1_000_000
    assert links_of(
        event("latency", 1000, extra="5ms", **{"for": "2s"}),
        event("latency", 2000, extra="30ms", **{"for": "3s"}),
    ) == [
        (1, Conditions(latency_ns=10 * ms)),
        (2, Conditions(latency_ns=60 * ms)),
        (5, PLAIN),
    ]


def test_of_two_clogs_on_a_link_the_longer_one_holds():
    assert links_of(
        event("clog", 1000, **{"for": "3s", "from": [0], "to": [1], "one_way": True}),
        event("clog", 2000, **{"for": "5s"}),
        event("clog", 3000, **{"for": "6s", "from": [1], "to": [0], "one_way": True}),
    ) == [(at, Conditions(clogged=at < 7)) for at in (1, 2, 3, 4, 7, 9)]


def test_of_two_faults_of_a_kind_the_later_one_stands_until_its_end():
    told = links_of(
        event("lose", 1000, probability=0.5, **{"for": "4s"}),
        event("lose", 2000, probability=0.25, **{"for": "1s", "from": [0], "to": "all"}),
        event("duplicate", 2500, probability=1, delay="7ns", **{"from": "primary", "to": [1]}),
        event("reorder", 4000, probability=0.125, delay="9ns", **{"for": "2s"}),
    )
    assert [(at, c.loss, c.duplicate, c.reorder) for at, c in told] == [
        (1, 0.5, 0, 0),
        (2, 0.25, 0, 0),
        (2.5, 0.25, 1, 0),
        (3, 0.5, 1, 0),
        (4, 0.5, 1, 0.125),
        (5, 0, 1, 0.125),
        (6, 0, 1, 0),
    ]
    assert (told[-2][1].duplicate_ns, told[-2][1].reorder_ns) == (7, 9)
