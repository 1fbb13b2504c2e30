"""Nodes that their disk stops: a batch that is refused, and damage that is read."""

import pytest

from primitives.ids import RequestId
from primitives.machine import Completed, Compute, Persisted, Record, Serial
from sim.hosts.medium import Medium
from sim.hosts.space import Space
from sim.trace_events import Crashed, DiskFull, StoreDamaged
from storage.memory import MemoryStore
from storage.store import DamagedStore
from tests.unit.sim.kernel_worlds import Answer, Ping, Poke, Pong, Scene, persist, send

POKE = (0, Poke)


def limited(script, capacity, **changes):
    """Return a scene whose node 0 has a disk of so many bytes."""
    scene = Scene(script, media={0: Medium(MemoryStore(), None, Space(capacity))}, **changes)
    scene.kernel.trace.subscribe(events=scene.seen.append)
    return scene


def said(scene, *kinds):
    return [(o.at_ns, o.node, o.event) for o in scene.seen if isinstance(o.event, kinds)]


def test_a_full_disk_refuses_a_batch_and_its_node_stops():
    first, second = persist(token=1, value=bytes(60)), persist(token=2, value=bytes(60))
    scene = limited({POKE: [[first, send(1), second, send(2)]]}, 100)
    scene.poke(100)
    scene.run()
    # The first is durable at 101 + 560; what waits behind the second never leaves.
    assert scene.turns(Ping) == [(1_661, 1)]
    assert said(scene, DiskFull, Crashed) == [(761, 0, DiskFull(1)), (761, 0, Crashed())]
    assert dict(scene.kernel.hosts[0].store.scan("rows")) == {b"": bytes(60)}
    assert scene.kernel.hosts[0].machine is None
    assert scene.kernel.hosts[0].filled


def test_nothing_is_written_behind_a_batch_that_was_refused():
    scene = limited({POKE: [[persist(token=1, value=bytes(200)), persist("b", 2)]]}, 100)
    scene.poke(100)
    scene.run()
    assert list(scene.kernel.hosts[0].store.scan("rows")) == []
    assert scene.turns(Persisted) == []


def test_a_node_goes_on_once_there_is_space():
    scene = limited({POKE: [[persist(value=bytes(200))]]}, 100)
    scene.kernel.act(3_000, lambda: scene.kernel.hosts[0].medium.space.limit(None))
    scene.kernel.act(3_000, lambda: scene.kernel.start(0))
    scene.poke(100)
    scene.poke(4_000)
    scene.run()
    assert scene.stored == {}
    assert not scene.kernel.hosts[0].filled
    assert dict(scene.kernel.hosts[0].store.scan("rows")) == {b"": bytes(200)}


def test_a_crash_gives_back_the_room_of_batches_under_way():
    scene = limited({POKE: [[persist(token=1, value=bytes(90))]] * 2}, 100)
    scene.kernel.act(300, lambda: scene.kernel.crash(0))
    scene.kernel.act(400, lambda: scene.kernel.start(0))
    scene.poke(100)
    scene.poke(500)
    scene.run()
    assert said(scene, DiskFull) == []
    assert scene.kernel.hosts[0].medium.space.used == 90


def test_room_is_what_all_nodes_of_a_machine_leave_over():
    space = Space(100)
    media = {node: Medium(MemoryStore(), None, space) for node in (0, 1)}
    script = {(node, Poke): [[persist(value=bytes(60))]] for node in (0, 1)}
    scene = Scene(script, machines=[0, 0, 1], media=media)
    scene.poke(100)
    scene.poke(200, node=1)
    scene.run()
    assert [host.filled for host in scene.kernel.hosts] == [False, True, False]


class Damaged(Answer):
    def run(self):
        raise DamagedStore("rows/6b", "what was written", "a flipped bit")


@pytest.mark.parametrize("stages", [(), (Serial("w", 50),)])
def test_damage_that_a_computation_reads_stops_its_node(stages):
    script = {POKE: [[Compute(RequestId(1), stages, Damaged()), persist(token=1)]]}
    scene = limited(script, None)
    scene.poke(100)
    scene.run()
    assert scene.turns(Completed) == []
    told = said(scene, StoreDamaged, Crashed)
    assert [event for _, _, event in told] == [StoreDamaged("rows/6b"), Crashed()]


class Reader:
    """A machine that reads a row in each turn."""

    def __init__(self, store):
        self.store = store

    def step(self, now, event):
        self.store.get("rows", b"k")
        return []


def test_damage_that_a_turn_reads_stops_its_node():
    medium = Medium(MemoryStore())
    medium.write([Record("rows", b"k", b"v")])
    scene = Scene({}, media={0: medium})
    seen = []
    scene.kernel.trace.subscribe(events=lambda o: seen.append((o.at_ns, o.node, o.event)))
    scene.kernel._factory = lambda _node, store: Reader(store)
    scene.kernel.act(10, lambda: scene.kernel.crash(0))
    scene.kernel.act(20, lambda: scene.kernel.start(0))
    scene.kernel.act(500, lambda: medium.rot(range, None))
    scene.poke(100)
    scene.poke(600)
    scene.run()
    assert seen == [(601, 0, StoreDamaged("rows/6b")), (601, 0, Crashed())]


def test_other_cores_of_a_node_go_on_until_its_disk_answers():
    effects = [persist(token=1, value=bytes(200)), send(1, Pong())]
    scene = limited({POKE: [effects]}, 100)
    scene.poke(100)
    scene.run()
    # The disk answers at 201; the message of another core left at 101.
    assert scene.turns(Pong) == [(1_101, 1)]
