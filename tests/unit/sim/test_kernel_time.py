"""Time passes in steps, clients act, consumers watch: a run stays the same run."""

import gc
import weakref

from primitives.machine import (
    TimerFired,
)
from tests.unit.sim.kernel_worlds import (
    Ping,
    Poke,
    Pong,
    Scene,
    broadcast,
    note,
    send,
    timer,
    work,
)

POKE = (0, Poke)


def test_time_passes_up_to_and_including_the_instant():
    scene = Scene({POKE: [[work(99), note(1)]]})
    scene.poke(100)
    assert scene.run(99).turns(Poke) == []
    assert scene.kernel.now == 99
    assert scene.run(100).turns(Poke) == [(100, 0)]
    assert scene.run(199).noted == []
    assert scene.run(200).noted == [(200, 0, 1)]


def test_no_turn_begins_before_an_action_that_could_prevent_it():
    # The second message waits while the node works; the crash comes in between.
    script = {POKE: [[send(1), send(1, Pong())]], (1, Ping): [[work(500)]]}
    scene = Scene(script)
    scene.kernel.act(1_300, lambda: scene.kernel.crash(1))
    scene.poke(100)
    assert scene.run().turns(Pong) == []
    assert scene.turns(Ping) == [(1_101, 1)]


def test_a_client_that_answers_a_note_is_served_in_its_turn():
    # The note is seen at 1,150, while a long message is on node 1's downlink until 2,102.
    script = {POKE: [[send(1), work(1_049), note(1)]]}
    seen = []
    for steps in (1, 200):
        scene = Scene(script, downlink=80_000_000)

        def react(observation, kernel=scene.kernel):
            kernel.feed(observation.at_ns, lambda: kernel.deliver(kernel.now, 1, Poke(), 4))

        scene.trace.subscribe(events=react)
        scene.poke(100)
        for step in range(1, steps + 1):
            scene.run(10_000 * step // steps)
        seen.append(scene.turns(Ping, 1) + scene.turns(Poke, 1))
    assert seen[0] == seen[1] == [(2_103, 1), (2_504, 1)]


def test_a_feed_comes_before_all_else_at_its_instant():
    scene = Scene({POKE: [[note(1)], [note(2)]]})
    scene.poke(100, number=1)
    scene.kernel.feed(100, lambda: scene.poke(100, number=2))
    scene.kernel.act(100, lambda: scene.kernel.deliver(100, 0, Poke(3)))
    scene.run()
    assert [body.number for _, _, body in scene.log if isinstance(body, Poke)] == [1, 2, 3]


def test_what_is_delivered_in_the_past_arrives_now():
    scene = Scene({}).run(500)
    scene.poke(100)
    assert scene.run().turns(Poke) == [(500, 0)]


def test_a_consumer_may_stop_the_run():
    scene = Scene({POKE: [[note(1), work(10), note(2)]]})
    scene.trace.subscribe(events=lambda _: scene.kernel.stop())
    scene.poke(100)
    assert scene.run().noted == [(101, 0, 1)]
    assert scene.kernel.now == 101


def busy_scene(steps, deliveries=None):
    script = {
        (node, kind): [
            [work(37 * node), broadcast(Pong()), note(k), timer("t", 1_500 - 90 * k)]
            for k in range(6)
        ]
        for node in range(3)
        for kind in (Poke, Ping, Pong, TimerFired)
    }
    scene = Scene(script, downlink=1_600_000_000)
    if deliveries is not None:
        scene.trace.subscribe(deliveries=deliveries.append)
    for node in range(3):
        scene.poke(100 + node, node=node)
    for step in range(1, steps + 1):
        scene.run(60_000 * step // steps)
    return scene


def test_a_run_in_one_step_or_many_is_the_same_run():
    once, often = busy_scene(1), busy_scene(977)
    assert len(once.noted) > 30
    assert once.noted == often.noted
    assert once.trace.digest() == often.trace.digest()
    assert [r for r in once.log if r[1] == 1] == [r for r in often.log if r[1] == 1]
    assert once.kernel.deliveries == often.kernel.deliveries


def test_watching_deliveries_shows_each_message_at_its_inbox_and_changes_nothing():
    deliveries: list[object] = []
    watched, plain = busy_scene(1, deliveries), busy_scene(1)
    assert watched.trace.digest() == plain.trace.digest()
    assert len(deliveries) == len(watched.received) == watched.kernel.deliveries
    scene = Scene({POKE: [[broadcast()]]}, downlink=800_000_000)
    rows: list[object] = []
    traffic: list[object] = []
    scene.trace.subscribe(
        traffic=lambda t: traffic.append((t.at_ns, t.node, t.kind, t.count, t.bytes)),
        deliveries=lambda d: rows.append((d.at_ns, d.sender, d.receiver, d.kind)),
    )
    scene.kernel.act(50, lambda: scene.kernel.crash(2))
    scene.poke(100)
    scene.run()
    assert rows == [(1_203, 0, 1, "Ping")]
    assert traffic == [(102, 0, "Ping", 2, 20)]
    assert (scene.trace.messages, scene.trace.bytes) == (2, 20)


def abandoned_kernel():
    kernel = Scene({}).run(1_000).kernel
    kernel.act(10**6, lambda: kernel.crash(0))
    kernel.feed(10**6, lambda: kernel.deliver(10**6, 0, Poke()))
    return weakref.ref(kernel)


def test_a_world_with_entries_pending_is_collected():
    kernel = abandoned_kernel()
    gc.collect()
    assert kernel() is None
