"""Effects that leave as their turn lists them, and those that have to wait."""

from sim.kernel.entries import Durable, Flight, Leaving, Stage
from tests.unit.sim.kernel_worlds import (
    LATENCY,
    Ping,
    Poke,
    Pong,
    Scene,
    compute,
    note,
    persist,
    send,
    work,
)

BEGIN, LATER = 10, 1_000


def halted(*effects, nodes=3, machines=None):
    """Return a scene that has stopped between a turn of node 0 and the leaving of `effects`."""
    script = {(0, Poke): [[note(1), work(LATER), *effects]]}
    scene = Scene(script, nodes=nodes, machines=machines)
    scene.trace.subscribe(events=lambda _: scene.kernel.stop())
    scene.poke(BEGIN)
    return scene.run()


def pending(scene):
    return [entry.__class__ for _, _, _, entry in sorted(scene.kernel.heap)]


def test_a_message_a_batch_and_a_computation_go_as_they_are_listed():
    assert pending(halted(send(1))) == [Flight]
    assert pending(halted(persist())) == [Durable]
    assert pending(halted(compute(1, 5))) == [Stage]


def test_those_of_a_shared_machine_are_asked_for_in_order_of_time():
    assert pending(halted(persist(), machines=(0, 0, 1))) == [Leaving]
    assert pending(halted(compute(1, 5), machines=(0, 0, 1))) == [Leaving]


def test_a_message_waits_for_the_batch_of_its_core_and_later_ones_for_it():
    assert pending(halted(persist("a"), send(1, Ping()))) == [Leaving, Durable]
    assert pending(halted(persist("a"), send(1, Pong()))) == [Durable, Flight]
    behind = halted(persist("a"), send(1, Ping()), send(2, Pong()))
    assert pending(behind) == [Leaving, Leaving, Durable]


def test_a_second_computation_waits_for_its_instant():
    assert pending(halted(compute(1, 5), compute(2, 5))) == [Leaving, Stage]


def test_nothing_leaves_a_node_that_crashes_before():
    script = {(0, Poke): [[work(LATER), send(1), persist(), note(1)]]}
    scene = Scene(script)
    scene.kernel.act(BEGIN + LATER // 2, lambda: scene.kernel.crash(0))
    scene.poke(BEGIN)
    scene.run()
    assert scene.kernel.deliveries == 0
    assert scene.trace.messages == 0
    assert not list(scene.kernel.hosts[0].store.scan("rows"))


def test_consumers_hear_of_traffic_in_order_of_time():
    script = {(0, Poke): [[work(LATER), send(2)]], (1, Poke): [[send(2)]]}
    scene = Scene(script)
    heard = []
    scene.trace.subscribe(traffic=lambda traffic: heard.append((traffic.at_ns, traffic.node)))
    scene.poke(BEGIN, node=0)
    scene.poke(BEGIN + 1, node=1)
    scene.run()
    assert heard == [(BEGIN + 2, 1), (BEGIN + LATER + 1, 0)]
    assert scene.turns(Ping, 2) == [(BEGIN + 2 + LATENCY, 2), (BEGIN + 1 + LATER + LATENCY, 2)]
