"""What a crash takes away, what a restart brings back."""

import pytest

from primitives.machine import (
    Completed,
    Loopback,
    Persisted,
    Started,
    TimerFired,
)
from tests.unit.sim.kernel_worlds import (
    Ping,
    Poke,
    Scene,
    compute,
    note,
    persist,
    send,
    timer,
    work,
)

START = (0, Started)
POKE = (0, Poke)


def crashing(script, at, back=None, **options):
    """Return a scene in which node 0 is poked at 100, dies at `at` and comes back at `back`."""
    scene = Scene(script, **options)
    scene.kernel.act(at, lambda: scene.kernel.crash(0))
    if back is not None:
        scene.kernel.act(back, lambda: scene.kernel.start(0))
    scene.poke(100)
    return scene


def test_a_crash_drops_the_inbox():
    scene = crashing({POKE: [[work(100)]]}, at=150, back=160)
    scene.poke(120)
    assert scene.run().turns(Poke) == [(100, 0)]
    assert scene.turns(Started, 0) == [(0, 0), (160, 0)]


def test_a_crash_drops_what_the_running_turn_has_not_let_go():
    effects = [note(1), send(1), work(100), note(2), send(2), timer("t", 1), persist(), compute(1)]
    scene = crashing({POKE: [effects]}, at=150, back=160).run()
    assert scene.noted == [(101, 0, 1)]
    assert scene.turns(Ping) == [(1_101, 1)]
    assert not scene.turns(TimerFired)
    assert not scene.turns(Persisted)
    assert not scene.turns(Completed)


def test_a_crash_drops_timers_computations_and_what_waits_for_durability():
    effects = [timer("t", 200), compute(1, 200), persist(), send(1), Loopback(Poke())]
    scene = crashing({POKE: [effects]}, at=150, back=160).run()
    assert scene.turns(Poke) == [(100, 0)]
    assert not scene.turns(Ping)
    assert not scene.turns(TimerFired)
    assert not scene.turns(Completed)


@pytest.mark.parametrize(("at", "stored"), [(601, {}), (602, {b"": b""})])
def test_a_crash_loses_the_batch_that_is_not_synced_and_a_restart_reads_the_rest(at, stored):
    scene = crashing({POKE: [[persist()]]}, at=at, back=700)
    assert scene.run().stored == stored


def test_a_dead_node_takes_nothing_and_a_restarted_one_is_new():
    script = {POKE: [[timer("t", 100)], [note(7)]], START: [[], [note(8)]]}
    scene = crashing(script, at=150, back=300)
    scene.poke(200)
    scene.poke(400)
    scene.run()
    assert scene.turns(Poke) == [(100, 0), (400, 0)]
    # Each life has its own script, from the beginning.
    assert scene.turns(TimerFired) == [(501, 0)]


def test_a_restarted_node_is_not_busy_with_the_work_of_its_former_life():
    scene = crashing({POKE: [[work(10_000), note(1)]]}, at=150, back=200)
    scene.poke(210)
    assert scene.run().turns(Poke) == [(100, 0), (210, 0)]
    assert scene.noted == [(10_211, 0, 1)]


def test_a_crash_at_the_instant_of_an_event_comes_first():
    assert crashing({}, at=100).run().turns(Poke) == []
    assert crashing({POKE: [[note(1)]]}, at=101).run().noted == []


def test_cores_of_a_dead_node_are_free_for_its_neighbours():
    script = {POKE: [[compute(1, 1_000)]], (1, Poke): [[compute(1, 10)]]}
    scene = crashing(script, at=150, machines=(0, 0, 1))
    scene.poke(200, node=1)
    assert scene.run().turns(Completed) == [(211, 1)]


def test_two_lives_that_wake_at_one_instant_do_not_clash():
    scene = Scene({})
    for _ in range(3):
        scene.kernel.crash(0)
        scene.kernel.start(0)
    assert scene.run().turns(Started) == [(0, 0), (0, 1), (0, 2)]


def test_crash_and_restart_at_one_instant():
    scene = Scene({POKE: [[work(400), note(1)]]})
    for _ in range(2):
        scene.kernel.act(200, lambda: scene.kernel.crash(0))
        scene.kernel.act(200, lambda: scene.kernel.start(0))
    scene.kernel.act(200, lambda: None)
    scene.poke(100)
    scene.poke(150)
    scene.run()
    assert scene.turns(Started, 0) == [(0, 0), (200, 0)]
    assert scene.noted == []
