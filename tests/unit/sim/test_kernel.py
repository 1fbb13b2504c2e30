"""The contract between cores and their driver, rule by rule, at instants computed by hand.

Node 0 is poked at 100 unless a test says otherwise; latency is 1,000 ns, a unit of work 1 ns, a
sync 500 ns, and a turn takes 1 ns beside its work.
"""

import pytest

from primitives.ids import RequestId, Token
from primitives.machine import (
    CancelTimer,
    Completed,
    Compute,
    Effect,
    Loopback,
    Measured,
    Persisted,
    Serial,
    Started,
    Tasks,
    TimerFired,
)
from sim.hosts.disk import DiskSpec
from sim.kernel.host import CostTable, MissingCost
from tests.unit.sim.kernel_worlds import (
    Answer,
    Ping,
    Poke,
    Pong,
    Scene,
    broadcast,
    compute,
    note,
    persist,
    send,
    timer,
    work,
)

POKE = (0, Poke)


def poked(*effects, after=(), **options):
    """Return a scene after node 0 answered a poke at 100 with these effects."""
    scene = Scene({POKE: [list(effects), *after]}, **options)
    scene.poke(100)
    return scene.run()


# ---------------------------------------------------------------- turns and work


def test_every_node_starts_at_the_beginning():
    assert Scene({}).run().turns(Started) == [(0, 0), (0, 1), (0, 2)]


def test_effects_leave_a_turn_one_nanosecond_after_it_began():
    scene = poked(note(1), send(1), note(2))
    assert scene.noted == [(101, 0, 1), (101, 0, 2)]
    assert scene.turns(Ping) == [(1101, 1)]


def test_work_shifts_the_effects_behind_it_and_not_those_before():
    scene = poked(note(1), work(50), note(2), send(1), work(30), note(3))
    assert scene.noted == [(101, 0, 1), (151, 0, 2), (181, 0, 3)]
    assert scene.turns(Ping) == [(1151, 1)]


def test_work_shifts_the_next_turn():
    scene = Scene({POKE: [[work(50), note(1)], [note(2)], [note(3)]]})
    for at in (100, 120, 130):
        scene.poke(at)
    assert scene.run().turns(Poke) == [(100, 0), (151, 0), (152, 0)]
    assert scene.noted == [(151, 0, 1), (152, 0, 2), (153, 0, 3)]


def test_work_that_rounds_to_nothing_still_leaves_a_turn_of_a_nanosecond():
    scene = Scene({POKE: [[work(1), note(1), work(3), note(2)], []]}, work=400)
    scene.poke(100)
    scene.poke(100)
    assert scene.run().noted == [(101, 0, 1), (102, 0, 2)]
    assert scene.turns(Poke) == [(100, 0), (102, 0)]


def test_a_slow_node_works_longer_from_then_on():
    scene = Scene({POKE: [[work(10), note(1)], [work(10), note(2)], [work(10), note(3)]]})
    scene.kernel.act(150, lambda: scene.kernel.slow(0, 5, 2))
    scene.kernel.act(250, lambda: scene.kernel.slow(0, 1, 1))
    for at in (100, 200, 300):
        scene.poke(at)
    assert scene.run().noted == [(111, 0, 1), (226, 0, 2), (311, 0, 3)]


def test_work_of_an_unknown_kind_names_it():
    with pytest.raises(MissingCost, match="no entry for work kind 'x'"):
        CostTable({"w": 1}).nanoseconds("x", 1)


def test_an_effect_nobody_performs_is_refused():
    class Strange(Effect, frozen=True, gc=False):
        pass

    with pytest.raises(TypeError, match="node 0 asked for an effect nobody performs"):
        poked(Strange())


# ---------------------------------------------------------------- messages


def test_a_broadcast_reaches_all_others_and_tells_its_sender():
    scene = poked(broadcast())
    assert scene.turns(Ping) == [(1101, 1), (1101, 2)]
    assert scene.kernel.deliveries == 2
    assert [event.sender for event in scene.received] == [0, 0]


def test_messages_queue_for_the_downlink_in_the_order_of_their_arrival():
    # A byte takes 10 ns and a message 100, and one to round up.
    script = {POKE: [[send(2)]], (1, Poke): [[send(2, Pong())]]}
    scene = Scene(script, downlink=800_000_000)
    scene.poke(100)
    scene.poke(130, node=1)
    scene.run()
    # Pokes pass their own downlink first: one nanosecond.
    assert scene.turns(Ping) == [(102 + 1000 + 101, 2)]
    assert scene.turns(Pong) == [(102 + 1000 + 101 + 101, 2)]


def test_a_submission_queues_for_the_downlink_behind_messages():
    scene = Scene({POKE: [[send(1)]]}, downlink=800_000_000)
    scene.poke(100)
    scene.poke(1_110, node=1, size=4)
    scene.poke(2_000, node=1, size=4)
    scene.run()
    assert scene.turns(Ping) == [(1_203, 1)]
    assert scene.turns(Poke, 1) == [(1_244, 1), (2_041, 1)]


