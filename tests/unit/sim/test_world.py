"""The world's verbs, what they leave in the trace, and what the world shows."""

import pytest

from primitives.ids import Hash32, NodeId
from sim.driving import DrivenNetwork, drive_network
from sim.trace import Delivery, Traffic
from sim.trace_events import Crashed, Delayed, Healed, Partitioned, Restarted, Slowed
from sim.world import World

MILLISECOND = 1_000_000


def network(**options) -> DrivenNetwork:
    uniform = {"latency": "uniform", "latency_value": "1ms"}
    return drive_network(validators=4, **{**uniform, **options})


def faults(world: World) -> list[tuple[int, int, object]]:
    """Return the list that fills with the faults to come."""
    seen: list[tuple[int, int, object]] = []

    def observe(observation):
        if observation.event.name.startswith("fault."):
            seen.append((observation.at_ns, observation.node, observation.event))

    world.subscribe(events=observe)
    return seen


def test_a_new_world_stands_at_genesis() -> None:
    world = network().world
    genesis = world.environment.genesis_block
    assert (world.now, world.size, world.view, world.primary()) == (0, 4, 0, 0)
    assert world.head is genesis
    assert world.block(genesis.digest) is genesis
    assert all(world.is_live(NodeId(node)) for node in range(4))
    with pytest.raises(KeyError):
        world.block(Hash32(bytes(32)))


def test_crash_and_restart_say_whether_they_did_anything() -> None:
    world = network().world
    seen = faults(world)
    world.run_until(5 * MILLISECOND)
    assert world.crash(2)
    assert not world.crash(2)
    assert not world.is_live(NodeId(2))
    assert world.nodes[2] is None
    with pytest.raises(KeyError, match="node 2 is down"):
        world.node(2)
    world.run_for(MILLISECOND)
    assert world.now == 6 * MILLISECOND
    assert world.restart(2)
    assert not world.restart(2)
    assert world.node(2) is world.nodes[2]
    assert seen == [(5 * MILLISECOND, 2, Crashed()), (6 * MILLISECOND, 2, Restarted())]


def test_verbs_on_the_network_are_traced_with_what_they_changed() -> None:
    world = network().world
    seen = faults(world)
    world.run_until(MILLISECOND)
    world.partition([[0, 1], [3]])
    world.heal()
    world.set_latency([1, 2], 500)
    world.slow(3, 2.5)
    world.slow(3, 1.0)
    assert seen == [
        (MILLISECOND, -1, Partitioned(((0, 1), (3,)))),
        (MILLISECOND, -1, Healed()),
        (MILLISECOND, -1, Delayed(500, (1, 2))),
        (MILLISECOND, 3, Slowed(250)),
        (MILLISECOND, 3, Slowed(100)),
    ]


def test_verbs_change_the_run() -> None:
    def digest(act) -> str:
        net = network(load=50.0, seed=3)
        net.world.trace.event = lambda *_: None  # type: ignore[method-assign]
        act(net.world)
        del net.world.trace.event
        net.run_until("600ms")
        return net.world.trace.digest()

    acts = [
        lambda world: None,
        lambda world: world.slow(1, 3.0),
        lambda world: world.set_latency([1], MILLISECOND),
        lambda world: world.partition([[1]]),
        lambda world: world.crash(1),
    ]
    assert len({digest(act) for act in acts}) == len(acts)
    assert digest(acts[0]) == digest(lambda world: (world.partition([[1]]), world.heal()))


def test_a_node_made_very_fast_still_works_for_its_living() -> None:
    world = network().world
    world.slow(1, 0.0001)
    costs = world.kernel.costs[1]
    assert max(costs.values()) > 0
    assert dict(costs) == {kind: ps // 1000 for kind, ps in world.kernel.costs[0].items()}


def test_a_submission_reaches_a_running_node_only() -> None:
    net = network()
    submitted = []

    def observe(observation):
        if observation.event.name == "txpool.submitted":
            submitted.append((observation.node, observation.event.hash))

    net.world.subscribe(events=observe)
    net.crash(1)
    lost = net.transfer(0, 1, node=1)
    taken = net.transfer(2, 1, node=2)
    net.run_until("1s")
    assert submitted == [(2, taken)]
    net.expect(committed=[taken])
    assert lost not in net.committed


def test_head_view_and_certificates_follow_the_chain() -> None:
    net = network()
    world = net.world
    fee = world.base_fee()
    sent = net.transfer(0, 1)
    net.run_until("1s")
    assert world.head.number == 1
    assert [t.hash for t in world.head.transactions] == [sent]
    assert world.block(world.head.digest) is world.head
    assert world.base_fee() < fee
    assert world.certificate(NodeId(3), 1).digest == world.head.digest
    with pytest.raises(KeyError):
        world.certificate(NodeId(3), 2)
    world.crash(3)
    with pytest.raises(KeyError):
        world.certificate(NodeId(3), 1)


def test_the_primary_is_that_of_the_highest_view_entered() -> None:
    net = network(consensus={"request_timeout": "200ms", "view_change_timeout": "200ms"})
    net.crash("primary")
    sent = net.transfer(0, 1, node=2)
    net.run_until("3s")
    assert net.world.view == 1
    assert net.world.primary() == 1
    net.expect(committed=[sent])


def test_consumers_of_all_three_levels() -> None:
    net = network()
    traffic: list[Traffic] = []
    deliveries: list[Delivery] = []
    net.world.subscribe(traffic=traffic.append, deliveries=deliveries.append)
    net.transfer(0, 1)
    net.run_until("1s")
    assert net.world.trace.messages == sum(row.count for row in traffic)
    assert net.world.trace.bytes == sum(row.bytes for row in traffic)
    assert len(deliveries) == net.world.trace.messages == net.world.kernel.deliveries
    assert {row.kind for row in deliveries} >= {"PrePrepare", "Prepare", "Commit"}
    assert [row.at_ns for row in deliveries] == sorted(row.at_ns for row in deliveries)
