"""Block access lists go with the blocks: they load links, and who starts from one has got it."""

from collections.abc import Callable, Sequence

import msgspec
import pytest

from consensus.messages import PrePrepare
from node.executors.executor import ParallelExecutor
from node.peer_scores import FULL
from node.trace import BlockExecutedTraced
from primitives.ids import Instant, NodeId
from primitives.machine import Effect, Event, Received
from sim import isolation
from sim.assembly import build_world
from sim.crew import Crew, own_executor
from sim.hosts.clock import Step
from sim.run import run_scenario
from sim.scenario import Scenario, decode_scenario
from sim.trace import Observation, Traffic
from sim.world import World

SCENARIO = """
name = "lists"
duration = "4s"

[network]
validators = 6
cores = 4
latency = "uniform"
latency_value = "5ms"

[consensus]
batch_delay = "200ms"
request_timeout = "3s"
signatures = "real"

[chain]
block_access_list = true

[execution]
scheduler = "all-at-once"

[workload]
kind = "erc20"
accounts = 40
receivers = 4
rate = 60
"""
LIAR = """
[[network.classes]]
name = "liars"
nodes = [0]
liar = "wrong-hint"
"""
END = Instant(4 * 10**9)
ALL_AT_ONCE_NODE = 5
"""An isolated node whose executor is the one of this name (`sim.crew.own_executor`)."""


def scenario(*overrides: str, more: str = "") -> Scenario:
    return decode_scenario(SCENARIO + more, overrides=overrides)


def run(
    played: Scenario, change: Callable[[Step], Step] | None = None
) -> tuple[World, list[BlockExecutedTraced], list[Traffic]]:
    """Return the world after a run, what replicas executed, and the proposals that were sent.

    Args:
        played: is played to its end.
        change: to each replica's turn.
    """
    world = build_world(played, 1)
    executed: list[BlockExecutedTraced] = []
    proposals: list[Traffic] = []

    def watch(observation: Observation) -> None:
        event = observation.event
        if isinstance(event, BlockExecutedTraced) and not event.built:
            executed.append(event)

    def note(sent: Traffic) -> None:
        if sent.kind == "PrePrepare":
            proposals.append(sent)

    world.subscribe_honest(watch)
    world.subscribe(traffic=note)
    if change is not None:
        for host in world.kernel.hosts[1:]:
            world.kernel._step[host.index] = change(world.node(host.index).step)
    world.run_until(END)
    assert world.head.number > 8
    return world, executed, proposals


def test_proposals_grow_by_their_lists_and_links_carry_them() -> None:
    with_lists, _, proposals = run(scenario("execution.scheduler=optimistic"))
    _, _, bare = run(scenario("execution.scheduler=optimistic", "chain.block_access_list=false"))
    heights = range(1, with_lists.head.number + 1)
    chain = with_lists.node(0).parts.ledger
    lists = [with_lists.block(chain.digest(height)).access_list for height in heights]
    assert all(lists)
    assert len(proposals) == pytest.approx(len(bare), abs=2)

    def total(sent: list[Traffic]) -> int:
        return sum(each.bytes for each in sent)

    assert total(proposals) - total(bare) > 0.9 * 5 * sum(map(len, lists))


def test_nobody_executes_twice_who_starts_from_the_list() -> None:
    _, executed, _ = run(scenario())
    _, optimists, _ = run(scenario("execution.scheduler=optimistic"))
    assert executed
    assert sum(each.repeats for each in executed) == 0
    assert sum(each.repeats for each in optimists) > 10


def test_isolated_executors_really_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    made: dict[int, ParallelExecutor] = {}
    listed: list[bool] = []
    true_call = ParallelExecutor.__call__

    def own(number: int, crew: Crew | None = None):
        executor = own_executor(number, crew)
        if isinstance(executor, ParallelExecutor):
            made[number] = executor
        return executor

    def spied(self, execution, transactions, hints):
        if self is made.get(ALL_AT_ONCE_NODE):
            listed.append(bool(hints.access_list))
        true_call(self, execution, transactions, hints)

    monkeypatch.setattr(isolation, "own_executor", own)
    monkeypatch.setattr(ParallelExecutor, "__call__", spied)
    run(scenario("fidelity=isolated"))
    assert len(listed) > 8
    assert all(listed)
    assert made[ALL_AT_ONCE_NODE].rerun == 0


def test_isolated_nodes_make_the_same_run_of_lists_true_or_false() -> None:
    for more in ("", LIAR):
        runs = [
            run_scenario(scenario(f"fidelity={each}", more=more), seed=2)
            for each in ("shared", "isolated")
        ]
        assert runs[0].digest == runs[1].digest


def test_false_lists_cost_time_and_their_sender_its_name() -> None:
    world, paid, _ = run(scenario(more=LIAR))
    calm, due, _ = run(scenario())
    assert world.view == calm.view == 0
    assert sum(each.repeats for each in paid) > 10
    assert sum(each.repeats for each in due) == 0
    for node in range(1, 6):
        assert world.node(node).parts.scores.score(world.now, NodeId(0)) < FULL
        assert calm.node(node).parts.scores.score(calm.now, NodeId(0)) == FULL


def without_lists(step: Step) -> Step:
    """Return a node's turn that hears proposals without what stands beside them."""

    def stepped(now: Instant, event: Event) -> Sequence[Effect]:
        if isinstance(event, Received) and isinstance(event.message, PrePrepare):
            event = Received(event.sender, msgspec.structs.replace(event.message, hint=b""))
        return step(now, event)

    return stepped


def test_a_list_that_is_lost_costs_time_and_nobodys_name() -> None:
    """As where a block came by another way than its proposal."""
    world, executed, _ = run(scenario(), change=without_lists)
    assert sum(each.repeats for each in executed) > 10
    for node in range(1, 6):
        assert world.node(node).parts.scores.score(world.now, NodeId(0)) == FULL
