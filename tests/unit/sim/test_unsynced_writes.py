"""What a crash leaves of writes: unsynced ones that had reached the disk, and those of a liar."""

import pytest

from primitives.machine import Persisted, Record
from sim.hosts.disk import Disk, DiskSpec
from sim.hosts.medium import Medium
from sim.hosts.volatile import LyingDisk, VolatileStore
from storage.memory import MemoryStore
from tests.unit.sim.kernel_worlds import Ping, Poke, Scene, persist, send

POKE = (0, Poke)
BATCHES = [persist(token=k, value=b"%d" % k) for k in (1, 2, 3)]
"""Handed over at 101; durable about 500 ns one after another."""


def crashed(reached, at=700, script=None):
    """Return a scene in which node 0 writes three batches, dies at `at` and returns at 5,000."""
    scene = Scene(script or {POKE: [BATCHES]})
    kept = []
    scene.kernel.act(at, lambda: kept.append(scene.kernel.crash(0, reached)))
    scene.kernel.act(5_000, lambda: scene.kernel.start(0))
    scene.poke(100)
    return scene.run(), kept[0]


@pytest.mark.parametrize(
    ("count", "stored"), [(0, {b"": b"1"}), (1, {b"": b"2"}), (2, {b"": b"3"})]
)
def test_the_first_batches_that_were_not_acknowledged_may_be_there(count, stored):
    told = []

    def reached(batches):
        told.append(batches)
        return count

    scene, kept = crashed(reached)
    assert told == [2]
    assert kept == count
    assert scene.stored == stored
    # Nobody is told of them.
    assert scene.turns(Persisted) == [(602, 0)]


def test_a_batch_that_its_turn_has_not_let_go_is_no_candidate():
    told = []

    def reached(batches):
        told.append(batches)
        return 0

    for at in (101, 102, 3_000):
        crashed(reached, at)
    assert told == [0, 3, 0]


def test_batches_of_an_earlier_life_and_of_others_do_not_count():
    told = []
    scene = Scene({POKE: [[persist()]], (1, Poke): [[persist()]]})
    kernel = scene.kernel

    def reached(batches):
        told.append(batches)
        return batches

    kernel.act(150, lambda: kernel.crash(0))
    kernel.act(160, lambda: kernel.start(0))
    kernel.act(250, lambda: kernel.crash(0, reached))
    scene.poke(100)
    scene.poke(100, node=1)
    scene.poke(200)
    scene.run()
    assert told == [1]


# ---------------------------------------------------------------- a disk that lies


def row(key: bytes, value: bytes | None) -> Record:
    return Record("rows", key, value)


def test_a_liar_acknowledges_what_it_has_only_heard_of() -> None:
    honest = Disk(DiskSpec(latency_ns=100, fsync_ns=1_000, bytes_per_second=1_000_000_000))
    first = honest.write(0, (row(b"k", bytes(39)),))
    liar = LyingDisk(honest, honest.free_at)
    # Nothing is acknowledged before what came before; then latency is all.
    assert liar.write(10, (row(b"k", b""),)) == first == 1_140
    assert liar.write(2_000, (row(b"k", b""),)) == 2_100
    assert honest.syncs == 3


def test_a_crash_takes_the_last_writes_back() -> None:
    rows, clock = MemoryStore(), [0]
    store = VolatileStore(rows, 100, lambda: clock[0])
    for at, batch in (
        (0, (row(b"a", b"old"), row(b"b", b"old"))),
        (150, (row(b"a", b"new"), row(b"c", b"new"))),
        (200, (row(b"a", b"newer"), row(b"b", None))),
    ):
        clock[0] = at
        store.write(batch)
    assert list(store.scan("rows")) == [(b"a", b"newer"), (b"c", b"new")]
    clock[0] = 249
    assert store.lose() == 2
    assert dict(rows.scan("rows")) == {b"a": b"old", b"b": b"old"}
    assert store.get("rows", b"a") == b"old"
    assert store.lose() == 0


def test_what_has_left_the_cache_stays() -> None:
    rows, clock = MemoryStore(), [0]
    store = VolatileStore(rows, 100, lambda: clock[0])
    for at in range(0, 1_000, 10):
        clock[0] = at
        store.write((row(b"k", b"%d" % at),))
    assert store.lose() == 10
    assert rows.get("rows", b"k") == b"890"


def test_rows_that_a_batch_writes_twice_come_back_as_they_were() -> None:
    rows = MemoryStore()
    rows.write((row(b"k", b"first"),))
    store = VolatileStore(rows, 100, lambda: 5)
    store.write((row(b"k", b"second"), row(b"k", b"third"), row(b"l", b"x")))
    store.lose()
    assert dict(rows.scan("rows")) == {b"k": b"first"}


def test_rows_that_have_rotted_can_be_overwritten_on_a_lying_disk() -> None:
    medium = Medium(MemoryStore())
    medium.write((row(b"k", b"first"),))
    medium.rot(range, None)
    store = VolatileStore(medium, 100, lambda: 5)
    store.write((row(b"k", b"second"),))
    assert store.get("rows", b"k") == b"second"
    assert store.lose() == 1
    assert medium.peek("rows", b"k") == b"first"


def lying(until=None, at=700):
    """Return a scene whose node 0 has a lying disk from 50 on and dies at `at`."""
    scene = Scene({POKE: [[*BATCHES, send(1)]]})
    kernel = scene.kernel
    host = kernel.hosts[0]
    kernel.act(50, lambda: host.lie_about_writes(10_000, lambda: kernel.now))
    if until is not None:
        kernel.act(until, host.be_honest_about_writes)
    lost = []
    kernel.act(at, lambda: lost.append(kernel.crash(0)))
    kernel.act(5_000, lambda: kernel.start(0))
    scene.poke(100)
    return scene.run(), lost[0]


def test_with_a_lying_disk_a_vote_leaves_early_and_is_forgotten():
    scene, lost = lying()
    assert lost == -3
    assert scene.stored == {}
    # Three syncs of 500 ns would have held it back until 1,605.
    assert scene.turns(Ping) == [(1_201, 1)]


def test_a_disk_that_no_longer_lies_has_synced_everything():
    scene, lost = lying(until=600)
    assert lost == 0
    assert scene.stored == {b"": b"3"}
    assert isinstance(scene.kernel.hosts[0].disk, Disk)
    assert isinstance(scene.kernel.hosts[0].store, MemoryStore)