def test_an_inbox_is_first_in_first_out_across_kinds():
    script = {POKE: [[send(1)]], (1, Poke): [[timer("t", 1_048), work(1_000)], [work(500)]]}
    scene = Scene(script)
    scene.poke(50, node=1)
    scene.poke(100)
    scene.poke(1_049, node=1)
    scene.poke(1_102, node=1)
    scene.run()
    bodies = [(at, type(body)) for at, node, body in scene.log if node == 1 and at]
    assert bodies == [(50, Poke), (1_051, Poke), (1_552, TimerFired), (1_553, Ping), (1_554, Poke)]


def test_sending_to_a_dead_node_loses_the_message():
    scene = Scene({POKE: [[broadcast()]]})
    scene.kernel.act(50, lambda: scene.kernel.crash(1))
    scene.kernel.act(1_102, lambda: scene.kernel.start(1))
    scene.poke(100)
    assert scene.run().turns(Ping) == [(1_101, 2)]


def test_a_message_in_flight_reaches_a_node_that_came_back_meanwhile():
    scene = Scene({POKE: [[send(1)]]})
    scene.kernel.act(500, lambda: scene.kernel.crash(1))
    scene.kernel.act(1_000, lambda: scene.kernel.start(1))
    scene.poke(100)
    assert scene.run().turns(Ping) == [(1_101, 1)]


def test_a_message_in_the_downlink_dies_with_the_node():
    scene = Scene({POKE: [[send(1)]]}, downlink=800_000_000)
    scene.kernel.act(1_150, lambda: scene.kernel.crash(1))
    scene.kernel.act(1_160, lambda: scene.kernel.start(1))
    scene.poke(100)
    assert scene.run().turns(Ping) == []


def test_a_partition_spares_what_is_in_flight():
    scene = Scene({POKE: [[send(1)], [send(1)], [send(1)]]})
    scene.kernel.act(150, lambda: scene.links.partition([[0]]))
    scene.kernel.act(250, scene.links.heal)
    for at in (100, 200, 300):
        scene.poke(at)
    assert scene.run().turns(Ping) == [(1_101, 1), (1_301, 1)]


# ---------------------------------------------------------------- durability


def test_a_persist_holds_back_what_its_core_sends_until_it_is_durable():
    scene = poked(send(1), persist("a"), send(1), broadcast(), Loopback(Poke(9)))
    assert scene.turns(Ping) == [(1_101, 1), (1_601, 1), (1_601, 2), (1_602, 1)]
    assert scene.turns(Persisted) == [(601, 0)]
    assert scene.turns(Poke) == [(100, 0), (602, 0)]


def test_a_persist_holds_back_no_other_core_and_no_timer_work_compute_or_emit():
    scene = poked(
        persist("a"), send(1, Pong()), timer("t", 10), compute(1, 20), work(5), note(1), cores=1
    )
    assert scene.turns(Pong) == [(1_101, 1)]
    assert scene.turns(TimerFired) == [(111, 0)]
    assert scene.turns(Completed) == [(121, 0)]
    assert scene.noted == [(106, 0, 1)]


def test_a_persist_holds_back_later_turns_too():
    scene = Scene({POKE: [[persist("a")], [send(1), send(1, Pong())]]})
    scene.poke(100)
    scene.poke(200)
    scene.run()
    assert scene.turns(Ping) == [(1_601, 1)]
    assert scene.turns(Pong) == [(1_201, 1)]


def test_two_persists_of_one_core_release_their_own():
    scene = poked(persist("a", 1), send(1), persist("a", 2), send(2))
    assert scene.turns(Ping) == [(1_601, 1), (2_101, 2)]


def test_records_are_stored_when_durable_and_the_node_is_told():
    scene = Scene({POKE: [[persist("a", 7, b"v" * 300)]]})
    scene.poke(100)
    store = scene.kernel.hosts[0].store
    scene.run(900)
    assert store.get("rows", b"") is None
    scene.run(901)
    assert store.get("rows", b"") == b"v" * 300
    assert scene.log[-1] == (901, 0, Persisted("a", Token(7)))


def test_nodes_of_one_machine_share_its_disk():
    scene = Scene({POKE: [[persist()]], (1, Poke): [[persist()]]}, machines=(0, 0, 1))
    scene.poke(100)
    scene.poke(100, node=1)
    assert scene.run().turns(Persisted) == [(601, 0), (1_101, 1)]


def test_a_disk_that_takes_no_time_keeps_the_rule():
    disk = DiskSpec(latency_ns=0, fsync_ns=0)
    scene = poked(persist("a", 1), send(1), persist("a", 2), send(2), disk=disk)
    assert scene.turns(Ping) == [(1_101, 1), (1_101, 2)]
    assert scene.turns(Persisted) == [(101, 0), (102, 0)]


# ---------------------------------------------------------------- timers


def test_a_timer_fires_once_after_its_delay():
    assert poked(work(10), timer("t", 50)).turns(TimerFired) == [(161, 0)]


def test_a_timer_that_is_set_again_moves():
    later = Scene({POKE: [[timer("t", 50)], [timer("t", 90)]]})
    earlier = Scene({POKE: [[timer("t", 500)], [timer("t", 20)]]})
    for scene in (later, earlier):
        scene.poke(100)
        scene.poke(120)
        scene.run()
    assert later.turns(TimerFired) == [(211, 0)]
    assert earlier.turns(TimerFired) == [(141, 0)]


def test_a_timer_moved_to_and_fro_fires_once():
    script = {POKE: [[timer("t", d)] for d in (900, 100, 700, 300, 500)]}
    scene = Scene(script)
    for at in range(100, 200, 20):
        scene.poke(at)
    assert scene.run().turns(TimerFired) == [(681, 0)]
    assert not scene.kernel.hosts[0].timers
    assert not scene.kernel.hosts[0].private


def test_a_cancelled_timer_does_not_fire_and_may_be_set_again():
    scene = Scene({POKE: [[timer("t", 50)], [CancelTimer("t")], [timer("t", 60)]]})
    for at in (100, 120, 130):
        scene.poke(at)
    assert scene.run().turns(TimerFired) == [(191, 0)]


def test_cancelling_what_is_not_set_does_nothing():
    assert poked(CancelTimer("t")).turns(TimerFired) == []


def test_timers_have_names_of_their_own():
    scene = poked(timer("t", 50), timer(("t", 1), 30))
    assert [(at, body.timer) for at, _, body in scene.log[4:]] == [(131, ("t", 1)), (151, "t")]


@pytest.mark.parametrize("touch", [CancelTimer("t"), timer("t", 1_000)])
def test_a_firing_overtaken_before_its_turn_is_not_delivered(touch):
    scene = Scene({POKE: [[timer("t", 50), work(100)], [touch]]})
    scene.poke(100)
    scene.poke(110)
    fired = scene.run().turns(TimerFired)
    assert fired == ([] if isinstance(touch, CancelTimer) else [(1_202, 0)])


def test_a_timer_without_delay_fires_in_a_later_turn():
    scene = poked(timer("t", 0), work(10))
    assert scene.turns(TimerFired) == [(111, 0)]


def test_timers_leave_nothing_behind():
    script = {POKE: [[timer(k, 10), CancelTimer(k), timer("same", 10)] for k in range(50)]}
    scene = Scene(script)
    for at in range(100, 600, 10):
        scene.poke(at)
    host = scene.run().kernel.hosts[0]
    assert not host.timers
    assert not host.private
    assert not scene.kernel.heap


# ---------------------------------------------------------------- computations


def test_stages_run_one_after_another_and_the_result_comes_back():
    scene = poked(compute(3, 20, 0, 30))
    assert scene.log[-1] == (151, 0, Completed(RequestId(3), 42))


def test_a_computation_without_stages_is_answered_at_once():
    assert poked(compute(3)).turns(Completed) == [(101, 0)]


def test_turns_go_on_beside_a_computation():
    scene = Scene({POKE: [[compute(1, 500)], [note(1)]]})
    scene.poke(100)
    scene.poke(200)
    assert scene.run().noted == [(201, 0, 1)]
    assert scene.turns(Completed) == [(601, 0)]


def test_nodes_of_one_machine_share_its_cores():
    script = {(node, Poke): [[compute(1, 100)]] for node in range(3)}
    scene = Scene(script, machines=(0, 0, 1))
    for node in range(3):
        scene.poke(100, node=node)
    assert scene.run().turns(Completed) == [(201, 0), (201, 2), (301, 1)]


def test_tasks_spread_over_cores():
    demand = Compute(RequestId(1), (Tasks("w", (30, 30, 30)), Serial("w", 5)), Answer())
    assert poked(demand, cores=2).turns(Completed) == [(101 + 60 + 5, 0)]


class Weighed(Answer):
    """Its result says how many units it took, and it may be asked once."""

    def demand(self, result):
        assert self.result == result
        self.result = None
        return (Serial("w", result),) if result else ()


def test_the_demand_of_a_measured_stage_comes_from_the_result():
    stages = (Serial("w", 5), Measured(), Serial("w", 7))
    demand = Compute(RequestId(1), stages, Weighed(30))
    scene = poked(demand)
    assert scene.turns(Completed) == [(101 + 5 + 30 + 7, 0)]
    (completed,) = [event for _, _, event in scene.log if isinstance(event, Completed)]
    assert completed.result == 30


def test_a_result_that_took_nothing_is_behind_what_arrived_before_it_left():
    answer = [work(20), Compute(RequestId(1), (Measured(),), Weighed(0))]
    scene = Scene({POKE: [answer]})
    scene.poke(100)
    scene.poke(110, number=1)
    scene.run()
    assert scene.turns(Poke)[1:] == [(121, 0)]
    assert scene.turns(Completed) == [(122, 0)]


def test_a_slow_node_computes_longer():
    scene = Scene({POKE: [[compute(1, 100)]]})
    scene.kernel.slow(0, 3, 1)
    scene.poke(100)
    assert scene.run().turns(Completed) == [(401, 0)]
